/* SPDX-License-Identifier: MIT */
/*
 * table.c - the operators of one instruction set in one table
 *
 * It follows from FXQ_OPS: an operator that nothing below names does not
 * compile.
 */
#include <stddef.h>

#include <fxq/fxq_cmd.h>

#include "exec.h"
#include "ops.h"

#define RUN_LOAD	NULL	/* these two need memory: dma.c */
#define RUN_STORE	NULL
#define RUN_FILL	fxq_exec_fill
#define RUN_CONV	fxq_exec_conv
#define RUN_DWCONV	fxq_exec_dwconv
#define RUN_MATMUL	fxq_exec_matmul
#define RUN_ADD		fxq_exec_binary
#define RUN_SUB		fxq_exec_binary
#define RUN_MUL		fxq_exec_binary
#define RUN_MIN		fxq_exec_binary
#define RUN_MAX		fxq_exec_binary
#define RUN_MAXPOOL	fxq_exec_maxpool
#define RUN_AVGPOOL	fxq_exec_avgpool
#define RUN_GLOBALPOOL	fxq_exec_globalpool
#define RUN_LUT		fxq_exec_lut
#define RUN_RESIZE	fxq_exec_resize
#define RUN_REDUCE	fxq_exec_reduce
#define RUN_SOFTMAX	fxq_exec_softmax
#define RUN_LAYERNORM	fxq_exec_layernorm
#define RUN_REQUANT	fxq_exec_requant
#define RUN_TRANSPOSE	fxq_exec_transpose

#define TEXT(isa)	TEXT_OF(isa)
#define TEXT_OF(isa)	#isa

const struct fxq_exec_ops fxq_ops = {
	.name = TEXT(EXEC_ISA),
	.fn = {
#define X(id, name, engine, body, flags) [FXQ_OP_##id] = RUN_##id,
		FXQ_OPS(X)
#undef X
	},
};
