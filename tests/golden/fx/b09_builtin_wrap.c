// SPDX-License-Identifier: MIT
#include "golden.h"

FX_WRAP_BUILTIN(len)

FX_MODULE(WrapBuiltin)

FX_FORWARD(WrapBuiltin, x)
{
	return fx_mul(x, fx_len(x));
}

GOLDEN(b09_builtin_wrap, WrapBuiltin, fx_call(m, fx_gen(42, 1, 3, 4)))
