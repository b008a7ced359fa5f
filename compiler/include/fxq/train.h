/* SPDX-License-Identifier: MIT */
/*
 * train.h - training a model that is written in C
 *
 *	struct fx_tape *tape = fx_tape_new(model, threads);
 *	struct fx_optimizer *sgd = fx_optimizer_new(tape, &(struct fx_optim){
 *		.kind = FX_SGD, .lr = 0.1, .momentum = 0.9 });
 *
 *	fx_train(model);
 *	for (…) {
 *		fx_tape_begin(tape);
 *		fxv y = fx_call(model, x);
 *		fxv loss = fx_cross_entropy(y, labels);
 *
 *		if (fx_tape_backward(tape, loss))
 *			return complain(fx_tape_error(tape));
 *		fx_optimizer_step(sgd, 1);
 *		fx_release(loss);
 *		fx_release(y);
 *	}
 *
 * The tape remembers each operation that this thread computes, and goes back
 * over them: whatever a forward does in operators is trained, branches and
 * loops of C included. Weights are the model's own tensors, changed in place.
 *
 * Training is deterministic: the same seed, data, kind of processor and number
 * of threads give the same bits, and a run that was interrupted and resumed
 * those of one that was not.
 */
#ifndef FXQ_TRAIN_H
#define FXQ_TRAIN_H

#include <fxq/nn.h>

/* tape.c */

struct fx_tape;

/* For the parameters of @model, which must outlive it. Never NULL. */
struct fx_tape *fx_tape_new(struct fx_module *model, int threads);
void fx_tape_free(struct fx_tape *t);		/* accepts NULL */
/*
 * Forgets what it remembered and records from now on, in this thread, until
 * fx_tape_end() or fx_tape_backward(). Tensors that are computed meanwhile live
 * in memory of the tape until it begins again or is freed: no step but the
 * first allocates any.
 */
void fx_tape_begin(struct fx_tape *t);
void fx_tape_end(struct fx_tape *t);
/*
 * Ends the recording and computes the gradient of @loss, a tensor of one
 * element, for each parameter. -EINVAL if @loss is poisoned, if it does not
 * depend on a parameter, or if an operator between has no gradient.
 */
int fx_tape_backward(struct fx_tape *t, fxv loss);
/* The last failure's sentence; "" if none. */
const char *fx_tape_error(const struct fx_tape *t);

/*
 * struct fx_parameter - of the model, shared ones once
 * @key: in the state dictionary
 * @value: the model's tensor
 * @grad: after fx_tape_backward(); data NULL if the loss does not depend on it
 */
struct fx_parameter {
	const char *key;
	struct fxq_tensor *value;
	struct fxq_tensor grad;
};
const struct fx_parameter *fx_tape_parameters(const struct fx_tape *t,
					      size_t *ret_n);

/* optimizer.c */

/* X(id, name) */
#define FX_OPTIMS(X)		\
	X(SGD,   "sgd")		\
	X(ADAM,  "adam")	\
	X(ADAMW, "adamw")

enum fx_optim_kind {
#define X(id, name) FX_##id,
	FX_OPTIMS(X)
#undef X
};

/*
 * struct fx_optim - torch's optimizers, with torch's names and formulas
 * @lr: learning rate, > 0
 * @momentum, @nesterov: of SGD
 * @beta1, @beta2, @eps: of Adam and AdamW; 0: 0.9, 0.999, 1e-8
 * @weight_decay: added to the gradient, or with AdamW taken from the weight
 * @decay_matrices: only parameters of two dimensions or more decay: biases and
 *		    what normalizes do not
 */
struct fx_optim {
	enum fx_optim_kind kind;
	double lr, momentum;
	bool nesterov;
	double beta1, beta2, eps;
	double weight_decay;
	bool decay_matrices;
};

struct fx_optimizer;

/* NULL if an option makes no sense; the sentence is in fx_tape_error(). */
struct fx_optimizer *fx_optimizer_new(struct fx_tape *t,
				      const struct fx_optim *options);
void fx_optimizer_free(struct fx_optimizer *o);	/* accepts NULL */
/* Changes each parameter that has a gradient; @scale is of the learning rate. */
void fx_optimizer_step(struct fx_optimizer *o, double scale);
/*
 * Calls @fn for each tensor that the optimizer goes on with, to be saved or
 * filled: "step", then "exp_avg.conv.weight" and the like. As
 * fx_module_each_tensor().
 */
int fx_optimizer_each_tensor(struct fx_optimizer *o,
			     int (*fn)(const char *key, struct fxq_tensor *t,
				       void *ctx),
			     void *ctx);

/* schedule.c: what the learning rate is multiplied with, step by step */

/* X(id, name) */
#define FX_SCHEDULES(X)			\
	X(CONSTANT,  "constant")	\
	X(ONE_CYCLE, "one-cycle")	\
	X(COSINE,    "cosine")

enum fx_schedule_kind {
#define X(id, name) FX_##id,
	FX_SCHEDULES(X)
#undef X
};

/*
 * struct fx_schedule - of @steps steps, the first of which is 0
 * @warmup: the share of steps in which the rate rises: FX_ONE_CYCLE: 0 is 0.3;
 *	    others: linearly, and 0 is none
 * @first: FX_ONE_CYCLE: the rate of the first step as a part of the highest;
 *	   0: 1/25
 * @last: of the last step; 0: 1/250,000 (FX_ONE_CYCLE), 0 (FX_COSINE)
 */
struct fx_schedule {
	enum fx_schedule_kind kind;
	uint64_t steps;
	double warmup, first, last;
};

double fx_schedule_at(const struct fx_schedule *s, uint64_t step);

/* batches.c: samples in a random order, changed at random */

/*
 * struct fx_samples - where samples come from
 * @n: how many
 * @channels, @height, @width: of each
 * @labels: one for each
 * @get: fills one, float32. 0 or a negative errno
 */
struct fx_samples {
	size_t n;
	int64_t channels, height, width;
	const int64_t *labels;
	int (*get)(void *ctx, size_t i, float *to);
	void *ctx;
};

/*
 * struct fx_augment - how samples are changed, each in its own way
 * @crop: pixels of padding on each side, out of which a window is cut
 * @flip: half of the samples are mirrored, left to right
 * @cutout: side of a square that is painted over; 0: none
 * @fill: what padding and cutout are filled with, for each channel (those
 *	  from the fourth on as the fourth): what black has become
 */
struct fx_augment {
	int64_t crop;
	bool flip;
	int64_t cutout;
	float fill[4];
};

/*
 * Batches of @size samples, of which an epoch has fx_batches_count(); samples
 * that do not fill one are left out of that epoch. Order and changes depend on
 * @seed, epoch and sample alone, so that any batch can be had at any time.
 */
struct fx_batches;

/* @samples and @augment must outlive it. NULL without memory. */
struct fx_batches *fx_batches_new(const struct fx_samples *samples,
				  const struct fx_augment *augment, size_t size,
				  uint64_t seed);
void fx_batches_free(struct fx_batches *b);	/* accepts NULL */
size_t fx_batches_count(const struct fx_batches *b);
/*
 * Batch @i of epoch @epoch into @x, (size, channels, height, width), and @labels.
 * 0, or what @samples->get returned.
 */
int fx_batches_get(struct fx_batches *b, uint64_t epoch, size_t i, float *x,
		   int64_t *labels);

#endif /* FXQ_TRAIN_H */
