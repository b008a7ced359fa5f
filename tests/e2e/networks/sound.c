// SPDX-License-Identifier: MIT
/* sound.c - layers along a signal, an LSTM, and the word that it was */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Sound, module(conv1, Conv1d(1, 16, 16, .stride = 4)),
	  module(bn1, BatchNorm1d(16)), module(pool, MaxPool1d(4)),
	  module(conv2, Conv1d(16, 32, 3, .padding = 1)),
	  module(bn2, BatchNorm1d(32)),
	  module(lstm, LSTM(32, 24, .batch_first = true)),
	  module(fc, Linear(24, 5)))
FX_FORWARD(Sound, x)
{
	fxv steps, state;

	x = fx_relu(fx_call(self->bn1, fx_call(self->conv1, x)));
	x = fx_call(self->conv2, fx_call(self->pool, x));
	x = fx_transpose(fx_relu(fx_call(self->bn2, x)), 1, 2);
	fx_unpack(fx_call(self->lstm, x), &steps, &state);
	x = fx_call(self->fc, fx_getitem(steps, fx_all, -1));
	return fx_log_softmax(x, .dim = -1);
}

FXQ_PLUGIN(Sound, FXQ_INPUT(1, 1, 800))
