/* SPDX-License-Identifier: MIT */
/*
 * import.h - what the files of the ONNX importer share
 *
 * A model is imported in one pass over its nodes. For each, the row of the
 * table (table.c) that fits its name and the model's opset builds operators of
 * the graph; each of these is given its type, and computed if its inputs are
 * constants, the moment it is made. So a row sees shapes and constants as they
 * are, and nothing needs rewriting afterwards.
 */
#ifndef FXQ_IMPORT_H
#define FXQ_IMPORT_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#include "onnx.pb-c.h"

#define IMPORT_FILE_MAX		((size_t)1 << 30)
#define IMPORT_DEPTH_MAX	64
/* Beyond this a value is a mistake in the file (or malice), not a tensor. */
#define IMPORT_VALUE_MAX	((int64_t)4 << 30)

/* wire.c: is it safe to unpack? */

int wire_check(const void *data, size_t size,
	       const ProtobufCMessageDescriptor *type,
	       char *error, size_t error_size);

/* proto_tensor.c: TensorProto */

/* FXQ_DTYPE_NONE: not supported. */
uint32_t onnx_dtype(int64_t data_type);
const char *onnx_dtype_name(int64_t data_type);
/* ONNX's number for a type of ours. */
int32_t onnx_data_type(uint32_t dtype);
/*
 * Allocates ret->data. @dir: where external data lies, NULL if nowhere.
 */
int tensor_from_proto(const Onnx__TensorProto *p, const char *dir,
		      struct fxq_tensor *ret, char *error, size_t error_size);
/* The whole of a regular file of at most @max bytes; the caller frees it. */
int import_read_file(const char *path, size_t max, void **ret_data,
		     size_t *ret_size, char *error, size_t error_size);

/* model.c: the import that is going on */

/* A value of the model by name: a node, or an initializer not used so far. */
struct value {
	const char *name;
	struct fx_node *node;
	const Onnx__TensorProto *initializer;
};

struct importer {
	const struct fx_import_options *opts;
	struct fx_graph *g;
	const Onnx__ModelProto *model;
	const char *dir;
	int64_t opset;
	void *values;			/* a tree of struct value, by name */
	int64_t folded_bytes, folded_work;
	char unknown[FXQ_ERROR_MAX];	/* why the first unknown type is so */
	int err;			/* the first failure, told in error */
	char *error;
	size_t error_size;
};

struct row;

/*
 * struct onnx_op - a node of the model while it is imported
 * @in: its inputs; NULL where an optional one is absent
 * @read: which attributes a row has asked for; others are refused
 */
struct onnx_op {
	struct importer *imp;
	const Onnx__NodeProto *p;
	const struct row *row;
	const char *source;
	struct fx_node **in;
	size_t n_in;
	uint64_t read;
};

/* The value called @name; NULL if the model has made none so far. */
struct fx_node *imp_value(struct importer *imp, const char *name);
int imp_define(struct importer *imp, const char *name, struct fx_node *node,
	       const Onnx__TensorProto *initializer);
void imp_forget_values(struct importer *imp);
bool imp_defined(const struct importer *imp, const char *name);

/* Writes the sentence and returns @err; after the first one, that one. */
int imp_fail(struct importer *imp, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int op_fail(struct onnx_op *op, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * Makes @node, which is NULL after a failure, the @i-th output of the model's
 * node, if that has a name.
 */
int op_output(struct onnx_op *op, size_t i, struct fx_node *node);
bool op_uses_output(const struct onnx_op *op, size_t i);

/* input.c: the model's inputs and their shapes */
int import_inputs(struct importer *imp);

/* attr.c: attributes of the model's node */

const Onnx__AttributeProto *op_attr(struct onnx_op *op, const char *name);
int64_t op_int(struct onnx_op *op, const char *name, int64_t def);
double op_float(struct onnx_op *op, const char *name, double def);
const char *op_str(struct onnx_op *op, const char *name, const char *def);
/* At most @max integers; returns how many, -ENOENT if absent. */
int op_ints(struct onnx_op *op, const char *name, int64_t *v, size_t max);
/* Refuses attributes that nobody asked for. */
int op_check_attrs(struct onnx_op *op);

/* build.c: making operators of the graph */

#define MAX_KWARGS	12

/* A call under construction: op_call(op, "conv2d"), add to it, then op_build(). */
struct call {
	struct onnx_op *op;
	const char *name;
	struct fx_node **in;
	size_t n_in, room;
	struct fx_kwarg kwargs[MAX_KWARGS];
	size_t n_kwargs;
};

struct call op_call(struct onnx_op *op, const char *name);
void call_in(struct call *c, struct fx_node *in);
void call_int(struct call *c, const char *name, int64_t v);
void call_float(struct call *c, const char *name, double v);
void call_str(struct call *c, const char *name, const char *v);
void call_ints(struct call *c, const char *name, const int64_t *v, size_t n);
void call_floats(struct call *c, const char *name, const double *v, size_t n);
/*
 * Adds the call to the graph, or its results as constants. NULL after a
 * failure, which has been told; then further calls that are given NULL for
 * what they need fail too, so that a chain is checked once, at its end.
 */
struct fx_node *op_build(struct call *c);
int op_build_many(struct call *c, struct fx_node **ret, size_t n);
/* Builds @c and makes its results the outputs of the model's node. */
int op_outputs(struct onnx_op *op, struct call *c, size_t max);
/* The usual calls of one or two inputs without parameters. */
struct fx_node *build1(struct onnx_op *op, const char *name,
		       struct fx_node *a);
struct fx_node *build2(struct onnx_op *op, const char *name,
		       struct fx_node *a, struct fx_node *b);
struct fx_node *build_reshape(struct onnx_op *op, struct fx_node *x,
			      const int64_t *shape, size_t rank);
struct fx_node *build_permute(struct onnx_op *op, struct fx_node *x,
			      const int64_t *dims, size_t rank);
struct fx_node *build_cast(struct onnx_op *op, struct fx_node *x,
			   uint32_t dtype);
struct fx_node *build_reduce(struct onnx_op *op, const char *name,
			     struct fx_node *x, const int64_t *dims, size_t n,
			     bool keepdim);
/* A constant of one element, or of @rank dims if @t is given. */
struct fx_node *build_scalar(struct onnx_op *op, uint32_t dtype, double v);
struct fx_node *build_constant(struct onnx_op *op, const struct fxq_tensor *t);

bool type_known(const struct fx_node *n);

/* known.c: what is known about inputs */

/* The type of input @i; NULL, and refused, if absent or unknown. */
const struct fxq_tensor *op_type(struct onnx_op *op, size_t i);
/*
 * The integers in the constant input @i: their number, -ENOENT if the input
 * is absent, -ENODATA if it is no constant.
 */
int op_const_ints(struct onnx_op *op, size_t i, int64_t *v, size_t max);
/* The same for floats. */
int op_const_floats(struct onnx_op *op, size_t i, double *v, size_t max);
/* 0 and the value of a constant of one element; -ENOENT, -ENODATA. */
int op_const_float(struct onnx_op *op, size_t i, double *ret);
double tensor_element(const struct fxq_tensor *t, int64_t i);

/* table.c: rows, and the rules of the simplest of them */

enum rule_kind {
	RULE_END,
	RULE_INT,	/* attribute, with its default */
	RULE_FLOAT,
	RULE_STR,
	RULE_OPT_INT,	/* attribute, left out if absent */
	RULE_INTS,
	RULE_IN_INTS,	/* input that becomes a kwarg if it is constant */
	RULE_IN_INT,
	RULE_IN_FLOAT,
	RULE_IGNORE,	/* attribute without meaning here */
};

struct rule {
	enum rule_kind kind;
	const char *from;
	const char *to;
	union {
		int64_t i;
		double f;
		const char *s;
	};
};

/*
 * struct row - one ONNX operator over a range of opsets
 * @since, @until: first and last opset this row is for
 * @import: what builds it
 * @name: for import_direct and its kind: the operator of the graph; for
 *	  import_refused: why, and what to do about it
 * @rules: attributes and inputs that become kwargs, ended by RULE_END
 */
struct row {
	const char *op_type;
	int since, until;
	int (*import)(struct onnx_op *op);
	const char *name;
	const struct rule *rules;
};

/* The row for @op_type; NULL and *ret_any tells if other opsets have one. */
const struct row *row_find(const char *op_type, int64_t opset, bool *ret_any);
/* The row, of those that need no thought, that makes operator @name; or NULL. */
const struct row *row_of_operator(const char *name, int64_t opset);
/* Attributes and inputs of @op, by its row's rules, to @c. */
int apply_rules(struct onnx_op *op, struct call *c);

/* The importers that rows name, by file. */

/* direct.c */
int import_direct(struct onnx_op *op);
int import_refused(struct onnx_op *op);

/* simple.c */
int import_binary_6(struct onnx_op *op);
int import_variadic(struct onnx_op *op);
int import_mean(struct onnx_op *op);
int import_constant(struct onnx_op *op);
int import_constant_of_shape(struct onnx_op *op);
int import_cast(struct onnx_op *op);
int import_cast_like(struct onnx_op *op);
int import_identity(struct onnx_op *op);
int import_dropout(struct onnx_op *op);
int import_eye_like(struct onnx_op *op);
int import_clip(struct onnx_op *op);
int import_prelu(struct onnx_op *op);

/* shapes.c */
int import_reshape(struct onnx_op *op);
int import_flatten(struct onnx_op *op);
int import_split(struct onnx_op *op);
int import_several(struct onnx_op *op);
int import_softmax_2d(struct onnx_op *op);

/* window.c */
/* A convolution with the node's attributes, of other tensors. */
struct fx_node *build_conv(struct onnx_op *op, struct fx_node *x,
			   struct fx_node *weight, struct fx_node *bias);
int import_conv(struct onnx_op *op);
int import_conv_transpose(struct onnx_op *op);
int import_max_pool(struct onnx_op *op);
int import_avg_pool(struct onnx_op *op);
int import_lp_pool(struct onnx_op *op);
int import_global_lp_pool(struct onnx_op *op);

/* resize.c */
int import_resize(struct onnx_op *op);

/* linear.c */
int import_gemm(struct onnx_op *op);
int import_matmul(struct onnx_op *op);

/* norm.c */
int import_batch_norm(struct onnx_op *op);
int import_layer_norm(struct onnx_op *op);
int import_instance_norm(struct onnx_op *op);
int import_group_norm(struct onnx_op *op);

/* integer.c */
int import_quantization(struct onnx_op *op);
int import_conv_integer(struct onnx_op *op);
int import_matmul_integer(struct onnx_op *op);
int import_qlinear_conv(struct onnx_op *op);
int import_qlinear_matmul(struct onnx_op *op);

/* loss.c */
int import_nll_loss(struct onnx_op *op);
int import_softmax_loss(struct onnx_op *op);

#endif
