// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Concat,
	  module(a, Conv2d(3, 2, 1)),
	  module(b, Conv2d(3, 3, 1)))

FX_FORWARD(Concat, x)
{
	return fx_cat(fx_list(fx_call(self->a, x), fx_call(self->b, x)), 1);
}

GOLDEN_NET(concat, Concat, 1, 3, 4, 4)
