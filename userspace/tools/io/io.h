/* SPDX-License-Identifier: MIT */
/*
 * io.h - files that hold tensors and pictures, one format a file
 *
 * What files.h says of files holds for these: nothing in them is trusted, and
 * io_error() has the sentence of a refusal.
 */
#ifndef FXQ_TOOLS_IO_H
#define FXQ_TOOLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq.h>
#include <fxq/fxq_call.h>

#include "files.h"

/* dir.c: what a folder holds, sorted by name as bytes */

struct list {
	char **path;
	size_t n;
};

bool is_folder(const char *path);
/* Files of @folder whose names do not begin with a dot; -ENOENT: none. */
int list_files(const char *folder, struct list *ret);
int list_folders(const char *folder, struct list *ret);
void list_free(struct list *l);

/* gzip.c */

bool is_gzip(const void *data, size_t size);
/*
 * Unpacks the beginning of a gzip file, up to @want bytes of it, into @to.
 * Returns how many there were, or a negative errno.
 */
int64_t gunzip(const char *name, const void *data, size_t size, void *to,
	       size_t want);

/* idx.c: the format of MNIST and its kin, plain or gzipped */

int idx_parse(const char *name, const void *data, size_t size,
	      struct fxq_tensor *ret);
bool is_idx(const void *data, size_t size);

/* picture.c: pictures of 8 bits a channel, alpha dropped */

#define PICTURE_MAX_PIXELS	(1u << 27)

/* struct picture - @channels is 1 (grey) or 3 (red, green, blue) */
struct picture {
	uint32_t width, height, channels;
	uint8_t *pixels;		/* (height, width, channels) */
};

/* PNG, JPEG, PPM or PGM, told apart by how they begin. */
int picture_parse(const char *name, const void *data, size_t size,
		  struct picture *ret);
bool is_picture(const void *data, size_t size);
void picture_free(struct picture *p);
/* Memory for p->pixels, after its size has been judged. */
int picture_alloc(const char *name, struct picture *p, uint64_t width,
		  uint64_t height, uint32_t channels);

/* png.c, jpeg.c, pnm.c */
int png_parse(const char *name, const void *data, size_t size,
	      struct picture *ret);
int png_format(const char *name, const struct picture *p, struct bytes *ret);
int jpeg_parse(const char *name, const void *data, size_t size,
	       struct picture *ret);
int pnm_parse(const char *name, const void *data, size_t size,
	      struct picture *ret);

/* resize.c */

/*
 * Resizes as Pillow and torchvision do by default: linear interpolation
 * between pixel centres, over a window that grows as the picture shrinks,
 * across and then down, rounded to 8 bits after each.
 */
int picture_resize(const char *name, const struct picture *from,
		   uint32_t width, uint32_t height, struct picture *ret);

/* preprocess.c: from a picture to the tensor of an input */

/*
 * What @p says: grey or colour, size, then (pixel / 255 - mean) / std. The
 * float32 elements of one picture are written to @to: height * width *
 * channels of them.
 */
int preprocess(const char *name, const struct fxq_preprocess_info *p,
	       const struct picture *from, float *to);

/* convert.c */

/*
 * Makes the elements of @from what @dtype says: kept, if they are that, or
 * numbers to float32. -EINVAL for anything that might lose something.
 */
int tensor_convert(const char *name, const struct fxq_tensor *from,
		   uint32_t dtype, struct fxq_tensor *ret);
/* "float32 1x3x224x224" into @text, which is returned. */
#define TYPE_TEXT_MAX	256
const char *type_text(const struct fxq_tensor *t, char text[TYPE_TEXT_MAX]);

/* load.c */

/*
 * Reads the tensor in @path: npy, npz (the array called @array, or its only
 * one), idx, ONNX .pb, else raw elements of @like. @like may be NULL, which
 * refuses raw. Nothing is converted.
 */
int load_tensor(const char *path, const char *array,
		const struct fxq_tensor *like, struct fxq_tensor *ret);
/* The same from a file in memory, but for .pb. */
int parse_tensor(const char *path, const struct bytes *file, const char *array,
		 const struct fxq_tensor *like, struct fxq_tensor *ret);
bool is_pb(const char *path);

#endif /* FXQ_TOOLS_IO_H */
