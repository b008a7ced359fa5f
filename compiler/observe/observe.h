/* SPDX-License-Identifier: MIT */
/*
 * observe.h - what the files of observers and fake quantizers share
 */
#ifndef FXQ_OBSERVE_H
#define FXQ_OBSERVE_H

#include <fxq/observer.h>

#include "nn/nn_priv.h"
#include "ranges.h"

/* qparams.c: what a module quantizes to, and scales from ranges */

/* struct qtype - what an observer's options come down to */
struct qtype {
	enum fx_qdtype dtype;
	enum fx_qscheme qscheme;
	bool per_channel;
	struct target target;
};

/* Reads the options; -EINVAL with the sentence in @error if they clash. */
int qtype_of(const struct fx_module *m, struct qtype *ret, char *error);
/* Checks the options of @m, and gives it the buffer of eps. */
int qtype_init(struct fx_module *m);
/* Fails the construction of @m if its qscheme has channels. */
int qtype_per_tensor(struct fx_module *m);

/* Fills @ret for @n ranges, of a tensor or of its channels. */
int qparams_fit(struct fx_module *m, const struct range *r, int64_t n,
		struct fx_qparams *ret);
/* Writes the sentence, led by the class's name, and returns @err. */
int qparams_refuse(struct fx_module *m, struct fx_qparams *ret, int err,
		   const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* extremes.c: what passes through, looked at */

/*
 * The tensor that @m is to observe, and the extremes of each of its @n
 * channels along @axis, or of all of it if @axis is -1. NULL, and the poison
 * made, if it cannot be observed.
 */
const struct fxq_tensor *observed(struct fx_module *m, fxv x);
struct range *observed_extremes(struct fx_module *m, fxv x, int axis,
				int64_t *ret_n);

/* Buffers of a module: the elements, which are there. */
float *buffer_floats(struct fx_module *m, const char *name);
int64_t buffer_count(const struct fx_module *m, const char *name);
/* min_val and max_val, which have one element. */
struct range observed_range(struct fx_module *m);
void set_observed_range(struct fx_module *m, struct range r);

/* fake_quantize.c */

bool is_fake_quantizer(const struct fx_module *m);
/*
 * Gives @m the options that follow from its observer, which it must have;
 * -EINVAL with the sentence in m->error if the two do not go together.
 */
int fake_quantizer_follow(struct fx_module *m);
/* Gives @m another observer, which is taken over, as its constructor would. */
void fake_quantizer_replace(struct fx_module *m, struct fx_module *observer);

#endif /* FXQ_OBSERVE_H */
