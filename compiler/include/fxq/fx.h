/* SPDX-License-Identifier: MIT */
/*
 * fx.h - the graph: one type for what is traced, imported, quantized, lowered
 *
 * A graph is a list of nodes in execution order, with the six opcodes and the
 * naming rules of torch.fx. A graph and everything in it (nodes, names,
 * arguments, constant tensors) lives in one arena and goes with fx_graph_free().
 *
 * Two forms share the type. The *traced* form may hold call_module nodes. The
 * *functional* form, which the ONNX importer makes directly and
 * fx_functionalize() makes from the traced one, holds only placeholder,
 * get_attr (constants, with data), call_function (operators), call_method
 * (wrapped functions and methods) and output; every pass from calibration to
 * lowering works on it. In the functional form an operator's tensors are its
 * args (constants among them, None where an optional one is absent) and its
 * parameters are its kwargs.
 *
 * Functions return 0 or a negative errno unless they say otherwise; the
 * sentence that explains a failure is in fx_graph_error() of the graph they
 * were given.
 */
#ifndef FXQ_FX_H
#define FXQ_FX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <fxq/fxq_call.h>

struct fx_graph;
struct fx_module;		/* nn.h */

/* X(id, name) */
#define FX_OPCODES(X)				\
	X(PLACEHOLDER,   "placeholder")		\
	X(GET_ATTR,      "get_attr")		\
	X(CALL_FUNCTION, "call_function")	\
	X(CALL_METHOD,   "call_method")		\
	X(CALL_MODULE,   "call_module")		\
	X(OUTPUT,        "output")

enum fx_opcode {
#define X(id, name) FX_##id,
	FX_OPCODES(X)
#undef X
	FX_OPCODE_COUNT
};

/*
 * struct fx_op - an operator: a row of the operator table
 * @fn: its name ("softmax"), shape function and float kernel
 * @path: how code prints it: "torch.nn.functional.softmax", or with an
 *	  operator's sign: "{0} + {1}"
 * @repr: how a table prints it, address masked: "<function softmax>",
 *	  "<built-in function add>"
 * @grad: gradient kernel, NULL where none is provided. in = the inputs, then
 *	  the outputs, then a gradient of the type of each output (data NULL: 0,
 *	  nobody used it); out = a gradient of the type of each float32 input, in
 *	  memory of the caller, which is overwritten (data NULL: not wanted, as
 *	  for an input of integers). n_out is the number of inputs, absent ones
 *	  included; attrs and threads are those of the forward call. For one
 *	  processor and number of threads the bits are always the same
 * @min_in, @max_in: tensors it takes; max_in -1: any number
 * @n_out: tensors it returns; -1: as many as the attribute "n_out" says
 * @flags: FX_OP_*
 */
struct fx_op {
	struct fxq_function fn;
	const char *path;
	const char *repr;
	fxq_call_fn grad;
	int min_in, max_in, n_out;
	unsigned int flags;
};

#define FX_OP_POINTWISE	(1u << 0) /* one input, one value from one value */
#define FX_OP_VIEW	(1u << 1) /* same elements in the same order */
#define FX_OP_MOVES	(1u << 2) /* copies elements, computes none */
#define FX_OP_IMPURE	(1u << 3) /* stays though nobody uses it */
#define FX_OP_ANNOUNCED	(1u << 4) /* code names it above the function */

const char *fx_opcode_name(enum fx_opcode opcode);

/* Finds the operator called @name; NULL if there is none. */
const struct fx_op *fx_op_find(const char *name);
/* All of them, one after another; NULL is before the first, and the end. */
const struct fx_op *fx_op_next(const struct fx_op *op);

enum fx_arg_kind {
	FX_ARG_NONE,
	FX_ARG_BOOL,
	FX_ARG_INT,
	FX_ARG_FLOAT,
	FX_ARG_STR,
	FX_ARG_NODE,
	FX_ARG_TUPLE,
	FX_ARG_LIST,
	FX_ARG_SLICE,			/* items: start, stop, step */
	FX_ARG_DICT,			/* items: key, value, key, value ... */
	FX_ARG_NAME,			/* s, a name of Python's: Ellipsis */
};

struct fx_arg {
	enum fx_arg_kind kind;
	size_t count;			/* of items */
	union {
		bool b;
		int64_t i;
		double f;
		const char *s;
		struct fx_node *node;
		struct fx_arg *items;
	};
};

struct fx_kwarg {
	const char *name;
	struct fx_arg value;
};

/* Where in the user's source a node was made; NULL and 0 when unknown. */
struct fx_loc {
	const char *file;
	int line;
	const char *expr;
	const char *function;		/* of C, or NULL */
};

/* Where a node runs, decided by partition, and why in words if on the CPU. */
enum fx_place {
	FX_PLACE_UNDECIDED,
	FX_PLACE_DEVICE,
	FX_PLACE_CPU,
};

/*
 * struct fx_node
 * @name: unique in the graph, by torch's rules
 * @target: placeholder and get_attr: a name; call_function: the operator's
 *	    name; call_module: the module's path; call_method: the method's
 * @op: call_function: the operator; else NULL
 * @module: call_module: the module; else NULL
 * @wrapped: call_method and wrapped call_function: the body; else NULL
 * @n_out, @out: type of each result (dtype, rank, dims, scale, zero_point);
 *		 n_out is 1 but for operators that return several, whose
 *		 results "getitem" nodes select. For a constant get_attr,
 *		 out[0].data holds its elements, owned by the graph
 * @annotation: placeholder: the type that the argument was declared with
 * @n_users: nodes that name this one in their arguments, each once
 * @source: name of the layer this node came from, kept through fusing and
 *	    lowering: the ONNX node's name or the module's path
 * @scope: path of the module that was running when the node was traced, that
 *	  of the module itself for a call_module; "" in the model's own forward
 * @place, @reason, @segment: see fx_partition(); reason is in words
 * @data: for the pass that is running; meaningless between passes
 */
struct fx_node {
	struct fx_graph *graph;
	struct fx_node *prev, *next;
	enum fx_opcode opcode;
	const char *name;
	const char *target;
	const struct fx_op *op;
	struct fx_module *module;
	const struct fxq_function *wrapped;
	struct fx_arg *args;
	size_t n_args;
	struct fx_kwarg *kwargs;
	size_t n_kwargs;
	int n_out;
	struct fxq_tensor *out;
	unsigned int n_users;
	const char *annotation;
	const char *source;
	const char *scope;
	struct fx_loc loc;
	enum fx_place place;
	const char *reason;
	int segment;
	void *data;
};

/* graph.c: making and changing graphs */

struct fx_graph *fx_graph_new(void);
void fx_graph_free(struct fx_graph *g);		/* accepts NULL */
/* Memory of the graph's arena, zeroed, 64-aligned; never NULL (aborts). */
void *fx_graph_alloc(struct fx_graph *g, size_t bytes);
const char *fx_graph_strdup(struct fx_graph *g, const char *s);
const char *fx_graph_printf(struct fx_graph *g, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The last failure's sentence; "" if none. */
const char *fx_graph_error(const struct fx_graph *g);
/* Records a failure (the first one stays) and returns @err, a negative errno. */
int fx_graph_fail(struct fx_graph *g, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct fx_node *fx_graph_first(const struct fx_graph *g);
struct fx_node *fx_graph_output(const struct fx_graph *g);	/* or NULL */
#define fx_for_each_node(n, g)	\
	for (struct fx_node *n = fx_graph_first(g), *n##_next; \
	     n && (n##_next = n->next, true); n = n##_next)

/* New nodes go before this one; NULL: at the end. Returns the previous. */
struct fx_node *fx_graph_set_insert_point(struct fx_graph *g, struct fx_node *n);
/* New nodes go before @n, or behind it, in the order in which they are made. */
static inline void fx_insert_before(struct fx_node *n)
{
	fx_graph_set_insert_point(n->graph, n);
}
static inline void fx_insert_after(struct fx_node *n)
{
	fx_graph_set_insert_point(n->graph, n->next);
}

/*
 * Makes a node: @target decides the name by torch's rules. Arguments are
 * copied. n_out is 1 with an unknown type unless @op says otherwise.
 */
struct fx_node *fx_graph_node(struct fx_graph *g, enum fx_opcode opcode,
			      const char *target, const struct fx_op *op,
			      const struct fx_arg *args, size_t n_args,
			      const struct fx_kwarg *kwargs, size_t n_kwargs);
struct fx_node *fx_graph_placeholder(struct fx_graph *g, const char *name,
				     const struct fxq_tensor *type);
/* A get_attr whose data (copied, if not NULL) the graph owns. */
struct fx_node *fx_graph_constant(struct fx_graph *g, const char *name,
				  const struct fxq_tensor *value);
/* call_function of the operator @op, which must exist, on nodes (NULL: None). */
struct fx_node *fx_graph_call(struct fx_graph *g, const char *op,
			      struct fx_node *const *in, size_t n_in,
			      const struct fx_kwarg *kwargs, size_t n_kwargs);
struct fx_node *fx_graph_set_output(struct fx_graph *g,
				    struct fx_node *const *values, size_t n);

struct fx_arg fx_arg_int(int64_t i);
struct fx_arg fx_arg_float(double f);
struct fx_arg fx_arg_bool(bool b);
struct fx_arg fx_arg_str(const char *s);
struct fx_arg fx_arg_node(struct fx_node *n);		/* NULL: None */
struct fx_arg fx_arg_ints(struct fx_graph *g, const int64_t *v, size_t n); /* tuple */
struct fx_arg fx_arg_floats(struct fx_graph *g, const double *v, size_t n);

/* The @i-th tensor argument; NULL if absent or not a node. */
struct fx_node *fx_node_in(const struct fx_node *n, size_t i);
void fx_node_set_in(struct fx_node *n, size_t i, struct fx_node *to);
const struct fx_arg *fx_node_kwarg(const struct fx_node *n, const char *name);
int64_t fx_node_int(const struct fx_node *n, const char *name, int64_t def);
double fx_node_float(const struct fx_node *n, const char *name, double def);
const char *fx_node_str(const struct fx_node *n, const char *name, const char *def);
/* Copies up to @max elements to @v; returns how many the kwarg has, 0 if absent. */
size_t fx_node_ints(const struct fx_node *n, const char *name, int64_t *v, size_t max);
/*
 * Which dimension of its input each of a permute's result is, from 0 on; how many
 * there are. The types are known, as fx_graph_infer() found them valid.
 */
uint32_t fx_node_permutation(const struct fx_node *n,
			     int64_t order[FXQ_MAX_RANK]);
void fx_node_set_kwarg(struct fx_node *n, const char *name, struct fx_arg value);
bool fx_node_is(const struct fx_node *n, const char *op);	/* call_function of */
bool fx_node_is_const(const struct fx_node *n);	/* get_attr with data */
void fx_node_set_type(struct fx_node *n, const struct fxq_tensor *type);

/* Calls @fn for each node argument of @n, nested ones too, in order. */
void fx_node_visit(const struct fx_node *n,
		   void (*fn)(struct fx_node *in, void *ctx), void *ctx);
/* Is @in an argument of @n, or in one? */
bool fx_node_uses(const struct fx_node *n, const struct fx_node *in);
/* Every use of @from becomes a use of @to; returns how many nodes changed. */
unsigned int fx_node_replace_uses(struct fx_node *from, struct fx_node *to);
/* The uses that @n makes of @from become uses of @to. */
void fx_node_replace_input(struct fx_node *n, struct fx_node *from,
			   struct fx_node *to);
int fx_node_erase(struct fx_node *n);		/* -EBUSY while it has users */
void fx_node_move_before(struct fx_node *n, struct fx_node *where);

/* -EINVAL if the graph breaks an invariant; the error names node and rule. */
int fx_graph_lint(struct fx_graph *g);
unsigned int fx_graph_eliminate_dead_code(struct fx_graph *g);
struct fx_graph *fx_graph_copy(const struct fx_graph *g);

/*
 * pattern.c: as torch.fx.replace_pattern(). Wherever @g computes what @pattern
 * does, from whatever values its placeholders stand for, and nobody else uses
 * what is in between, it computes what @replacement does with them instead.
 * Nodes match that have the same opcode, target, numbers and strings. Both have
 * the same count of placeholders and return one value. Matches do not overlap:
 * the first on the list is taken, and what is put in is not looked at again.
 * The number of matches, or -EINVAL with the sentence in fx_graph_error(@g).
 */
int fx_graph_replace_pattern(struct fx_graph *g, const struct fx_graph *pattern,
			     const struct fx_graph *replacement);

/* tensor.c */

size_t fxq_dtype_bytes(uint32_t dtype);
const char *fxq_dtype_name(uint32_t dtype);
int64_t fxq_tensor_count(const struct fxq_tensor *t);	/* elements; 1 for rank 0 */
size_t fxq_tensor_bytes(const struct fxq_tensor *t);
struct fxq_tensor fxq_tensor_type(uint32_t dtype, uint32_t rank, const int64_t *dims);
/* 64-aligned memory for t->data, zeroed. -ENOMEM, -EOVERFLOW. */
int fxq_tensor_alloc(struct fxq_tensor *t);
void fxq_tensor_free(struct fxq_tensor *t);		/* data to NULL */

/* infer.c: types of all nodes, from those of placeholders and constants */
int fx_graph_infer(struct fx_graph *g);
/* fold.c: replaces what depends on constants alone by constants */
int fx_graph_fold_constants(struct fx_graph *g);

/* interpret.c */

/*
 * Called after each node has run; @value is its @out_index-th result, valid
 * during the call, and may be changed in place (fake quantization).
 * A negative return ends the run with that error.
 */
typedef int (*fx_observe_fn)(struct fx_node *n, int out_index,
			     struct fxq_tensor *value, void *ctx);

struct fx_run {
	int threads;			/* 0: one */
	struct fxq_self *self;		/* for wrapped methods, or NULL */
	fx_observe_fn observe;		/* or NULL */
	void *ctx;
};

/*
 * Runs a functional graph eagerly: each operator's kernel in turn, values
 * freed after their last use. @in: one tensor for each placeholder, in order.
 * @ret_out: one for each output, owned by the caller (fxq_tensor_free).
 * Types of the nodes need not be known beforehand.
 */
int fx_graph_run(struct fx_graph *g, const struct fx_run *run,
		 const struct fxq_tensor *in, size_t n_in,
		 struct fxq_tensor *ret_out, size_t n_out);

/*
 * learn.c: what only running tells. A wrapped function without shape function
 * keeps its type open if no operator reads its result; otherwise it has the type
 * that it has when @g is run once on @in, as @run says (but for observe), and
 * then types are inferred again.
 */
bool fx_node_is_dynamic(const struct fx_node *n);
bool fx_graph_needs_learning(const struct fx_graph *g);
int fx_graph_learn(struct fx_graph *g, const struct fx_run *run,
		   const struct fxq_tensor *in, size_t n_in);
/* What has an open type gets bytes, as many as it may need, to be lowered. */
void fx_graph_make_room(struct fx_graph *g);

/* One operator at once: infers, allocates outputs, evaluates. */
int fx_op_run(const struct fx_op *op, struct fxq_call *call);

/* The kwargs of @n as attributes, in the graph's arena; the count, or < 0. */
int fx_node_attrs(struct fx_node *n, struct fxq_attr **ret_attrs);

/* print.c, code.c: as torch 1.13 prints them */

/* Functions without addresses: these tell nothing. */
void fx_graph_print_tabular(const struct fx_graph *g, FILE *to);
/* With them, to the width: each is a hash of the function's qualified name. */
void fx_graph_print_tabular_torch(const struct fx_graph *g, FILE *to);
/* Without them, and with where in the C source each node was made. */
void fx_graph_print_tabular_native(const struct fx_graph *g, FILE *to);
void fx_graph_print(const struct fx_graph *g, FILE *to);	/* str(graph) */
/* Functional form, one line a node with types: what -d shows between passes. */
void fx_graph_dump(const struct fx_graph *g, FILE *to);
/*
 * dot.c, html.c: the graph to look at, constants left out. As a digraph for Graphviz,
 * or as one HTML page, nothing of which comes from elsewhere.
 */
void fx_graph_print_dot(const struct fx_graph *g, FILE *to);
void fx_graph_print_html(const struct fx_graph *g, const char *title, FILE *to);
/* @s as text of a page: what HTML has a use for is escaped. */
void fx_print_html_text(const char *s, FILE *to);
/* Python's repr() of a float: the shortest digits that read back; malloced. */
char *fx_repr_float(double f);
/* The generated forward(); malloced, the caller frees it. */
char *fx_graph_code(const struct fx_graph *g);

#endif /* FXQ_FX_H */
