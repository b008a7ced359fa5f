// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Sub,
	  parameter(bias, fx_zeros(1)))
FX_NO_FORWARD(Sub)

/* `const` is a word of C's. */
FX_MODULE(GetAttrParam,
	  parameter(scale, fx_ones(3, 1, 1)),
	  buffer(mean, fx_zeros(3, 1, 1)),
	  module(sub, Sub()),
	  attribute(const_, fx_ones(2)))

FX_FORWARD(GetAttrParam, x)
{
	x = fx_mul(fx_sub(x, self->mean), self->scale);
	x = fx_add(x, fx_member(self->sub, "bias"));
	return fx_add(fx_add(x, fx_tensor(1.0)), fx_method(self->const_, sum));
}

GOLDEN(b11_get_attr, GetAttrParam, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
