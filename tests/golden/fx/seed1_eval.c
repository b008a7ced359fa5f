// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Seed1,
	  module(quant, QuantStub()),
	  module(conv, Conv2d(3, 3, 1)),
	  module(bn, BatchNorm2d(3)),
	  module(relu, ReLU()),
	  module(dequant, DeQuantStub()))

FX_FORWARD(Seed1, input)
{
	fxv x = fx_call(self->quant, input);

	x = fx_call(self->conv, x);
	x = fx_call(self->bn, x);
	x = fx_call(self->relu, x);
	x = fx_call(self->dequant, x);
	if (fx_training(self)) {
		puts("Run softmax");
		return fx_softmax(x, .dim = 1);
	} else {
		puts("Run argmax");
		return fx_argmax(x, .dim = 1);
	}
}

GOLDEN(seed1_eval, Seed1, fx_call(m, fx_gen(42, 1, 1, 3, 5, 5)),
       .eval = true)
