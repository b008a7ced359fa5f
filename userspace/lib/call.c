// SPDX-License-Identifier: MIT
/*
 * call.c - one step on the CPU
 *
 * The image declares what each result is; the function is asked first and
 * must agree, so that it writes no more than there is room for. Only a
 * FXQ_TENSOR_DYNAMIC result may have a type and shape of its own, up to its
 * room.
 */
#include <string.h>

#include "program.h"

/* The call's error, or words for a function that gave none. */
static int refused(struct slot *slot, const struct fxq_image_step *s,
		   const struct fxq_call *call, int err)
{
	const struct fxq_image *image = slot->prog->image;

	return slot_fail(slot, err < 0 ? err : -EIO, "layer %s: %s: %s",
			 image_layer(image, slot->step),
			 image_string(image, s->name),
			 call->error[0] ? call->error : "failed");
}

/* Is @out, as the function set it, what the image declares for tensor @t? */
static int check_result(struct slot *slot, const struct fxq_image_step *s,
			uint32_t k, uint32_t t)
{
	const struct fxq_program *p = slot->prog;
	const struct fxq_image *image = p->image;
	const struct fxq_tensor *out = &slot->args[s->n_in + k];
	const struct fxq_tensor *type = &p->types[t];
	bool dynamic = image->tensors[t].flags & FXQ_TENSOR_DYNAMIC;
	uint64_t bytes;

	if (fxq_type_bytes(out, &bytes) &&
	    (dynamic ? bytes <= image->tensors[t].bytes :
		       out->dtype == type->dtype && fxq_same_shape(out, type)))
		return 0;
	return slot_fail(slot, -EPROTO,
			 "layer %s: result %u of %s is %s, the image says %s%s; compile the model again",
			 image_layer(image, slot->step), k,
			 image_string(image, s->name), fxq_type_text(out),
			 dynamic ? "at most " : "", fxq_type_text(type));
}

static int check_results(struct slot *slot, const struct fxq_image_step *s,
			 const uint32_t *out)
{
	for (uint32_t k = 0; k < s->n_out; k++) {
		int ret = check_result(slot, s, k, out[k]);

		if (ret)
			return ret;
	}
	return 0;
}

/* Inputs as they are now, results as they are declared, without data. */
static void gather(struct slot *slot, const struct fxq_image_step *s,
		   const uint32_t *in, const uint32_t *out)
{
	for (uint32_t k = 0; k < s->n_in; k++)
		slot->args[k] = in[k] == FXQ_ARG_ABSENT ?
				(struct fxq_tensor){ 0 } : slot->tensors[in[k]];
	for (uint32_t k = 0; k < s->n_out; k++) {
		slot->args[s->n_in + k] = slot->prog->types[out[k]];
		slot->args[s->n_in + k].data = NULL;
	}
}

/* After infer: memory for the results, and the image's quantization. */
static void provide(struct slot *slot, const struct fxq_image_step *s,
		    const uint32_t *out)
{
	for (uint32_t k = 0; k < s->n_out; k++) {
		struct fxq_tensor *to = &slot->args[s->n_in + k];

		to->scale = slot->prog->types[out[k]].scale;
		to->zero_point = slot->prog->types[out[k]].zero_point;
		to->data = slot->tensors[out[k]].data;
	}
}

static void store(struct slot *slot, const struct fxq_image_step *s,
		  const uint32_t *out)
{
	for (uint32_t k = 0; k < s->n_out; k++) {
		const struct fxq_tensor *from = &slot->args[s->n_in + k];
		struct fxq_tensor *to = &slot->tensors[out[k]];

		to->dtype = from->dtype;
		to->rank = from->rank;
		memcpy(to->dims, from->dims, sizeof(to->dims));
	}
}

int slot_call(struct slot *slot, const struct fxq_image_step *s,
	      const struct step_plan *plan)
{
	const struct fxq_program *p = slot->prog;
	const struct fxq_image *image = p->image;
	const uint32_t *in = image->args + s->first_in;
	const uint32_t *out = image->args + s->first_out;
	struct fxq_self self = {
		.training = slot->training,
		.n_attrs = image->header->n_self,
		.attrs = fxq_image_self(image),
		.user = plan->fn.user,
	};
	struct fxq_call call = {
		.n_in = s->n_in,
		.n_out = s->n_out,
		.in = slot->args,
		.out = slot->args + s->n_in,
		.n_attrs = s->n_attrs,
		.attrs = image->decoded + s->first_attr,
		.self = s->is_method ? &self : NULL,
		.threads = p->config.threads,
	};
	int ret;

	gather(slot, s, in, out);
	if (plan->fn.infer) {
		ret = plan->fn.infer(&call);
		if (ret)
			return refused(slot, s, &call, ret);
		ret = check_results(slot, s, out);
		if (ret)
			return ret;
	}
	provide(slot, s, out);
	ret = plan->fn.eval(&call);
	if (ret)
		return refused(slot, s, &call, ret);
	ret = check_results(slot, s, out);
	if (!ret)
		store(slot, s, out);
	return ret;
}
