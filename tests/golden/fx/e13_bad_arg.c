// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(CustomObjArg)

FX_FORWARD(CustomObjArg, x)
{
	return fx_relu(x, fx_opaque(object));
}

GOLDEN_TRACE(e13_bad_arg, CustomObjArg)
