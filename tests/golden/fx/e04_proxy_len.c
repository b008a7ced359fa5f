// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyLen2)

FX_FORWARD(ProxyLen2, x)
{
	return fx_len(x);
}

GOLDEN_TRACE(e04_proxy_len, ProxyLen2)
