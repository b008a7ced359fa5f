// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Functional,
	  parameter(w, fx_zeros(4, 4, 3, 3)),
	  parameter(b, fx_zeros(4)))

FX_FORWARD(Functional, x)
{
	fxv y = fx_conv2d(x, self->w, self->b, .stride = 1, .padding = 1);

	y = fx_relu(y);
	y = fx_max_pool2d(y, 2);
	y = fx_sub(fx_add(fx_mul(fx_sigmoid(y), 2), 1), y);
	return fx_method(y, mean, .dim = fx_tuple(2, 3));
}

GOLDEN(b05_functional, Functional, fx_call(m, fx_gen(42, 1, 1, 4, 6, 6)))
