// SPDX-License-Identifier: MIT
/*
 * lstm.c - long short-term memory as a module
 *
 * Parameters are torch's, of each layer and direction the weights of input and
 * state and their biases; the operator takes them in this order. The result is
 * (every h, (last h, last c)).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "nn_priv.h"

static void add_layer(struct fx_module *m, int64_t layer, int64_t in,
		      const char *direction)
{
	int64_t hidden = module_int(m, "hidden_size");
	const struct {
		const char *name;
		int64_t dims[3];
	} weights[] = {
		{ "weight_ih", { 4 * hidden, in, -1 } },
		{ "weight_hh", { 4 * hidden, hidden, -1 } },
		{ "bias_ih", { 4 * hidden, -1 } },
		{ "bias_hh", { 4 * hidden, -1 } },
	};
	int n = fx_truth(module_option(m, "bias")) ? 4 : 2;
	char name[64];

	for (int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "%s_l%d%s", weights[i].name,
			 (int)layer, direction);
		add_uniform(m, name, hidden, weights[i].dims);
	}
}

int init_lstm(struct fx_module *m)
{
	int64_t in = module_int(m, "input_size");
	int64_t hidden = module_int(m, "hidden_size");
	int64_t layers = module_int(m, "num_layers");
	bool both = fx_truth(module_option(m, "bidirectional"));

	if (in < 1 || hidden < 1 || layers < 1 || layers > (both ? 7 : 15))
		return module_fail(m, -EINVAL, "input_size and hidden_size are at least 1, num_layers is 1 to 15, of both directions to 7; here they are %lld, %lld and %lld",
				   (long long)in, (long long)hidden,
				   (long long)layers);

	for (int64_t i = 0; i < layers; i++) {
		add_layer(m, i, in, "");
		if (both)
			add_layer(m, i, in, "_reverse");
		in = both ? 2 * hidden : hidden;
	}
	return 0;
}

fxv forward_lstm(struct fx_module *m, const fxv *args)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;
	fxv out[3];

	if (operation_of_module(m, args[0], &o, error))
		return fx_poison(context.at, -EINVAL, "%s", error);
	operation_results(context.at, &o, out, 3);
	if (fx_error(out[0]))
		return out[0];
	return fx_tuple(out[0], fx_tuple(out[1], out[2]));
}
