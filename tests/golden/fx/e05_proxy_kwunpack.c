// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(ProxyKwUnpack)

static fxv f(struct ProxyKwUnpack *self, fxv kw)
{
	return kw;
}

FX_FORWARD(ProxyKwUnpack, x)
{
	return f(self, fx_kwargs(x));
}

GOLDEN_TRACE(e05_proxy_kwunpack, ProxyKwUnpack)
