// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(PoolLinear,
	  module(c, Conv2d(3, 4, 3, .padding = 1)),
	  module(mp, MaxPool2d(2)),
	  module(ap, AdaptiveAvgPool2d(1)),
	  module(fc, Linear(4, 3)))

FX_FORWARD(PoolLinear, x)
{
	x = fx_call(self->mp, fx_relu(fx_call(self->c, x)));
	x = fx_flatten(fx_call(self->ap, x), 1);
	return fx_call(self->fc, x);
}

GOLDEN_NET(pool_fc, PoolLinear, 1, 3, 8, 8)
