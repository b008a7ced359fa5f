// SPDX-License-Identifier: MIT
/* unet.c - down and up again, a module that returns what is skipped */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Down, module(conv1, Conv2d(3, 16, 3, .padding = 1)),
	  module(bn1, BatchNorm2d(16)),
	  module(conv2, Conv2d(16, 32, 3, .stride = 2, .padding = 1)),
	  module(bn2, BatchNorm2d(32)), module(act, SiLU()))
FX_FORWARD(Down, x)
{
	fxv skipped = fx_call(self->bn1, fx_call(self->conv1, x));

	skipped = fx_call(self->act, skipped);
	x = fx_call(self->bn2, fx_call(self->conv2, skipped));
	return fx_tuple(fx_call(self->act, x), skipped);
}

FX_MODULE(UNet, module(down, Down()),
	  module(middle, Conv2d(32, 32, 3, .padding = 1, .groups = 32)),
	  module(norm, GroupNorm(4, 32)),
	  module(up, ConvTranspose2d(32, 16, 2, .stride = 2)),
	  module(drop, Dropout(0.1)), module(out, Conv2d(32, 2, 1)))
FX_FORWARD(UNet, x)
{
	fxv skipped, y;

	fx_unpack(fx_call(self->down, x), &x, &skipped);
	y = fx_call(self->norm, fx_call(self->middle, x));
	x = fx_call(self->up, fx_add(x, fx_gelu(y)));
	x = fx_cat(fx_list(fx_call(self->drop, x), skipped), .dim = 1);
	return fx_softmax(fx_call(self->out, x), .dim = 1);
}

FXQ_PLUGIN(UNet, FXQ_INPUT(1, 3, 64, 64))
