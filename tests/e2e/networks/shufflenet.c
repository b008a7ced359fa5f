// SPDX-License-Identifier: MIT
/* shufflenet.c - channels that are cut in half, joined and shuffled */
#include <fxq/plugin.h>
#include <fxq/trace.h>

static struct fx_module *ConvNorm(int in, int out, int kernel, int groups)
{
	return Sequential(Conv2d(in, out, kernel, 1, kernel / 2,
				 .groups = groups, .bias = false),
			  BatchNorm2d(out), ReLU());
}

FX_MODULE(Unit, module(branch, Sequential(ConvNorm(16, 16, 1, 1),
					  ConvNorm(16, 16, 3, 16),
					  ConvNorm(16, 16, 1, 1))))
FX_FORWARD(Unit, x)
{
	fxv kept, half;

	fx_unpack(fx_method(x, chunk, 2, .dim = 1), &kept, &half);
	x = fx_cat(fx_list(kept, fx_call(self->branch, half)), .dim = 1);
	x = fx_method(fx_method(x, view, 1, 2, 16, 16, 16), transpose, 1, 2);
	return fx_method(fx_method(x, contiguous), view, 1, 32, 16, 16);
}

FX_MODULE(ShuffleNet, module(stem, ConvNorm(3, 32, 3, 1)),
	  module(pool, MaxPool2d(3, 2, 1)),
	  module(units, Sequential(Unit(), Unit())), module(fc, Linear(32, 10)))
FX_FORWARD(ShuffleNet, x)
{
	x = fx_call(self->pool, fx_call(self->stem, x));
	x = fx_mean(fx_call(self->units, x), .dim = fx_tuple(2, 3));
	return fx_call(self->fc, x);
}

FXQ_PLUGIN(ShuffleNet, FXQ_INPUT(1, 3, 32, 32))
