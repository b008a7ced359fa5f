// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(SetItem)

FX_FORWARD(SetItem, x)
{
	fx_setitem(x, 0, 1);
	return x;
}

GOLDEN_TRACE(b22_setitem, SetItem)
