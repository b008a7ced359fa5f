// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(DeadCode,
	  module(used, Linear(4, 4)),
	  module(unused, Linear(4, 4)))

FX_FORWARD(DeadCode, x, unused_arg)
{
	fxv y = fx_call(self->used, x);
	fxv z = fx_call(self->unused, x);

	fx_torch_add(z, 1);
	return y;
}

GOLDEN(b19_dead_code, DeadCode, fx_call(m, fx_gen(42, 1, 2, 4), fx_none))
