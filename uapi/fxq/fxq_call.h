/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_call.h - how an operator that runs on the CPU is called
 *
 * One calling convention serves the float operators that the compiler
 * evaluates, the nodes of an image that stay on the CPU, and the wrapped
 * functions that an image names: the compiler produces such calls, libfxq
 * performs them, a program or plugin provides them.
 *
 * A call has two phases. `infer` reads shapes (and, where a shape depends on
 * them, values) of the inputs and sets dtype, rank and dims of each output;
 * the caller then provides memory; `eval` fills it. Both return 0 or a
 * negative errno, and write one sentence to call->error when they refuse.
 */
#ifndef FXQ_CALL_H
#define FXQ_CALL_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define FXQ_MAX_RANK	8
#define FXQ_ERROR_MAX	256

/* X(id, name, bytes): element types, numbered as in an image. */
#define FXQ_DTYPES(X)			\
	X(NONE,    "none",    0)	\
	X(F32,     "float32", 4)	\
	X(I8,      "int8",    1)	\
	X(I32,     "int32",   4)	\
	X(I64,     "int64",   8)	\
	X(BOOL,    "bool",    1)	\
	X(U8,      "uint8",   1)	\
	X(F64,     "float64", 8)	\
	X(I16,     "int16",   2)	\
	X(U16,     "uint16",  2)	\
	X(U32,     "uint32",  4)	\
	X(U64,     "uint64",  8)

enum fxq_dtype {
#define X(id, name, bytes) FXQ_DTYPE_##id,
	FXQ_DTYPES(X)
#undef X
	FXQ_DTYPE_COUNT
};

/*
 * struct fxq_tensor - a dense array in host memory, row-major, a view
 * @dtype: enum fxq_dtype
 * @rank: 0 (one element) to FXQ_MAX_RANK
 * @dims: sizes, outermost first; unused ones are 0
 * @scale: of an int8 activation, value = (q - zero_point) * scale; 0: not
 *	   quantized
 * @zero_point: see @scale
 * @data: the elements, aligned to 64 bytes when fxq allocated them; NULL for
 *	  an optional input that is absent (dtype is then NONE), and while only
 *	  the shape is known
 *
 * A view owns nothing: whoever made @data frees it.
 */
struct fxq_tensor {
	uint32_t dtype;
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
	float scale;
	int32_t zero_point;
	void *data;
};

enum fxq_attr_type {
	FXQ_ATTR_INT = 1,	/* i */
	FXQ_ATTR_FLOAT,		/* f */
	FXQ_ATTR_STRING,	/* s, NUL-terminated */
	FXQ_ATTR_INTS,		/* ints[count] */
	FXQ_ATTR_FLOATS,	/* floats[count] */
};

/* A named parameter of an operator that is not a tensor: `dim`, `stride`. */
struct fxq_attr {
	const char *name;
	uint32_t type;		/* enum fxq_attr_type */
	uint32_t count;		/* elements of ints or floats; 1 otherwise */
	union {
		int64_t i;
		double f;
		const char *s;
		const int64_t *ints;
		const double *floats;
	};
};

/*
 * struct fxq_self - what a wrapped method sees as `self`
 * @training: the mode set by train() and eval() on graph module or program
 * @attrs: the attributes declared preserved, stored in the image
 * @user: what the program that registered the function passed along
 */
struct fxq_self {
	int training;
	uint32_t n_attrs;
	const struct fxq_attr *attrs;
	void *user;
};

/*
 * struct fxq_call - one call of an operator or wrapped function
 * @in: Input: n_in tensors, never written
 * @out: Output: n_out tensors; see the two phases above. The data of an
 *	 output never overlaps an input's
 * @attrs: Input: parameters, each name once
 * @self: Input: for wrapped methods; NULL for operators
 * @threads: Input: how many threads eval may use; results do not depend on it
 * @error: Output: why the call was refused, one sentence without newline
 */
struct fxq_call {
	uint32_t n_in, n_out;
	const struct fxq_tensor *in;
	struct fxq_tensor *out;
	uint32_t n_attrs;
	const struct fxq_attr *attrs;
	struct fxq_self *self;
	int threads;
	char error[FXQ_ERROR_MAX];
};

/* The parameter called @name; NULL: the call has none. */
static inline const struct fxq_attr *fxq_call_attr(const struct fxq_call *call,
						   const char *name)
{
	for (uint32_t i = 0; i < call->n_attrs; i++)
		if (!strcmp(call->attrs[i].name, name))
			return &call->attrs[i];
	return NULL;
}

typedef int (*fxq_call_fn)(struct fxq_call *call);

/*
 * struct fxq_function - something callable by name
 * @name: "softmax" for an operator; what fx_wrap() was given for a wrapped one
 * @infer: output shapes; NULL when they are only known by running: eval then
 *	   also sets dims, within the capacity declared in the image
 * @eval: the values
 */
struct fxq_function {
	const char *name;
	fxq_call_fn infer;
	fxq_call_fn eval;
};

#endif /* FXQ_CALL_H */
