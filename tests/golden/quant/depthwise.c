// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Depthwise,
	  module(dw, Conv2d(8, 8, 3, .padding = 1, .groups = 8)),
	  module(pw, Conv2d(8, 6, 1)))

FX_FORWARD(Depthwise, x)
{
	return fx_call(self->pw, fx_relu(fx_call(self->dw, x)));
}

GOLDEN_NET(depthwise, Depthwise, 1, 8, 6, 6)
