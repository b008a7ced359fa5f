// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(VarArgs)

FX_FORWARD(VarArgs, (args, FX_VARARGS), (kwargs, FX_KWARGS))
{
	return fx_add(fx_getitem(args, 0), fx_getitem(kwargs, "y"));
}

GOLDEN(b15_varargs, VarArgs,
       fx_call(m, fx_tuple(fx_gen(42, 1, 2, 4)),
	       fx_dict("y", fx_gen(43, 1, 2, 4))))
