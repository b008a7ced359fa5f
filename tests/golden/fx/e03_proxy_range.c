// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyLen)

FX_FORWARD(ProxyLen, x)
{
	return fx_range(fx_method(x, size, 0));
}

GOLDEN_TRACE(e03_proxy_range, ProxyLen)
