// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(MultiUse)

FX_FORWARD(MultiUse, x)
{
	fxv a = fx_add(x, 1), b = fx_mul(a, a), c = fx_sub(b, a);
	fxv d = fx_method(c, relu), e = fx_cat(fx_tuple(a, d, b));
	fxv f = fx_method(e, sum);

	return fx_tuple(f, d);
}

GOLDEN(b20_multi_use, MultiUse, fx_call(m, fx_gen(42, 1, 3, 4)))
