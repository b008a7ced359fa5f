// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Concat,
	  module(a, Conv2d(4, 2, 1)),
	  module(b, Conv2d(4, 3, 1)))

FX_FORWARD(Concat, x)
{
	return fx_cat(fx_list(fx_call(self->a, x), fx_call(self->b, x)),
		      .dim = 1);
}

GOLDEN(b02_concat, Concat, fx_call(m, fx_gen(42, 1, 1, 4, 6, 6)))
