// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Residual,
	  module(c1, Conv2d(4, 4, 3, .padding = 1)),
	  module(b1, BatchNorm2d(4)),
	  module(c2, Conv2d(4, 4, 3, .padding = 1)),
	  module(b2, BatchNorm2d(4)),
	  module(relu, ReLU()))

FX_FORWARD(Residual, x)
{
	fxv y = fx_call(self->b1, fx_call(self->c1, x));

	y = fx_call(self->relu, y);
	y = fx_call(self->b2, fx_call(self->c2, y));
	return fx_call(self->relu, fx_add(y, x));
}

GOLDEN_NET(residual, Residual, 1, 4, 6, 6)
