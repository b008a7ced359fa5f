/* SPDX-License-Identifier: MIT */
/*
 * mx_layers.h - the convolutions that mx.c measures, and its peer's calls
 */
#ifndef MX_LAYERS_H
#define MX_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * struct mx_layer - a convolution
 * @times: how often the network has it
 * @size: rows and columns of the input; @pad on all sides
 * @depthwise: @oc channels, each with its own kernel
 */
struct mx_layer {
	const char *name;
	uint32_t times, size, ic, oc, kernel, stride, pad;
	bool depthwise;
};

static inline uint32_t mx_out(const struct mx_layer *l)
{
	return (l->size + 2 * l->pad - l->kernel) / l->stride + 1;
}

/* onednn.c: the same layer in oneDNN, on warm memory of its own */

struct onednn;

/* What the library is; NULL if the benchmark is built without it. */
const char *onednn_version(void);
/* Before anything else. @isa as fxq_isa_choose() names it. */
void onednn_setup(const char *isa, int threads);
/* NULL if oneDNN has no such convolution. */
struct onednn *onednn_create(const struct mx_layer *l);
void onednn_run(struct onednn *o);
void onednn_destroy(struct onednn *o);

#endif /* MX_LAYERS_H */
