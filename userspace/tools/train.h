/* SPDX-License-Identifier: MIT */
/*
 * train.h - what the commands that train share
 */
#ifndef FXQ_TOOLS_TRAIN_H
#define FXQ_TOOLS_TRAIN_H

#include <fxq/train.h>

#include "tool.h"

/* checkpoint.c */

/*
 * Arrays over tensors that live elsewhere: what a file is made of, or fills.
 * live_load() takes all or nothing.
 */
void live_add(struct tensors *live, const char *prefix, const char *key,
	      const struct fxq_tensor *t);
void live_of_module(struct tensors *live, struct fx_module *m);
void live_drop(struct tensors *live);
int live_save(const char *path, const struct tensors *live);
int live_load(const char *path, const struct tensors *live);

/* train.c */

/*
 * struct recipe - how to train
 * @until: stop after so many epochs of the @epochs that the schedule is of
 * @resume: go on from @checkpoint
 */
struct recipe {
	uint64_t epochs, until, batch, seed;
	struct fx_optim optim;
	struct fx_schedule schedule;
	struct fx_augment augment;
	double label_smoothing;
	const char *checkpoint;
	bool resume;
};

/*
 * struct lesson - a model, and what it learns from
 * @in: of the model; samples are of its first and only input
 * @test: NULL: it is not tested between epochs
 * @quantized: fake quantizers observe while it learns, and not while it is tested
 */
struct lesson {
	struct fx_module *model;
	const struct feed_inputs *in;
	const struct feed *train, *test;
	int threads;
	bool quiet;			/* no lines, for JSON */
	bool quantized;
};

struct epoch {
	double loss, seconds;
	double train_top1, test_top1;	/* percent; < 0: not known */
};

/* @ret_epochs: recipe->epochs of them, of which *@ret_n are filled. */
int train(const struct lesson *l, const struct recipe *r, struct epoch *epochs,
	  size_t *ret_n);

#endif /* FXQ_TOOLS_TRAIN_H */
