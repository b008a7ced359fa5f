// SPDX-License-Identifier: MIT
/*
 * fuzz_graph_file.c - bytes from outside as a saved graph
 *
 * A libFuzzer target: whatever the bytes are, loading ends with a graph that
 * lint accepts or with a sentence, and types are inferred or refused. The bytes
 * are a file, and then the nodes in a file without tensors.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/graph_file.h>

#include "files/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void load(const void *data, size_t size)
{
	struct fx_graph *g;
	char error[512];

	if (fx_graph_load_memory("fuzz", data, size, &g, error, sizeof(error)))
		return;
	if (fx_graph_lint(g)) {
		fprintf(stderr, "%s\n", fx_graph_error(g));
		abort();
	}
	fx_graph_infer(g);
	fx_graph_free(g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tensors t = { 0 };
	struct bytes file;

	load(data, size);
	t.note = strndup((const char *)data, size);
	if (!t.note || safetensors_format("fuzz", &t, &file)) {
		free(t.note);
		return 0;
	}
	load(file.data, file.size);
	bytes_free(&file);
	free(t.note);
	return 0;
}
