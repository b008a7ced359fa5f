/* SPDX-License-Identifier: MIT */
/*
 * files.h - files that hold named tensors, one format a file
 *
 * The compiler's library and the tools read and write them with the same code.
 *
 * Nothing in a file is trusted: sizes are compared with what is there in 64
 * bits before memory is asked for, so that memory stays in proportion to the
 * file. Readers take bytes and the name by which messages call them; tensors
 * they return are the caller's to free.
 *
 * Functions return 0 or a negative errno unless they say otherwise, and write
 * what they return only on success; io_error() then has the sentence: the
 * file, what is wrong with which value, and what to do.
 */
#ifndef FXQ_FILES_H
#define FXQ_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_call.h>

/* error.c */

/* Keeps the sentence for io_error(), printable, and returns @err. */
int io_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int io_fail_memory(const char *name);
/* Why the last call of this thread that failed did so. */
const char *io_error(void);

/* file.c: whole files; the path "-" is standard input or output */

struct bytes {
	uint8_t *data;
	size_t size;
};

void bytes_free(struct bytes *b);
int file_read(const char *path, struct bytes *ret);
/* On failure no file is left. */
int file_write(const char *path, const void *data, size_t size);
/* "net.fxq" from "some/folder/net.onnx" is name_of(path): "net". Malloced. */
char *name_of(const char *path);

/* tensors.c: what npz and safetensors files hold */

/* @note: of a safetensors file: what a program said of them; or NULL */
struct tensors {
	char **name;
	struct fxq_tensor *tensor;
	size_t n;
	char *note;
};

void tensors_free(struct tensors *t);
/* The tensor called @name; NULL if there is none. */
const struct fxq_tensor *tensors_find(const struct tensors *t,
				      const char *name);

/* half.c: the formats of 16 bits, which are read as float32 */

void floats_from_half(const uint8_t *from, size_t n, float *to);
void floats_from_bfloat(const uint8_t *from, size_t n, float *to);

/* npy.c: NumPy's arrays */

int npy_parse(const char *name, const void *data, size_t size,
	      struct fxq_tensor *ret);
int npy_format(const char *name, const struct fxq_tensor *t,
	       struct bytes *ret);
bool is_npy(const void *data, size_t size);

/* zip.c: the container of npz files, stored or deflated members */

struct zip_member {
	char *name;
	struct bytes bytes;
	uint32_t crc;			/* zip_format() computes it */
};

struct zip {
	struct zip_member *members;
	size_t n;
};

int zip_parse(const char *name, const void *data, size_t size,
	      struct zip *ret);
int zip_format(const char *name, struct zip *zip, struct bytes *ret);
void zip_free(struct zip *zip);
bool is_zip(const void *data, size_t size);

/* npz.c: named arrays, called what their members are without ".npy" */

int npz_parse(const char *name, const void *data, size_t size,
	      struct tensors *ret);
/* @t keeps its arrays. */
int npz_format(const char *name, const struct tensors *t, struct bytes *ret);

/* safetensors.c */

bool is_safetensors(const void *data, size_t size);
int safetensors_parse(const char *name, const void *data, size_t size,
		      struct tensors *ret);
/*
 * The widest elements come first, then names in order, as the format's own
 * library has it. @t keeps its tensors.
 */
int safetensors_format(const char *name, const struct tensors *t,
		       struct bytes *ret);

#endif /* FXQ_FILES_H */
