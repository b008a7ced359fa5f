// SPDX-License-Identifier: MIT
/*
 * three_regions.c - a network with the program's own code between its layers
 *
 * Three segments run on the device. Between them stand functions that no graph
 * could hold: a loop that runs as often as the data ask for, a branch, and at the
 * end a list whose length depends on what was found.
 *
 *	fxq-run compile three_regions_plugin.so --calibrate pictures/ -o net.fxq
 *	fxq-run infer net.fxq --plugin ./three_regions_plugin.so picture.png
 */
#include <stddef.h>

#include <fxq/plugin.h>
#include <fxq/trace.h>

FX_MODULE(ThreeRegions,
	  module(stem, Conv2d(3, 8, 3, .stride = 2, .padding = 1)),
	  module(body, Conv2d(8, 8, 3, .padding = 1)),
	  module(head, Conv2d(8, 4, 1)),
	  module(relu, ReLU()))

/* Halves what is too bright until it is not. */
FX_WRAP_FUNCTION(dim_lights, x)
{
	while (fx_float(fx_method(x, amax)) > 1)
		x = fx_mul(x, 0.5);
	return x;
}

/* Turns the picture so that its brighter half is on top. */
FX_WRAP_FUNCTION(turn, x)
{
	const struct fxq_tensor *t = fx_data(x);
	size_t half = (size_t)fxq_tensor_count(t) / 2;
	const float *v = t->data;
	double top = 0, bottom = 0;

	for (size_t i = 0; i < half; i++) {
		top += (double)v[i];
		bottom += (double)v[half + i];
	}
	return top < bottom ? fx_neg(x) : x;
}

/* Row, column and channel of everything that is brighter than the threshold. */
FX_WRAP_FUNCTION(find_peaks, x, (threshold, FX_FLOAT(0.25)))
{
	const struct fxq_tensor *t = fx_data(x);
	const float *v = t->data;
	int64_t n = fxq_tensor_count(t), found = 0, area = t->dims[2] * t->dims[3];
	float least = (float)fx_float(threshold), *row;
	fxv peaks;

	for (int64_t i = 0; i < n; i++)
		found += v[i] > least;
	peaks = fx_zeros(found, 3);
	row = fx_data(peaks)->data;
	for (int64_t i = 0; i < n; i++) {
		if (!(v[i] > least))
			continue;
		*row++ = (float)(i % area / t->dims[3]);
		*row++ = (float)(i % t->dims[3]);
		*row++ = (float)(i / area % t->dims[1]);
	}
	return peaks;
}

FX_FORWARD(ThreeRegions, picture)
{
	fxv x = fx_call(self->relu, fx_call(self->stem, picture));

	x = dim_lights(x);
	x = fx_call(self->relu, fx_call(self->body, x));
	x = turn(x);
	x = fx_call(self->head, x);
	return find_peaks(x, fx_default);
}

FXQ_PLUGIN(ThreeRegions, FXQ_INPUT(1, 3, 64, 64), dim_lights, turn, find_peaks)
