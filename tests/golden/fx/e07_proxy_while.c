// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyWhile)

FX_FORWARD(ProxyWhile, x)
{
	while (fx_truth(fx_gt(fx_method(x, max), 1)))
		x = fx_div(x, 2);
	return x;
}

GOLDEN_TRACE(e07_proxy_while, ProxyWhile)
