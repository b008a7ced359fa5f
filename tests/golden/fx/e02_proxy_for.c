// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyFor)

FX_FORWARD(ProxyFor, x)
{
	fxv y = fx_value(0), r;

	for (struct fx_iter rows = fx_iter(x); fx_next(&rows, &r); )
		y = fx_add(y, r);
	return y;
}

GOLDEN_TRACE(e02_proxy_for, ProxyFor)
