/* SPDX-License-Identifier: MIT */
/*
 * priv.h - what all parts of libfxq share: errors and memory
 */
#ifndef FXQ_LIB_PRIV_H
#define FXQ_LIB_PRIV_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq.h>

/* What version script and visibility let through. */
#define FXQ_PUBLIC	__attribute__((visibility("default")))

#define FXQ_PAGE_BYTES	4096
#define FXQ_LINE_BYTES	64	/* alignment of regions and of tensors */
#define FXQ_PAGES_MAX	(1ull << 38) /* half of what a device can address */

/* error.c */

/* Keeps the sentence for fxq_error() and returns @err, a negative errno. */
int fxq_fail(int err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int fxq_fail_memory(const char *what);		/* -ENOMEM */
/*
 * Cuts a text that a file or a function gave for use in a sentence: control
 * characters become '?', what is long ends in "...". One of four buffers of
 * the calling thread.
 */
const char *fxq_quote(const char *text);

/* bo.c */

/*
 * Zeroed memory on whole pages, from 2 MiB on aligned to 2 MiB; NULL when
 * there is none. What is never touched costs nothing.
 */
void *fxq_pages_alloc(uint64_t size);
void fxq_pages_free(void *mem, uint64_t size);		/* accepts NULL */

static inline uint64_t fxq_align(uint64_t n, uint64_t step)
{
	return (n + step - 1) / step * step;
}

/* Bytes of an element; 0 for what is no type of an element. */
uint64_t fxq_element_bytes(uint32_t dtype);
const char *fxq_element_name(uint32_t dtype);
/* Bytes of a tensor; false if it has no size that 64 bits can hold. */
bool fxq_type_bytes(const struct fxq_tensor *t, uint64_t *ret);
/* "float32 1x3x224x224", in one of fxq_quote()'s buffers. */
const char *fxq_type_text(const struct fxq_tensor *t);
bool fxq_same_shape(const struct fxq_tensor *a, const struct fxq_tensor *b);

#endif /* FXQ_LIB_PRIV_H */
