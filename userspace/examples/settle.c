// SPDX-License-Identifier: MIT
/*
 * settle.c - a network whose solver on the CPU takes as long as its layers
 *
 * The device proposes a height for each place and how sure it is of it. A solver,
 * which is the program's own and runs on the CPU, lets the heights settle between
 * their neighbours, sweep by sweep, each on top of the one before: no graph could
 * hold it, no array of multipliers could do it. A last layer on the device makes a
 * relief of the result.
 *
 *	fxq-run compile settle_plugin.so --calibrate random -o settle.fxq
 *	fxq-run bench settle.fxq --plugin ./settle_plugin.so --inflight 3
 *	fxq-run profile settle.fxq --plugin ./settle_plugin.so --inflight 3 \
 *		--trace settle.json
 */
#include <stddef.h>

#include <fxq/plugin.h>
#include <fxq/trace.h>

#ifndef SWEEPS
#define SWEEPS	12	/* about as long as the layers, with AVX-512 */
#endif

FX_MODULE(Settle,
	  module(stem, Conv2d(3, 32, 3, .padding = 1)),
	  module(body1, Conv2d(32, 32, 3, .padding = 1)),
	  module(body2, Conv2d(32, 32, 3, .padding = 1)),
	  module(propose, Conv2d(32, 2, 1)),
	  module(relief, Conv2d(1, 8, 3, .padding = 1)),
	  module(relu, ReLU()))

/* Each place moves between what was proposed and the mean of its neighbours. */
static void sweep(float *height, const float *proposed, const float *sure,
		  int64_t rows, int64_t columns)
{
	for (int64_t y = 1; y < rows - 1; y++) {
		float *h = height + y * columns;

		for (int64_t x = 1; x < columns - 1; x++) {
			int64_t i = y * columns + x;
			float mean = (h[x - 1] + h[x + 1] + h[x - columns] +
				      h[x + columns]) / 4;

			h[x] = mean + sure[i] * (proposed[i] - mean);
		}
	}
}

/* Heights and how sure they are, one channel each, to heights that have settled. */
FX_WRAP_FUNCTION(settle, proposal)
{
	const struct fxq_tensor *t = fx_data(proposal);
	int64_t rows = t->dims[2], columns = t->dims[3], n = rows * columns;
	const float *proposed = t->data, *raw = proposed + n;
	fxv height = fx_zeros(1, 1, rows, columns), sure;
	float *h = fx_data(height)->data, *s;

	sure = fx_zeros(n);
	s = fx_data(sure)->data;
	for (int64_t i = 0; i < n; i++) {
		h[i] = proposed[i];
		s[i] = raw[i] * raw[i] / (1 + raw[i] * raw[i]);
	}
	for (int i = 0; i < SWEEPS; i++)
		sweep(h, proposed, s, rows, columns);
	return height;
}

FX_FORWARD(Settle, picture)
{
	fxv x = fx_call(self->relu, fx_call(self->stem, picture));

	x = fx_call(self->relu, fx_call(self->body1, x));
	x = fx_call(self->relu, fx_call(self->body2, x));
	x = settle(fx_call(self->propose, x));
	return fx_call(self->relief, x);
}

FXQ_PLUGIN(Settle, FXQ_INPUT(1, 3, 128, 128), settle)
