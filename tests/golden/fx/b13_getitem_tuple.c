// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(GetitemTuple,
	  module(lstm, LSTM(4, 4)))

FX_FORWARD(GetitemTuple, x)
{
	fxv parts = fx_split(x, 2, .dim = -1);
	fxv out = fx_getitem(fx_call(self->lstm, x), 0);
	fxv state = fx_getitem(fx_call(self->lstm, x), 1);

	return fx_tuple(fx_getitem(parts, 0),
			fx_tuple(fx_getitem(parts, 1),
				 fx_getitem(out, fx_all, -1, fx_ellipsis)),
			fx_list(state));
}

GOLDEN(b13_getitem_tuple, GetitemTuple, fx_call(m, fx_gen(42, 1, 5, 2, 4)))
