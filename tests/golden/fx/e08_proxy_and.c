// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyAnd)

FX_FORWARD(ProxyAnd, x, y)
{
	return fx_truth(x) ? y : x;
}

GOLDEN_TRACE(e08_proxy_and, ProxyAnd)
