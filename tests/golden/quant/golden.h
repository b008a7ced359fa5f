/* SPDX-License-Identifier: MIT */
/*
 * golden.h - what each of the networks here exports
 *
 * NAME.c is the class of make.py in C. It ends with a line that says of what
 * sizes its input is.
 */
#ifndef GOLDEN_QUANT_NETS_H
#define GOLDEN_QUANT_NETS_H

#include <fxq/trace.h>

struct golden_quant_net {
	const char *name;
	struct fx_module *(*model)(void);
	const int64_t *dims;		/* end with -1 */
};

#define GOLDEN_NET(id, Class, ...)					\
	extern const struct golden_quant_net golden_quant_##id;		\
	const struct golden_quant_net golden_quant_##id = {		\
		#id, Class, FX_DIMS(__VA_ARGS__)			\
	};

/* X(name) */
#define GOLDEN_QUANT_NETS(X)	\
	X(lin)			\
	X(conv)			\
	X(conv_s2_nobias)	\
	X(conv_bn_relu)		\
	X(depthwise)		\
	X(residual)		\
	X(concat)		\
	X(pool_fc)		\
	X(tiny)			\
	X(sigmoid)

#endif /* GOLDEN_QUANT_NETS_H */
