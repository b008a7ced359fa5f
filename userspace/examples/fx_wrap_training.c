// SPDX-License-Identifier: MIT
/*
 * fx_wrap_training.c - control flow in a forward is decided while tracing
 *
 * The network ends differently in training and in evaluation. Tracing runs the
 * forward once, so the graph keeps the end that was taken, and neither the
 * other one nor the printing; fx_wrap_method.c shows how to keep both.
 */
#include <stdio.h>
#include <stdlib.h>

#include <fxq/plugin.h>
#include <fxq/trace.h>

#include "on_device.h"

FX_MODULE(FxWrapExampleNet,
	  module(quant, QuantStub()),
	  module(conv, Conv2d(3, 3, 1)),
	  module(bn, BatchNorm2d(3)),
	  module(relu, ReLU()),
	  module(dequant, DeQuantStub()))

FX_FORWARD(FxWrapExampleNet, input)
{
	/* The body of the model: to be fused, quantized, compiled. */
	fxv x = fx_call(self->quant, input);

	x = fx_call(self->conv, x);
	x = fx_call(self->bn, x);
	x = fx_call(self->relu, x);
	x = fx_call(self->dequant, x);

	/* Post-processing, not quantized, with a branch. */
	if (fx_training(self)) {
		puts("Run softmax");
		return fx_softmax(x, .dim = 1);
	} else {
		puts("Run argmax");
		return fx_argmax(x, .dim = 1);
	}
}

FXQ_PLUGIN(FxWrapExampleNet, FXQ_INPUT(1, 3, 64, 64))

#ifndef FXQ_NO_MAIN
int main(void)
{
	struct fx_module *model = FxWrapExampleNet(), *graph_model;
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_graph *graph;
	fxv data, ret;
	int failed;

	if (fx_trace(model, &tracer, &graph)) {
		fprintf(stderr, "%s\n", tracer.error);
		return EXIT_FAILURE;
	}
	fx_print_tabular(graph);
	graph_model = GraphModuleWithAttr(model, graph);
	fx_print_code(graph_model);

	data = fx_rand(1, 3, 64, 64);
	ret = fx_call(graph_model, data);
	if (fx_error(ret))
		fprintf(stderr, "%s\n", fx_error(ret));

	fx_release(ret);

	failed = run_on_device(model, graph, data,
			       (const struct fxq_function *const[]){ NULL });
	fx_release(data);
	fx_module_put(graph_model);
	fx_module_put(model);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
