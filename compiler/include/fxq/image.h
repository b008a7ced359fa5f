/* SPDX-License-Identifier: MIT */
/*
 * image.h - writing a .fxq file (uapi/fxq/fxq_image.h)
 *
 * A writer collects tensors, steps, tags and names, and lays them out as an
 * ELF at the end. It remembers its first error and ignores what follows, so
 * that the caller asks once, at finish. Everything handed in is copied. Equal
 * calls give equal bytes.
 *
 *	w = fxq_writer_new("lenet", "fxq-run 0.1.0");
 *	x = fxq_writer_tensor(w, "x", &type, 0);
 *	fxq_writer_inputs(w, &x, 1);
 *	...
 *	ret = fxq_writer_finish(w, "lenet.fxq");
 *	if (ret)
 *		... fxq_writer_error(w) ...
 *	fxq_writer_free(w);
 */
#ifndef FXQ_IMAGE_WRITER_H
#define FXQ_IMAGE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_call.h>
#include <fxq/fxq_cmd.h>
#include <fxq/fxq_image.h>

struct fxq_writer;

/* @name: of the network; @producer: program and version. NULL: no memory. */
struct fxq_writer *fxq_writer_new(const char *name, const char *producer);
void fxq_writer_free(struct fxq_writer *w);		/* accepts NULL */

/*
 * Adds a tensor and returns its index. @flags: FXQ_TENSOR_*; with CONST,
 * type->data is copied to .fxq.consts, else data is not looked at. @name may
 * be NULL.
 */
uint32_t fxq_writer_tensor(struct fxq_writer *w, const char *name,
			   const struct fxq_tensor *type, uint32_t flags);

/* Appends to .fxq.weights; returns the offset there, a multiple of 64. */
uint64_t fxq_writer_weights(struct fxq_writer *w, const void *data,
			    uint64_t bytes);

/* The layer and operator that descriptors come from; returns the tag. */
uint32_t fxq_writer_tag(struct fxq_writer *w, const char *layer,
			const char *op, uint64_t macs);

/*
 * struct fxq_writer_device - a step for the device
 * @layer: a name for messages, or NULL
 * @bindings: as in fxq_image.h; the step's inputs and outputs are the tensors
 *	      of its INPUT and OUTPUT bindings, in their order
 * @scratch_bytes: size of the SCRATCH region, 0 if there is none
 * @cycles: fxq_cost_stream() of it
 */
struct fxq_writer_device {
	const char *layer;
	const struct fxq_desc *stream;
	uint32_t n_descs;
	const struct fxq_image_binding *bindings;
	uint32_t n_bindings;
	uint64_t scratch_bytes;
	uint64_t cycles;
};

/*
 * struct fxq_writer_call - a step for the CPU
 * @wrapped: a function that the program brings, else an operator
 * @name: of the function or operator
 * @layer: where it comes from, for messages
 * @reason: operator: why it is not on the device, in words; or NULL
 * @in: tensors; FXQ_ARG_ABSENT for an optional one that is left out
 * @is_method: wrapped: it sees `self`
 */
struct fxq_writer_call {
	bool wrapped;
	const char *name, *layer, *reason;
	const uint32_t *in, *out;
	uint32_t n_in, n_out;
	const struct fxq_attr *attrs;
	uint32_t n_attrs;
	bool is_method;
};

/* Append a step, in execution order; both return its number. */
uint32_t fxq_writer_device_step(struct fxq_writer *w,
				const struct fxq_writer_device *step);
uint32_t fxq_writer_call_step(struct fxq_writer *w,
			      const struct fxq_writer_call *step);

/* The network's own inputs and outputs: tensor indices. */
void fxq_writer_inputs(struct fxq_writer *w, const uint32_t *tensors,
		       uint32_t n);
void fxq_writer_outputs(struct fxq_writer *w, const uint32_t *tensors,
			uint32_t n);

/* What wrapped methods see as `self`: its mode and preserved attributes. */
void fxq_writer_self(struct fxq_writer *w, bool training,
		     const struct fxq_attr *attrs, uint32_t n);

void fxq_writer_preprocess(struct fxq_writer *w,
			   const struct fxq_image_preprocess *p);

/* Numbers of the header; see struct fxq_image_header. */
void fxq_writer_numbers(struct fxq_writer *w, enum fxq_quantize_rule rule,
			uint64_t macs_device, uint64_t macs_cpu,
			uint64_t mx_bound);

/*
 * Lays the image out and writes it to @path, or to memory that the caller
 * frees. The first error of any call above, or 0. On failure no file is left.
 */
int fxq_writer_finish(struct fxq_writer *w, const char *path);
int fxq_writer_finish_memory(struct fxq_writer *w, void **ret_data,
			     size_t *ret_size);

/* The first error in a sentence; "" if there is none. */
const char *fxq_writer_error(const struct fxq_writer *w);

#endif /* FXQ_IMAGE_WRITER_H */
