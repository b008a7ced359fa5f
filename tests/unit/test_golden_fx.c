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
 * Then the model is run, its graph module, and the graph as C, which is compiled
 * with every warning an error: all three must give the same bits.
 *
 * The results are counted in golden.json: {"traces": {"passed", "total"}}.
 */
#include <ctype.h>
#include <dlfcn.h>

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

/* Runs */

static void assert_same(fxv a, fxv b)
{
	assert_null(fx_error(a));
	assert_null(fx_error(b));
	assert_int_equal(a.kind, b.kind);
	switch (a.kind) {
	case FX_VALUE_TENSOR:
		assert_int_equal(fx_data(a)->dtype, fx_data(b)->dtype);
		assert_int_equal(fx_data(a)->rank, fx_data(b)->rank);
		assert_memory_equal(fx_data(a)->dims, fx_data(b)->dims,
				    sizeof(fx_data(a)->dims));
		assert_memory_equal(fx_data(a)->data, fx_data(b)->data,
				    fxq_tensor_bytes(fx_data(a)));
		break;
	case FX_VALUE_TUPLE:
	case FX_VALUE_LIST:
	case FX_VALUE_SLICE:
	case FX_VALUE_DICT:
		assert_int_equal(fx_tuple_count(a), fx_tuple_count(b));
		for (size_t i = 0; i < fx_tuple_count(a); i++)
			assert_same(fx_tuple_item(a, i), fx_tuple_item(b, i));
		break;
	case FX_VALUE_STR:
		assert_string_equal(a.s, b.s);
		break;
	case FX_VALUE_NONE:
		break;
	default:
		assert_int_equal(a.i, b.i);
	}
}

struct run {
	const struct golden_net *net;
	struct fx_module *m;
	fxv result;
};

/* The call stands in a forward, so that nobody has to release its inputs. */
static struct run *current;

FX_MODULE(Caller)

FX_FORWARD(Caller)
{
	return current->net->call(current->m);
}

static void run(void *ctx)
{
	struct fx_module *caller = Caller();

	current = ctx;
	current->result = fx_call(caller);
	fx_module_put(caller);
}

/* What it prints is no concern here. */
static fxv result_of(const struct golden_net *net, struct fx_module *m)
{
	struct run r = { .net = net, .m = m };

	free(stdout_of(run, &r));
	if (fx_error(r.result))
		fail_msg("%s: %s", net->name, fx_error(r.result));
	return r.result;
}

/* The graph as C, compiled and loaded; close @ret_lib when it is done with. */
static const struct fx_code *compile(const char *name, struct fx_graph *g,
				     void **ret_lib)
{
	char dir[] = "/tmp/fxq-code-XXXXXX", path[128], lib[128], line[1024];
	char *code = fx_graph_code_c(g);
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/%s.c", dir, name);
	snprintf(lib, sizeof(lib), "%s/%s.so", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(code, f);
	fclose(f);
	snprintf(line, sizeof(line), CC " -std=gnu11 -O0 -Wall -Werror -shared -fPIC -I" ROOT "/compiler/include -I" ROOT "/uapi -o %s %s",
		 lib, path);
	if (system(line))
		fail_msg("%s does not compile:\n%s", name, code);
	*ret_lib = dlopen(lib, RTLD_NOW);
	if (!*ret_lib)
		fail_msg("%s", dlerror());
	unlink(path);
	unlink(lib);
	rmdir(dir);
	free(code);
	return dlsym(*ret_lib, "forward");
}

static void assert_runs(const struct golden_net *net, struct fx_module *model,
			struct fx_graph *g)
{
	struct fx_module *gm;
	void *lib;
	fxv eager, traced, compiled;

	gm = GraphModuleWithAttr(model, g);
	eager = result_of(net, model);
	traced = result_of(net, gm);
	assert_same(eager, traced);

	fx_set_code(gm, compile(net->name, g, &lib));
	compiled = result_of(net, gm);
	assert_same(eager, compiled);
	fx_release(eager);
	fx_release(traced);
	fx_release(compiled);
	fx_module_put(gm);
	dlclose(lib);
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
	if (net->call)
		assert_runs(net, t.model, t.graph);
	else
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
