// SPDX-License-Identifier: MIT
/*
 * lowering.c - a function of the program's own, and what the device does for it
 *
 * The eager model runs the loop. A compiled one has the operators of the
 * lowering, so that no layer waits for the CPU.
 *
 *	fxq-run compile lowering_plugin.so --calibrate random -o net.fxq
 */
#include <math.h>

#include <fxq/lowering.h>
#include <fxq/plugin.h>

FX_WRAP_FUNCTION(quick_gelu, x)
{
	fxv y = fx_mul(x, 1);	/* a tensor to write to */
	int64_t n = fxq_tensor_count(fx_data(y));
	float *v = fx_data(y)->data;

	for (int64_t i = 0; i < n; i++)
		v[i] /= 1 + expf(-1.702f * v[i]);
	return y;
}

FX_LOWERING(quick_gelu, x)
{
	return fx_mul(x, fx_sigmoid(fx_mul(x, 1.702)));
}

FX_MODULE(Net, module(stem, Conv2d(3, 8, 3)), module(head, Conv2d(8, 4, 1)))
FX_FORWARD(Net, x)
{
	return fx_call(self->head, quick_gelu(fx_call(self->stem, x)));
}

FXQ_PLUGIN(Net, FXQ_INPUT(1, 3, 32, 32), quick_gelu)
