// SPDX-License-Identifier: MIT
/*
 * builtin.c - kernels that need no program
 *
 * Names and arguments are those of PoCL's built-in kernels. Tensors are int8
 * and lie in memory channel by channel, row by row; a work item is an element
 * of the result, (x, y, channel) in this order, and there are no margins: the
 * input is as large as the windows of all work items reach. Results saturate.
 *
 * A program may write _ for each dot of a name: PyOpenCL makes Python of it.
 */
#include <string.h>

#include "program.h"

#define READ(n, t)	{ .name = n, .type = t, .bytes = 1, .is_buffer = true }
#define WRITE(n, t)	{ .name = n, .type = t, .bytes = 1, .is_buffer = true, \
			  .is_output = true }
#define CONSTANT(n, t)	{ .name = n, .type = t, .bytes = 1, .is_buffer = true, \
			  .is_constant = true }
#define NUMBER(n)	{ .name = n, .type = "unsigned", .bytes = 4 }

static const struct argument copy_args[] = {
	READ("input", "char*"), WRITE("output", "char*"),
};

static const struct argument binary_args[] = {
	READ("input1", "char*"), READ("input2", "char*"),
	WRITE("output", "char*"),
};

static const struct argument maxpool_args[] = {
	READ("input", "char*"), WRITE("output", "char*"),
	NUMBER("window_size_x"), NUMBER("window_size_y"), NUMBER("stride_x"),
	NUMBER("stride_y"),
};

static const struct argument conv_args[] = {
	READ("input", "char*"), CONSTANT("weights", "char*"),
	WRITE("output", "char*"), CONSTANT("bias", "int*"),
	CONSTANT("scale", "int*"), CONSTANT("shift", "int*"),
	CONSTANT("zero_point", "char*"), NUMBER("window_size_x"),
	NUMBER("window_size_y"), NUMBER("stride_x"), NUMBER("stride_y"),
	NUMBER("input_depth"),
};

static const struct argument dense_args[] = {
	READ("input", "char*"), CONSTANT("weights", "char*"),
	WRITE("output", "char*"), CONSTANT("bias", "int*"), NUMBER("scale"),
	NUMBER("shift"), NUMBER("zero_point"), NUMBER("output_minus"),
	NUMBER("input_size"),
};

/* The product, or SIZE_MAX, which no buffer holds. */
static size_t times(size_t a, size_t b)
{
	size_t product;

	return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* How far @n windows reach. */
static size_t reach(size_t n, uint32_t window, uint32_t stride)
{
	size_t steps = times(n - 1, stride);

	return steps > SIZE_MAX - window ? SIZE_MAX : steps + window;
}

static bool is_line(const struct launch *l)
{
	return l->count[1] == 1 && l->count[2] == 1;
}

static cl_int sizes_of_elements(const struct launch *l, size_t *bytes)
{
	if (!is_line(l))
		return CL_INVALID_GLOBAL_WORK_SIZE;
	for (cl_uint i = 0; i < l->graph->n_args; i++)
		bytes[i] = l->count[0];
	return CL_SUCCESS;
}

static cl_int sizes_of_maxpool(const struct launch *l, size_t *bytes)
{
	const struct value *v = l->values;

	for (int i = 2; i < 6; i++)
		if (!v[i].number)
			return CL_INVALID_KERNEL_ARGS;
	bytes[0] = times(l->count[2],
			 times(reach(l->count[0], v[2].number, v[4].number),
			       reach(l->count[1], v[3].number, v[5].number)));
	bytes[1] = times(l->count[2], times(l->count[0], l->count[1]));
	return CL_SUCCESS;
}

static cl_int sizes_of_conv(const struct launch *l, size_t *bytes)
{
	const struct value *v = l->values;
	const size_t channels = l->count[2], depth = v[11].number;

	for (int i = 7; i < 12; i++)
		if (!v[i].number)
			return CL_INVALID_KERNEL_ARGS;
	bytes[0] = times(depth,
			 times(reach(l->count[0], v[7].number, v[9].number),
			       reach(l->count[1], v[8].number, v[10].number)));
	bytes[1] = times(times(channels, depth),
			 times(v[7].number, v[8].number));
	bytes[2] = times(channels, times(l->count[0], l->count[1]));
	bytes[3] = bytes[4] = bytes[5] = times(channels, 4);
	bytes[6] = 2;
	return CL_SUCCESS;
}

static cl_int sizes_of_dense(const struct launch *l, size_t *bytes)
{
	const size_t n = l->count[0], rows = l->count[1];
	const struct value *v = l->values;

	if (l->count[2] != 1)
		return CL_INVALID_GLOBAL_WORK_SIZE;
	if (!v[8].number || (int32_t)v[6].number != (int8_t)v[6].number ||
	    -(int64_t)(int32_t)v[7].number != (int8_t)-v[7].number)
		return CL_INVALID_KERNEL_ARGS;
	bytes[0] = times(rows, v[8].number);
	bytes[1] = times(n, v[8].number);
	bytes[2] = times(rows, n);
	bytes[3] = times(n, 4);
	return CL_SUCCESS;
}

/* X(name, arguments, sizes, graph) */
#define BUILTINS(X)							\
	X("pocl.copy.i8", copy_args, elements, copy)			\
	X("pocl.add.i8", binary_args, elements, add)			\
	X("pocl.mul.i8", binary_args, elements, mul)			\
	X("pocl.maxpool.i8", maxpool_args, maxpool, maxpool)		\
	X("pocl.dnn.conv2d.relu.i8", conv_args, conv, conv)		\
	X("pocl.dnn.dense.relu.i8", dense_args, dense, dense)

static const struct builtin builtins[] = {
#define X(name, args, sizes, graph)					\
	{ name, args, sizeof(args) / sizeof(*args), sizes_of_##sizes,	\
	  graph_of_##graph },
	BUILTINS(X)
#undef X
};

#define X(name, args, sizes, graph) ";" name
static const char names[] = BUILTINS(X);
#undef X
const char *const builtin_names = names + 1;

static bool is_name(const char *ours, const char *name, size_t length)
{
	if (strlen(ours) != length)
		return false;
	for (size_t i = 0; i < length; i++)
		if (name[i] != ours[i] && (name[i] != '_' || ours[i] != '.'))
			return false;
	return true;
}

const struct builtin *builtin_find(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(builtins) / sizeof(*builtins); i++)
		if (is_name(builtins[i].name, name, length))
			return &builtins[i];
	return NULL;
}

cl_int builtin_check(struct launch *l)
{
	size_t bytes[16] = { 0 };
	cl_int ret;

	if (l->first[0] || l->first[1] || l->first[2])
		return CL_INVALID_GLOBAL_OFFSET;
	ret = l->graph->builtin->sizes(l, bytes);
	for (cl_uint i = 0; i < l->graph->n_args && !ret; i++)
		if (l->mems[i])
			ret = launch_check_room(l, i, bytes[i]);
	return ret;
}
