// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(UnpackTwo)

FX_FORWARD(UnpackTwo, x)
{
	fxv a, b;

	fx_unpack(fx_method(x, chunk, 2, .dim = 1), &a, &b);
	return fx_add(a, b);
}

GOLDEN(b23_unpack_two, UnpackTwo, fx_call(m, fx_gen(42, 1, 2, 4)))
