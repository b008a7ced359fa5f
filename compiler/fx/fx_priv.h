/* SPDX-License-Identifier: MIT */
/*
 * fx_priv.h - what the files of the graph core share
 *
 * The prototypes stand in the order in which a graph meets them: memory,
 * names, nodes and their uses, the call of a node's function, its text.
 */
#ifndef FXQ_FX_PRIV_H
#define FXQ_FX_PRIV_H

#include <fxq/fx.h>

/* arena.c: memory that goes as a whole */

struct arena {
	struct arena_chunk *head;
};

/* Zeroed; @align is a power of two up to 64. Aborts when memory is out. */
void *arena_alloc(struct arena *a, size_t bytes, size_t align);
void arena_finish(struct arena *a);

/* names.c: the names a graph has given, and the next by torch's rules */

struct names {
	struct arena *arena;
	void *tree;			/* struct name, by text */
};

void names_init(struct names *names, struct arena *arena);
void names_finish(struct names *names);
/* A name for a node of @target, never given before; in the arena. */
const char *names_give(struct names *names, const char *target);
/* Takes @name as it is, so that it is not given again. */
const char *names_take(struct names *names, const char *name);

/* graph.c */

struct fx_graph {
	struct arena arena;
	struct names names;
	struct fx_node *first, *last;
	struct fx_node *insert_point;	/* NULL: the end */
	struct fx_node *output;
	size_t n_nodes;			/* on the list */
	unsigned int stamp;		/* the walk that is going on */
	const char *error;
};

/* What the core keeps of a node beside what everybody sees. */
struct node_box {
	struct fx_node n;
	unsigned int stamp;		/* of the walk that saw it last */
	unsigned int order;		/* index on the list, set by a walk */
	unsigned int had_users;		/* before the folding that goes on */
};

static inline struct node_box *node_box(struct fx_node *n)
{
	return (struct node_box *)n;
}

extern const char *const opcode_names[FX_OPCODE_COUNT];

/* An empty node called @name, at the insert point. */
struct fx_node *graph_add_node(struct fx_graph *g, enum fx_opcode opcode,
			       const char *name);
/* Numbers the nodes by their place on the list; returns how many. */
unsigned int graph_number_nodes(struct fx_graph *g);
/* Fails the graph with "node 'NAME' (SOURCE): ..." and returns @err. */
int node_fail(struct fx_node *n, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* copy.c */

/* A node as @from, but for its arguments, at the insert point. */
struct fx_node *node_copy(struct fx_graph *g, const struct fx_node *from,
			  const char *name);
/*
 * Then @to gets the arguments of @from, each node replaced by its copy;
 * @copies is by the place on the list that graph_number_nodes() gave it.
 */
void node_copy_args(struct fx_node *to, const struct fx_node *from,
		    struct fx_node *const *copies);

/* args.c, uses.c */

static inline bool arg_is_sequence(const struct fx_arg *a)
{
	return a->kind == FX_ARG_TUPLE || a->kind == FX_ARG_LIST;
}

static inline bool arg_has_items(const struct fx_arg *a)
{
	return arg_is_sequence(a) || a->kind == FX_ARG_SLICE ||
	       a->kind == FX_ARG_DICT;
}

struct fx_arg arg_copy(struct fx_graph *g, const struct fx_arg *from);
struct fx_arg *args_copy(struct fx_graph *g, const struct fx_arg *from,
			 size_t n);
struct fx_kwarg *kwargs_copy(struct fx_graph *g, const struct fx_kwarg *from,
			     size_t n);
void arg_visit(const struct fx_arg *a,
	       void (*fn)(struct fx_node *in, void *ctx), void *ctx);
/* Between these two the arguments of @n may change; users stay exact. */
void node_drop_uses(struct fx_node *n);
void node_take_uses(struct fx_node *n);
/* For each node, by its number, the one that uses it last; stays if none. */
void graph_last_users(const struct fx_graph *g, struct fx_node **last);
/* Gives @n as many results as its operator or kwarg "n_out" says. */
int node_set_result_count(struct fx_node *n);

/* tensor.c */

/* 0 if dtype, rank and dims are sound and the size is one memory can have. */
int tensor_check_type(const struct fxq_tensor *t);
#define TENSOR_STR_MAX 192
/* "float32 [1, 3, 224, 224]"; returns @buf. */
const char *tensor_str(const struct fxq_tensor *t, char buf[TENSOR_STR_MAX]);
/* @to takes dtype, rank and dims of @from, and keeps the rest. */
void tensor_set_shape(struct fxq_tensor *to, const struct fxq_tensor *from);

/*
 * call.c: a node as a call of its function
 *
 * @inputs has call.n_in nodes; NULL where an optional tensor is absent.
 * The tensors of call.in and call.out are zero, but for the scale and zero
 * point that the node's results have.
 */
struct node_call {
	const struct fxq_function *fn;
	struct fx_node **inputs;
	struct fxq_tensor *in;
	struct fxq_call call;
};

int node_call_init(struct fx_node *n, struct arena *arena,
		   struct node_call *ret_call);
/* The node's attributes, in @arena; the count, or a negative errno. */
int node_attrs(struct fx_node *n, struct arena *arena,
	       struct fxq_attr **ret_attrs);
/*
 * 1 if @n is a getitem that selects a result, which *@ret_from and
 * *@ret_index then name; 0 if it is anything else; -EINVAL if it is wrong.
 */
int node_selects(struct fx_node *n, struct fx_node **ret_from,
		 int *ret_index);
/* Fails the graph with what @call said, or what @err means if it is silent. */
int node_call_fail(struct fx_node *n, int err, const struct fxq_call *call);
/* The number of tensors and the required ones are what @op takes. */
int op_check_arity(const struct fx_op *op, struct fxq_call *call);
/* Calls fn->infer and checks what it answers. */
int function_infer(const struct fxq_function *fn, struct fxq_call *call);

/* infer.c: types of one node; leaves them unknown where an input's is. */
int infer_node(struct fx_node *n, struct arena *arena);
bool node_type_is_known(const struct fx_node *n);

/* repr.c: values as Python prints them */

enum repr_style {
	REPR_PYTHON,			/* x, 'text' */
	REPR_GRAPH,			/* %x, text: as str(graph) does */
};

void repr_str(FILE *to, const char *s);
void repr_float(FILE *to, double f);
void repr_arg(FILE *to, const struct fx_arg *a, enum repr_style style);
/* (a, b) with Python's comma after a single one. */
void repr_args(FILE *to, const struct fx_node *n, enum repr_style style);
/* {'k': v}, or {k: v} as str(graph) does. */
void repr_kwargs(FILE *to, const struct fx_node *n, enum repr_style style);
/* Text that comes from a file, with control characters made visible. */
void repr_plain(FILE *to, const char *s);
/* dump.c: the types of what @n returns, "int8 [1, 16] *0.0123 z-3"; malloced. */
char *types_text(const struct fx_node *n);
/* How @n is made: "conv2d(x, w, b)", "input", "constant {1, 2}". */
void write_making(FILE *to, const struct fx_node *n);
/* "operator.add", "torch.relu": Python's name of what @n calls. */
void repr_qualified_target(FILE *to, const struct fx_node *n);
bool op_is_pattern(const struct fx_op *op);

#endif /* FXQ_FX_PRIV_H */
