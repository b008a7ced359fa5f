/* SPDX-License-Identifier: MIT */
/*
 * onnx.h - ONNX files: a model becomes a graph, a graph a model
 *
 * The importer makes the functional form directly (fx.h): operators with their
 * tensors as args and their parameters as kwargs, float32 weights as
 * constants, every type known, everything that depends on constants alone
 * already computed. Files are not trusted: whatever is wrong with one ends in
 * an error with a sentence, never in a crash or in unbounded memory.
 *
 * Each function returns 0 or a negative errno; the sentence that explains a
 * failure goes to @error (at most @error_size bytes with the NUL; may be NULL
 * with size 0).
 */
#ifndef FXQ_ONNX_H
#define FXQ_ONNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_call.h>

struct fx_graph;

#define FX_IMPORT_NAME_MAX	128

/*
 * struct fx_shape_binding - the shape of one input, given by the user
 * @input: its name in the model; "": the model's only input
 */
struct fx_shape_binding {
	char input[FX_IMPORT_NAME_MAX];
	uint32_t rank;
	int64_t dims[FXQ_MAX_RANK];
};

/*
 * struct fx_import_options
 * @shapes, @n_shapes: shapes of inputs that the model leaves open
 * @default_batch: what an open first dimension becomes when it is the only
 *		   open one of its input; 0: it must be bound like any other
 * @allow_unknown: accept a model in which shapes depend on values that are
 *		   known only when it runs; such nodes keep an unknown type
 */
struct fx_import_options {
	const struct fx_shape_binding *shapes;
	size_t n_shapes;
	int64_t default_batch;
	bool allow_unknown;
};

/*
 * Imports the model in the file @path, or in @size bytes at @data, of which
 * nothing is kept. @opts may be NULL. Tensors in external files are found
 * beside @path; a model in memory has none. The caller frees *ret_graph.
 *
 * A placeholder's target is the input's name in the model. A node's source is
 * the name of the model's node, or OPERATOR_NUMBER if it has none; that of the
 * output node lists the names of the outputs, separated by commas.
 *
 * -ENOTSUP: the model is well formed but uses what fxq does not have;
 * -EINVAL: it is not a well-formed model, or a shape has to be bound.
 */
int fx_import_onnx(const char *path, const struct fx_import_options *opts,
		   struct fx_graph **ret_graph, char *error, size_t error_size);
int fx_import_onnx_memory(const void *data, size_t size,
			  const struct fx_import_options *opts,
			  struct fx_graph **ret_graph,
			  char *error, size_t error_size);

/* "input=1x3x224x224", or "1x3x224x224" for a model with one input. */
int fx_parse_shape(const char *text, struct fx_shape_binding *ret,
		   char *error, size_t error_size);

/*
 * Reads one serialized TensorProto, as ONNX keeps test inputs and outputs.
 * The caller frees ret->data with fxq_tensor_free().
 */
int fx_read_tensor_pb(const char *path, struct fxq_tensor *ret,
		      char *error, size_t error_size);

/*
 * Writes a functional float graph as a model of opset 17, in memory that the
 * caller frees. @name: the network's, or NULL. Inputs and outputs keep the
 * names that they were imported with. The sentence of a failure is in
 * fx_graph_error(): -ENOTSUP names the node that ONNX has no operator for.
 */
int fx_export_onnx_memory(struct fx_graph *g, const char *name,
			  void **ret_data, size_t *ret_size);

#endif /* FXQ_ONNX_H */
