/* SPDX-License-Identifier: MIT */
/*
 * quantize_fx.h - a model, quantized by verbs: fuse, prepare, convert
 *
 * Each verb takes a model, or the graph module that another verb made, and
 * gives a graph module. It never touches what it is given: the result has
 * modules and tensors of its own. It never returns NULL; what went wrong is the
 * sentence in ->error of the result, which is also the error of whoever calls
 * it. fx_module_put() frees it.
 */
#ifndef FXQ_QUANTIZE_FX_H
#define FXQ_QUANTIZE_FX_H

#include <fxq/trace.h>

/* What a layer takes along: its sums are normalised, added to, and clamped. */
#define FX_PART_BN	(1u << 0)
#define FX_PART_ADD	(1u << 1)
#define FX_PART_RELU	(1u << 2)
#define FX_PART_RELU6	(1u << 3)
#define FX_PART_ACT	(FX_PART_RELU | FX_PART_RELU6)

/*
 * struct fx_backend_layer - a layer and what is fused with it
 * @layer: its class
 * @bn: the class of the batch norms that follow it
 * @fuses: bit P is set if the parts P, a combination of FX_PART_*, are fused
 */
struct fx_backend_layer {
	const char *layer, *bn;
	uint32_t fuses;
};

/*
 * struct fx_backend - what a device, or a library of kernels, does in one step
 * @layers: ends with a row without a layer
 */
struct fx_backend {
	const char *name;
	const struct fx_backend_layer *layers;
};

/* This machine; and torch 1.13's own backend, whose graphs are torch's. */
extern const struct fx_backend fx_backend_fxq, fx_backend_torch;

/*
 * struct fx_verb_options
 * @backend: NULL: fx_backend_fxq
 */
struct fx_verb_options {
	const struct fx_backend *backend;
};

/*
 * fuse_fx(model): a layer and what follows it become one module: convolution,
 * transposed convolution and linear layer, with batch norm, addition and relu
 * or relu6, as far as the backend has them. Where nothing is added the module
 * stands in the layer's place. With an addition it is called
 * "_generated_add_0", or what the module that adds is called; the first term is
 * the layer's, and if it is none the second. What a fused module took along is
 * an Identity in its old place.
 *
 * A layer that is called several times with one batch norm each becomes a
 * module in each batch norm's place. A batch norm that does not train is folded
 * into the weights; one that trains is kept within the module.
 *
 * Named arguments, here and below: fuse_fx(model, .backend = …)
 */
#define fuse_fx(model, ...)	\
	fx_fuse_fx(model, &(const struct fx_verb_options){ __VA_ARGS__ })
struct fx_module *fx_fuse_fx(struct fx_module *model,
			     const struct fx_verb_options *options);

#endif /* FXQ_QUANTIZE_FX_H */
