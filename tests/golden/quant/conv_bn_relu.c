// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ConvBnRelu,
	  module(conv, Conv2d(3, 4, 3, .padding = 1)),
	  module(bn, BatchNorm2d(4)),
	  module(relu, ReLU()))

FX_FORWARD(ConvBnRelu, x)
{
	x = fx_call(self->bn, fx_call(self->conv, x));
	return fx_call(self->relu, x);
}

GOLDEN_NET(conv_bn_relu, ConvBnRelu, 2, 3, 6, 6)
