// SPDX-License-Identifier: MIT
/*
 * image_info.c - what an image says of itself, for programs that ask
 */
#include <string.h>

#include "image.h"

static float to_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static int no_such(const struct fxq_image *image, const char *what, uint32_t i,
		   uint64_t n)
{
	return fxq_fail(-ENOENT, "%s has no %s %u; it has %llu of them",
			image->file, what, i, (unsigned long long)n);
}

FXQ_PUBLIC void fxq_image_info(const struct fxq_image *image,
			       struct fxq_image_info *ret)
{
	const struct fxq_image_header *h = image->header;

	*ret = (struct fxq_image_info){
		.name = image_string(image, h->name),
		.producer = image_string(image, h->producer),
		.contract = image->contract,
		.training = h->training,
		.quantize_rule = h->quantize_rule,
		.n_inputs = h->n_inputs,
		.n_outputs = h->n_outputs,
		.n_tensors = image->n[SECTION_TENSORS],
		.n_steps = image->n[SECTION_STEPS],
		.n_tags = image->n[SECTION_TAGS],
		.n_preprocess = image->n[SECTION_PREPROCESS],
		.n_self = h->n_self,
		.macs_device = h->macs_device,
		.macs_cpu = h->macs_cpu,
		.mx_bound = h->mx_bound,
		.file_bytes = image->size,
		.weight_bytes = image->n[SECTION_WEIGHTS],
		.const_bytes = image->n[SECTION_CONSTS],
	};
	for (uint64_t i = 0; i < image->n[SECTION_STEPS]; i++)
		ret->cycles += image->steps[i].cycles;
}

FXQ_PUBLIC int fxq_image_tensor_info(const struct fxq_image *image, uint32_t i,
				     struct fxq_tensor_info *ret)
{
	if (i >= image->n[SECTION_TENSORS])
		return no_such(image, "tensor", i, image->n[SECTION_TENSORS]);
	*ret = (struct fxq_tensor_info){
		.name = image_string(image, image->tensors[i].name),
		.index = i,
		.flags = image->tensors[i].flags,
		.type = image_type(image, i),
		.bytes = image->tensors[i].bytes,
	};
	return 0;
}

FXQ_PUBLIC int fxq_image_input_info(const struct fxq_image *image, uint32_t i,
				    struct fxq_tensor_info *ret)
{
	const struct fxq_image_header *h = image->header;

	if (i >= h->n_inputs)
		return no_such(image, "input", i, h->n_inputs);
	return fxq_image_tensor_info(image, image->args[h->first_input + i],
				     ret);
}

FXQ_PUBLIC int fxq_image_output_info(const struct fxq_image *image, uint32_t i,
				     struct fxq_tensor_info *ret)
{
	const struct fxq_image_header *h = image->header;

	if (i >= h->n_outputs)
		return no_such(image, "output", i, h->n_outputs);
	return fxq_image_tensor_info(image, image->args[h->first_output + i],
				     ret);
}

FXQ_PUBLIC int fxq_image_step_info(const struct fxq_image *image, uint32_t i,
				   struct fxq_step_info *ret)
{
	const struct fxq_image_step *s;

	if (i >= image->n[SECTION_STEPS])
		return no_such(image, "step", i, image->n[SECTION_STEPS]);
	s = &image->steps[i];
	*ret = (struct fxq_step_info){
		.kind = s->kind,
		.name = image_string(image, s->name),
		.layer = image_string(image, s->layer),
		.reason = image_string(image, s->reason),
		.in = image->args + s->first_in,
		.out = image->args + s->first_out,
		.n_in = s->n_in,
		.n_out = s->n_out,
		.attrs = image->decoded + s->first_attr,
		.n_attrs = s->n_attrs,
		.is_method = s->is_method,
		.stream = image->stream[i],
		.n_descs = s->n_descs,
		.bindings = image->bindings + s->first_binding,
		.n_bindings = s->n_bindings,
		.scratch_bytes = s->scratch_bytes,
		.cycles = s->cycles,
	};
	return 0;
}

FXQ_PUBLIC int fxq_image_tag_info(const struct fxq_image *image, uint32_t tag,
				  struct fxq_tag_info *ret)
{
	if (tag >= image->n[SECTION_TAGS])
		return no_such(image, "tag", tag, image->n[SECTION_TAGS]);
	*ret = (struct fxq_tag_info){
		.layer = image_string(image, image->tags[tag].layer),
		.op = image_string(image, image->tags[tag].op),
		.macs = image->tags[tag].macs,
	};
	return 0;
}

FXQ_PUBLIC int fxq_image_preprocess_info(const struct fxq_image *image,
					 uint32_t i,
					 struct fxq_preprocess_info *ret)
{
	const struct fxq_image_preprocess *p;

	if (i >= image->n[SECTION_PREPROCESS])
		return no_such(image, "preprocessing", i,
			       image->n[SECTION_PREPROCESS]);
	p = &image->preprocess[i];
	*ret = (struct fxq_preprocess_info){
		.input = p->input,
		.order = p->order,
		.nhwc = p->nhwc,
		.width = p->width,
		.height = p->height,
		.channels = p->channels,
	};
	for (int c = 0; c < 4; c++) {
		ret->mean[c] = to_float(p->mean[c]);
		ret->std[c] = to_float(p->std[c]);
	}
	return 0;
}

FXQ_PUBLIC const struct fxq_attr *fxq_image_self(const struct fxq_image *image)
{
	return image->decoded + image->header->first_self;
}
