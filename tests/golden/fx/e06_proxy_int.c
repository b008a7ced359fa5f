// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyInt)

FX_FORWARD(ProxyInt, x)
{
	return fx_zeros(fx_int(fx_method(x, size, 0)));
}

GOLDEN_TRACE(e06_proxy_int, ProxyInt)
