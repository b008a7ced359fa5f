/* SPDX-License-Identifier: MIT */
/*
 * train.h - what the commands that train share
 */
#ifndef FXQ_TOOLS_TRAIN_H
#define FXQ_TOOLS_TRAIN_H

#include <fxq/quantize_fx.h>
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
 * @calibrate: samples that fake quantizers see before
 * @resume: go on from @checkpoint
 */
struct recipe {
	uint64_t epochs, until, batch, seed, calibrate;
	struct fx_optim optim;
	struct fx_schedule schedule;
	struct fx_augment augment;
	double label_smoothing;
	const char *checkpoint;
	bool resume;
};

/*
 * struct lesson - a model, and what it learns from
 * @original: what @model with its fake quantizers, which observe while it learns
 *	      and not while it is tested, was made from; NULL: it has none
 * @calibrated: its fake quantizers have seen data, and are not shown any before
 * @file: a graph that came quantized, whose answers are those of its scales: they
 *	  take the place of float's. NULL: it was float
 * @in: of the model; samples are of its first and only input
 * @test: NULL: it is not tested between epochs
 */
struct lesson {
	struct fx_module *model, *original;
	const struct fx_graph *file;
	const struct feed_inputs *in;
	const struct feed *train, *test;
	int threads;
	bool quiet;			/* no lines, for JSON */
	bool calibrated;
};

struct epoch {
	double loss, seconds;
	double train_top1, test_top1;	/* percent; < 0: not known */
};

/*
 * struct outcome - what a quantized model answers to the test data
 * @float_answers: of the original; as many as there are test data
 * @float_top1, @calibrated_top1: before training; percent, < 0: not known
 * @int8_top1, @same: of integers; how many of their answers are float's
 */
struct outcome {
	int64_t *float_answers;
	double float_top1, calibrated_top1, int8_top1, same;
};

/*
 * @epochs: recipe->epochs of them, of which *@ret_n are filled
 * @ret: of a model with an original: what is known before and after calibration
 */
int train(const struct lesson *l, const struct recipe *r, struct epoch *epochs,
	  size_t *ret_n, struct outcome *ret);

/* recipe.c: its parts in words, "sgd,momentum=0.9"; @text is written to */

double parse_real(struct argp_state *state, const char *option,
		  const char *text, double lo, double hi);
void parse_optimizer(struct argp_state *state, char *text, struct fx_optim *o);
void parse_schedule(struct argp_state *state, char *text,
		    struct fx_schedule *s);
void parse_augment(struct argp_state *state, char *text, struct fx_augment *a);

/* qat.c: what qat has beyond train */

/* "weights=4,per-tensor": into the @ret of get_default_qconfig(). */
void parse_qconfig(struct argp_state *state, char *text,
		   struct fx_default_qconfig *ret);
/* The model of @l becomes its original's with fake quantizers. */
int qat_prepare(struct lesson *l, const struct fx_default_qconfig *names);
/* What it has learned, on integers, as an image in memory. */
int qat_image(const struct lesson *l, const struct model *m,
	      struct bytes *ret);
/* What the image answers to the test data. */
int qat_test(const struct lesson *l, const struct bytes *image,
	     struct outcome *ret);

/* teach.c */

/*
 * struct train_args - what train and qat are told
 * @network, @output: the model, and what it learned; NULL: not written
 * @quantized: it is qat
 * @qconfig: of qat, @has_qconfig if it was given
 */
struct train_args {
	struct options o;
	struct recipe r;
	bool quantized;
	struct fx_default_qconfig qconfig;
	bool has_qconfig;
	const char *network, *output;
	const char *data, *labels, *test, *test_labels;
};

/* Trains the model, tests it and writes it down; an exit code. */
int teach(struct train_args *a);

#endif /* FXQ_TOOLS_TRAIN_H */
