// SPDX-License-Identifier: MIT
#include "golden.h"

/* A network of the kind that runs on phones, in small. */
#define BLOCK(ins, outs, step, g)					\
	Sequential(Conv2d(ins, outs, 3, step, .padding = 1, .groups = g, \
			  .bias = false),				\
		   BatchNorm2d(outs), ReLU())

FX_MODULE(Tiny,
	  module(f, Sequential(BLOCK(3, 8, 2, 1), BLOCK(8, 8, 1, 8),
			       Conv2d(8, 8, 1), BatchNorm2d(8))),
	  module(fc, Linear(8, 10)))

FX_FORWARD(Tiny, x)
{
	x = fx_adaptive_avg_pool2d(fx_call(self->f, x), 1);
	return fx_call(self->fc, fx_method(x, flatten, 1));
}

GOLDEN_NET(tiny, Tiny, 1, 3, 16, 16)
