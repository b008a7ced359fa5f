/* SPDX-License-Identifier: MIT */
/*
 * nn_priv.h - what the files of models and tracer share
 *
 * In the order in which a call meets them: values and their scopes, arguments,
 * the operation a call comes down to, modules, the tracer.
 */
#ifndef FXQ_NN_PRIV_H
#define FXQ_NN_PRIV_H

#include <fxq/lowering.h>
#include <fxq/trace.h>

#define MAX_OPTIONS	16	/* of a class or function */
#define MAX_ARGS	64	/* of a call */
#define MAX_RESULTS	4	/* of an operator that a module runs */

/* value.c: what a value points to, and who owns it */

/*
 * An object belongs to the scope it was made in, and goes with it; one without
 * a scope belongs to whoever holds a reference. One that was both given to and
 * returned by a forward has two names (@shared), and stays for the scope's end.
 */
struct object {
	enum fx_value_kind kind;
	unsigned int refs;
	bool shared;
	struct scope *scope;
	struct object *prev, *next;	/* in the scope */
};

struct fx_tensor {
	struct object object;
	struct fxq_tensor t;
	bool view;			/* t.data is somebody else's */
};

struct fx_tuple {
	struct object object;
	size_t n;
	fxv items[];
};

/*
 * struct fx_error
 * @class: that Python would raise
 * @sentence: where in the text it begins, behind file, line and expression
 */
struct fx_error {
	struct object object;
	int err;
	const char *class;
	size_t sentence;
	char text[];
};

/*
 * struct scope - the temporaries of one running forward
 * @error: the first poison made in it, or in a scope inside
 */
struct scope {
	struct scope *parent;
	struct object *objects;
	struct fx_error *error;
};

/*
 * struct recorder - who computes the operations of this thread, to remember them
 * @run: as fx_op_run(); the memory of the results stays the recorder's
 */
struct recorder {
	int (*run)(struct recorder *r, const struct fx_op *op,
		   struct fxq_call *call);
};

/*
 * struct context - what runs in this thread
 * @rewrite: the graph that operations are written down in, by their nodes
 * @at: the call that is running, for modules that call modules
 * @recorder: NULL: operations are computed and forgotten
 * @blank: new tensors have shapes and no elements
 */
struct context {
	struct scope *scope;
	struct tracing *tracing;
	struct rewrite *rewrite;
	const struct fx_loc *at;
	struct recorder *recorder;
	bool blank;
};
extern _Thread_local struct context context;

void scope_open(struct scope *s);
/*
 * Frees what is left of the scope's objects; @result, or the scope's error if
 * there was one, moves out of it and is returned.
 */
fxv scope_close(struct scope *s, fxv result);

/* A tensor that takes over t->data. */
fxv tensor_value(const struct fxq_tensor *t);
/* What @a is, which keeps its text; false: a node, or a sequence. */
bool arg_scalar(const struct fx_arg *a, fxv *ret);
/* The value out of any scope, with one reference for the caller. */
fxv value_keep(fxv v);
/* One reference more, and one less, of a value that no scope owns. */
fxv value_get(fxv v);
void value_drop(fxv v);
size_t args_count(const fxv *args);
/* The first poisoned value, in tuples too; or NULL. */
const fxv *find_poison(const fxv *args);
bool any_node(const fxv *args);
int value_err(fxv v);			/* of a poison */
/* The value that stands for @n; None for NULL. */
static inline fxv node_value(struct fx_node *n)
{
	return n ? (fxv){ .kind = FX_VALUE_NODE, .node = n } : fx_none;
}
/* The first poison, without file, line and expression. */
const char *error_sentence(fxv v);
/* fx_poison() with the class that Python would raise; -EINVAL. */
fxv raise_error(const struct fx_loc *at, const char *class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
#define TRACE_ERROR		"torch.fx.proxy.TraceError"
#define TYPE_ERROR		"builtins.TypeError"
#define VALUE_ERROR		"builtins.ValueError"
#define RUNTIME_ERROR		"builtins.RuntimeError"

/* @v, which has two names from now on: it stays for its scope's end. */
fxv value_share(fxv v);

/* Memory that is there: aborts when it is out, as fx_graph_alloc() does. */
void *must_alloc(size_t bytes);		/* zeroed */
char *must_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Writes the sentence of a refusal, FXQ_ERROR_MAX bytes, and returns -EINVAL. */
int refuse(char *error, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* accessor.c, number.c: a number in a value, exact where it is an integer */

struct number {
	bool known, is_float;
	int64_t i;
	double f;
};

struct number number_of(fxv v);
struct number number_of_element(const struct fxq_tensor *t);	/* the first */
double number_double(struct number n);
fxv number_value(struct number n);
/* What @fn makes of two numbers; false if they are none, or it takes none. */
bool numbers_compute(const struct fx_function *fn, const struct fx_loc *at,
		     const fxv *args, fxv *ret);

/* index.c: v[i] */

fxv value_item(const struct fx_loc *at, fxv v, fxv index);
/* Parts of @size along @dim, the last one smaller, as a tuple. */
fxv tensor_split(const struct fx_loc *at, fxv v, int64_t size, int64_t dim);

/* Sequences of a graph and of values follow one another in the same order. */
_Static_assert(FX_ARG_LIST - FX_ARG_TUPLE == FX_VALUE_LIST - FX_VALUE_TUPLE &&
	       FX_ARG_SLICE - FX_ARG_TUPLE == FX_VALUE_SLICE - FX_VALUE_TUPLE &&
	       FX_ARG_DICT - FX_ARG_TUPLE == FX_VALUE_DICT - FX_VALUE_TUPLE,
	       "make_arg() and arg_value() count on it");

/* options.c: the arguments of constructors and functions */

enum option_type {
	FX_OPTION_INT,
	FX_OPTION_FLOAT,
	FX_OPTION_BOOL,
	FX_OPTION_STR,
	FX_OPTION_PAIR,
	FX_OPTION_ENDS,
	FX_OPTION_VALUE,
};

enum option_attr {
	FX_ATTR_NO,
	FX_ATTR_FIXED,
	FX_ATTR_INT,
	FX_ATTR_FLOAT,
	FX_ATTR_STR,
	FX_ATTR_INTS,
	FX_ATTR_PADS,
	FX_ATTR_KERNEL,
	FX_ATTR_LIST,
};

/*
 * struct options - the arguments of one call
 * @values: one for each option, defaults included
 * @n_positional: how many were given by position
 * @named: the places of those given by name, in the order of the call
 */
struct options {
	fxv values[MAX_OPTIONS];
	size_t n_positional, n_named;
	unsigned int named[MAX_OPTIONS];
};

/* What follows its name where it is given as so many numbers; NULL: it is not. */
const char *option_suffix(const struct fx_option *option, size_t count);
/* From a struct of nn_table.h and the text of its initialiser. */
int options_read(const struct fx_option *table, size_t n, const void *from,
		 const char *given, struct options *ret, char *error);
/* From values, as a graph has them: by position, then by name. */
int options_bind(const struct fx_option *table, size_t n, const fxv *positional,
		 size_t n_positional, const char *const *names,
		 const fxv *named, size_t n_named, struct options *ret,
		 char *error);

/* operation.c: what a call comes down to: an operator on tensors */

/*
 * struct operation
 * @in: tensors, nodes, numbers, or None where an optional one is absent
 * @ints, @floats: what the attributes of several numbers point to
 * @line: an integer one gets a line as an image, and its result loses the height
 */
struct operation {
	const char *op;
	bool line;
	size_t n_in, n_attrs;
	fxv in[MAX_ARGS];
	struct fxq_attr attrs[MAX_OPTIONS];
	int64_t ints[MAX_OPTIONS][FXQ_MAX_RANK];
	double floats[MAX_OPTIONS][FXQ_MAX_RANK];
};

/* -EINVAL if no operator does this, with the sentence in @error. */
int operation_of_module(struct fx_module *m, fxv x, struct operation *ret,
			char *error);
int operation_of_function(const struct fx_function *fn, const fxv *tensors,
			  const struct options *o, struct operation *ret,
			  char *error);
/*
 * A call_function of an operator itself, which has no function of torch's: its
 * target is OPERATOR_PREFIX and the operator's name, its kwargs the parameters.
 */
#define OPERATOR_PREFIX	"fxq."
bool node_is_operator(const struct fx_node *n);
int operation_of_operator(const struct fx_node *n, const fxv *in, size_t n_in,
			  struct operation *ret, char *error);
/* Gives it the parameters that the options of @m are. */
int operation_options(struct fx_module *m, struct operation *o, char *error);

/* operation_run.c */

/* Its result, on integers if its first tensor is quantized; or a poison. */
fxv operation_run(const struct fx_loc *at, const struct operation *o);
/* As it is, or writes it down while a graph is made functional. */
fxv operation_compute(const struct fx_loc *at, const struct operation *o);
/* Computes it: @n results; the first may be a poison. */
void operation_results(const struct fx_loc *at, const struct operation *o,
		       fxv *ret, uint32_t n);

/*
 * quantized.c: quantized tensors
 *
 * value_type() is the type of a tensor, or of a node of the graph that is
 * written, where dtype may be unknown and the scale is not; NULL of anything
 * else. value_shape() tries to find the sizes too.
 */
const struct fxq_tensor *value_type(fxv v);
const struct fxq_tensor *value_shape(fxv v);
bool value_is_quantized(fxv v);
void value_set_scale(fxv v, float scale, int zero_point);

/* How a result is quantized, in int8. */
struct qresult {
	float scale;
	int zero_point;
};

/*
 * integer.c: is there an integer operator for @o, whatever its tensors are, that
 * keeps the scale or has the same; or one that can be told; or none that can?
 */
bool quantized_has(const struct operation *o);
bool quantized_has_own(const struct operation *o);
bool quantized_keeps(const struct operation *o);
/* @to: NULL: the result keeps the scale of the first tensor, or has its own */
fxv quantized_run(const struct fx_loc *at, const struct operation *o,
		  const struct qresult *to);

/* Several results of what only moves elements have the scale of its input. */
void quantized_parts(const struct operation *o, fxv *parts, size_t n);
fxv quantized_rescale(fxv x, float scale, int zero_point);
/* Parameters of integer operators: one, and those that a result has. */
#define QUANTIZED_RELU	1
#define QUANTIZED_RELU6	2
void put_operation_int(struct operation *o, const char *name, int64_t i);
void put_operation_float(struct operation *o, const char *name, float f);
void put_operation_result(struct operation *o, float scale, int zero_point,
			  unsigned int clamp);
/* Functions with code of their own; see function.c. */
fxv run_quantize_per_tensor(const struct fx_loc *at, const fxv *in,
			    const fxv *options);
fxv run_quantized_add(const struct fx_loc *at, const fxv *in,
		      const fxv *options);
fxv run_quantized_add_relu(const struct fx_loc *at, const fxv *in,
			   const fxv *options);
fxv run_quantized_mul(const struct fx_loc *at, const fxv *in,
		      const fxv *options);
fxv run_quantized_mul_relu(const struct fx_loc *at, const fxv *in,
			   const fxv *options);
fxv run_quantized_sub(const struct fx_loc *at, const fxv *in,
		      const fxv *options);
fxv run_quantized_matmul(const struct fx_loc *at, const fxv *in,
			 const fxv *options);

/* rewrite.c: the node that computes @o in the graph that is written */
fxv rewrite_operation(const struct operation *o);

/* function.c */

/* The function that @n, a call_function or call_method, was recorded for. */
const struct fx_function *function_of_node(const struct fx_node *n);
/* The one with this id, of methods or of others; NULL if there is none. */
const struct fx_function *function_named(const char *id, bool method);
/* What call_function nodes of @fn have for an operator. */
const struct fx_op *function_op(const struct fx_function *fn);
/* What it makes of nodes while a graph is made functional; of some, alone. */
bool function_writes(const struct fx_function *fn);
fxv function_write(const struct fx_function *fn, const struct fx_loc *at,
		   const fxv *tensors, const struct options *o);
/* Computes it, or writes it down if a value is traced. */
fxv function_call(const struct fx_function *fn, const struct fx_loc *at,
		  const fxv *tensors, const struct options *o);

/* module.c */

fxv module_option(const struct fx_module *m, const char *name);
int64_t module_int(const struct fx_module *m, const char *name);
double module_float(const struct fx_module *m, const char *name);
/* Height (0) or width (1) of a pair. */
int64_t module_pair(const struct fx_module *m, const char *name, int i);
const struct fx_member *module_member(const struct fx_module *m,
				      const char *name);
/* "conv.weight" for the path "conv" and the name "weight"; malloced. */
char *path_join(const char *path, const char *name);
/* The path from @root to a module or a tensor below it; malloced, or NULL. */
char *path_of_module(struct fx_module *root, const struct fx_module *m);
char *path_of_tensor(struct fx_module *root, const struct fx_tensor *t);
/* The arguments of its forward; "input" alone for a class of nn_table.h. */
const struct fx_method *module_method(const struct fx_module *m);
/* Arguments as the method names them: END-terminated, defaults filled in. */
int args_complete(const struct fx_method *method, const fxv *args,
		  fxv ret_args[MAX_ARGS], char *error);
/* The forward, or the operator, on tensors. */
fxv module_run(const struct fx_loc *at, struct fx_module *m, const fxv *args);
/*
 * As the constructor makes it of @options, one for each of the class's, which
 * are kept. @blank: its tensors are shapes, of which nothing may be read: what
 * a file says is as large as it is true.
 */
struct fx_module *module_make(const struct fx_class *class, const fxv *options,
			      bool blank);
/* Tells the struct's field for the member called @name, if there is one. */
void module_set_field(struct fx_module *m, const struct fx_member *member);
/* Ends the construction of @m with an error. */
int module_fail(struct fx_module *m, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Gives the parameter or buffer called @name, which there is, what @value has,
 * which goes. A tape or an optimizer may hold the address of the member's own.
 */
void module_set_tensor(struct fx_module *m, const char *name, fxv value);

/* classes.c: the class of nn_table.h called @name, or NULL */
const struct fx_class *class_named(const char *name);

/* A class and its table of options; what follows the name are its fields. */
#define OPTION_ROW(type, name, def, attr)	\
	{ #name, FX_OPTION_##type, FX_ATTR_##attr, def },
#define CLASS(id, ...)							\
	static const struct fx_option options_##id[] = {		\
		FX_OPTIONS_##id(OPTION_ROW)					\
	};								\
	const struct fx_class fx_class_##id = {				\
		.name = #id,						\
		.options = options_##id,				\
		.n_options = sizeof(options_##id) /			\
			     sizeof(struct fx_option),			\
		__VA_ARGS__						\
	};

/* parameters.c */

int init_conv1d(struct fx_module *m);
int init_conv2d(struct fx_module *m);
int init_conv3d(struct fx_module *m);
int init_conv_transpose1d(struct fx_module *m);
int init_conv_transpose2d(struct fx_module *m);
int init_linear(struct fx_module *m);
int init_embedding(struct fx_module *m);
int init_batch_norm(struct fx_module *m);
int init_layer_norm(struct fx_module *m);
int init_group_norm(struct fx_module *m);
int init_prelu(struct fx_module *m);
/* A parameter that training starts from, of values up to 1 / sqrt(@fan_in). */
void add_uniform(struct fx_module *m, const char *name, double fan_in,
		 const int64_t *dims);

/* batch_norm.c, lstm.c, attention.c */

int init_lstm(struct fx_module *m);
fxv forward_lstm(struct fx_module *m, const fxv *args);
fxv forward_batch_norm(struct fx_module *m, const fxv *args);
int init_attention(struct fx_module *m);
fxv forward_attention(struct fx_module *m, const fxv *args);
extern const struct fx_method attention_method;
/* The names of layers that project query, key and value, if it has them. */
extern const char *const attention_projections[3];

/* tensor.c: the two generators */

/* Fills a float32 tensor uniformly from [-bound, bound). */
void random_fill(struct fxq_tensor *t, float bound);
uint32_t random_bits(void);
float random_uniform(void);		/* [0, 1) */
float random_normal(void);		/* mean 0, deviation 1 */
/* torch's gen(): see fx_gen() */
void gen_fill(struct fxq_tensor *t, uint32_t seed, float scale);

/* trace.c: what operations write down while the tracer listens */

fxv trace_module(const struct fx_loc *at, struct fx_module *m,
		 const fxv *args);
fxv trace_function(const struct fx_loc *at, const struct fx_function *fn,
		   const fxv *tensors, const struct options *o);
fxv trace_wrapped(const struct fx_wrapped *w, struct fx_module *self,
		  const fxv *args);

/* What flags.c keeps of the flags that a trace reads. */
#define MAX_FLAGS	64
struct flag_read {
	struct fx_loc at;
	bool value;
};
/* @flip: the place where a flag is to have the other value, or NULL */
struct flags {
	const struct fx_loc *flip;
	struct flag_read reads[MAX_FLAGS];
	size_t n;
};
/* The value that the flag is to have. */
bool flag_note(struct flags *flags, const struct fx_loc *at, bool value);
/* The same for the trace that runs, if one does. */
bool flag_of_trace(const struct fx_loc *at, bool value);
/* fx_trace(); flags may be NULL. */
int trace_with(struct fx_module *model, struct fx_tracer *tracer,
	       struct flags *flags, struct fx_graph **ret_graph);
/* Calls @m, whose forward writes down in @g what it does; nodes of @g come in. */
fxv trace_call(const struct fx_loc *at, struct fx_module *m, const fxv *args,
	       struct fx_graph *g);
/* Runs the lowering in the place of @n, whose graph has @root's modules. */
fxv trace_lowering(const struct fx_lowering *l, struct fx_module *self,
		   const fxv *args, struct fx_module *root, struct fx_node *n);
/* Whether the tracer that runs, if one does, records assertions. */
bool tracing_asserts(void);

/* line.c: see line.h, too */

fxv line_image(fxv v);				/* (N, C, 1, L) */
fxv line_of_image(fxv v);
fxv line_weights(fxv w);			/* a view of the tensor */
/* Makes @o the operation on the image, if it is for a line. */
void line_to_image(struct operation *o);

/* wrap.c */

static inline const struct fx_wrapped *wrapped_of(const struct fxq_function *fn)
{
	return (const struct fx_wrapped *)fn;
}
/* Runs the body, with arguments completed. */
fxv wrapped_run(const struct fx_wrapped *w, struct fx_module *self,
		const fxv *args);

/* lowering.c: wrapped code as operators */

/*
 * Puts what the lowering records in the place of @n, the call of a module or of
 * wrapped code; @root has the graph's modules. An error is the graph's.
 */
int lower_call(const struct fx_lowering *l, struct fx_node *n,
	       struct fx_module *root);
/* The first node behind @n that does not take a result of it, and goes with it. */
struct fx_node *behind_results(struct fx_node *n);

/* Does the graph call wrapped code that has a lowering? */
bool has_lowerings(const struct fx_graph *g);
/* Puts lowerings in the places of such calls; @root has the graph's modules. */
int lower_wrapped(struct fx_graph *g, struct fx_module *root);

/* interpreter.c */

/* Runs the graph of @gm, in the scope of a forward, on arguments completed. */
fxv interpreter_run(struct fx_interpreter *run, struct fx_module *gm,
		    const fxv *args);

#endif /* FXQ_NN_PRIV_H */
