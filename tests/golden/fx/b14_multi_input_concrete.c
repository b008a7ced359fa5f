// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(MultiInput,
	  module(a, Linear(4, 4)),
	  module(b, Linear(4, 4)))

FX_FORWARD(MultiInput, x, (y, FX_REQUIRED, "torch.Tensor"),
	   (scale, FX_FLOAT(2.0)), (mask, FX_NONE),
	   (bias, FX_FLOAT(0.5), "float"))
{
	x = fx_mul(fx_call(self->a, x), scale);
	return fx_add(fx_add(x, fx_call(self->b, y)), bias);
}

static const struct fx_param concrete[] = {
	{ "scale", FX_FLOAT(3.0) },
	{ "mask", FX_NONE },
	{ NULL, FX_NONE }
};

GOLDEN(b14_multi_input_concrete, MultiInput,
       fx_call(m, fx_gen(42, 1, 2, 4), fx_gen(43, 1, 2, 4), fx_value(3.0)),
       .concrete = concrete)
