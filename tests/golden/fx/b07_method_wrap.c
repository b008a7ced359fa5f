// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(MethodWrap,
	  module(conv, Conv2d(3, 3, 1)))

FX_WRAP_METHOD(MethodWrap, nms, boxes, (thr, FX_FLOAT(0.5)))
{
	if (fx_truth(fx_gt(fx_method(boxes, sum), thr)))
		return boxes;
	return fx_mul(boxes, 0);
}

FX_FORWARD(MethodWrap, x)
{
	fxv y = fx_call(self->conv, x);

	return fx_tuple(nms(self, y, fx_default), nms(self, y, fx_named(0.25)));
}

GOLDEN(b07_method_wrap, MethodWrap, fx_call(m, fx_gen(42, 1, 1, 3, 4, 4)))
