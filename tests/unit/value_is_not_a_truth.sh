#!/bin/sh
# SPDX-License-Identifier: MIT
#
# value_is_not_a_truth.sh ROOT - a value has no truth that C could ask for
#
# A tensor has none while a graph is written down, so `if (x)` must not compile.
# Each snippet is the body of a forward; the control shows that what does not
# compile is the snippet and not what surrounds it.
set -u

root=${1:-$(dirname "$0")/../..}
cc=${CC:-cc}
failed=0

compiles() {
	$cc -std=gnu11 -fsyntax-only -w -I"$root/compiler/include" \
		-I"$root/uapi" -x c - >/dev/null 2>&1 <<-END
		#include <fxq/nn.h>
		FX_MODULE(Net, module(relu, ReLU()))
		FX_FORWARD(Net, x, y)
		{
			$1
			return fx_call(self->relu, x);
		}
	END
}

accept() {
	compiles "$1" && return
	echo "does not compile, and should: $1"
	failed=1
}

refuse() {
	compiles "$1" || return 0
	echo "compiles, and should not: $1"
	failed=1
}

accept 'if (fx_truth(x)) x = y;'
accept 'x = fx_add(x, 1); for (int i = 0; i < fx_int(y); i++) x = y;'
accept 'x = fx_getitem(x, 0, fx_slice(1, 2)); fx_setitem(x, 0, 1);'
accept 'x = fx_method(x, mean, .dim = fx_tuple(2, 3));'
refuse 'if (x) x = y;'
refuse 'while (x) x = y;'
refuse 'for (; x; ) x = y;'
refuse 'if (!x) x = y;'
refuse 'if (x && y) x = y;'
refuse 'if (x || y) x = y;'
refuse 'if (x == y) x = y;'
refuse 'if (x > 0) x = y;'
refuse 'if (fx_eq(x, y)) x = y;'
refuse 'while (fx_gt(fx_method(x, max), 1)) x = y;'
refuse 'x[0] = y;'
refuse 'x = fx_method(x, mena);'
refuse 'x = x ? y : x;'
refuse 'x = x + y;'
refuse 'switch (x) { case 0: x = y; }'
refuse 'int n = x;'
refuse 'x = fx_relu(1);'
refuse 'x = fx_call(self->relu, 1);'
refuse 'x = fx_call(self->rleu, x);'
refuse 'x = fx_softmax(x, .dimm = 1);'
exit $failed
