// SPDX-License-Identifier: MIT
/*
 * fmnist_net.c - a residual network for pictures of clothes, to be trained
 *
 *	fxq-run train fmnist_net.so --fashion-mnist --mean 0.2860 --std 0.3530
 *
 * A stem of 24 channels, and at half its size residual blocks of 32 and 64:
 * 75,730 parameters.
 */
#include <fxq/plugin.h>
#include <fxq/trace.h>

static struct fx_module *ConvBn(int in, int out, int kernel, int stride)
{
	return Sequential(Conv2d(in, out, kernel, stride, kernel / 2,
				 .bias = false),
			  BatchNorm2d(out));
}

static struct fx_module *Block(int in, int out, int stride)
{
	return ModuleDict({ "body", Sequential(ConvBn(in, out, 3, stride),
					       ReLU(),
					       ConvBn(out, out, 3, 1)) },
			  { "skip", in == out ? Identity() :
				    ConvBn(in, out, 1, stride) });
}

FX_MODULE(FashionNet,
	  module(stem, ConvBn(1, 24, 3, 1)),
	  module(blocks, ModuleList(Block(24, 32, 1), Block(32, 64, 2))),
	  module(classes, Linear(64, 10)))

FX_FORWARD(FashionNet, x)
{
	struct fx_module *block;

	x = fx_max_pool2d(fx_relu(fx_call(self->stem, x)), 2);
	fx_for_each_child(block, self->blocks) {
		fxv y = fx_call(fx_module_at(block, "body"), x);

		x = fx_relu(fx_add(y, fx_call(fx_module_at(block, "skip"), x)));
	}
	x = fx_flatten(fx_adaptive_avg_pool2d(x, 1), 1);
	return fx_call(self->classes, x);
}

FXQ_PLUGIN(FashionNet, FXQ_INPUT(1, 1, 28, 28))
