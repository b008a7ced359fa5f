// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyIn)

FX_FORWARD(ProxyIn, x)
{
	return fx_contains(x, 1);
}

GOLDEN_TRACE(e10_proxy_in, ProxyIn)
