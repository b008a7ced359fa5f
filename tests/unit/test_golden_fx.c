// SPDX-License-Identifier: MIT
/*
 * test_golden_fx.c - traced networks are what torch traces, to the character
 *
 * tests/golden/fx has networks in C beside what torch 1.13 printed for them in
 * Python. Each is traced here. What it prints meanwhile, the table, the code and
 * str(graph), table and code without dead code, or the error's text and class,
 * must be torch's. Addresses of functions differ from run to run in Python, so
 * their digits are not compared; how many there are is.
 *
 * The results are counted in golden.json: {"traces": {"passed", "total"}}.
 */
#include <ctype.h>

#include <jansson.h>

#include "../golden/fx/golden.h"
#include "golden_fx.h"

#define X(name) extern const struct golden_net golden_##name;
GOLDEN_NETS(X)
#undef X

static const struct golden_net *const nets[] = {
#define X(name) &golden_##name,
	GOLDEN_NETS(X)
#undef X
};
#define N_NETS	(sizeof(nets) / sizeof(*nets))

static size_t passed;

/* "0x7fc855f2d1e0" to "0x____________", in place. */
static char *mask_digits(char *text)
{
	for (char *c = strstr(text, " at 0x"); c; c = strstr(c, " at 0x"))
		for (c += strlen(" at 0x"); isxdigit((unsigned char)*c); c++)
			*c = '_';
	return text;
}

static void assert_text(char *ours, char *wanted)
{
	assert_string_equal(mask_digits(ours), mask_digits(wanted));
	free(ours);
	free(wanted);
}

static void assert_graph(struct fx_graph *g, const char *golden)
{
	assert_text(print_to_text(fx_graph_print_tabular_torch, g),
		    golden_part(golden, "## print_tabular\n", "## code\n"));
	assert_text(fx_graph_code(g),
		    golden_part(golden, "## code\n", "## str(graph)"));
	assert_text(print_to_text(fx_graph_print, g),
		    golden_part(golden, "## str(graph)\n", "## after"));
}

/* Table and code stand one after the other. */
static void assert_without_dead_code(const struct fx_graph *g,
				     const char *golden)
{
	struct fx_graph *copy;
	char *table, *code, *both;

	if (!strstr(golden, "## after eliminate_dead_code (changed=True)\n"))
		return;
	copy = fx_graph_copy(g);
	assert_true(fx_graph_eliminate_dead_code(copy) > 0);
	table = print_to_text(fx_graph_print_tabular_torch, copy);
	code = fx_graph_code(copy);
	assert_true(asprintf(&both, "%s%s", table, code) > 0);
	assert_text(both, golden_part(golden, "(changed=True)\n", NULL));
	free(table);
	free(code);
	fx_graph_free(copy);
}

/*
 * struct traced - a network and its trace
 */
struct traced {
	const struct golden_net *net;
	struct fx_module *model;
	struct fx_tracer tracer;
	struct fx_graph *graph;
};

static void trace(void *ctx)
{
	struct traced *t = ctx;

	t->tracer = QuantizationTracer(NULL, NULL);
	t->tracer.concrete = t->net->concrete;
	t->tracer.trace_asserts = t->net->trace_asserts;
	fx_trace(t->model, &t->tracer, &t->graph);
}

static void assert_error(const struct traced *t, const char *golden)
{
	char *class = golden_part(golden, "## ERROR ", "\n");
	char *text = golden_part(strstr(golden, "## ERROR "), "\n", "\n");

	assert_null(t->graph);
	assert_non_null(t->tracer.error_class);
	assert_string_equal(t->tracer.error_class, class);
	assert_string_equal(t->tracer.error + t->tracer.error_text, text);
	free(text);
	free(class);
}

static void a_network_traces_as_in_torch(void **state)
{
	const struct golden_net *net = *state;
	struct traced t = { .net = net, .model = net->model() };
	char *golden = golden_read(net->name);

	fx_module_fill(t.model, 1000);
	if (net->eval)
		fx_eval(t.model);
	assert_text(stdout_of(trace, &t),
		    golden_part(golden, "## stdout while tracing\n", "##"));
	if (strstr(golden, "## ERROR ")) {
		assert_error(&t, golden);
	} else {
		assert_string_equal(t.tracer.error, "");
		assert_int_equal(fx_graph_lint(t.graph), 0);
		assert_graph(t.graph, golden);
		assert_without_dead_code(t.graph, golden);
	}
	fx_graph_free(t.graph);
	fx_module_put(t.model);
	free(golden);
	passed++;
}

/* Beside what other tests wrote there. */
static int write_counts(void **state)
{
	json_t *root = json_load_file(GOLDEN_JSON, 0, NULL);

	if (!json_is_object(root)) {
		json_decref(root);
		root = json_object();
	}
	json_object_set_new(root, "traces", json_pack("{s:I, s:I}",
		"passed", (json_int_t)passed, "total", (json_int_t)N_NETS));
	json_dump_file(root, GOLDEN_JSON, JSON_INDENT(2));
	json_decref(root);
	return 0;
}

int main(void)
{
	struct CMUnitTest tests[N_NETS];

	for (size_t i = 0; i < N_NETS; i++)
		tests[i] = (struct CMUnitTest){
			.name = nets[i]->name,
			.test_func = a_network_traces_as_in_torch,
			.initial_state = (void *)nets[i],
		};
	return cmocka_run_group_tests(tests, NULL, write_counts);
}
