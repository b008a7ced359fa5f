// SPDX-License-Identifier: MIT
#include "golden.h"

#include <math.h>

FX_MODULE(Literals)

FX_FORWARD(Literals, x)
{
	fxv y = fx_method(x, view, -1, 4);
	fxv z = fx_full(INFINITY, 2, 2), w = fx_full(NAN, 2, 2);

	y = fx_method(y, permute, 1, 0);
	y = fx_method(y, to, fx_dtype(float16));
	y = fx_method(y, to, .device = "cpu");
	y = fx_getitem(y, fx_ellipsis, fx_none, fx_slice(0, 1),
		       fx_slice(fx_none, fx_none, 2));
	y = fx_interpolate(y, .scale_factor = 2.0, .mode = "nearest");
	y = fx_clamp(y, .min = -1e-05, .max = 1e20);
	y = fx_pow(y, 2);
	y = fx_neg(y);
	y = fx_invert(y);
	y = fx_floordiv(y, 3);
	y = fx_matmul(y, y);
	y = fx_sub(1, y);
	y = fx_eq(y, y);
	y = fx_aten_relu(y);
	y = fx_getattr(y, "T");
	y = fx_method(y, add_, fx_value(1), .alpha = 2);
	return fx_add(fx_add(y, z), w);
}

/* Torch has no ~ of floats, so nobody runs it. */
GOLDEN_TRACE(b21_literals, Literals)
