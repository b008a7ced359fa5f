// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Sigmoids,
	  module(c, Conv2d(3, 4, 1)))

FX_FORWARD(Sigmoids, x)
{
	return fx_mul(fx_sigmoid(fx_call(self->c, x)), 1.0);
}

GOLDEN_NET(sigmoid, Sigmoids, 1, 3, 4, 4)
