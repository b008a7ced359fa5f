// SPDX-License-Identifier: MIT
/*
 * fx_wrap_method.c - a wrapped method is kept whole
 *
 * The network of fx_wrap_training.c with its post-processing wrapped: the graph
 * has one call of it, in which branch and printing stay as they are written,
 * and the graph model's own training flag decides each time it runs.
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

FX_WRAP_METHOD(FxWrapExampleNet, _post_process, model_output)
{
	if (fx_training(self)) {
		puts("Run softmax");
		return fx_softmax(model_output, .dim = 1);
	} else {
		puts("Run argmax");
		return fx_argmax(model_output, .dim = 1);
	}
}

FX_FORWARD(FxWrapExampleNet, input)
{
	fxv x = fx_call(self->quant, input);

	x = fx_call(self->conv, x);
	x = fx_call(self->bn, x);
	x = fx_call(self->relu, x);
	x = fx_call(self->dequant, x);
	return _post_process(self, x);
}

FXQ_PLUGIN(FxWrapExampleNet, FXQ_INPUT(1, 3, 64, 64), _post_process)

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
	fx_release(ret);
	ret = fx_call(fx_eval(graph_model), data);
	if (fx_error(ret))
		fprintf(stderr, "%s\n", fx_error(ret));

	fx_release(ret);

	failed = run_on_device(model, graph, data,
			       (const struct fxq_function *const[]){
				       fx_wrapped_function(_post_process),
				       NULL });
	fx_release(data);
	fx_module_put(graph_model);
	fx_module_put(model);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
#endif
