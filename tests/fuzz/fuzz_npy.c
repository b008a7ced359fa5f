// SPDX-License-Identifier: MIT
/*
 * fuzz_npy.c - bytes from outside as arrays, archives and pictures
 *
 * A libFuzzer target: whatever the bytes are, they are read or refused, and
 * what was read is a whole tensor or picture.
 */
#include <stdlib.h>

#include <fxq/fx.h>

#include "io/io.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Touches every byte, so that a sanitizer sees memory that is not there. */
static void look_at(const void *data, size_t size)
{
	const uint8_t *p = data;
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum ^= p[i];
	(void)sum;
}

static void look_at_tensor(struct fxq_tensor *t)
{
	look_at(t->data, fxq_tensor_bytes(t));
	fxq_tensor_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fxq_tensor t;
	struct picture p;
	struct tensors npz;

	if (!npy_parse("fuzz", data, size, &t))
		look_at_tensor(&t);
	if (!idx_parse("fuzz", data, size, &t))
		look_at_tensor(&t);
	if (!npz_parse("fuzz", data, size, &npz)) {
		for (size_t i = 0; i < npz.n; i++)
			look_at(npz.tensor[i].data,
				fxq_tensor_bytes(&npz.tensor[i]));
		tensors_free(&npz);
	}
	/* What pictures decode to is libpng's and libjpeg-turbo's to fuzz. */
	if (size < 1u << 12 && !picture_parse("fuzz", data, size, &p)) {
		look_at(p.pixels, (size_t)p.width * p.height * p.channels);
		picture_free(&p);
	}
	return 0;
}
