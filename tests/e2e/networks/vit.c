// SPDX-License-Identifier: MIT
/* vit.c - a transformer of patches, a class token before them */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Encoder, module(norm1, LayerNorm(32)),
	  module(attn, MultiheadAttention(32, 4, .batch_first = true)),
	  module(norm2, LayerNorm(32)),
	  module(mlp, Sequential(Linear(32, 64), GELU(), Dropout(0.1),
				 Linear(64, 32))))
FX_FORWARD(Encoder, x)
{
	fxv y = fx_call(self->norm1, x), attended, weights;

	fx_unpack(fx_call(self->attn, y, y, y), &attended, &weights);
	x = fx_add(x, attended);
	return fx_add(x, fx_call(self->mlp, fx_call(self->norm2, x)));
}

FX_MODULE(VisionTransformer, module(patch, Conv2d(3, 32, 8, .stride = 8)),
	  parameter(token, fx_zeros(1, 1, 32)),
	  parameter(position, fx_zeros(1, 17, 32)),
	  module(layers, Sequential(Encoder(), Encoder())),
	  module(norm, LayerNorm(32)), module(head, Linear(32, 10)))
FX_FORWARD(VisionTransformer, x)
{
	x = fx_flatten(fx_call(self->patch, x), 2);
	x = fx_cat(fx_list(self->token, fx_method(x, transpose, 1, 2)), 1);
	x = fx_call(self->layers, fx_add(x, self->position));
	x = fx_call(self->norm, x);
	return fx_call(self->head, fx_getitem(x, fx_all, 0));
}

FXQ_PLUGIN(VisionTransformer, FXQ_INPUT(1, 3, 32, 32))
