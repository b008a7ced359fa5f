// SPDX-License-Identifier: MIT
/* hardswish_to_relu6.c - changes a traced graph: every Hardswish becomes ReLU6 */
#include <err.h>

#include <fxq/trace.h>

FX_MODULE(Net,
	  module(conv, Conv2d(3, 8, 3)),
	  module(act, Hardswish()))

FX_FORWARD(Net, x)
{
	return fx_hardswish(fx_call(self->act, fx_call(self->conv, x)));
}

int main(void)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	struct fx_module *model = Net(), *gm;
	struct fx_node *in;
	struct fx_graph *g;

	if (fx_trace(model, &tracer, &g))
		errx(1, "%s", tracer.error);
	fx_for_each_node(n, g) {
		if (!fx_node_is(n, "hardswish") &&
		    !fx_node_is_module(n, "Hardswish"))
			continue;
		in = fx_node_in(n, 0);
		fx_insert_before(n);
		fx_node_replace_uses(n, fx_graph_call(g, "relu6", &in, 1, NULL, 0));
		fx_node_erase(n);
	}
	gm = GraphModuleWithAttr(model, g);
	fx_print_code(gm);
	fx_module_put(gm);
	fx_module_put(model);
}
