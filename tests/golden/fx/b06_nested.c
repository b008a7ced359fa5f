// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Inner,
	  module(conv, Conv2d(3, 3, 1)),
	  module(act, ReLU()))

FX_FORWARD(Inner, x)
{
	return fx_call(self->act, fx_call(self->conv, x));
}

FX_MODULE(Block,
	  module(left, Inner()),
	  module(right, Inner()))

FX_FORWARD(Block, x)
{
	return fx_add(fx_call(self->left, x), fx_call(self->right, x));
}

FX_MODULE(Nested,
	  module(blocks, ModuleList(Block(), Block())),
	  module(head, ModuleDict({ "cls", Conv2d(3, 1, 1) })))

FX_FORWARD(Nested, x)
{
	struct fx_module *b;

	fx_for_each_child(b, self->blocks)
		x = fx_call(b, x);
	return fx_call(fx_module_at(self->head, "cls"), x);
}

GOLDEN(b06_nested, Nested, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
