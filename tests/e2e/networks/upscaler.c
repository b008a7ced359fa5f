// SPDX-License-Identifier: MIT
/* upscaler.c - dense blocks that add to a picture which is made larger */
#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(Dense, module(a, Conv2d(16, 8, 3, .padding = 1)),
	  module(b, Conv2d(24, 8, 3, .padding = 1)), module(c, Conv2d(32, 16, 1)))
FX_FORWARD(Dense, x)
{
	fxv a = fx_relu(fx_call(self->a, x)), b;

	b = fx_relu(fx_call(self->b, fx_cat(fx_list(x, a), .dim = 1)));
	b = fx_call(self->c, fx_cat(fx_list(x, a, b), .dim = 1));
	return fx_add(fx_mul(b, 0.25), x);
}

FX_MODULE(Upscaler, module(head, Conv2d(3, 16, 3, .padding = 1)),
	  module(body, Sequential(Dense(), Dense())),
	  module(tail, Conv2d(16, 12, 3, .padding = 1)))
FX_FORWARD(Upscaler, x)
{
	fxv y = fx_call(self->head, fx_div(fx_sub(x, 0.45), 0.225));

	y = fx_pixel_shuffle(fx_call(self->tail, fx_call(self->body, y)), 2);
	x = fx_interpolate(x, .scale_factor = 2, .mode = "bilinear");
	return fx_clamp(fx_add(y, x), 0, 1);
}

FXQ_PLUGIN(Upscaler, FXQ_INPUT(1, 3, 32, 32))
