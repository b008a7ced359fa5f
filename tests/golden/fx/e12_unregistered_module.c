// SPDX-License-Identifier: MIT
#include "golden.h"

/* A module that is no member of the model. */
static struct fx_module *hidden;

FX_MODULE(NotModuleAttr)

FX_FORWARD(NotModuleAttr, x)
{
	if (!hidden)
		hidden = Conv2d(3, 3, 1);
	return fx_call(hidden, x);
}

GOLDEN_TRACE(e12_unregistered_module, NotModuleAttr)
