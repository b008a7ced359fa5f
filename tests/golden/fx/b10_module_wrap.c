// SPDX-License-Identifier: MIT
#include "golden.h"

FX_WRAP_MODULE(LeafCls)

FX_FORWARD(LeafCls, x)
{
	if (fx_truth(fx_gt(fx_method(x, sum), 0)))
		return x;
	return fx_neg(x);
}

FX_MODULE(ModuleWrap,
	  module(conv, Conv2d(3, 3, 1)),
	  module(post, LeafCls()))

FX_FORWARD(ModuleWrap, x)
{
	return fx_call(self->post, fx_call(self->conv, x));
}

GOLDEN(b10_module_wrap, ModuleWrap, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
