// SPDX-License-Identifier: MIT
/* mobilenet.c - inverted bottlenecks with squeeze and excitation, hardswish */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(SqueezeExcite, module(pool, AdaptiveAvgPool2d(1)),
	  module(fc1, Conv2d(32, 8, 1)), module(relu, ReLU()),
	  module(fc2, Conv2d(8, 32, 1)), module(gate, Hardsigmoid()))
FX_FORWARD(SqueezeExcite, x)
{
	fxv s = fx_call(self->fc1, fx_call(self->pool, x));

	s = fx_call(self->fc2, fx_call(self->relu, s));
	return fx_mul(fx_call(self->gate, s), x);
}

static struct fx_module *ConvNorm(int in, int out, int kernel, int stride,
				  int groups, struct fx_module *act)
{
	return Sequential(Conv2d(in, out, kernel, stride, kernel / 2,
				 .groups = groups, .bias = false),
			  BatchNorm2d(out), act);
}

FX_MODULE(Bottleneck, module(block, Sequential(
		ConvNorm(16, 32, 1, 1, 1, Hardswish()),
		ConvNorm(32, 32, 5, 1, 32, Hardswish()),
		SqueezeExcite(),
		ConvNorm(32, 16, 1, 1, 1, Identity()))))
FX_FORWARD(Bottleneck, x)
{
	return fx_add(x, fx_call(self->block, x));
}

FX_MODULE(MobileNet,
	  module(features, Sequential(ConvNorm(3, 16, 3, 2, 1, Hardswish()),
				      Bottleneck(), Bottleneck(),
				      ConvNorm(16, 48, 1, 1, 1, Hardswish()))),
	  module(avgpool, AdaptiveAvgPool2d(1)),
	  module(classifier, Sequential(Linear(48, 64), Hardswish(),
					Dropout(0.2), Linear(64, 10))))
FX_FORWARD(MobileNet, x)
{
	x = fx_call(self->avgpool, fx_call(self->features, x));
	return fx_call(self->classifier, fx_flatten(x, 1));
}

FXQ_PLUGIN(MobileNet, FXQ_INPUT(1, 3, 64, 64))
