/* SPDX-License-Identifier: MIT */
/*
 * feed.h - inside a feed
 */
#ifndef FXQ_TOOLS_FEED_H
#define FXQ_TOOLS_FEED_H

#include "tool.h"

/*
 * struct feed
 * @n: samples
 * @batch: pictures in a sample
 * @get: fills a sample; changes nothing, so that threads may share a feed
 * @pixels: U8 (pictures, height, width, channels), one after another
 * @arrays: one for each input, of its dtype, samples one after another
 * @files: one for each sample, or picture
 * @label: class of each item, -1: not known
 */
struct feed {
	const struct feed_inputs *in;
	size_t n, batch;
	bool pictures;
	uint64_t seed;
	int (*get)(const struct feed *f, size_t i, struct fxq_tensor *sample);
	struct fxq_tensor pixels;
	struct fxq_tensor *arrays;
	struct list files;
	int64_t *label;
	size_t n_labels;
};

/* feed_files.c */

int feed_folder(struct feed *f, const char *folder);
/* The picture @file becomes the @i-th of the batch in @sample. */
int feed_picture(const struct feed *f, const char *name,
		 const struct picture *p, size_t i, struct fxq_tensor *sample);
/* How many samples of @type the array @t is; 0 if it does not fit. */
size_t samples_in(const struct fxq_tensor *t, const struct fxq_tensor *type);

#endif /* FXQ_TOOLS_FEED_H */
