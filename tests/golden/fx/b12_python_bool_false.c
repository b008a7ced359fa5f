// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(BoolFlow,
	  module(conv, Conv2d(3, 3, 1)),
	  attribute(flag, false),
	  attribute(n, 1))

FX_FORWARD(BoolFlow, x)
{
	for (int i = 0; i < fx_int(self->n); i++)
		x = fx_call(self->conv, x);
	if (fx_truth(self->flag))
		x = fx_relu(x);
	else
		x = fx_tanh(x);
	return x;
}

GOLDEN(b12_python_bool_false, BoolFlow, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
