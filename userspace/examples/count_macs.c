// SPDX-License-Identifier: MIT
/* count_macs.c - multiplications of each layer: count_macs net.onnx */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

/* An element of the result is a sum over all weights of its channel. */
static int64_t count(const struct fx_node *n)
{
	const struct fxq_tensor *w;

	if (!fx_node_is(n, "conv2d") && !fx_node_is(n, "linear"))
		return 0;
	w = &fx_node_in(n, 1)->out[0];
	return fxq_tensor_count(&n->out[0]) * fxq_tensor_count(w) / w->dims[0];
}

int main(int argc, char **argv)
{
	struct fx_graph *g;
	char error[1024];
	int64_t total = 0;

	if (argc != 2)
		errx(1, "usage: count_macs net.onnx");
	if (fx_import_onnx(argv[1], NULL, &g, error, sizeof(error)))
		errx(1, "%s", error);
	fx_for_each_node(n, g) {
		if (count(n))
			printf("%12" PRId64 "  %s\n", count(n), n->source);
		total += count(n);
	}
	printf("%12" PRId64 "  in all\n", total);
	fx_graph_free(g);
}
