// SPDX-License-Identifier: MIT
/* detector.c - two scales of a pyramid, and a list of all boxes */
#include <fxq/plugin.h>
#include <fxq/trace.h>

static struct fx_module *ConvNorm(int in, int out, int kernel, int stride)
{
	return Sequential(Conv2d(in, out, kernel, stride, kernel / 2,
				 .bias = false),
			  BatchNorm2d(out), LeakyReLU(0.1));
}

FX_MODULE(Detector, module(c1, ConvNorm(3, 16, 3, 2)),
	  module(c2, ConvNorm(16, 32, 3, 2)), module(c3, ConvNorm(32, 64, 3, 2)),
	  module(lateral, ConvNorm(64, 32, 1, 1)),
	  module(up, Upsample(.scale_factor = 2)),
	  module(heads, ModuleList(Conv2d(64, 18, 1), Conv2d(64, 18, 1))))
FX_FORWARD(Detector, x)
{
	fxv fine = fx_call(self->c2, fx_call(self->c1, x)), coarse, boxes[2];

	coarse = fx_call(self->c3, fine);
	x = fx_call(self->up, fx_call(self->lateral, coarse));
	fine = fx_cat(fx_list(x, fine), .dim = 1);
	boxes[0] = fx_call(fx_module_at(self->heads, "0"), coarse);
	boxes[1] = fx_call(fx_module_at(self->heads, "1"), fine);
	for (int i = 0; i < 2; i++) {
		x = fx_method(boxes[i], reshape, 1, 3, 6, -1);
		x = fx_sigmoid(fx_method(x, permute, 0, 1, 3, 2));
		boxes[i] = fx_method(x, reshape, 1, -1, 6);
	}
	return fx_cat(fx_list(boxes[0], boxes[1]), .dim = 1);
}

FXQ_PLUGIN(Detector, FXQ_INPUT(1, 3, 64, 64))
