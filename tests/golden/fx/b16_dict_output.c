// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(DictOutput,
	  module(conv, Conv2d(3, 4, 1)))

FX_FORWARD(DictOutput, x)
{
	fxv y = fx_call(self->conv, x);

	return fx_dict("cls", fx_getitem(y, fx_all, fx_slice(2)),
		       "box", fx_getitem(y, fx_all, fx_slice(2, fx_none)),
		       "meta", fx_dict("shape", fx_getattr(y, "shape"),
				       "n", 3, "name", "det",
				       "s", fx_slice(0, 2)));
}

GOLDEN(b16_dict_output, DictOutput, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
