/* SPDX-License-Identifier: MIT */
/*
 * dwconv.h - the ways of computing DWCONV
 *
 * dwconv.c adds tap by tap and works for every geometry; dwquad.c adds some
 * rows at once where an instruction set does that and a few rows fit; dw3x3.c
 * is for the commonest kernel and the registers of AVX-512.
 */
#ifndef FXQ_EXEC_DWCONV_H
#define FXQ_EXEC_DWCONV_H

#include "epilogue.h"
#include "ops.h"

/*
 * struct dwconv - a descriptor, prepared
 * @outside: two pixels of zx
 * @wide: worth several threads
 */
struct dwconv {
	struct fxq_exec *x;
	const struct fxq_body_conv *b;
	struct fxq_epilogue out;
	const int8_t *weights;
	int8_t outside[2 * FXQ_BLOCK];
	bool wide;
};

#if defined(__AVX2__)
#define FXQ_DW_QUADS	1

/* False: do it tap by tap. */
bool dwconv_by_quads(const struct dwconv *c);

#endif

#if defined(__AVX512VNNI__) && !defined(EXEC_NARROW)
#define FXQ_DW_THREES	1

/* False: the kernel or the epilogue is another one. */
bool dwconv_by_threes(const struct dwconv *c);

#endif

#endif /* FXQ_EXEC_DWCONV_H */
