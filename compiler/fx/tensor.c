// SPDX-License-Identifier: MIT
/*
 * tensor.c - sizes and memory of tensors
 *
 * Shapes come from files and from wrapped functions, so every product is
 * computed with a check: what does not fit answers with the largest number
 * there is, which no allocation then grants.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

static const struct {
	const char *name;
	size_t bytes;
} dtypes[FXQ_DTYPE_COUNT] = {
#define X(id, name, bytes) [FXQ_DTYPE_##id] = { name, bytes },
	FXQ_DTYPES(X)
#undef X
};

size_t fxq_dtype_bytes(uint32_t dtype)
{
	return dtype < FXQ_DTYPE_COUNT ? dtypes[dtype].bytes : 0;
}

const char *fxq_dtype_name(uint32_t dtype)
{
	return dtype < FXQ_DTYPE_COUNT ? dtypes[dtype].name : "unknown";
}

/* A rank or size that is none counts as no elements. */
int64_t fxq_tensor_count(const struct fxq_tensor *t)
{
	int64_t count = 1;
	bool overflow = false;

	if (t->rank > FXQ_MAX_RANK)
		return 0;

	for (uint32_t i = 0; i < t->rank; i++) {
		if (t->dims[i] <= 0)
			return 0;
		overflow |= __builtin_mul_overflow(count, t->dims[i], &count);
	}
	return overflow ? INT64_MAX : count;
}

size_t fxq_tensor_bytes(const struct fxq_tensor *t)
{
	int64_t count = fxq_tensor_count(t);
	size_t bytes;

	if (count == INT64_MAX ||
	    __builtin_mul_overflow(count, fxq_dtype_bytes(t->dtype), &bytes))
		return SIZE_MAX;
	return bytes;
}

struct fxq_tensor fxq_tensor_type(uint32_t dtype, uint32_t rank,
				  const int64_t *dims)
{
	struct fxq_tensor t = { .dtype = dtype, .rank = rank };

	if (rank && rank <= FXQ_MAX_RANK)
		memcpy(t.dims, dims, rank * sizeof(*dims));
	return t;
}

int tensor_check_type(const struct fxq_tensor *t)
{
	if (t->dtype == FXQ_DTYPE_NONE || t->dtype >= FXQ_DTYPE_COUNT ||
	    t->rank > FXQ_MAX_RANK)
		return -EINVAL;
	for (uint32_t i = 0; i < t->rank; i++)
		if (t->dims[i] < 0)
			return -EINVAL;
	return fxq_tensor_bytes(t) > SIZE_MAX / 4 ? -EOVERFLOW : 0;
}

int fxq_tensor_alloc(struct fxq_tensor *t)
{
	size_t bytes;
	int ret;

	ret = tensor_check_type(t);
	if (ret)
		return ret;

	/* An empty tensor has an address too. */
	bytes = fxq_tensor_bytes(t);
	bytes = bytes ? (bytes + 63) & ~(size_t)63 : 64;
	t->data = aligned_alloc(64, bytes);
	if (!t->data)
		return -ENOMEM;

	memset(t->data, 0, bytes);
	return 0;
}

void fxq_tensor_free(struct fxq_tensor *t)
{
	free(t->data);
	t->data = NULL;
}

void tensor_set_shape(struct fxq_tensor *to, const struct fxq_tensor *from)
{
	to->dtype = from->dtype;
	to->rank = from->rank;
	for (uint32_t i = 0; i < FXQ_MAX_RANK; i++)
		to->dims[i] = i < from->rank ? from->dims[i] : 0;
}

const char *tensor_str(const struct fxq_tensor *t, char buf[TENSOR_STR_MAX])
{
	uint32_t rank = t->rank < FXQ_MAX_RANK ? t->rank : FXQ_MAX_RANK;
	int len;

	if (t->dtype == FXQ_DTYPE_NONE)
		return strcpy(buf, "?");

	len = sprintf(buf, "%s [", fxq_dtype_name(t->dtype));
	for (uint32_t i = 0; i < rank; i++)
		len += sprintf(buf + len, "%s%" PRId64, i ? ", " : "",
			       t->dims[i]);
	strcpy(buf + len, "]");
	return buf;
}
