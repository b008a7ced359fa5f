// SPDX-License-Identifier: MIT
/*
 * fuzz_module_file.c - bytes from outside as a saved graph module
 *
 * A libFuzzer target: whatever the bytes are, loading ends with a sentence, or
 * with a module that lint accepts and that all there is to do with one takes: it
 * is printed, run, prepared, converted and made functional, and each of these
 * ends. What was accepted is saved, and its file has to be accepted again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fxq/graph_file.h>
#include <fxq/quantize_fx.h>

#include "files/files.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char error[2048];

static void print(const struct fx_module *gm)
{
	FILE *to = fopen("/dev/null", "w");

	fx_graph_print_tabular_torch(gm->graph, to);
	fx_graph_print(gm->graph, to);
	fclose(to);
	free(fx_graph_code(gm->graph));
	free(fx_graph_code_c(gm->graph));
}

/* One image for the first input; the others have their defaults, or miss. */
static void run(struct fx_module *gm)
{
	fxv x = fx_gen(1, 1, 1, 3, 6, 6), y = fx_call(gm, x);

	fx_release(y);
	fx_release(x);
}

static void functionalize(struct fx_module *gm)
{
	struct fx_graph *g;

	if (fx_functionalize(gm->graph, gm, &g))
		return;
	/* Whether values fit one another is for this to say. */
	fx_graph_infer(g);
	fx_graph_free(g);
}

static void use(struct fx_module *gm)
{
	struct fx_module_qconfig q = get_default_qconfig();
	struct fx_module *next;

	run(gm);
	functionalize(gm);
	next = prepare_calibration_fx(gm, fx_qconfig_dict({ "", NULL, &q }));
	if (!next->error)
		run(next);
	fx_module_put(next);
	next = convert_fx(gm);
	if (!next->error) {
		run(next);
		functionalize(next);
	}
	fx_module_put(next);
	fx_qconfig_put(&q);
}

static void save_again(struct fx_module *gm)
{
	struct fx_module *again;
	char path[64];

	snprintf(path, sizeof(path), "/tmp/fuzz-module-%d.fxg", (int)getpid());
	if (fx_save(gm, path, error, sizeof(error)) ||
	    fx_load(path, NULL, &again, error, sizeof(error))) {
		fprintf(stderr, "%s\n", error);
		abort();
	}
	unlink(path);
	fx_module_put(again);
}

static void load(const void *data, size_t size)
{
	struct fx_module *gm;

	if (fx_load_memory("fuzz", data, size, NULL, &gm, error,
			   sizeof(error)))
		return;
	if (fx_graph_lint(gm->graph)) {
		fprintf(stderr, "%s\n", fx_graph_error(gm->graph));
		abort();
	}
	print(gm);
	save_again(gm);
	use(gm);
	fx_module_put(gm);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	load(data, size);
	return 0;
}
