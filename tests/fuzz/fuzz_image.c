// SPDX-License-Identifier: MIT
/*
 * fuzz_image.c - libFuzzer target: any bytes as an image
 *
 * What is accepted is asked everything, and each pointer it answers with is
 * followed.
 */
#include <string.h>

#include <fxq/fxq.h>
#include <fxq/fxq_cmd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum;	/* keeps reads from being optimised away */

static void read_bytes(const void *data, uint64_t n)
{
	const uint8_t *b = data;

	while (n--)
		sum += b[n];
}

static void read_attrs(const struct fxq_attr *a, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		sum += strlen(a[i].name);
		if (a[i].type == FXQ_ATTR_STRING)
			sum += strlen(a[i].s);
		if (a[i].type == FXQ_ATTR_INTS || a[i].type == FXQ_ATTR_FLOATS)
			read_bytes(a[i].ints, 8ull * a[i].count);
	}
}

static void read_steps(const struct fxq_image *image, uint32_t n)
{
	struct fxq_step_info s;

	for (uint32_t i = 0; i < n; i++) {
		fxq_image_step_info(image, i, &s);
		sum += strlen(s.name) + strlen(s.layer) + strlen(s.reason);
		read_bytes(s.in, 4ull * s.n_in);
		read_bytes(s.out, 4ull * s.n_out);
		read_attrs(s.attrs, s.n_attrs);
		read_bytes(s.bindings, s.n_bindings * sizeof(*s.bindings));
		read_bytes(s.stream, (uint64_t)s.n_descs * FXQ_DESC_BYTES);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fxq_preprocess_info p;
	struct fxq_image_info info;
	struct fxq_tensor_info t;
	struct fxq_image *image;
	struct fxq_tag_info tag;

	if (fxq_image_open_memory(data, size, &image))
		return 0;
	fxq_image_info(image, &info);
	sum += strlen(info.name) + strlen(info.producer);
	for (uint32_t i = 0; i < info.n_tensors; i++) {
		fxq_image_tensor_info(image, i, &t);
		sum += strlen(t.name);
		if (t.type.data)
			read_bytes(t.type.data, t.bytes);
	}
	for (uint32_t i = 0; i < info.n_tags; i++) {
		fxq_image_tag_info(image, i, &tag);
		sum += strlen(tag.layer) + strlen(tag.op);
	}
	for (uint32_t i = 0; i < info.n_preprocess; i++)
		fxq_image_preprocess_info(image, i, &p);
	read_steps(image, info.n_steps);
	read_attrs(fxq_image_self(image), info.n_self);
	fxq_image_close(image);
	return 0;
}
