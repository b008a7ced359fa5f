/* SPDX-License-Identifier: MIT */
/*
 * ops.h - the operators, and what they share
 *
 * One function for each line of FXQ_OPS except LOAD and STORE, which need the
 * machine's memory; each exists once for every instruction set.
 */
#ifndef FXQ_EXEC_OPS_H
#define FXQ_EXEC_OPS_H

#include "exec.h"
#include "isa.h"

/* fill.c */
void fxq_exec_fill(struct fxq_exec *x, const struct fxq_desc *d);
/* conv.c */
void fxq_exec_conv(struct fxq_exec *x, const struct fxq_desc *d);
/* dwconv.c */
void fxq_exec_dwconv(struct fxq_exec *x, const struct fxq_desc *d);
/* matmul.c */
void fxq_exec_matmul(struct fxq_exec *x, const struct fxq_desc *d);
/* binary.c: ADD, SUB, MUL, MIN, MAX */
void fxq_exec_binary(struct fxq_exec *x, const struct fxq_desc *d);
/* pooling.c */
void fxq_exec_maxpool(struct fxq_exec *x, const struct fxq_desc *d);
void fxq_exec_avgpool(struct fxq_exec *x, const struct fxq_desc *d);
void fxq_exec_globalpool(struct fxq_exec *x, const struct fxq_desc *d);
/* unary.c */
void fxq_exec_lut(struct fxq_exec *x, const struct fxq_desc *d);
void fxq_exec_requant(struct fxq_exec *x, const struct fxq_desc *d);
/* norm.c */
void fxq_exec_softmax(struct fxq_exec *x, const struct fxq_desc *d);
void fxq_exec_layernorm(struct fxq_exec *x, const struct fxq_desc *d);
/* resize.c */
void fxq_exec_resize(struct fxq_exec *x, const struct fxq_desc *d);
/* reduce.c */
void fxq_exec_reduce(struct fxq_exec *x, const struct fxq_desc *d);
/* permute.c */
void fxq_exec_transpose(struct fxq_exec *x, const struct fxq_desc *d);

/*
 * Sharing work with a thread that looks out for it costs half a microsecond:
 * descriptors that take less than a few, in MACs or in bytes touched, stay with
 * the caller. An output that is quantized takes as long as some MACs.
 */
#define FXQ_SPREAD_MACS		1000000u
#define FXQ_SPREAD_DW_MACS	100000u
#define FXQ_SPREAD_BYTES	32768u
#define FXQ_OUTPUT_MACS		64u

static inline uint32_t fxq_threads(const struct fxq_exec *x)
{
	return x->pool ? fxq_pool_threads(x->pool) : 1;
}

/* fn(arg, first, last) over [0, n), on the pool if @wide. */
static inline void fxq_spread(struct fxq_exec *x, bool wide, uint32_t n,
			      uint32_t grain,
			      void (*fn)(void *arg, uint32_t first,
					 uint32_t last), void *arg)
{
	if (wide && x->pool)
		fxq_pool_run(x->pool, n, grain, fn, arg);
	else
		fn(arg, 0, n);
}

#endif /* FXQ_EXEC_OPS_H */
