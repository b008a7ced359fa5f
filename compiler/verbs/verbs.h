/* SPDX-License-Identifier: MIT */
/*
 * verbs.h - what fuse, prepare and convert share
 *
 * In the order in which a model meets them: its copy and trace, the backend's
 * tables, the classes that layers become.
 */
#ifndef FXQ_VERBS_H
#define FXQ_VERBS_H

#include <stdio.h>

#include <fxq/quantize_fx.h>

#include "nn/nn_priv.h"

/* root.c: the graph module that a verb works on */

/*
 * A copy of @model as a graph module, traced unless it is one already. On
 * failure it has no graph, and ->error says why.
 */
struct fx_module *root_copy(struct fx_module *model);
/* Ends the verb: a module that gives this error to whoever calls it. */
struct fx_module *root_fail(struct fx_module *gm, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A new member of the root, of which @n shall be the call's module. */
void root_put(struct fx_module *gm, const char *path, struct fx_module *m);
/* Whoever calls @from calls @to, which is taken over. */
void root_swap(struct fx_module *gm, const struct fx_module *from,
	       struct fx_module *to);
/*
 * The graph anew, its names given again to those nodes alone that are left:
 * so do torch's passes, which write a new graph each.
 */
void root_renew(struct fx_module *gm);
/* How many nodes call @m. */
size_t root_calls(const struct fx_module *gm, const struct fx_module *m);
/* What nobody calls any more is an Identity at @path from now on. */
void root_retire(struct fx_module *gm, const struct fx_module *m,
		 const char *path);

/* What a node does, as the tables name it; see struct fx_backend_op. */
bool node_is_module(const struct fx_node *n, const char *class);
bool node_is_function(const struct fx_node *n, const char *id);
bool node_is_method(const struct fx_node *n, const char *id);
/* A call of an operator that is no function. */
bool node_is_kept(const struct fx_node *n, const char *op);
/* A call of an observer. */
bool node_is_observer(const struct fx_node *n);

/* layer_class.c: the classes that float modules become */

/*
 * X(id, package): of which layers there are classes, by torch's packages, which
 * are those of "intrinsic." where a layer takes others along.
 */
#define LAYER_KINDS(X)				\
	X(FLOAT,     "")			\
	X(FUSED,     "")			\
	X(REFERENCE, "quantized.reference.")	\
	X(QUANTIZED, "quantized.")		\
	X(OPERATOR,  "quantized.")		\
	X(QAT,       "qat.")

enum layer_kind {
#define X(id, package) LAYER_##id,
	LAYER_KINDS(X)
#undef X
	LAYER_KIND_COUNT
};

/*
 * struct layer_class - a class made from a float module's
 * @class: comes first
 * @base: the float module's: Conv2d
 * @parts: FX_PART_*
 */
struct layer_class {
	struct fx_class class;
	enum layer_kind kind;
	const struct fx_class *base;
	unsigned int parts;
	char name[64];
};

/* The class, the same one each time; "intrinsic.ConvBnReLU2d". */
const struct fx_class *layer_class(enum layer_kind kind,
				   const struct fx_class *base,
				   unsigned int parts);
/* The one of this name, if it is one that a backend can ask for; or NULL. */
const struct fx_class *layer_class_named(const char *name);
/* What @m's class was made from; NULL if it is none of these. */
const struct layer_class *layer_class_of(const struct fx_module *m);
/* An empty module of a class, with the options of @like. */
struct fx_module *layer_new(const struct fx_class *class,
			    const struct fx_module *like);

/*
 * The float layer that @m, one of these or float itself, is or was made from, as
 * its constructor makes it of @m's options and with a bias: shapes alone.
 */
struct fx_module *float_like(const struct fx_module *m);

/* Is it a layer whose weights have become integers, or floats that were? */
bool is_converted(const struct fx_module *m);

/*
 * What an option of @class is if a call does not say it: what follows from the
 * sizes of its weights @w, which may be NULL; else the default. A pool is global.
 */
fxv option_of_weights(const struct fx_class *class,
		      const struct fx_option *option,
		      const struct fxq_tensor *w, int64_t groups, bool bias);

/* How the result of an operator is quantized, as torch says it. */
struct result_qparams {
	float scale;
	int64_t zero_point;
	const char *dtype;		/* "torch.quint8" */
};

/* The operation of the float layer that @m was made from, on @x. */
int layer_operation(struct fx_module *m, fxv x, struct operation *ret,
		    char *error);

/* The tensor called @name of a layer; NULL if it has none. */
const struct fxq_tensor *weight_tensor(const struct fx_module *m,
				       const char *name);

/* Which dimension of the weights is that of the output channels. */
uint32_t weights_axis(const struct fx_class *base);

/* How many weights have the same place along dimension @axis, in a row. */
static inline int64_t weights_beside(const struct fxq_tensor *w, uint32_t axis)
{
	int64_t n = 1;

	for (uint32_t d = axis + 1; d < w->rank; d++)
		n *= w->dims[d];
	return n;
}

/* reference.c: a float layer whose weights are those of an integer one */

fxv forward_reference(struct fx_module *m, const fxv *args);
/* The integers that its weights are, in their order. */
void weight_integers(const struct fx_module *m, int8_t *q);
/*
 * The float layer @layer with weights quantized as a copy of @observer finds,
 * which gets to see them unless it has seen some. NULL, and the sentence in
 * gm->error.
 */
struct fx_module *make_reference(struct fx_module *gm, struct fx_module *layer,
				 struct fx_module *observer);

/* qat.c: a layer that is trained with the error of quantization */

fxv forward_qat(struct fx_module *m, const fxv *args);
/* The float or fused layer @m with @proto's copies for its weights. */
struct fx_module *make_qat(const struct fx_module *m,
			   const struct fx_module *proto);
/* What it has learned as a float layer, batch norm folded. */
struct fx_module *float_of_qat(const struct fx_module *m);

/* weights.c: what observes the weights of a layer */

/* The member of a layer that has the scales which its weights came with. */
#define GIVEN_SCALES	"weight_observer"
/* Those that constant @weights has, if they are multiples of them. */
void give_scales(struct fx_module *layer, const struct fx_node *weights);
/* The observer that has them; NULL if there are none, or not of these weights. */
const struct fx_module *given_scales(const struct fx_module *layer);
/*
 * @observer for weights of @layer: transposed ones have channels second, and
 * what was given stays. See its ->error: the two may not go together.
 */
struct fx_module *observer_of_weights(const struct fx_module *layer,
				      const struct fx_module *observer);

/* quantized.c: a layer on integers */

fxv forward_quantized(struct fx_module *m, const fxv *args);
/* The operation that @m does, of @x, which must be quantized; else a poison. */
fxv operation_on_integers(struct fx_module *m, fxv x, struct operation *ret);
/* Is there an integer operator for layers of this class? For this one? */
bool has_integer_op(const struct fx_class *base);
bool has_integer_layer(const struct fx_module *reference);
/*
 * @reference on integers, with these parts; its result is quantized by @q, or
 * is float, from 32-bit sums, if that is NULL.
 */
struct fx_module *make_quantized(struct fx_module *reference,
				 unsigned int parts,
				 const struct result_qparams *q);

/* How its result is quantized, as attributes; NULL: it is not. */
void add_qparams(struct fx_module *m, const struct result_qparams *q);

/* operator.c: a module without integer weights whose result has its own scale */

fxv forward_operator(struct fx_module *m, const fxv *args);
/* Has the operator that @m is an integer form with any scale? */
bool has_operator(struct fx_module *m);
struct fx_module *make_operator(const struct fx_module *m,
				const struct result_qparams *q);

/* fold.c */

/*
 * A copy of @layer with the normalisation that follows it in its weights:
 * w *= g / sqrt(v + eps), b = (b - mean) / sqrt(v + eps) * g + beta.
 */
struct fx_module *fold_batch_norm(const struct fx_module *layer,
				  const struct fx_module *bn);

/* twins.c: modules in the place of functions */

void make_twins(struct fx_module *gm);

/* attention.c: puts layers and products in the places of MultiheadAttention */
void unfold_attention(struct fx_module *gm);
/* The path of the function in whose place @n calls a module; NULL: in none's. */
const char *twin_function(const struct fx_node *n);

/* fuse_user.c: what a program's own patterns make one module of */

void fuse_patterns(struct fx_module *gm, const struct fx_fuse_pattern *p);

/* fuse_match.c: what can be fused */

/*
 * struct chain - a layer and what follows it, each used by the next alone
 * @layer, @bn, @add, @act: NULL where there is none
 * @last: the one whose value others use
 * @residual: the place of what is added among the arguments of @add
 * @place: the node in whose module's place the fused module stands; NULL: it
 *	   has no place, or with an addition gets one
 * @twin: an earlier chain of the same modules, or NULL
 * @fused: the module, once it is made
 */
struct chain {
	struct fx_node *layer, *bn, *add, *act, *last;
	unsigned int parts, residual;
	struct fx_node *place;
	struct chain *twin;
	struct fx_module *fused;
};

struct chains {
	struct chain *list;
	size_t n;
};

/* All chains that @backend fuses, in the order of the graph; free the list. */
struct chains find_chains(const struct fx_module *gm,
			  const struct fx_backend *backend);

/* fuse.c */

/* Fuses in place. Batch norms are folded if @fold, or if they do not train. */
void fuse_graph(struct fx_module *gm, const struct fx_backend *backend,
		bool fold);

/* qconfig.c */

/* The qconfig of @n, or NULL if it stays float. */
const struct fx_module_qconfig *
qconfig_of(const struct fx_qconfig_item *dict, struct fx_module *gm,
	   const struct fx_node *n);
/* -EINVAL with the sentence in gm->error if a key or a name is wrong. */
int qconfig_check(const struct fx_qconfig_item *dict, struct fx_module *gm);

/*
 * What prepare leaves for convert: a member of the root that is no part of its
 * state dict. For each node that is quantized it has an entry of that name:
 * the observer of its weights, or true; false of one whose scales the model brings,
 * other ones than the operator would have.
 */
#define PREPARED	"_prepared"
extern const struct fx_class fx_class_Prepared;
/* Is @n to be quantized, as prepare found? */
bool is_prepared(const struct fx_module *prepared, const struct fx_node *n);

/* The backend of that name; NULL if there is none. */
const struct fx_backend *backend_named(const char *name);

/* limits.c: is an operator of a functional graph too long for integers? */
bool exceeds_limits(const struct fx_node *n);
/* -ENOTSUP with the sentence in gm->error if integers cannot do it. */
int check_limits(struct fx_module *gm, const struct fx_module *prepared);

/* lower.c: operators on integers in place of dequantize, float, quantize */

/*
 * struct lowering
 * @notes: where to list what was removed, or NULL
 */
struct lowering {
	struct fx_module *gm;
	const struct fx_backend *backend;
	const struct fx_module *prepared;
	FILE *notes;
};

void lower_graph(struct lowering *l);
/* The function on integers that @n, with or without a relu, becomes, or NULL. */
const struct fx_function *quantized_binary(const struct fx_node *n, bool relu);
/* Of two tensors, or one times a number that keeps the order of its values? */
bool has_integer_terms(const struct fx_node *n);

/* observe.c: what a backend's tables say of nodes */

/*
 * struct place - what n->data of each node is while observers are put in
 * @row: of the backend's table; NULL: a layer, whose result has its own
 * @root: the first node of what is one step: its inputs are observed
 * @last: the last: its result is; NULL: its parts are
 * @qconfig: NULL: it stays float, or no table has it
 * @left: nothing is to be observed: the model brings its scales
 */
struct place {
	const struct fx_backend_op *row;
	struct fx_node *root, *last;
	const struct fx_module_qconfig *qconfig;
	bool left;
};

void find_observed(struct fx_module *gm, const struct fx_backend *backend,
		   const struct fx_qconfig_item *dict);
/* Is it a float layer with weights that convert gives integers? */
bool is_layer(const struct fx_backend *backend, const struct fx_module *m);
/* Does the table end here? */
bool is_last(const struct fx_backend_op *row);
/* The row of the backend's table for @n, or NULL. */
const struct fx_backend_op *backend_row(const struct fx_backend *backend,
					const struct fx_node *n);
bool node_is_relu(const struct fx_node *n);
/* Does getitem @n have a number, which may select one of values of a tuple? */
bool selects_value(const struct fx_node *n);

#endif /* FXQ_VERBS_H */
