/* SPDX-License-Identifier: MIT */
/*
 * array.h - what the array operators share
 *
 * These operators arrange, select, compare and reduce elements of any type.
 * Parameters come as attributes or, as ONNX has it, as integer tensors; a
 * shape function that needs the values of a tensor whose data are not there
 * yet returns -ENODATA.
 */
#ifndef FXQ_ARRAY_H
#define FXQ_ARRAY_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <fxq/fx.h>

#include "../ops_array.h"

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
FX_OPS_ARRAY(X)
#undef X

/* X(id, C type): the element types, by what arithmetic they have. */
#define ARR_FLOATS(X)	X(F32, float) X(F64, double)
#define ARR_SIGNED(X)	\
	X(I8, int8_t) X(I16, int16_t) X(I32, int32_t) X(I64, int64_t)
#define ARR_UNSIGNED(X)	\
	X(U8, uint8_t) X(U16, uint16_t) X(U32, uint32_t) X(U64, uint64_t)
#define ARR_INTS(X)	ARR_SIGNED(X) ARR_UNSIGNED(X)
#define ARR_NUMBERS(X)	ARR_FLOATS(X) ARR_INTS(X)
#define ARR_ALL(X)	ARR_NUMBERS(X) X(BOOL, uint8_t)

/* param.c: a call's parameters, and refusing them */

int arr_refuse(struct fxq_call *call, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Whether the @i-th tensor is given. */
bool arr_has(const struct fxq_call *call, uint32_t i);
int64_t arr_int(const struct fxq_call *call, const char *name, int64_t def);
double arr_float(const struct fxq_call *call, const char *name, double def);
const char *arr_str(const struct fxq_call *call, const char *name,
		    const char *def);
/*
 * Integers of the attribute @name or, if there is none, of tensor @input
 * (0: no tensor can carry them). Returns how many, at most @max; -ENOENT if
 * absent, -ENODATA if the tensor's values are not known yet.
 */
int arr_ints(struct fxq_call *call, const char *name, uint32_t input,
	     int64_t *v, uint32_t max);
/* The element of an integer tensor. */
int64_t arr_index(const struct fxq_tensor *t, int64_t i);
/* The element of a tensor of any type. */
double arr_value(const struct fxq_tensor *t, int64_t i);
/* Reads the dimension @name, -rank <= dim < @rank, made positive. */
int arr_dim(struct fxq_call *call, const char *name, int64_t def,
	    uint32_t rank, uint32_t *ret);
/* Makes a dimension given as @v positive, or refuses. */
int arr_wrap_dim(struct fxq_call *call, int64_t v, uint32_t rank,
		 uint32_t *ret);
/* Sets the type of result @i; refuses ranks and sizes beyond reason. */
int arr_set_out(struct fxq_call *call, uint32_t i, uint32_t dtype,
		uint32_t rank, const int64_t *dims);
int arr_need_index(struct fxq_call *call, uint32_t i);	/* int32 or int64 */
/* Product of dims [from, to). */
int64_t arr_product(const int64_t *dims, uint32_t from, uint32_t to);

/*
 * Refuses unless results have the types that @infer gives, and unless inputs
 * have data if @reads: a call may come from a file, with results sized by
 * whoever wrote it.
 */
int arr_begin(struct fxq_call *call, fxq_call_fn infer, bool reads);

/* Head the definition of eval_NAME: what follows runs on a sound call. */
#define ARR_KERNEL(name)	ARR_SOUND_KERNEL(name, true)
/* The same for an operator that looks at its input's type alone. */
#define ARR_TYPE_KERNEL(name)	ARR_SOUND_KERNEL(name, false)

#define ARR_SOUND_KERNEL(name, reads)					\
	static int compute_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call)				\
	{								\
		int ret = arr_begin(call, infer_##name, reads);		\
									\
		return ret ? ret : compute_##name(call);		\
	}								\
	static int compute_##name(struct fxq_call *call)

/* Advances the coordinates @at to the next element of an array of @dims. */
void arr_next(int64_t *at, const int64_t *dims, uint32_t rank);

/* cast.c: elements by way of the widest type of their kind */

#define ARR_BLOCK	256

enum arr_kind { ARR_FLOAT, ARR_INT, ARR_UINT };

union arr_block {
	double f[ARR_BLOCK];
	int64_t i[ARR_BLOCK];
	uint64_t u[ARR_BLOCK];
};

/* Reads @n elements from place @at, at most ARR_BLOCK; tells their kind. */
enum arr_kind arr_load(union arr_block *b, const struct fxq_tensor *t,
		       int64_t at, int64_t n);
void arr_store(const union arr_block *b, enum arr_kind kind,
	       const struct fxq_tensor *t, int64_t at, int64_t n);
/* Writes @v as one element of @dtype, rounded towards zero. */
void arr_put(void *to, uint32_t dtype, double v);

/* sort.c: < 0, 0 or > 0 as the element at @a is below, equal or above. */
int arr_compare(const struct fxq_tensor *t, int64_t a, int64_t b);

/* strided.c: copying between two arrays that are stepped through differently */

struct arr_view {
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
	int64_t to[FXQ_MAX_RANK];	/* elements to the next one, written */
	int64_t from[FXQ_MAX_RANK];	/* and read; may be 0 or negative */
};

/* Copies dims[0] × … elements of @bytes each. */
void arr_copy(void *to, const void *from, size_t bytes,
	      const struct arr_view *view);
/* Strides, in elements, of a dense array with @dims. */
void arr_dense(uint32_t rank, const int64_t *dims, int64_t *strides);

/* broadcast.c: applying a function to arrays that are broadcast together */

/*
 * An elementwise operation on a row of @n results. @step is for each input 0
 * (the row has one value of it) or 1; @call is there for its types.
 */
typedef void (*arr_row_fn)(void *out, const void *const *in,
			   const int *step, int64_t n,
			   const struct fxq_call *call);

/* Shape that inputs [0, n_in) broadcast to; refuses what does not fit. */
int arr_broadcast(struct fxq_call *call, uint32_t n_in, uint32_t *ret_rank,
		  int64_t *ret_dims);
void arr_map(const struct fxq_call *call, uint32_t n_in, arr_row_fn row);

#endif
