// SPDX-License-Identifier: MIT
/*
 * Fuzz target for the ONNX importer. Whatever the bytes are, an import ends
 * with a graph that lint accepts or with a sentence; a graph is run as well if
 * it is small and its inputs are, since a shape function that says too little
 * would be seen there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#define VALUES_MAX	16
#define BYTES_MAX	(1u << 20)
#define NODES_MAX	64

/* Zeroed inputs for @g; how many, or < 0 if running it would take long. */
static int make_inputs(struct fx_graph *g, struct fxq_tensor *in)
{
	int n = 0, nodes = 0;

	fx_for_each_node(node, g) {
		if (++nodes > NODES_MAX)
			return -1;
		for (int i = 0; i < node->n_out; i++)
			if (fxq_tensor_bytes(&node->out[i]) > BYTES_MAX)
				return -1;
		if (node->opcode != FX_PLACEHOLDER)
			continue;
		if (n == VALUES_MAX)
			return -1;
		in[n++] = node->out[0];
	}
	for (int i = 0; i < n; i++)
		if (fxq_tensor_alloc(&in[i]))
			abort();
	return n;
}

static void run(struct fx_graph *g)
{
	const struct fx_arg *a = &fx_graph_output(g)->args[0];
	size_t n_out = a->kind == FX_ARG_NODE ? 1 : a->count;
	struct fxq_tensor in[VALUES_MAX] = { 0 }, out[VALUES_MAX];
	int n_in;

	if (n_out > VALUES_MAX)
		return;
	n_in = make_inputs(g, in);
	if (n_in >= 0 && !fx_graph_run(g, NULL, in, n_in, out, n_out))
		for (size_t i = 0; i < n_out; i++)
			fxq_tensor_free(&out[i]);
	for (int i = 0; i < n_in; i++)
		fxq_tensor_free(&in[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct fx_import_options opts = {
		.default_batch = 1,
		.allow_unknown = size & 1,
	};
	struct fx_graph *g;
	char error[512];

	if (fx_import_onnx_memory(data, size, &opts, &g, error, sizeof(error)))
		return 0;

	if (fx_graph_lint(g)) {
		fprintf(stderr, "%s\n", fx_graph_error(g));
		abort();
	}
	run(g);
	fx_graph_free(g);
	return 0;
}
