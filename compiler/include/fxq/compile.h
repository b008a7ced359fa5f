/* SPDX-License-Identifier: MIT */
/*
 * compile.h - from a float graph to an image
 *
 *	fuse -> calibrate -> convert -> partition -> lower -> image
 *
 * All passes take the functional form of fx.h. Each is public, so that a
 * program may look between them. Functions return 0 or a negative errno with
 * the sentence in fx_graph_error().
 */
#ifndef FXQ_COMPILE_H
#define FXQ_COMPILE_H

#include <fxq/fx.h>
#include <fxq/fxq_check.h>

/* quant/: fuse.c */

/*
 * Rewrites what the device does in one step: batch norm into convolution and
 * linear, x * sigmoid(x) and the other spelled-out activations into one
 * operator, pad into convolution, chains of reshapes into one. Float in,
 * float out, same values up to rounding.
 */
int fx_fuse(struct fx_graph *g);
/*
 * As far as a model that fx_module_of_graph() makes of it can be trained: hardswish,
 * SiLU, GELU, hard sigmoid and layer norm that are spelled in several operators,
 * products with weights, pads and factors beside layers. Batch norms stay, reshapes
 * keep the first dimension of any size where they can, and a graph that brings scales
 * is left as it is. Float in, float out, same values up to rounding.
 */
int fx_fuse_spelled(struct fx_graph *g);

/*
 * Does the model bring scales, as one does that was quantized elsewhere? Then
 * it can be converted without data, and what has no scale stays float.
 */
bool fx_scales_given(const struct fx_graph *g);

/*
 * X(id, name): how a tensor's range is found from what passes through it: as the
 * observers of these names in observer.h, for affine int8.
 */
#define FX_OBSERVERS(X)				\
	X(AUTO,           "auto")		\
	X(MIN_MAX,        "min-max")		\
	X(MOVING_AVERAGE, "moving-average")	\
	X(PERCENTILE,     "percentile")		\
	X(MSE,            "mse")		\
	X(KL,             "kl")			\
	X(MIX,            "mix")		\
	X(HISTOGRAM,      "histogram")

enum fx_observer {
#define X(id, name) FX_OBSERVER_##id,
	FX_OBSERVERS(X)
#undef X
	FX_OBSERVER_COUNT
};

/*
 * struct fx_qconfig - how to quantize; zero is the default
 * @observer: of activations; by default mean square error where a layer norm
 *	      shows that the graph has attention and @tune is set, else min-max
 * @percentile: for FX_OBSERVER_PERCENTILE and _MIX; 0: 99.99
 * @averaging: for FX_OBSERVER_MOVING_AVERAGE; 0: 0.01
 * @per_tensor_weights: one scale for all output channels
 * @onnx_rounding: quantize inputs by x / s instead of x * (1 / s)
 * @portable: each layer rounds its own result, as any runtime of ONNX can: no
 *	      addition or slope is made in one with it, nor a function if the
 *	      model says how it rounds; a convolution's sums do not leave as
 *	      they are
 * @int8_ends: inputs that the device reads, and outputs that it writes, are int8
 *	       in the image, with the scale and zero point of their tensors: the
 *	       border to float is the caller's
 * @tune: spend two more passes over the data on accuracy: channels of one value
 *	  are made more alike, weights of a channel are rounded together, biases
 *	  take back what rounding shifts. Scales then belong to the tuned weights
 */
struct fx_qconfig {
	enum fx_observer observer;
	double percentile;
	double averaging;
	bool per_tensor_weights;
	bool onnx_rounding;
	bool portable;
	bool int8_ends;
	bool tune;
};

struct fx_calibration;		/* the ranges found, by node name */

/* calibrate.c: observe, then ask. Batches are given one at a time. */
int fx_calibration_begin(struct fx_graph *g, const struct fx_qconfig *qconfig,
			 struct fx_calibration **ret_cal);
int fx_calibration_feed(struct fx_calibration *cal, const struct fxq_tensor *in,
			size_t n_in, int threads);
/*
 * With qconfig->tune, once all batches have been given: equalizes the graph's
 * weights and forgets the ranges; after the next time, makes ready to measure
 * what rounding shifts. True: the same batches are to be given again; not if
 * there is nothing left to tune, or was nothing, as where the model brings
 * scales.
 */
bool fx_calibration_tune(struct fx_calibration *cal);
/* Scales as JSON ({"name": {"scale": s, "zero_point": z}, …}), to and from. */
int fx_calibration_save(const struct fx_calibration *cal, const char *path);
int fx_calibration_load(struct fx_calibration *cal, const char *path);
uint64_t fx_calibration_batches(const struct fx_calibration *cal);
void fx_calibration_free(struct fx_calibration *cal);

/*
 * convert.c: a new graph in which what can be integer is: quantize and
 * dequantize nodes stand between it and what stays float, each float node
 * says in its reason why. @cal's ranges decide scales.
 */
int fx_convert(struct fx_graph *g, const struct fx_calibration *cal,
	       const struct fx_qconfig *qconfig, struct fx_graph **ret_graph);

/*
 * How float operator @op gets to the device, in a word or two: by itself, as a
 * table, or as part of its neighbour; NULL if it does not.
 */
const char *fx_op_device_form(const struct fx_op *op);

/*
 * qdq.c: the float graph with what fx_convert() rounds written out: behind each
 * such value a pair of quantize_linear and dequantize_linear, weights and biases
 * as dequantize_linear of their integers. fx_convert() of it, which needs no
 * data, gives the same integers; of biases from 2^23 on, float32's next ones.
 */
int fx_convert_qdq(struct fx_graph *g, const struct fx_calibration *cal,
		   const struct fx_qconfig *qconfig,
		   struct fx_graph **ret_graph);

/* lower/ */

/*
 * partition.c: decides place (device or CPU, with the reason) and segment of
 * each node. Segment numbers rise in execution order; nodes of one segment
 * have one place. Data flows from lower to higher segments only.
 */
int fx_partition(struct fx_graph *g, const struct fxq_caps *caps);

struct fx_preprocess {		/* see struct fxq_image_preprocess */
	bool present;
	uint32_t order, nhwc, width, height, channels;
	float mean[4], std[4];
};

/*
 * struct fx_lower_options
 * @caps: of the machine; zero: FXQ_CAPS_DEFAULT
 * @name: of the network, kept in the image
 * @keep_layers: store every layer's result as an extra graph output named as
 *		 its node, for verification
 * @dump: file that each pass prints the graph to, or NULL
 */
struct fx_lower_options {
	struct fxq_caps caps;
	const char *name;
	bool keep_layers;
	bool training;
	struct fx_preprocess preprocess;
	FILE *dump;
};

struct fxq_writer;		/* image.h: an image being written */

/* lower.c: a partitioned graph becomes an image in memory. */
int fx_lower(struct fx_graph *g, const struct fx_lower_options *options,
	     struct fxq_writer **ret_image);

/*
 * Fills @in, one tensor for each placeholder, allocated by the caller, with
 * the @i-th calibration batch. Returns 1; 0 after the last; or an error.
 */
typedef int (*fx_batch_fn)(void *ctx, uint64_t i, struct fxq_tensor *in,
			   size_t n_in);

/*
 * compile.c: all passes in order. @g is fused in place; nothing of it is kept
 * in the image. @dump of the options sees the graph after each.
 */
int fx_compile(struct fx_graph *g, const struct fx_qconfig *qconfig,
	       fx_batch_fn batch, void *ctx,
	       const struct fx_lower_options *options,
	       struct fxq_writer **ret_image);

#endif /* FXQ_COMPILE_H */
