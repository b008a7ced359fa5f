// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(FunctionWrap,
	  module(conv, Conv2d(3, 3, 1)),
	  attribute(k, 2))

FX_WRAP_FUNCTION(topk_scores, x, k)
{
	fxv out = fx_zeros(fx_int(fx_len(x)), fx_int(k)), row;
	int i = 0;

	for (struct fx_iter rows = fx_iter(x); fx_next(&rows, &row); )
		fx_setitem(out, i++, fx_getitem(fx_method(row, flatten),
						fx_slice(k)));
	return out;
}

FX_FORWARD(FunctionWrap, x)
{
	return topk_scores(fx_call(self->conv, x), self->k);
}

GOLDEN(b08_function_wrap, FunctionWrap, fx_call(m, fx_gen(42, 1, 2, 3, 4, 4)))
