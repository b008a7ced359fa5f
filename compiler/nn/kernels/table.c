// SPDX-License-Identifier: MIT
/*
 * table.c - name to kernel, from the operator lists
 *
 * The rows come from the same lists as the compiler's, without what only a
 * compiler wants (printing, gradients), so that the runtime links no graph.
 * The integer reference is among them: what the device cannot take in some
 * shape, a batch of two say, runs on the CPU to the same bits.
 */
#include <string.h>

#include "ops_nn.h"
#include "ops_array.h"
#include "ops_edge.h"
#include "../../quant/ops_quant.h"
#include "table.h"

#define OPS(X) \
	FX_OPS_NN(X) FX_OPS_ARRAY(X) FX_OPS_EDGE(X) FX_OPS_QUANT(X)

#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	int infer_##name(struct fxq_call *call);		\
	int eval_##name(struct fxq_call *call);
OPS(X)
#undef X

static const struct fxq_kernel kernels[] = {
#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	{ { #name, infer_##name, eval_##name }, min_in, max_in, n_out },
	OPS(X)
#undef X
};

const struct fxq_kernel *fxq_kernel_find(const char *name)
{
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (!strcmp(kernels[i].fn.name, name))
			return &kernels[i];
	return NULL;
}
