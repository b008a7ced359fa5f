/* SPDX-License-Identifier: MIT */
/*
 * infer.h - what came out of a network, to show and to save
 */
#ifndef FXQ_TOOLS_INFER_H
#define FXQ_TOOLS_INFER_H

#include "tool.h"

#define MAX_INPUTS	64
#define MAX_OUTPUTS	64

struct run {
	struct fxq_tensor *out;
	uint64_t cycles, ns;
};

struct results {
	size_t n_runs, n_out;
	struct run *runs;
	char **name;			/* of the outputs */
	bool *dynamic;			/* each run decides their shape */
};

/* infer_results.c */

int results_init(struct results *res, const struct fxq_image *image, size_t n);
void results_finish(struct results *res);
int read_labels(const char *path, struct list *ret);
void print_results(const struct results *res, const struct list *labels,
		   uint64_t top);
json_t *results_json(const struct results *res, const struct list *labels,
		     uint64_t top);

/* infer_save.c */

/* Saves output @k, -1: all of them or the only one, as @path's ending says. */
int save_output(const struct results *res, int k, const char *path);

#endif /* FXQ_TOOLS_INFER_H */
