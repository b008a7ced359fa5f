// SPDX-License-Identifier: MIT
/*
 * image_steps.c - how the steps of an image hang together
 *
 * Steps run in order, and a tensor is written by one of them: what a step
 * reads is a constant, an input of the network, or the result of an earlier
 * step. One walk over the steps with a bit for each tensor proves it.
 */
#include <stdlib.h>

#include "image.h"

/*
 * More than any network needs, few enough that a small file cannot make the
 * walk long by naming the same records from many steps.
 */
#define STEP_TENSORS_MAX	1024
#define STEP_ATTRS_MAX		256
#define STEP_BINDINGS_MAX	256

/* What the walk knows: which tensors have a value by now. */
struct walk {
	const struct fxq_image *image;
	uint8_t *defined;
};

/* Is [first, first + n) inside section @s? */
static int check_range(const struct fxq_image *image, const char *who,
		       uint32_t i, const char *what, enum image_section s,
		       uint64_t first, uint64_t n)
{
	if (first + n <= image->n[s])
		return 0;
	return image_bad(image,
			 "%s[%u] has %llu %s at %llu, past the end of %s with %llu records",
			 who, i, (unsigned long long)n, what,
			 (unsigned long long)first, image_section_name(s),
			 (unsigned long long)image->n[s]);
}

static int check_limit(const struct fxq_image *image, uint32_t i,
		       const char *what, uint32_t n, uint32_t max)
{
	if (n <= max)
		return 0;
	return image_bad(image, "%s[%u] has %u %s, more than %u",
			 FXQ_SECTION_STEPS, i, n, what, max);
}

static int check_ranges(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_step *s = &image->steps[i];
	const struct {
		const char *what;
		enum image_section section;
		uint32_t first, n, max;
	} ranges[] = {
		{ "inputs", SECTION_ARGS, s->first_in, s->n_in,
		  STEP_TENSORS_MAX },
		{ "outputs", SECTION_ARGS, s->first_out, s->n_out,
		  STEP_TENSORS_MAX },
		{ "attributes", SECTION_ATTRS, s->first_attr, s->n_attrs,
		  STEP_ATTRS_MAX },
		{ "bindings", SECTION_BINDINGS, s->first_binding,
		  s->n_bindings, STEP_BINDINGS_MAX },
	};

	for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
		int ret = check_limit(image, i, ranges[r].what, ranges[r].n,
				      ranges[r].max);

		if (!ret)
			ret = check_range(image, FXQ_SECTION_STEPS, i,
					  ranges[r].what, ranges[r].section,
					  ranges[r].first, ranges[r].n);
		if (ret)
			return ret;
	}
	return 0;
}

static int check_step_names(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_step *s = &image->steps[i];
	const uint32_t names[] = { s->name, s->layer, s->reason };

	for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
		if (names[k] >= image->n[SECTION_STRINGS])
			return image_bad(image,
					 "%s[%u] has a name at %u, past the end of %s with %llu bytes",
					 FXQ_SECTION_STEPS, i, names[k],
					 FXQ_SECTION_STRINGS,
					 (unsigned long long)
					 image->n[SECTION_STRINGS]);
	return 0;
}

/* What a step of one kind does not use is zero. */
static int check_kind(const struct fxq_image *image, uint32_t i)
{
	const struct fxq_image_step *s = &image->steps[i];
	bool device = s->kind == FXQ_STEP_DEVICE, clean;

	if (s->kind < FXQ_STEP_DEVICE || s->kind > FXQ_STEP_WRAPPED)
		return image_bad(image, "%s[%u].kind is %u, which is unknown",
				 FXQ_SECTION_STEPS, i, s->kind);
	if (device)
		clean = !s->name && !s->reason && !s->n_attrs && !s->is_method;
	else
		clean = !s->n_bindings && !s->n_descs && !s->scratch_bytes &&
			!s->cycles &&
			s->is_method <= (s->kind == FXQ_STEP_WRAPPED);
	if (!clean)
		return image_bad(image, "%s[%u] is a step of kind %u but uses fields of another",
				 FXQ_SECTION_STEPS, i, s->kind);
	if (!device && !image_string(image, s->name)[0])
		return image_bad(image, "%s[%u] runs on the CPU but names no function",
				 FXQ_SECTION_STEPS, i);
	return 0;
}

static bool is_const(const struct walk *w, uint32_t tensor)
{
	return w->image->tensors[tensor].flags & FXQ_TENSOR_CONST;
}

static int check_index(const struct walk *w, const char *who, uint32_t i,
		       const char *what, uint32_t k, uint32_t tensor)
{
	uint64_t n = w->image->n[SECTION_TENSORS];

	if (tensor < n)
		return 0;
	return image_bad(w->image,
			 "%s[%u]: %s %u is tensor %u, but %s has %llu",
			 who, i, what, k, tensor, FXQ_SECTION_TENSORS,
			 (unsigned long long)n);
}

/* The tensors that a step, or the network's end, reads. */
static int check_reads(const struct walk *w, const char *who, uint32_t i,
		       const char *what, uint32_t first, uint32_t n,
		       bool may_lack)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t tensor = w->image->args[first + k];
		int ret;

		if (may_lack && tensor == FXQ_ARG_ABSENT)
			continue;
		ret = check_index(w, who, i, what, k, tensor);
		if (ret)
			return ret;
		if (!w->defined[tensor] && !is_const(w, tensor))
			return image_bad(w->image,
					 "%s[%u]: %s %u is tensor %u, which has no value yet",
					 who, i, what, k, tensor);
	}
	return 0;
}

/* The tensors that a step, or the network's beginning, gives a value. */
static int check_writes(struct walk *w, const char *who, uint32_t i,
			const char *what, uint32_t first, uint32_t n)
{
	for (uint32_t k = 0; k < n; k++) {
		uint32_t tensor = w->image->args[first + k];
		int ret = check_index(w, who, i, what, k, tensor);

		if (ret)
			return ret;
		if (is_const(w, tensor))
			return image_bad(w->image,
					 "%s[%u]: %s %u is tensor %u, a constant",
					 who, i, what, k, tensor);
		if (w->defined[tensor])
			return image_bad(w->image,
					 "%s[%u]: %s %u is tensor %u, which has a value already",
					 who, i, what, k, tensor);
		w->defined[tensor] = 1;
	}
	return 0;
}

static int walk_steps(struct walk *w)
{
	const struct fxq_image *image = w->image;
	const struct fxq_image_header *h = image->header;
	int ret;

	ret = check_writes(w, FXQ_SECTION_HEADER, 0, "input", h->first_input,
			   h->n_inputs);
	for (uint32_t i = 0; i < image->n[SECTION_STEPS] && !ret; i++) {
		const struct fxq_image_step *s = &image->steps[i];

		ret = check_reads(w, FXQ_SECTION_STEPS, i, "input",
				  s->first_in, s->n_in,
				  s->kind != FXQ_STEP_DEVICE);
		if (!ret)
			ret = check_writes(w, FXQ_SECTION_STEPS, i, "output",
					   s->first_out, s->n_out);
	}
	if (!ret)
		ret = check_reads(w, FXQ_SECTION_HEADER, 0, "output",
				  h->first_output, h->n_outputs, false);
	return ret;
}

static int check_header_ranges(const struct fxq_image *image)
{
	const struct fxq_image_header *h = image->header;
	int ret;

	ret = check_range(image, FXQ_SECTION_HEADER, 0, "inputs",
			  SECTION_ARGS, h->first_input, h->n_inputs);
	if (!ret)
		ret = check_range(image, FXQ_SECTION_HEADER, 0, "outputs",
				  SECTION_ARGS, h->first_output, h->n_outputs);
	if (!ret)
		ret = check_range(image, FXQ_SECTION_HEADER, 0, "attributes",
				  SECTION_ATTRS, h->first_self, h->n_self);
	if (!ret && (h->n_inputs > STEP_TENSORS_MAX ||
		     h->n_outputs > STEP_TENSORS_MAX))
		ret = image_bad(image, "%s has %u inputs and %u outputs, more than %d",
				FXQ_SECTION_HEADER, h->n_inputs, h->n_outputs,
				STEP_TENSORS_MAX);
	if (!ret && !h->n_outputs)
		ret = image_bad(image, "%s.n_outputs is 0: the network answers nothing",
				FXQ_SECTION_HEADER);
	return ret;
}

/* A batch of pictures, one at least, fills its input, as floats. */
static int check_pictures(const struct fxq_image *image)
{
	const uint32_t *in = image->args + image->header->first_input;

	for (uint32_t i = 0; i < image->n[SECTION_PREPROCESS]; i++) {
		const struct fxq_image_preprocess *p = &image->preprocess[i];
		const struct fxq_image_tensor *t = &image->tensors[in[p->input]];
		uint64_t one = sizeof(float) * p->width * p->height *
			       p->channels;
		uint64_t batch = t->rank ? t->dims[0] : 0, bytes;

		if (t->dtype != FXQ_DTYPE_F32)
			return image_bad(image, "%s[%u] makes floats of pictures, and input %u takes none",
					 FXQ_SECTION_PREPROCESS, i, p->input);
		if (!batch || __builtin_mul_overflow(one, batch, &bytes) ||
		    bytes != t->bytes)
			return image_bad(image, "%s[%u] makes %ux%ux%u floats of a picture, and the %llu bytes of input %u are no batch of these",
					 FXQ_SECTION_PREPROCESS, i, p->channels,
					 p->height, p->width,
					 (unsigned long long)t->bytes, p->input);
	}
	return 0;
}

int image_check_steps(struct fxq_image *image)
{
	struct walk w = { .image = image };
	int ret;

	ret = check_header_ranges(image);
	for (uint32_t i = 0; i < image->n[SECTION_STEPS] && !ret; i++) {
		ret = check_ranges(image, i);
		if (!ret)
			ret = check_step_names(image, i);
		if (!ret)
			ret = check_kind(image, i);
	}
	if (ret)
		return ret;

	w.defined = calloc(image->n[SECTION_TENSORS] + 1, 1);
	if (!w.defined)
		return fxq_fail_memory("checking the steps of an image");
	ret = walk_steps(&w);
	free(w.defined);
	return ret ? ret : check_pictures(image);
}
