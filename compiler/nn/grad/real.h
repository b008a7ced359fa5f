/* SPDX-License-Identifier: MIT */
/*
 * real.h - the element type that gradient kernels are written over
 *
 * It is float. A test compiles the same sources once more with GRAD_F64, where
 * it is double: central differences of doubles are exact to ten digits, and a
 * wrong gradient cannot hide behind rounding.
 */
#ifndef FXQ_GRAD_REAL_H
#define FXQ_GRAD_REAL_H

#include <fxq/fxq_call.h>

#ifdef GRAD_F64
typedef double real;
#define REAL_DTYPE	FXQ_DTYPE_F64
#define REAL_GEMM	"cblas_dgemm"
#else
typedef float real;
#define REAL_DTYPE	FXQ_DTYPE_F32
#define REAL_GEMM	"cblas_sgemm"
#endif

#endif
