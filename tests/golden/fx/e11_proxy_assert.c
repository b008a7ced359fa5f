// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyAssert)

FX_FORWARD(ProxyAssert, x)
{
	fx_assert(fx_eq(fx_getitem(fx_getattr(x, "shape"), 0), 1),
		  "batch must be one");
	return x;
}

GOLDEN_TRACE(e11_proxy_assert, ProxyAssert)
