// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Residual,
	  module(conv1, Conv2d(4, 4, 3, .padding = 1)),
	  module(bn1, BatchNorm2d(4)),
	  module(relu, ReLU(.inplace = true)),
	  module(conv2, Conv2d(4, 4, 3, .padding = 1)),
	  module(bn2, BatchNorm2d(4)))

FX_FORWARD(Residual, x)
{
	fxv identity = x, out;

	out = fx_call(self->relu, fx_call(self->bn1, fx_call(self->conv1, x)));
	out = fx_call(self->bn2, fx_call(self->conv2, out));
	out = fx_add(out, identity);
	return fx_call(self->relu, out);
}

GOLDEN(b01_residual, Residual, fx_call(m, fx_gen(42, 1, 1, 4, 6, 6)))
