// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Seed2Function,
	  module(conv, Conv2d(3, 3, 1)),
	  module(bn, BatchNorm2d(3)),
	  module(relu, ReLU()))

FX_WRAP_FUNCTION(post_process, model_output, training)
{
	if (fx_truth(training)) {
		puts("Run softmax");
		return fx_softmax(model_output, .dim = 1);
	}
	puts("Run argmax");
	return fx_argmax(model_output, .dim = 1);
}

FX_FORWARD(Seed2Function, input)
{
	fxv x = fx_call(self->relu, fx_call(self->bn, fx_call(self->conv, input)));

	return post_process(x, fx_value(fx_training(self)));
}

GOLDEN(seed2_function_wrap, Seed2Function,
       fx_call(m, fx_gen(42, 1, 1, 3, 5, 5)))
