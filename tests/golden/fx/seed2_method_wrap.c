// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Seed2Method,
	  module(quant, QuantStub()),
	  module(conv, Conv2d(3, 3, 1)),
	  module(bn, BatchNorm2d(3)),
	  module(relu, ReLU()),
	  module(dequant, DeQuantStub()))

FX_WRAP_METHOD(Seed2Method, _post_process, model_output)
{
	if (fx_training(self)) {
		puts("Run softmax");
		return fx_softmax(model_output, .dim = 1);
	} else {
		puts("Run argmax");
		return fx_argmax(model_output, .dim = 1);
	}
}

FX_FORWARD(Seed2Method, input)
{
	fxv x = fx_call(self->quant, input);

	x = fx_call(self->conv, x);
	x = fx_call(self->bn, x);
	x = fx_call(self->relu, x);
	x = fx_call(self->dequant, x);
	return _post_process(self, x);
}

GOLDEN(seed2_method_wrap, Seed2Method, fx_call(m, fx_gen(42, 1, 1, 3, 5, 5)))
