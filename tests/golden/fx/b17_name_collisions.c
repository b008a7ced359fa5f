// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Collisions,
	  module(add, Linear(4, 4)),
	  module(relu, ReLU()),
	  module(relu_1, ReLU()),
	  module(x, Linear(4, 4)),
	  module(conv_2, Linear(4, 4)),
	  module(conv, Linear(4, 4)),
	  module(foo_bar, Linear(4, 4)),
	  module(foo, ModuleDict({ "bar", Linear(4, 4) })),
	  module(n3, Linear(4, 4)))

FX_FORWARD(Collisions, x)
{
	fxv a = fx_call(self->add, x), b = fx_torch_add(a, x), c = fx_add(a, b);
	fxv d = fx_call(self->relu, c), e = fx_call(self->relu, d);
	fxv f = fx_call(self->relu_1, e), g = fx_relu(f);
	fxv h = fx_method(g, relu);
	fxv i = fx_call(self->x, h), j = fx_call(self->conv_2, i);
	fxv k = fx_call(self->conv, j), l = fx_call(self->conv, k);
	fxv m = fx_call(self->conv_2, l);
	fxv n = fx_call(self->foo_bar, m);
	fxv o = fx_call(fx_module_at(self->foo, "bar"), n);
	fxv p = fx_call(self->n3, o), q = fx_call(self->n3, p);

	return fx_mul(1 > 2 ? 1 : 2, q);
}

GOLDEN(b17_name_collisions, Collisions, fx_call(m, fx_gen(42, 1, 2, 4)))
