/* SPDX-License-Identifier: MIT */
/*
 * quant_nets.h - the networks of tests/golden/quant, as models in C
 */
#ifndef TEST_QUANT_NETS_H
#define TEST_QUANT_NETS_H

#include "../golden/quant/golden.h"

#define X(name) extern const struct golden_quant_net golden_quant_##name;
GOLDEN_QUANT_NETS(X)
#undef X

static const struct golden_quant_net *const nets[] = {
#define X(name) &golden_quant_##name,
	GOLDEN_QUANT_NETS(X)
#undef X
};
#define N_NETS	(sizeof(nets) / sizeof(*nets))

#endif /* TEST_QUANT_NETS_H */
