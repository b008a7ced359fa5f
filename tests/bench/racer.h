/* SPDX-License-Identifier: MIT */
/*
 * racer.h - one who runs a network, as the race sees them all
 *
 * Each reads the same input and writes outputs of its own, as float tensors in
 * the caller's memory; everything else is made ready when it is opened.
 */
#ifndef FXQ_BENCH_RACER_H
#define FXQ_BENCH_RACER_H

#include <fxq/fxq.h>

#define RACER_REASON	512

/*
 * struct racer
 * @run: one inference. Returns 0, or another number with @why filled in
 * @macs: of an inference; 0: not known
 */
struct racer {
	int (*run)(struct racer *r);
	void (*close)(struct racer *r);
	double macs;
	char why[RACER_REASON];
};

/* fxq.c: the image at @path on the embedded device */

/*
 * @ret_io: input to be filled and outputs, the racer's; all float32. NULL, with
 * the reason in @why, if that fails.
 */
struct racer *fxq_racer_open(const char *path, int threads,
			     struct fxq_io **ret_io, char *why);

/* ort.c: ONNX Runtime, from a shared object */

/* Loads @library. Returns its version, or NULL with the reason in @why. */
const char *ort_load(const char *library, char *why);
/*
 * The model at @path, on the inputs of @io; its outputs go to @out, of the same
 * types as the outputs of @io. @spin: its threads look out for work between
 * operators instead of sleeping.
 */
struct racer *ort_racer_open(const char *path, int threads, bool spin,
			     const struct fxq_io *io, struct fxq_tensor *out,
			     char *why);

#endif /* FXQ_BENCH_RACER_H */
