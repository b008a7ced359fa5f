// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyIf)

FX_FORWARD(ProxyIf, x)
{
	if (fx_truth(fx_gt(fx_method(x, sum), 0)))
		return x;
	return fx_neg(x);
}

GOLDEN_TRACE(e01_proxy_if, ProxyIf)
