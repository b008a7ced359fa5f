// SPDX-License-Identifier: MIT
#include "golden.h"

FX_MODULE(Keywords,
	  module(lambda, ReLU()),
	  module_as(zero, "0", ReLU()),
	  module(print, ReLU()),
	  module(_private, ReLU()),
	  module(CamelCase, ReLU()),
	  module(torch, ReLU()),
	  module(nan, ReLU()))

FX_FORWARD(Keywords, input, (self_, FX_NONE), (max, FX_NONE),
	   (device, FX_NONE), (inf, FX_NONE))
{
	static const char *const names[] = {
		"lambda", "0", "print", "_private", "CamelCase", "torch", "nan"
	};

	for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
		input = fx_call(fx_module_at(&self->module, names[n]), input);
	return input;
}

GOLDEN(b18_keyword_names, Keywords, fx_call(m, fx_gen(42, 1, 2, 4)))
