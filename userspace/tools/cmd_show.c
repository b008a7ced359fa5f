// SPDX-License-Identifier: MIT
/*
 * cmd_show.c - a model's graph, as a table, as code or as a picture
 *
 * Of a plugin this is the graph as it was traced, of an ONNX file the one that
 * was imported; neither is fused or converted yet.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <fxq/graph_file.h>
#include <fxq/trace.h>

#include "tool.h"

enum {
	KEY_CODE = OPTION_OWN, KEY_GRAPH, KEY_NOTES, KEY_DOT, KEY_HTML,
	KEY_STYLE, KEY_SAVE, KEY_MODULES,
};

/*
 * struct args
 * @save: where the graph goes instead, with its @modules or as operators; or NULL
 * @what: the key of the option that says what to show; 0: the table
 * @torch: in torch's style
 */
struct args {
	struct options o;
	const char *save;
	int what;
	bool torch, modules;
};

static const struct argp_option options[] = {
	{ "code", KEY_CODE, NULL, 0,
	  "The forward that it is, as C that compiles" },
	{ "graph", KEY_GRAPH, NULL, 0, "One line a node, as str(graph)" },
	{ "notes", KEY_NOTES, NULL, 0,
	  "Plugin: what flags decided while it was traced" },
	{ "dot", KEY_DOT, NULL, 0, "A digraph for Graphviz" },
	{ "html", KEY_HTML, NULL, 0, "A page with the graph drawn" },
	{ "save", KEY_SAVE, "FILE.fxg", 0,
	  "Write the graph down, as operators: a model for other commands" },
	{ "modules", KEY_MODULES, NULL, 0,
	  "With --save: modules stay, to be prepared and trained" },
	{ "style", KEY_STYLE, "native|torch", 0,
	  "Table and code: fxq's own (default), or letter by letter torch's" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	static const char *const styles[] = { "native", "torch", NULL };
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case KEY_CODE:
	case KEY_GRAPH:
	case KEY_NOTES:
	case KEY_DOT:
	case KEY_HTML:
		if (a->what && a->what != key)
			argp_error(state, "one of --code, --graph, --notes, --dot and --html at a time");
		a->what = key;
		return 0;
	case KEY_SAVE:
		a->save = arg;
		return 0;
	case KEY_MODULES:
		a->modules = true;
		return 0;
	case KEY_STYLE:
		a->torch = parse_choice(state, "--style", arg, styles);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
	{ &subject_argp }, { &model_argp }, { &common_argp }, { NULL }
};

static const struct argp argp = {
	options, parse, "MODEL", "Prints the graph of MODEL."
	"\vFor example:\n"
	"  fxq-run show net.so --code",
	children, help_filter
};

static void add_input(struct fx_node *in, void *ctx)
{
	json_array_append_new(ctx, json_text(in->name));
}

static int print_nodes(const struct fx_graph *g)
{
	json_t *nodes = json_array();

	fx_for_each_node(n, g) {
		json_t *inputs = json_array();

		fx_node_visit(n, add_input, inputs);
		json_array_append_new(nodes, json_pack("{s:s, s:o, s:o, s:o, s:o, s:i}",
			"opcode", fx_opcode_name(n->opcode),
			"name", json_text(n->name),
			"target", json_text(n->target),
			"inputs", inputs,
			"file", json_text(n->loc.file ? n->loc.file : ""),
			"line", n->loc.line));
	}
	return print_json(json_pack("{s:o}", "nodes", nodes));
}

static int print_code(const struct args *a, const struct model *m)
{
	char *code;

	if (!a->torch && !model_traced(m))
		return complain(TOOL_USAGE,
				"%s: C code is of models that were written in C; give --style=torch",
				a->o.model);
	code = a->torch ? fx_graph_code(model_graph(m)) :
			  fx_graph_code_c(model_traced(m));
	puts(code);
	free(code);
	return TOOL_OK;
}

static int print_notes(const struct args *a, const struct model *m)
{
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	char *notes;
	int err;

	if (!m->traced)
		return complain(TOOL_USAGE,
				"%s: --notes are for plugins; others were traced before",
				a->o.model);
	stdout_away();
	err = fx_trace_notes(m->module, &tracer, &notes);
	stdout_back();
	if (err)
		return complain(code_of(err), "%s: %s", a->o.model, tracer.error);
	fputs(notes, stdout);
	free(notes);
	return TOOL_OK;
}

static int show(const struct args *a, const struct model *m)
{
	const struct fx_graph *g = model_graph(m);

	if (a->o.json)
		return print_nodes(g);

	switch (a->what) {
	case KEY_CODE:
		return print_code(a, m);
	case KEY_NOTES:
		return print_notes(a, m);
	case KEY_GRAPH:
		fx_graph_print(g, stdout);
		return TOOL_OK;
	case KEY_DOT:
		fx_graph_print_dot(g, stdout);
		return TOOL_OK;
	case KEY_HTML:
		fx_graph_print_html(g, m->name, stdout);
		return TOOL_OK;
	}
	if (a->torch)
		fx_graph_print_tabular_torch(g, stdout);
	else
		fx_graph_print_tabular_native(g, stdout);
	return TOOL_OK;
}

/* The inputs have the types that the operators got. */
static int save_modules(const struct args *a, struct model *m)
{
	struct feed_inputs in = { 0 };
	struct fx_module *gm;
	int code = model_need_module(m);

	if (!code)
		code = feed_inputs_of_graph(m->graph, &a->o.pictures, &in);
	if (code)
		return code;
	gm = saved_module(m);
	code = saved_write(gm, &in, a->save);
	fx_module_put(gm);
	feed_inputs_free(&in);
	return code;
}

static int save(void *args, struct model *m)
{
	const struct args *a = args;
	char error[1024] = "";
	int err;

	if (a->modules)
		return save_modules(a, m);
	err = fx_graph_save(m->graph, a->save, error, sizeof(error));
	return err ? complain(err == -ENOTSUP ? TOOL_UNSUPPORTED :
			      TOOL_OUTPUT, "%s", error) : TOOL_OK;
}

int cmd_show(int argc, char **argv)
{
	struct args a = { 0 };
	struct model m;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (a.save)
		return model_do(&a.o, save, &a);
	code = model_open_traced(a.o.model, &a.o, &m);
	if (code)
		return code;
	code = show(&a, &m);
	model_close(&m);
	return code;
}
