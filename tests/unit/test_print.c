// SPDX-License-Identifier: MIT
/*
 * test_print.c - printed graphs equal torch's, to the character
 *
 * tests/golden/fx holds what torch 1.13 printed for small networks. Each graph
 * is built here from the nodes that its str(graph) lists, targets and
 * arguments alone; names, user counts, table, code and text must then come out
 * as they did in torch. Addresses of functions are cut from the golden tables
 * first, and the columns set again by the rule that a column is as wide as its
 * longest cell, and at least two wider than its heading.
 */
#include <ctype.h>

#include "golden_fx.h"

/* X(name, path, repr): what the goldens call. */
#define GOLDEN_OPS(X)							\
	X("add", "{0} + {1}", "<built-in function add>")		\
	X("sub", "{0} - {1}", "<built-in function sub>")		\
	X("mul", "{0} * {1}", "<built-in function mul>")		\
	X("getitem", "{0}[{1}]", "<built-in function getitem>")		\
	X("add", "torch.add", "<built-in method add of type object>")	\
	X("cat", "torch.cat", "<built-in method cat of type object>")	\
	X("tanh", "torch.tanh", "<built-in method tanh of type object>") \
	X("sigmoid", "torch.sigmoid",					\
	  "<built-in method sigmoid of type object>")			\
	X("argmax", "torch.argmax",					\
	  "<built-in method argmax of type object>")			\
	X("conv2d", "torch.conv2d",					\
	  "<built-in method conv2d of type object>")			\
	X("relu", "torch.nn.functional.relu", "<function relu>")	\
	X("softmax", "torch.nn.functional.softmax", "<function softmax>") \
	X("adaptive_avg_pool2d",					\
	  "torch.nn.functional.adaptive_avg_pool2d",			\
	  "<function adaptive_avg_pool2d>")				\
	X("max_pool2d", "torch.nn.functional.max_pool2d",		\
	  "<function boolean_dispatch.<locals>.fn>")

static const struct fx_op golden_ops[] = {
#define X(op, p, r) { .fn.name = op, .path = p, .repr = r, .min_in = 0,	\
		      .max_in = -1, .n_out = 1 },
	GOLDEN_OPS(X)
#undef X
};

const struct fx_op *fx_op_find(const char *name)
{
	for (size_t i = 0; i < sizeof(golden_ops) / sizeof(*golden_ops); i++)
		if (!strcmp(golden_ops[i].fn.name, name))
			return &golden_ops[i];
	return NULL;
}

static const struct fxq_function wrapped = { .name = "wrapped" };

/* By the name that str(graph) prints. */
static const struct fx_op *find_qualified(const char *name)
{
	for (size_t i = 0; i < sizeof(golden_ops) / sizeof(*golden_ops); i++) {
		const struct fx_op *op = &golden_ops[i];

		if (!strcmp(op->path, name))
			return op;
		if (!strncmp(name, "operator.", 9) && op->path[0] == '{' &&
		    !strcmp(op->fn.name, name + 9))
			return op;
	}
	return NULL;
}

/*
 * Reading str(graph). Strings are bare words there; everything else says by
 * its first character what it is.
 */
struct reader {
	struct fx_graph *g;
	const char *at;
};

static void expect(struct reader *r, const char *text)
{
	assert_memory_equal(r->at, text, strlen(text));
	r->at += strlen(text);
}

static char *read_word(struct reader *r, const char *stops)
{
	size_t len = strcspn(r->at, stops);
	char *word = strndup(r->at, len);

	r->at += len;
	return word;
}

static struct fx_node *find_node(struct fx_graph *g, const char *name)
{
	fx_for_each_node(n, g)
		if (!strcmp(n->name, name))
			return n;
	fail_msg("no node is called '%s'", name);
	return NULL;
}

static struct fx_arg word_arg(struct reader *r, const char *word)
{
	char *end;
	double f = strtod(word, &end);

	if (word[0] == '%')
		return fx_arg_node(find_node(r->g, word + 1));
	if (!strcmp(word, "None"))
		return fx_arg_node(NULL);
	if (!strcmp(word, "True") || !strcmp(word, "False"))
		return fx_arg_bool(word[0] == 'T');
	if (*word && !*end && strpbrk(word, ".e"))
		return fx_arg_float(f);
	if (*word && !*end)
		return fx_arg_int((int64_t)f);
	return fx_arg_str(fx_graph_strdup(r->g, word));
}

static struct fx_arg read_arg(struct reader *r);

/* Items up to @close, after its opening bracket. */
static struct fx_arg read_items(struct reader *r, enum fx_arg_kind kind,
				char close)
{
	struct fx_arg a = { .kind = kind };

	a.items = fx_graph_alloc(r->g, 16 * sizeof(*a.items));
	while (*r->at != close) {
		assert_true(a.count < 16);
		a.items[a.count++] = read_arg(r);
		r->at += strspn(r->at, ", ");
	}
	r->at++;
	return a;
}

static struct fx_arg read_arg(struct reader *r)
{
	struct fx_arg a;
	char *word;

	if (*r->at == '(' || *r->at == '[') {
		bool tuple = *r->at++ == '(';

		return tuple ? read_items(r, FX_ARG_TUPLE, ')') :
			       read_items(r, FX_ARG_LIST, ']');
	}
	word = read_word(r, ",)]}\n");
	a = word_arg(r, word);
	free(word);
	return a;
}

static size_t read_kwargs(struct reader *r, struct fx_kwarg *kwargs)
{
	size_t count = 0;

	expect(r, "{");
	while (*r->at != '}') {
		char *name = read_word(r, ":");

		expect(r, ": ");
		kwargs[count].name = fx_graph_strdup(r->g, name);
		kwargs[count++].value = read_arg(r);
		r->at += strspn(r->at, ", ");
		free(name);
	}
	r->at++;
	return count;
}

static enum fx_opcode find_opcode(const char *word)
{
	static const char *const names[] = {
#define X(id, name) name,
		FX_OPCODES(X)
#undef X
	};

	for (int i = 0; i < FX_OPCODE_COUNT; i++)
		if (!strcmp(names[i], word))
			return i;
	fail_msg("'%s' is no opcode", word);
	return FX_OPCODE_COUNT;
}

static struct fx_node *make_node(struct reader *r, enum fx_opcode opcode,
				 const char *target)
{
	struct fx_arg args = { .kind = FX_ARG_TUPLE };
	const struct fx_op *op = NULL;
	struct fx_kwarg kwargs[16];
	size_t n_kwargs = 0;
	struct fx_node *n;
	bool own = !strncmp(target, "__main__.", 9);

	if (!strncmp(r->at, "(default=", 9)) {
		expect(r, "(default=");
		args = read_items(r, FX_ARG_TUPLE, ')');
	} else if (*r->at == '(') {
		expect(r, "(args = ");
		args = read_arg(r);
		expect(r, ", kwargs = ");
		n_kwargs = read_kwargs(r, kwargs);
		expect(r, ")");
	}

	if (opcode == FX_CALL_FUNCTION && !own) {
		op = find_qualified(target);
		assert_non_null(op);
		target = op->fn.name;
	}
	n = fx_graph_node(r->g, opcode, own ? target + 9 : target, op,
			  args.items, args.count, kwargs, n_kwargs);
	if (own)
		n->wrapped = &wrapped;
	return n;
}

/* "%x : [#users=1] = placeholder[target=x]"; checks the name. */
static void read_node(struct reader *r)
{
	char *name, *opcode, *target;
	struct fx_node *n;

	expect(r, "%");
	name = read_word(r, " ");
	expect(r, " : [#users=");
	r->at = strstr(r->at, "] = ") + 4;
	opcode = read_word(r, "[");
	expect(r, "[target=");
	target = read_word(r, "]");
	expect(r, "]");

	n = make_node(r, find_opcode(opcode), target);
	assert_string_equal(n->name, name);
	free(name);
	free(opcode);
	free(target);
}

/* Python prints what is returned without percent signs: words are nodes. */
static struct fx_arg read_returned(struct reader *r)
{
	struct fx_arg a = read_arg(r);

	if (a.kind == FX_ARG_STR)
		return fx_arg_node(find_node(r->g, a.s));
	for (size_t i = 0; i < a.count; i++)
		a.items[i] = fx_arg_node(find_node(r->g, a.items[i].s));
	return a;
}

static struct fx_graph *read_graph(const char *text)
{
	struct reader r = { .g = fx_graph_new(), .at = text };
	struct fx_arg returned;

	expect(&r, "graph():\n");
	while (!strncmp(r.at, "    %", 5)) {
		r.at += 4;
		read_node(&r);
		expect(&r, "\n");
	}
	expect(&r, "    return ");
	returned = read_returned(&r);
	fx_graph_node(r.g, FX_OUTPUT, "output", NULL, &returned, 1, NULL, 0);
	assert_int_equal(fx_graph_lint(r.g), 0);
	return r.g;
}

/* The golden table without addresses, its columns set again. */

#define COLUMNS 5

struct table {
	char *cells[64][COLUMNS];
	size_t n_rows;
};

static void cut_address(char *cell)
{
	char *at = strstr(cell, " at 0x");

	if (at)
		memmove(at, strchr(at, '>'), strlen(strchr(at, '>')) + 1);
}

/* Cells stand where the dashes of the second line do. */
static void split_line(struct table *t, const char *line, size_t len,
		       const char *rule)
{
	size_t row = t->n_rows++, start = 0;

	for (int c = 0; c < COLUMNS; c++) {
		size_t width = strspn(rule + start, "-");
		size_t end = c == COLUMNS - 1 ? len : start + width;
		char *cell = strndup(line + (start < len ? start : len),
				     start < len ? end - start : 0);

		for (size_t n = strlen(cell); n && cell[n - 1] == ' '; n--)
			cell[n - 1] = 0;
		cut_address(cell);
		t->cells[row][c] = cell;
		start += width + 2;
	}
}

static size_t column_width(const struct table *t, int c)
{
	size_t width = strlen(t->cells[0][c]) + 2;

	for (size_t i = 1; i < t->n_rows; i++)
		if (strlen(t->cells[i][c]) > width)
			width = strlen(t->cells[i][c]);
	return width;
}

static void write_table(const struct table *t, FILE *to)
{
	for (size_t i = 0; i < t->n_rows; i++) {
		for (int c = 0; c < COLUMNS - 1; c++)
			fprintf(to, "%-*s  ", (int)column_width(t, c),
				t->cells[i][c]);
		fprintf(to, "%s\n", t->cells[i][COLUMNS - 1]);
		for (int c = 0; i == 0 && c < COLUMNS; c++) {
			for (size_t k = column_width(t, c); k; k--)
				fputc('-', to);
			fputs(c < COLUMNS - 1 ? "  " : "\n", to);
		}
	}
}

static char *mask_table(const char *text)
{
	const char *rule = strchr(text, '\n') + 1;
	struct table t = {};
	char *masked = NULL;
	size_t size;
	FILE *to;

	for (const char *line = text; *line; line = strchr(line, '\n') + 1)
		if (line != rule)
			split_line(&t, line, strcspn(line, "\n"), rule);

	to = open_memstream(&masked, &size);
	write_table(&t, to);
	fclose(to);
	for (size_t i = 0; i < t.n_rows * COLUMNS; i++)
		free(t.cells[i / COLUMNS][i % COLUMNS]);
	return masked;
}

static void assert_table(const struct fx_graph *g, const char *golden)
{
	char *wanted = mask_table(golden);
	char *table = print_to_text(fx_graph_print_tabular, g);

	assert_string_equal(table, wanted);
	free(table);
	free(wanted);
}

static void assert_code(const struct fx_graph *g, const char *golden)
{
	char *code = fx_graph_code(g);

	assert_string_equal(code, golden);
	free(code);
}

static void prints_as_torch_does(void **state)
{
	char *golden = golden_read(*state);
	char *text = golden_part(golden, "## str(graph)\n", "## after");
	char *table = golden_part(golden, "## print_tabular\n", "## code\n");
	char *code = golden_part(golden, "## code\n", "## str(graph)");
	struct fx_graph *g = read_graph(text);
	char *printed = print_to_text(fx_graph_print, g);

	assert_string_equal(printed, text);
	assert_table(g, table);
	assert_code(g, code);

	fx_graph_free(g);
	free(printed);
	free(code);
	free(table);
	free(text);
	free(golden);
}

static void prints_the_same_for_a_copy(void **state)
{
	char *golden = golden_read("b20_multi_use");
	char *text = golden_part(golden, "## str(graph)\n", NULL);
	struct fx_graph *g = read_graph(text), *copy = fx_graph_copy(g);
	char *printed;

	fx_graph_free(g);
	printed = print_to_text(fx_graph_print, copy);
	assert_string_equal(printed, text);

	fx_graph_free(copy);
	free(printed);
	free(text);
	free(golden);
}

static void dead_code_goes_as_in_torch(void **state)
{
	char *golden = golden_read("b19_dead_code");
	char *text = golden_part(golden, "## str(graph)\n", "## after");
	char *after = golden_part(golden, "(changed=True)\n", NULL);
	char *code = strdup(strstr(after, "\n\n") + 1);
	struct fx_graph *g = read_graph(text);

	assert_int_equal(fx_graph_eliminate_dead_code(g), 2);
	assert_int_equal(fx_graph_lint(g), 0);
	strstr(after, "\n\n")[1] = 0;
	assert_table(g, after);
	assert_code(g, code);
	assert_int_equal(fx_graph_eliminate_dead_code(g), 0);

	fx_graph_free(g);
	free(code);
	free(after);
	free(text);
	free(golden);
}

/* One node with @arg as its argument, and the line that computes it. */
static void assert_repr(struct fx_arg arg, const char *wanted)
{
	struct fx_graph *g = fx_graph_new();
	char *code, *line;

	fx_graph_node(g, FX_CALL_MODULE, "m", NULL, &arg, 1, NULL, 0);
	code = fx_graph_code(g);
	line = golden_part(code, "    m = self.m(", ")\n");
	assert_string_equal(line, wanted);
	free(line);
	free(code);
	fx_graph_free(g);
}

/* The right-hand sides are what Python 3.11's repr() printed. */
static void floats_print_as_python_prints_them(void **state)
{
	assert_repr(fx_arg_float(1.0), "1.0");
	assert_repr(fx_arg_float(-0.0), "-0.0");
	assert_repr(fx_arg_float(0.1), "0.1");
	assert_repr(fx_arg_float(1.0 / 3.0), "0.3333333333333333");
	assert_repr(fx_arg_float(0.1f), "0.10000000149011612");
	assert_repr(fx_arg_float(1e-4), "0.0001");
	assert_repr(fx_arg_float(1e-5), "1e-05");
	assert_repr(fx_arg_float(1.5e-7), "1.5e-07");
	assert_repr(fx_arg_float(1e15), "1000000000000000.0");
	assert_repr(fx_arg_float(1e16), "1e+16");
	assert_repr(fx_arg_float(123456.789), "123456.789");
	assert_repr(fx_arg_float(1e20), "1e+20");
	assert_repr(fx_arg_float(5e-324), "5e-324");
	assert_repr(fx_arg_float(1.7976931348623157e308),
		    "1.7976931348623157e+308");
	assert_repr(fx_arg_float(1.0 / 0.0), "inf");
	assert_repr(fx_arg_float(-1.0 / 0.0), "-inf");
}

static void strings_print_as_python_prints_them(void **state)
{
	assert_repr(fx_arg_str("nearest"), "'nearest'");
	assert_repr(fx_arg_str("it's"), "\"it's\"");
	assert_repr(fx_arg_str("both ' and \""), "'both \\' and \"'");
	assert_repr(fx_arg_str("a\\b\n\t\r\x1b"), "'a\\\\b\\n\\t\\r\\x1b'");
}

static void sequences_print_as_python_prints_them(void **state)
{
	struct fx_arg items[] = { fx_arg_int(-1), fx_arg_bool(true),
				  fx_arg_node(NULL) };
	struct fx_arg a = { .kind = FX_ARG_TUPLE, .items = items };

	assert_repr(a, "()");
	a.count = 1;
	assert_repr(a, "(-1,)");
	a.count = 3;
	assert_repr(a, "(-1, True, None)");
	a.kind = FX_ARG_LIST;
	assert_repr(a, "[-1, True, None]");
	a.count = 1;
	assert_repr(a, "[-1]");
}

static void escapes_of_a_model_file_do_not_reach_the_terminal(void **state)
{
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 0, NULL);
	char *text;

	fx_graph_placeholder(g, "a\x1b[2Jb", &type);
	text = print_to_text(fx_graph_print, g);
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = print_to_text(fx_graph_print_tabular, g);
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = print_to_text(fx_graph_dump, g);
	assert_null(strchr(text, '\x1b'));
	free(text);
	text = fx_graph_code(g);
	assert_null(strchr(text, '\x1b'));
	free(text);
	fx_graph_free(g);
}

static void dump_tells_type_layer_and_place(void **state)
{
	static const int64_t dims[] = { 1, 8 };
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_I8, 2, dims);
	struct fx_graph *g = fx_graph_new();
	static const float half[] = { 0.5f, -2.0f };
	static const int64_t two = 2, nine = 9;
	struct fxq_tensor few = fxq_tensor_type(FXQ_DTYPE_F32, 1, &two);
	struct fxq_tensor many = fxq_tensor_type(FXQ_DTYPE_U8, 1, &nine);
	struct fx_node *x, *y;
	char *text;

	few.data = (void *)half;
	many.data = (void *)"nine data";
	type.scale = 0.5f;
	type.zero_point = -3;
	x = fx_graph_placeholder(g, "x", &type);
	fx_graph_constant(g, "few", &few);
	fx_graph_constant(g, "many", &many);
	y = fx_graph_call(g, "add", (struct fx_node *[]){ x, x }, 2, NULL, 0);
	y->source = "features.0";
	y->place = FX_PLACE_CPU;
	y->reason = "it is a test";
	fx_graph_set_output(g, &y, 1);

	text = print_to_text(fx_graph_dump, g);
	assert_string_equal(text,
		"graph of 5 nodes\n"
		"  x       int8 [1, 8] *0.5 z-3  input\n"
		"  few     float32 [2]           constant {0.5, -2}\n"
		"  many    uint8 [9]             constant of 9 bytes\n"
		"  add     ?                     add(x, x)  # features.0, CPU: it is a test\n"
		"  output                        return add\n");
	free(text);
	fx_graph_free(g);
}

#define golden_test(name) \
	{ "prints_as_torch_does: " name, prints_as_torch_does, NULL, NULL, name }

int main(void)
{
	const struct CMUnitTest tests[] = {
		golden_test("seed1_training"),
		golden_test("seed1_eval"),
		golden_test("seed2_method_wrap"),
		golden_test("seed2_function_wrap"),
		golden_test("b01_residual"),
		golden_test("b02_concat"),
		golden_test("b03_depthwise_sequential"),
		golden_test("b04_shared_twice"),
		golden_test("b05_functional"),
		golden_test("b06_nested"),
		golden_test("b07_method_wrap"),
		golden_test("b08_function_wrap"),
		golden_test("b10_module_wrap"),
		golden_test("b11_get_attr"),
		golden_test("b12_python_bool_false"),
		golden_test("b12_python_bool_true"),
		golden_test("b15_varargs"),
		golden_test("b17_name_collisions"),
		golden_test("b18_keyword_names"),
		golden_test("b19_dead_code"),
		golden_test("b20_multi_use"),
		golden_test("b23_unpack_two"),
		cmocka_unit_test(prints_the_same_for_a_copy),
		cmocka_unit_test(dead_code_goes_as_in_torch),
		cmocka_unit_test(floats_print_as_python_prints_them),
		cmocka_unit_test(strings_print_as_python_prints_them),
		cmocka_unit_test(sequences_print_as_python_prints_them),
		cmocka_unit_test(escapes_of_a_model_file_do_not_reach_the_terminal),
		cmocka_unit_test(dump_tells_type_layer_and_place),
	};

	return cmocka_run_group_tests_name("print", tests, NULL, NULL);
}
