/* SPDX-License-Identifier: MIT */
/*
 * profile.h - where the time of a run goes, layer by layer
 */
#ifndef FXQ_TOOLS_PROFILE_H
#define FXQ_TOOLS_PROFILE_H

#include "tool.h"

/* layers.c: modelled cycles, layer by layer */

/*
 * struct layer_cost - of one tag of one stream
 * @cycles: by which this layer made the stream longer; they add up to the
 *	    stream's
 * @mx, @vx, @bus: cycles for which an engine, or the bus, worked for it
 * @bytes: that LOAD and STORE move
 */
struct layer_cost {
	uint32_t tag;
	uint64_t cycles, mx, vx, bus, bytes;
	uint64_t last;
};

/* The layers of device step @step, in order of completion; malloced. */
int layer_costs(const struct fxq_image *image, uint32_t step,
		struct layer_cost **ret, size_t *ret_n);

/* profile.c: measured time, layer by layer */

/* What time goes into: MX, LD and ST, VX, none of them. */
enum bound {
	BOUND_COMPUTE, BOUND_BYTES, BOUND_VECTOR, BOUND_CPU, BOUNDS
};

enum profile_kind {
	PROFILE_LAYER,			/* of a device step */
	PROFILE_CPU,			/* a step on the CPU */
	PROFILE_REST,			/* of a run: submission and completion */
};

/*
 * struct profile_row - where a part of each run goes
 * @layer, @op: the image's; NULL for PROFILE_REST
 * @cost: modelled, of PROFILE_LAYER; of PROFILE_CPU @cost.bytes are what its
 *	  tensors have
 * @ns, @share: the median of all runs, and its share of the sum of all rows
 * @bound: what most of the time went into
 * @spent: how much of it went into what, in 0..1
 */
struct profile_row {
	enum profile_kind kind;
	const char *layer, *op;
	uint32_t step;
	uint64_t macs;
	struct layer_cost cost;
	uint64_t ns;
	double share;
	enum bound bound;
	double spent[BOUNDS];
};

struct profile;

/* @threads: of the device. The image must outlive the profile. */
int profile_new(const struct fxq_image *image, int threads,
		struct profile **ret);
void profile_free(struct profile *p);
/* The profile of a struct fxq_device_config whose priv is the profile. */
void profile_stream(void *priv, const struct fxq_desc *desc, uint64_t began,
		    const uint64_t *ns, uint32_t n);
/*
 * Forgets what ran until now; then each run is told when it has ended and
 * before the next is submitted, with the nanoseconds that it took.
 */
void profile_begin(struct profile *p, const struct fxq_program *prog);
int profile_run(struct profile *p, const struct fxq_program *prog, uint64_t ns);
/* In order of execution; valid until the next call. */
int profile_rows(struct profile *p, const struct profile_row **ret_rows,
		 size_t *ret_n);
/* Multiplications per second at most, measured between runs; 0: not known. */
double profile_peak(struct profile *p, const char **ret_name);

/* bench_layers.c */
int bench_layers_print(struct profile *p);
/* Adds "layers", "peak" and "peak_gops" to @to. */
int bench_layers_json(struct profile *p, json_t *to);

#endif /* FXQ_TOOLS_PROFILE_H */
