/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * fxq_image.h - what the compiler says to the runtime
 *
 * A .fxq file is an ELF (64 bit, little-endian, ET_NONE, EM_NONE) without
 * code for any host: readelf lists its sections, objdump shows their bytes.
 * A network is a list of *steps* over a table of *tensors*: a step is a
 * stream for the device, an operator on the CPU, or a wrapped function on the
 * CPU, which the image names and the program brings along.
 *
 * Every reference is an index or offset into a section and is checked in
 * 64 bits against that section's size before use. What a field does not use
 * is zero. Strings are offsets into .fxq.strings; 0 is the empty string.
 */
#ifndef FXQ_IMAGE_H
#define FXQ_IMAGE_H

#include <linux/types.h>

#ifdef __KERNEL__
#include <linux/build_bug.h>	/* static_assert() */
#else
#include <assert.h>
#endif

#define FXQ_IMAGE_MAGIC		0x51584631u	/* "1FXQ" */
#define FXQ_IMAGE_VERSION	1
#define FXQ_CONTRACT_BYTES	32	/* SHA-256, see FXQ_SECTION_HEADER */

/* Sections, each present once unless its comment says otherwise. */
#define FXQ_SECTION_HEADER	".fxq.header"	/* struct fxq_image_header */
#define FXQ_SECTION_TENSORS	".fxq.tensors"	/* struct fxq_image_tensor[] */
#define FXQ_SECTION_STEPS	".fxq.steps"	/* struct fxq_image_step[] */
#define FXQ_SECTION_BINDINGS	".fxq.bindings"	/* struct fxq_image_binding[] */
#define FXQ_SECTION_ARGS	".fxq.args"	/* __u32 tensor indices */
#define FXQ_SECTION_ATTRS	".fxq.attrs"	/* struct fxq_image_attr[] */
#define FXQ_SECTION_VALUES	".fxq.values"	/* __u64: ints and doubles */
#define FXQ_SECTION_TAGS	".fxq.tags"	/* struct fxq_image_tag[], by tag */
#define FXQ_SECTION_PREPROCESS	".fxq.preprocess" /* struct fxq_image_preprocess[] */
#define FXQ_SECTION_STRINGS	".fxq.strings"	/* NUL-terminated; begins with NUL */
#define FXQ_SECTION_WEIGHTS	".fxq.weights"	/* what device streams LOAD */
#define FXQ_SECTION_CONSTS	".fxq.consts"	/* constants of CPU steps */
#define FXQ_SECTION_STREAM	".fxq.stream."	/* + step number; one a device step */

#define FXQ_WEIGHTS_ALIGN	64	/* of weights, consts and their parts */
#define FXQ_ARG_ABSENT		0xffffffffu /* in place of an optional input */

enum fxq_quantize_rule {
	FXQ_QUANTIZE_TORCH,	/* x * (1 / scale) */
	FXQ_QUANTIZE_ONNX,	/* x / scale */
};

/*
 * struct fxq_image_header
 * @contract: SHA-256 of fxq_cmd.h, fxq_arith.h and fxq_image.h, in this
 *	      order, without comments and white space: machine, runtime and
 *	      image are of one kind or the image is refused
 * @name: of the network
 * @producer: program and version that wrote it
 * @training: mode that `self` begins with
 * @first_self, @n_self: attributes of `self`, in .fxq.attrs
 * @first_input, @n_inputs, @first_output, @n_outputs: in .fxq.args
 * @macs_device, @macs_cpu: multiply-accumulates of convolutions and matrix
 *			    products, without padding, by where they run
 * @mx_bound: cycles below which no schedule of this network can come on
 *		this machine: MX work of its layers
 */
struct fxq_image_header {
	__u32 magic;
	__u32 version;
	__u8 contract[FXQ_CONTRACT_BYTES];
	__u32 name;
	__u32 producer;
	__u32 training;
	__u32 first_self, n_self;
	__u32 first_input, n_inputs;
	__u32 first_output, n_outputs;
	__u32 quantize_rule;		/* enum fxq_quantize_rule */
	__u64 macs_device;
	__u64 macs_cpu;
	__u64 mx_bound;
};

#define FXQ_TENSOR_CONST	(1u << 0)	/* data in .fxq.consts */
#define FXQ_TENSOR_DYNAMIC	(1u << 1)	/* decided by its function */

/*
 * struct fxq_image_tensor - dense, row-major, in the model's own order
 * @dtype: enum fxq_dtype (fxq_call.h)
 * @scale, @zero_point: of an int8 tensor; scale is fp32 bits, 0 if none
 * @offset: FXQ_TENSOR_CONST: in .fxq.consts, FXQ_WEIGHTS_ALIGN-aligned
 * @bytes: of the data; FXQ_TENSOR_DYNAMIC: the most it may take, while dtype
 *	   and dims are what the function that makes it says when it runs
 */
struct fxq_image_tensor {
	__u32 name;
	__u32 dtype;
	__u32 rank;
	__u32 flags;
	__s64 dims[8];
	__u32 scale;
	__s32 zero_point;
	__u64 offset;
	__u64 bytes;
};

enum fxq_step_kind {
	FXQ_STEP_DEVICE = 1,	/* run a stream */
	FXQ_STEP_CPU,		/* an operator of the runtime, by name */
	FXQ_STEP_WRAPPED,	/* a function the program brings, by name */
};

/*
 * struct fxq_image_step
 * @name: CPU, WRAPPED: the function; DEVICE: empty
 * @layer: the layer it came from, for messages
 * @reason: CPU: why it does not run on the device, in words
 * @first_in .. @n_out: tensors, in .fxq.args. DEVICE: those that its bindings
 *			name, in order
 * @first_attr, @n_attrs: parameters, in .fxq.attrs
 * @is_method: WRAPPED: `self` is passed
 * @first_binding, @n_bindings: DEVICE: its regions
 * @n_descs: DEVICE: descriptors in section .fxq.stream.N
 * @scratch_bytes: DEVICE: size of the scratch region
 * @cycles: DEVICE: the compiler's estimate, which is exact
 */
struct fxq_image_step {
	__u32 kind;
	__u32 name;
	__u32 layer;
	__u32 reason;
	__u32 first_in, n_in;
	__u32 first_out, n_out;
	__u32 first_attr, n_attrs;
	__u32 is_method;
	__u32 first_binding, n_bindings;
	__u32 n_descs;
	__u64 scratch_bytes;
	__u64 cycles;
};

enum fxq_binding_kind {
	FXQ_BIND_WEIGHTS = 1,	/* .fxq.weights, read-only */
	FXQ_BIND_SCRATCH,	/* scratch_bytes, undefined contents */
	FXQ_BIND_INPUT,		/* a tensor, read-only */
	FXQ_BIND_OUTPUT,	/* a tensor, written */
};

/*
 * struct fxq_image_binding - what a region of a device step is
 * @region: 0..15. Several tensors of one kind may stand in one region, each
 *	    at its own @offset and disjoint; WEIGHTS and SCRATCH have a region
 *	    of their own and offset 0
 * @tensor: INPUT, OUTPUT
 * @offset: in the region, 64-aligned
 */
struct fxq_image_binding {
	__u32 kind;
	__u32 region;
	__u32 tensor;
	__u32 reserved;
	__u64 offset;
};

/*
 * struct fxq_image_attr - a named parameter, see struct fxq_attr
 * @type: enum fxq_attr_type
 * @count: INTS, FLOATS: elements; else 1
 * @value: INT: the number; FLOAT: bits of a double; STRING: in .fxq.strings;
 *	   INTS, FLOATS: index of the first element in .fxq.values
 */
struct fxq_image_attr {
	__u32 name;
	__u32 type;
	__u32 count;
	__u32 reserved;
	__u64 value;
};

/* struct fxq_image_tag - the layer that descriptors with this tag belong to */
struct fxq_image_tag {
	__u32 layer;
	__u32 op;
	__u64 macs;		/* of the layer, without padding */
};

enum fxq_pixel_order {
	FXQ_PIXEL_RGB,
	FXQ_PIXEL_BGR,
	FXQ_PIXEL_GRAY,
};

/*
 * struct fxq_image_preprocess - from a picture to the tensor of an input
 * @input: which graph input
 * @order: enum fxq_pixel_order
 * @nhwc: 1: channels last, else channels first
 * @width, @height: the picture is resized to this
 * @mean, @std: fp32 bits; value = (pixel / 255 - mean[c]) / std[c]
 */
struct fxq_image_preprocess {
	__u32 input;
	__u32 order;
	__u32 nhwc;
	__u32 width, height;
	__u32 channels;
	__u32 mean[4];
	__u32 std[4];
};

static_assert(sizeof(struct fxq_image_header) == 104, "header");
static_assert(sizeof(struct fxq_image_tensor) == 104, "tensor");
static_assert(sizeof(struct fxq_image_step) == 72, "step");
static_assert(sizeof(struct fxq_image_binding) == 24, "binding");
static_assert(sizeof(struct fxq_image_attr) == 24, "attr");
static_assert(sizeof(struct fxq_image_tag) == 16, "tag");
static_assert(sizeof(struct fxq_image_preprocess) == 56, "preprocess");

#endif /* FXQ_IMAGE_H */
