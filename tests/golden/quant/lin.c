// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Lin,
	  module(fc, Linear(8, 5)))

FX_FORWARD(Lin, x)
{
	return fx_call(self->fc, x);
}

GOLDEN_NET(lin, Lin, 4, 8)
