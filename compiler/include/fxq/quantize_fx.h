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

#include <fxq/observer.h>
#include <fxq/trace.h>

/*
 * A functional graph, as fx_import_onnx() makes it, as a model for the verbs: a
 * graph module in evaluation. Layers with constant weights, activations and
 * pools are its modules, called as the graph's layers with what is no letter or
 * digit as "_": "/1/a/Conv" is "1_a_Conv". Other constants are its parameters,
 * of float32, and buffers. What torch has neither module nor function for stays
 * the operator it is, and float unless the backend's table has it; but padding may
 * differ at the two ends. The result computes the graph's bits; what exporters spell
 * in several operators fx_fuse_spelled() makes one before. @g stays the caller's;
 * only the data of its nodes is used. At most four inputs; never NULL, see ->error.
 *
 * Where the graph is quantized already, by quantize_linear and dequantize_linear
 * with one scale for all of a value, a FixedQParamsObserver is called instead:
 * the model does not round, and what is made of it has the graph's scales again.
 * In training they round, if the qconfig of all else has a fake quantizer. What
 * keeps a scale, but is given another, is brought into that one; a resize, a clamp
 * and a hard sigmoid of other slopes then stay float.
 *
 * Weights of layers that came as int8, with one scale or one for each channel,
 * keep these: the layer has a GivenScalesObserver, "weight_observer", which takes
 * the place of the qconfig's while the weights are whole multiples, from -128 to
 * 127; it takes no batch norm along then. To have new scales, remove it. Weights
 * that are no such multiples, as uint8 around another zero point may be, are
 * quantized as the qconfig says.
 */
struct fx_module *fx_module_of_graph(struct fx_graph *g);

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

/* What scale an operator's result has. */
enum fx_observe {
	FX_OBSERVE_OWN,		/* one that is observed */
	FX_OBSERVE_SHARED,	/* that of its first input */
	FX_OBSERVE_TERMS,	/* own if two tensors go in, else shared */
	FX_OBSERVE_FIXED,	/* what the operator's range is, known before */
	FX_OBSERVE_PARTS,	/* several, which getitem takes; as the input */
};

/*
 * struct fx_backend_op - an operator that takes and gives quantized tensors
 * @class, @function, @method, @kept: one of them says what it is: the name of a
 *	module class, the id of a function or method, or the name of an operator
 *	that is none of these, as fx_module_of_graph() keeps them: it follows its
 *	input, and is quantized if that is and all else it reads is constant
 * @range: of FX_OBSERVE_FIXED: the least and the greatest value that 256 steps
 *	   begin and end with
 */
struct fx_backend_op {
	const char *class, *function, *method, *kept;
	enum fx_observe observe;
	double range[2];
};

/*
 * struct fx_fuse_pattern - calls that one module shall stand for
 * @chain: names as above, of up to FX_FUSE_MAX calls that follow one another,
 *	   each read by the next alone: { "Linear", "Linear" }. What takes more than
 *	   the value before it, as an addition of two does, is none of them
 * @make: the module, new, from those of the chain, NULL for a function; or NULL:
 *	  the calls stay. If it is one that @layers has it is fused further
 */
#define FX_FUSE_MAX	8
struct fx_fuse_pattern {
	const char *chain[FX_FUSE_MAX + 1];
	struct fx_module *(*make)(struct fx_module *const *parts);
};

/*
 * struct fx_backend - what a device, or a library of kernels, does in one step
 * @layers: ends with a row without a layer
 * @ops: operators other than layers; ends with an empty row
 * @patterns: NULL, or what is fused before layers are; ends with an empty row. A
 *	      program adds them to a copy of a backend, which it gives to fuse_fx()
 *	      and prepare, and to convert_fx() too if the name is its own
 * @adds_relu: a relu that follows an addition is the same step
 * @makes_modules: a function that computes what a module does becomes one first,
 *		   "_generated_hardswish_0"; so does conv2d(x, w) with a w that
 *		   nothing else reads
 */
struct fx_backend {
	const char *name;
	const struct fx_backend_layer *layers;
	const struct fx_backend_op *ops;
	const struct fx_fuse_pattern *patterns;
	bool adds_relu, makes_modules;
};

/* This machine; and torch 1.13's own backend, whose graphs are torch's. */
extern const struct fx_backend fx_backend_fxq, fx_backend_torch;

/*
 * struct fx_verb_options
 * @backend: NULL: fx_backend_fxq, and for convert_fx that of prepare
 * @is_reference: convert_fx: float operators between quantizations
 * @ret_notes: Output: convert_fx: NULL, or where the list of what was removed
 *	       goes, a line each, malloced
 */
struct fx_verb_options {
	const struct fx_backend *backend;
	bool is_reference;
	char **ret_notes;
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

/*
 * struct fx_module_qconfig - how a module is quantized
 * @activation: an observer or a fake quantizer that has seen nothing, of which
 *		each value gets a copy. NULL, of a layer: its result stays as it
 *		is summed up, in 32 bits
 * @weight: the same for weights
 */
struct fx_module_qconfig {
	struct fx_module *activation, *weight;
};

/* The two, taken over: QConfig(MinMaxObserver(), PerChannelMinMaxObserver()) */
#define QConfig(activation, weight)	\
	((struct fx_module_qconfig){ activation, weight })
void fx_qconfig_put(struct fx_module_qconfig *qconfig);

/*
 * get_default_qconfig(.activation_observer = "mse"): how this machine quantizes,
 * int8 activations with a zero point, int8 weights with a scale for each channel.
 * activation_observer: min_max, moving_average, histogram, percentile, kl, mse,
 *	mix, clip or clip_std; NULL: min_max, or moving_average to train with
 * activation_fake_quant: fake_quant, lsq or pact, whose zero point is 0, for
 *	prepare_qat_fx(); NULL: none
 * weight_observer: the same names if per_tensor, else min_max or moving_average,
 *	which is of the last step alone; NULL: as for activations
 * weight_fake_quant: the same names; NULL: fake_quant if activations have one
 * weight_bits: 2 to 8, of which 4 are from -7 to 7, held in int8; 0: 8
 * per_tensor: weights have one scale; power_of_two: all scales are such
 * What is none of these is the error of the module in its place.
 */
struct fx_default_qconfig {
	const char *activation_observer, *activation_fake_quant;
	const char *weight_observer, *weight_fake_quant;
	int weight_bits;
	bool per_tensor, power_of_two;
};
#define get_default_qconfig(...)	\
	fx_get_default_qconfig(&(const struct fx_default_qconfig){ __VA_ARGS__ })
struct fx_module_qconfig
fx_get_default_qconfig(const struct fx_default_qconfig *names);

/*
 * struct fx_qconfig_item - what is quantized how
 * @key: "": everything; "module_type": modules of the class @name and what is
 *	 inside them; "object_type": also functions and methods, by the name that
 *	 code shows, "torch.sigmoid"; "module_name": the module at the path @name
 *	 and what is inside it. Each goes before the ones named before it here
 * @qconfig: NULL: it stays float
 */
struct fx_qconfig_item {
	const char *key, *name;
	const struct fx_module_qconfig *qconfig;
};
#define fx_qconfig_dict(...)	\
	((const struct fx_qconfig_item[]){ __VA_ARGS__, { NULL } })

/*
 * prepare_calibration_fx(model, qconfig_dict): fuses, and puts an observer
 * behind each value that will be quantized, a call of the module
 * "activation_post_process_N". Batch norms are folded as in evaluation. Run it
 * on data, then convert it.
 *
 * Functions belong to the module whose forward calls them. QuantStub and
 * DeQuantStub are calls of their own; what QuantStub(scale) gives is quantized
 * with that scale and zero point 0, what a stub without one gives is observed.
 */
#define prepare_calibration_fx(model, qconfig_dict, ...)		\
	fx_prepare_calibration_fx(model, qconfig_dict,			\
				  &(const struct fx_verb_options){	\
					__VA_ARGS__ })
struct fx_module *
fx_prepare_calibration_fx(struct fx_module *model,
			  const struct fx_qconfig_item *qconfig_dict,
			  const struct fx_verb_options *options);

/*
 * prepare_qat_fx(model, qconfig_dict): the same for training, with fake
 * quantizers in the qconfig: layers become "qat.Conv2d" and so on, whose weights
 * are fake quantized. A layer with a batch norm scales its weights with the
 * running statistics before, and undoes it after, so that they are quantized as
 * they will be when the norm is folded; the norm itself takes the batch's
 * statistics while it trains, the running ones after fx_eval().
 *
 *	gm = prepare_qat_fx(fx_train(model), qconfig_dict);
 *	set_fake_quantize(gm, FX_CALIBRATION);	and FX_QAT, FX_VALIDATION
 */
#define prepare_qat_fx(model, qconfig_dict, ...)			\
	fx_prepare_qat_fx(model, qconfig_dict,				\
			  &(const struct fx_verb_options){ __VA_ARGS__ })
struct fx_module *fx_prepare_qat_fx(struct fx_module *model,
				    const struct fx_qconfig_item *qconfig_dict,
				    const struct fx_verb_options *options);
#define set_fake_quantize(model, state)	fx_set_fake_quantize(model, state)

/*
 * convert_fx(graph_module): what was prepared, on integers. Observers become
 * quantizations with the scales that they found; layers get integer weights, of
 * which class "quantized.Conv2d" is one; what the backend has no integer
 * operator for stays float, between a dequantize and a quantize. The result
 * runs on the CPU with the bits of the device, and fx_functionalize() makes of
 * it what fx_partition() and fx_lower() take. A softmax or layer norm over more
 * elements than integers can do, and a product of matrices that sums more, are
 * refused here if the graph's inputs have types, else when they are called;
 * fx_module_of_graph() leaves them float.
 */
#define convert_fx(graph_module, ...)	\
	fx_convert_fx(graph_module,	\
		      &(const struct fx_verb_options){ __VA_ARGS__ })
struct fx_module *fx_convert_fx(struct fx_module *graph_module,
				const struct fx_verb_options *options);

#endif /* FXQ_QUANTIZE_FX_H */
