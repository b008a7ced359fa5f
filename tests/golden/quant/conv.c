// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Conv,
	  module(conv, Conv2d(3, 4, 3, .padding = 1)))

FX_FORWARD(Conv, x)
{
	return fx_call(self->conv, x);
}

GOLDEN_NET(conv, Conv, 1, 3, 6, 6)
