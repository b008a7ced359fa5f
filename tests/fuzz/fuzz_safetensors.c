// SPDX-License-Identifier: MIT
/*
 * fuzz_safetensors.c - bytes from outside as named tensors
 *
 * A libFuzzer target: whatever the bytes are, they are read or refused; what was
 * read is whole tensors, and is the same after it was written and read again.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "files/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void compare(const struct tensors *a, const struct tensors *b)
{
	if (a->n != b->n)
		abort();
	for (size_t i = 0; i < a->n; i++) {
		const struct fxq_tensor *t = tensors_find(b, a->name[i]);

		if (!t || t->dtype != a->tensor[i].dtype ||
		    memcmp(t->data, a->tensor[i].data, fxq_tensor_bytes(t)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tensors t, again;
	struct bytes b;

	if (safetensors_parse("fuzz", data, size, &t))
		return 0;
	if (safetensors_format("fuzz", &t, &b) ||
	    safetensors_parse("fuzz", b.data, b.size, &again))
		abort();
	compare(&t, &again);
	tensors_free(&again);
	tensors_free(&t);
	bytes_free(&b);
	return 0;
}
