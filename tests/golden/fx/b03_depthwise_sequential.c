// SPDX-License-Identifier: MIT
#include "golden.h"

/* Convolution, batch norm, ReLU6. */
static struct fx_module *cbr(int i, int o, int k, int s, int g)
{
	return Sequential(Conv2d(i, o, k, s, k / 2, .groups = g, .bias = false),
			  BatchNorm2d(o), ReLU6(.inplace = true));
}

FX_MODULE(Depthwise,
	  module(features, Sequential(cbr(3, 8, 3, 2, 1), cbr(8, 8, 3, 1, 8),
				      Conv2d(8, 4, 1), BatchNorm2d(4))),
	  module(fc, Linear(4, 10)))

FX_FORWARD(Depthwise, x)
{
	x = fx_call(self->features, x);
	x = fx_method(fx_adaptive_avg_pool2d(x, 1), flatten, 1);
	return fx_call(self->fc, x);
}

GOLDEN(b03_depthwise_sequential, Depthwise,
       fx_call(m, fx_gen(42, 1, 1, 3, 8, 8)))
