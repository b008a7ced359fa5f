// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(SharedTwice,
	  module(lin, Linear(4, 4)),
	  module(act, ReLU()))

FX_FORWARD(SharedTwice, x)
{
	x = fx_call(self->act, fx_call(self->lin, x));
	return fx_call(self->act, fx_call(self->lin, x));
}

GOLDEN(b04_shared_twice, SharedTwice, fx_call(m, fx_gen(42, 1, 2, 4)))
