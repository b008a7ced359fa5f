// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyNot)

FX_FORWARD(ProxyNot, x)
{
	return fx_value(!fx_truth(x));
}

GOLDEN_TRACE(e09_proxy_not, ProxyNot)
