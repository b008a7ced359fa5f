// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ConvS2,
	  module(conv, Conv2d(3, 4, 3, .stride = 2, .padding = 1,
			      .bias = false)))

FX_FORWARD(ConvS2, x)
{
	return fx_call(self->conv, x);
}

GOLDEN_NET(conv_s2_nobias, ConvS2, 1, 3, 7, 7)
