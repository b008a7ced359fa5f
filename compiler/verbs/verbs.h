/* SPDX-License-Identifier: MIT */
/*
 * verbs.h - what fuse, prepare and convert share
 *
 * In the order in which a model meets them: its copy and trace, the backend's
 * tables, the classes that layers become.
 */
#ifndef FXQ_VERBS_H
#define FXQ_VERBS_H

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
/*
 * The graph anew, its names given again to those nodes alone that are left:
 * so do torch's passes, which write a new graph each.
 */
void root_renew(struct fx_module *gm);
/* How many nodes call @m. */
size_t root_calls(const struct fx_module *gm, const struct fx_module *m);
/* The only node that uses @n; NULL if none or several do. */
struct fx_node *root_only_user(struct fx_node *n);

/* What a node does, as the tables name it; see struct fx_backend_op. */
bool node_is_module(const struct fx_node *n, const char *class);
bool node_is_function(const struct fx_node *n, const char *id);

/* layer_class.c: the classes that layers with weights become */


/* X(id, package): of which layers there are classes, by torch's packages. */
#define LAYER_KINDS(X)				\
	X(FLOAT,     "")			\
	X(FUSED,     "intrinsic.")

enum layer_kind {
#define X(id, package) LAYER_##id,
	LAYER_KINDS(X)
#undef X
	LAYER_KIND_COUNT
};

/*
 * struct layer_class - a class made from a float layer's
 * @class: comes first
 * @base: the float layer's: Conv2d
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
/* What @m's class was made from; NULL if it is none of these. */
const struct layer_class *layer_class_of(const struct fx_module *m);
/* An empty module of a class, with the options of @like. */
struct fx_module *layer_new(const struct fx_class *class,
			    const struct fx_module *like);

/* fold.c */

/*
 * A copy of @layer with the normalisation that follows it in its weights:
 * w *= g / sqrt(v + eps), b = (b - mean) / sqrt(v + eps) * g + beta.
 */
struct fx_module *fold_batch_norm(const struct fx_module *layer,
				  const struct fx_module *bn);

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

#endif /* FXQ_VERBS_H */
