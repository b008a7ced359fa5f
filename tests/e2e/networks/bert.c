// SPDX-License-Identifier: MIT
/* bert.c - a transformer of words, which come as numbers of rows */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Layer,
	  module(attn, MultiheadAttention(32, 4, .batch_first = true)),
	  module(norm1, LayerNorm(32)), module(up, Linear(32, 64)),
	  module(down, Linear(64, 32)), module(norm2, LayerNorm(32)))
FX_FORWARD(Layer, x)
{
	fxv y = fx_getitem(fx_call(self->attn, x, x, x), 0);

	x = fx_call(self->norm1, fx_add(x, y));
	y = fx_call(self->down, fx_gelu(fx_call(self->up, x)));
	return fx_call(self->norm2, fx_add(x, y));
}

FX_MODULE(Bert, module(words, Embedding(1000, 32)),
	  parameter(position, fx_zeros(1, 16, 32)),
	  module(layers, Sequential(Layer(), Layer())),
	  module(pooler, Linear(32, 32)), module(classifier, Linear(32, 2)))
FX_FORWARD(Bert, ids)
{
	fxv x = fx_add(fx_call(self->words, ids), self->position);

	x = fx_getitem(fx_call(self->layers, x), fx_all, 0);
	return fx_call(self->classifier, fx_tanh(fx_call(self->pooler, x)));
}

FXQ_PLUGIN(Bert, FXQ_INPUT(1, 16))
