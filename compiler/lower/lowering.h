/* SPDX-License-Identifier: MIT */
/*
 * lowering.h - what becomes of a graph on its way to an image
 */
#ifndef FXQ_LOWER_LOWERING_H
#define FXQ_LOWER_LOWERING_H

#include <fxq/image.h>

#include "lower.h"

/* Where a value is in the image. */
struct slot {
	struct fx_node *n;
	int out;
	uint32_t tensor;
};

/* A result of the network; @name: the model's own, or NULL. */
struct result {
	struct fx_node *n;
	const char *name;
};

struct lowering {
	struct fx_graph *g;
	struct fx_lower_options opt;
	struct fxq_writer *w;
	struct blob blob;
	struct slot *slots;
	size_t n_slots, room_slots;
	uint32_t tag;
	uint64_t macs_device, macs_cpu, mx_bound;
	enum fxq_quantize_rule rule;
	struct fx_node **kept;		/* keep_layers: their results */
	size_t n_kept, room_kept;
	struct result *results;		/* of the network */
	size_t n_results;
};

/* lower.c: the tensor of result @out of @n; the first to ask adds it */
uint32_t tensor_of(struct lowering *l, struct fx_node *n, int out);

/* lower_device.c: lowers segment @number, and adds it as a step */
int lower_device(struct lowering *l, int number);

#endif /* FXQ_LOWER_LOWERING_H */
