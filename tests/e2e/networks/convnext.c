// SPDX-License-Identifier: MIT
/* convnext.c - convolutions with the norms of a transformer, channels last */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Block, module(dw, Conv2d(24, 24, 7, .padding = 3, .groups = 24)),
	  module(norm, LayerNorm(24)), module(up, Linear(24, 96)),
	  module(act, GELU()), module(down, Linear(96, 24)))
FX_FORWARD(Block, x)
{
	fxv y = fx_permute(fx_call(self->dw, x), fx_tuple(0, 2, 3, 1));

	y = fx_call(self->act, fx_call(self->up, fx_call(self->norm, y)));
	y = fx_permute(fx_call(self->down, y), fx_tuple(0, 3, 1, 2));
	return fx_add(x, y);
}

FX_MODULE(ConvNeXt, module(stem, Conv2d(3, 24, 4, .stride = 4)),
	  module(blocks, Sequential(Block(), Block())),
	  module(norm, LayerNorm(24)), module(head, Linear(24, 10)))
FX_FORWARD(ConvNeXt, x)
{
	x = fx_call(self->blocks, fx_call(self->stem, x));
	x = fx_method(x, mean, .dim = fx_list(-2, -1));
	return fx_call(self->head, fx_call(self->norm, x));
}

FXQ_PLUGIN(ConvNeXt, FXQ_INPUT(1, 3, 64, 64))
