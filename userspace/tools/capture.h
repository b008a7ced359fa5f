/* SPDX-License-Identifier: MIT */
/*
 * capture.h - every value of a run, by name
 */
#ifndef FXQ_CAPTURE_H
#define FXQ_CAPTURE_H

#include <stdatomic.h>

#include "tool.h"

/* @name: the node's; @source: the layer of the model; both live in the graph */
struct captured {
	const char *name, *source;
	struct fxq_tensor t;
};

/* Zero is empty. */
struct capture {
	struct captured *v;
	size_t n, room;
};

void capture_free(struct capture *all);
int capture_add(struct capture *all, const char *name, const char *source,
		const struct fxq_tensor *t);
/* NULL if there is none. */
const struct fxq_tensor *capture_find(const struct capture *all,
				      const char *name);
/*
 * What float made of what the converted @node stands for. Conversion gives new
 * names where one layer becomes two operators, and such a name may be another
 * layer's in the float graph: the source must be the same.
 */
const struct captured *capture_find_float(const struct capture *all,
					  const struct fx_node *node);

/* Runs @g on @sample; results are given back, @observe has seen them. */
int run_observed(struct fx_graph *g, const struct options *o, bool training,
		 const struct fxq_tensor *sample, fx_observe_fn observe,
		 void *ctx);
/* The same, and keeps all values. */
int capture_graph(struct fx_graph *g, const struct options *o, bool training,
		  const struct fxq_tensor *sample, struct capture *all);
/*
 * Runs the image in @bytes on the device of @o and keeps its outputs, whose
 * names live in *@ret_image. The embedded device's debug mode looks on and
 * counts @findings.
 */
int capture_machine(const struct bytes *bytes, const struct options *o,
		    bool training, const struct fxq_tensor *sample,
		    struct capture *all, struct fxq_image **ret_image,
		    atomic_uint *findings);

#endif /* FXQ_CAPTURE_H */
