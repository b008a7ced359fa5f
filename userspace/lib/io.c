// SPDX-License-Identifier: MIT
/*
 * io.c - the caller's tensors: made for one run, or checked before one
 */
#include <stdlib.h>

#include "program.h"

/* What the caller sees is the first member. */
struct io {
	struct fxq_io public;
	void *mem;
	uint64_t size;
};

/* Bytes of @n tensors named in .fxq.args; each has an address of its own. */
static uint64_t bytes_of(const struct fxq_image *image, const uint32_t *args,
			 uint32_t n)
{
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < n; k++)
		bytes += fxq_align(image->tensors[args[k]].bytes + 1,
				   FXQ_LINE_BYTES);
	return bytes;
}

/* Their types, with data from @mem on. */
static void lay_out(const struct fxq_image *image, const uint32_t *args,
		    uint32_t n, struct fxq_tensor *to, uint8_t *mem)
{
	for (uint32_t k = 0; k < n; k++) {
		to[k] = image_type(image, args[k]);
		to[k].data = mem + bytes_of(image, args, k);
	}
}

FXQ_PUBLIC void fxq_io_destroy(struct fxq_io *public)
{
	struct io *io = (struct io *)public;

	if (!io)
		return;
	fxq_pages_free(io->mem, io->size);
	free(io->public.in);
	free(io->public.out);
	free(io);
}

FXQ_PUBLIC int fxq_io_create(const struct fxq_program *prog,
			     struct fxq_io **ret_io)
{
	const struct fxq_image *image = prog->image;
	const struct fxq_image_header *h = image->header;
	const uint32_t *in = image->args + h->first_input;
	const uint32_t *out = image->args + h->first_output;
	struct io *io = calloc(1, sizeof(*io));
	uint64_t in_bytes;

	if (!io)
		return fxq_fail_memory("inputs and outputs");
	io->public.n_in = h->n_inputs;
	io->public.n_out = h->n_outputs;
	io->public.in = calloc(h->n_inputs + 1ull, sizeof(*io->public.in));
	io->public.out = calloc(h->n_outputs + 1ull, sizeof(*io->public.out));
	if (!io->public.in || !io->public.out)
		goto no_memory;

	in_bytes = bytes_of(image, in, h->n_inputs);
	io->size = in_bytes + bytes_of(image, out, h->n_outputs);
	io->mem = fxq_pages_alloc(io->size);
	if (!io->mem)
		goto no_memory;
	lay_out(image, in, h->n_inputs, io->public.in, io->mem);
	lay_out(image, out, h->n_outputs, io->public.out,
		(uint8_t *)io->mem + in_bytes);
	*ret_io = &io->public;
	return 0;

no_memory:
	fxq_io_destroy(&io->public);
	return fxq_fail_memory("inputs and outputs");
}

static bool overlaps(const struct fxq_tensor *a, const struct fxq_tensor *b,
		     uint64_t a_bytes, uint64_t b_bytes)
{
	const uint8_t *x = a->data, *y = b->data;

	return x < y + b_bytes && y < x + a_bytes;
}

/* One of the caller's tensors against what the image says. */
static int check_tensor(const struct fxq_program *p, const char *what,
			uint32_t k, uint32_t t, const struct fxq_tensor *given)
{
	const struct fxq_image_tensor *is = &p->image->tensors[t];
	const char *name = image_string(p->image, is->name);
	uint64_t element = fxq_element_bytes(is->dtype);

	if (!given->data && is->bytes)
		return fxq_fail(-EINVAL,
				"%s %u (%s) has no memory; it needs %llu bytes",
				what, k, fxq_quote(name),
				(unsigned long long)is->bytes);
	if ((uintptr_t)given->data % element)
		return fxq_fail(-EINVAL,
				"%s %u (%s) is at %p, which is not aligned to its elements of %llu bytes",
				what, k, fxq_quote(name), given->data,
				(unsigned long long)element);
	return 0;
}

static int check_input(const struct fxq_program *p, uint32_t k,
		       const struct fxq_tensor *given)
{
	const struct fxq_image *image = p->image;
	uint32_t t = image->args[image->header->first_input + k];
	bool dynamic = image->tensors[t].flags & FXQ_TENSOR_DYNAMIC;
	uint64_t bytes;

	if (given->dtype != p->types[t].dtype ||
	    (dynamic ? !fxq_type_bytes(given, &bytes) ||
		       bytes > image->tensors[t].bytes :
		       !fxq_same_shape(given, &p->types[t])))
		return fxq_fail(-EINVAL, "input %u (%s) is %s, the image takes %s%s",
				k, fxq_quote(image_string(image,
						image->tensors[t].name)),
				fxq_type_text(given), dynamic ? "at most " : "",
				fxq_type_text(&p->types[t]));
	return check_tensor(p, "input", k, t, given);
}

static int check_output(const struct fxq_program *p, uint32_t k,
			const struct fxq_tensor *in,
			const struct fxq_tensor *out)
{
	const struct fxq_image *image = p->image;
	const struct fxq_image_header *h = image->header;
	uint32_t t = image->args[h->first_output + k];
	uint64_t bytes = image->tensors[t].bytes;
	int ret = check_tensor(p, "output", k, t, &out[k]);

	for (uint32_t i = 0; i < h->n_inputs && !ret; i++)
		if (overlaps(&out[k], &in[i], bytes, image->tensors
			     [image->args[h->first_input + i]].bytes))
			ret = fxq_fail(-EINVAL,
				       "the memory of output %u overlaps that of input %u",
				       k, i);
	for (uint32_t i = 0; i < k && !ret; i++)
		if (overlaps(&out[k], &out[i], bytes, image->tensors
			     [image->args[h->first_output + i]].bytes))
			ret = fxq_fail(-EINVAL,
				       "the memory of output %u overlaps that of output %u",
				       k, i);
	return ret;
}

int io_check_inputs(const struct fxq_program *p, const struct fxq_tensor *in)
{
	int ret = 0;

	if (device_is_inherited(p->dev))
		return device_fail_inherited(p->dev);
	for (uint32_t k = 0; k < p->image->header->n_inputs && !ret; k++)
		ret = check_input(p, k, &in[k]);
	return ret;
}

int io_check(const struct fxq_program *p, const struct fxq_tensor *in,
	     const struct fxq_tensor *out)
{
	const struct fxq_image_header *h = p->image->header;
	int ret = io_check_inputs(p, in);

	for (uint32_t k = 0; k < h->n_outputs && !ret; k++)
		ret = check_output(p, k, in, out);
	return ret;
}
