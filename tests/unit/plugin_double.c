// SPDX-License-Identifier: MIT
/*
 * plugin_double.c - a plugin with one function, for test_functions.c
 *
 * Written out instead of with FXQ_PLUGIN(), so that it needs no compiler
 * library to be loaded.
 */
#include <string.h>

#include <fxq/plugin.h>

static int infer(struct fxq_call *call)
{
	call->out[0].dtype = call->in[0].dtype;
	call->out[0].rank = call->in[0].rank;
	memcpy(call->out[0].dims, call->in[0].dims, sizeof(call->in[0].dims));
	return 0;
}

static int eval(struct fxq_call *call)
{
	const float *x = call->in[0].data;
	float *y = call->out[0].data;

	for (int64_t i = 0; i < call->in[0].dims[1]; i++)
		y[i] = 2 * x[i];
	return 0;
}

static const struct fxq_function plugin_double = {
	"plugin_double", infer, eval
};
static const struct fxq_function *const functions[] = { &plugin_double, NULL };

extern const struct fxq_plugin fxq_plugin;
const struct fxq_plugin fxq_plugin = {
	.abi = FXQ_PLUGIN_ABI,
	.name = "NULL",
	.functions = functions,
};
