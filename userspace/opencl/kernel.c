// SPDX-License-Identifier: MIT
/*
 * kernel.c - kernels and their arguments
 *
 * A kernel keeps no buffer alive: the program could not tell when memory of its
 * own that a buffer is made of is free again. A launch finds out what is gone.
 */
#include <stdlib.h>
#include <string.h>

#include "program.h"

bool kernel_is(cl_kernel kernel)
{
	return object_is(kernel, KIND_KERNEL);
}

static void kernel_destroy(struct object *object)
{
	cl_kernel k = (cl_kernel)object;

	for (cl_uint i = 0; k->values && i < k->graph->n_args; i++)
		object_forget(k->values[i].mem);
	free(k->values);
	jit_destroy(k->jit);
	pthread_mutex_destroy(&k->lock);
	atomic_fetch_sub(&k->program->kernels, 1);
	object_put(k->program);
}

static cl_kernel kernel_new(cl_program program, const struct graph *graph)
{
	cl_kernel k = object_create(KIND_KERNEL, sizeof(*k), kernel_destroy);

	if (!k)
		return NULL;
	k->program = object_get(program);
	k->graph = graph;
	atomic_fetch_add(&program->kernels, 1);
	pthread_mutex_init(&k->lock, NULL);
	k->values = calloc(graph->n_args + 1, sizeof(*k->values));
	k->jit = graph->builtin ? jit_create() : NULL;
	if (!k->values || (graph->builtin && !k->jit)) {
		object_put(k);
		return NULL;
	}
	return k;
}

cl_kernel clCreateKernel(cl_program program, const char *kernel_name,
			 cl_int *errcode_ret)
{
	cl_kernel k = NULL;
	cl_uint i;

	if (!program_is(program))
		return fail(errcode_ret, CL_INVALID_PROGRAM);
	if (!program_built(program, -1))
		return fail(errcode_ret, CL_INVALID_PROGRAM_EXECUTABLE);
	if (!kernel_name)
		return fail(errcode_ret, CL_INVALID_VALUE);
	for (i = 0; i < program->n_graphs; i++)
		if (!strcmp(program->graphs[i].name, kernel_name))
			break;
	if (i == program->n_graphs)
		return fail(errcode_ret, CL_INVALID_KERNEL_NAME);
	k = kernel_new(program, &program->graphs[i]);
	fail(errcode_ret, k ? CL_SUCCESS : CL_OUT_OF_HOST_MEMORY);
	return k;
}

cl_int clCreateKernelsInProgram(cl_program program, cl_uint num_kernels,
				cl_kernel *kernels, cl_uint *num_kernels_ret)
{
	if (!program_is(program))
		return CL_INVALID_PROGRAM;
	if (!program_built(program, -1))
		return CL_INVALID_PROGRAM_EXECUTABLE;
	if (kernels && num_kernels < program->n_graphs)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; kernels && i < program->n_graphs; i++) {
		kernels[i] = kernel_new(program, &program->graphs[i]);
		if (kernels[i])
			continue;
		while (i--)
			clReleaseKernel(kernels[i]);
		return CL_OUT_OF_HOST_MEMORY;
	}
	if (num_kernels_ret)
		*num_kernels_ret = program->n_graphs;
	return CL_SUCCESS;
}

cl_kernel clCloneKernel(cl_kernel source, cl_int *errcode_ret)
{
	cl_kernel k;

	if (!kernel_is(source))
		return fail(errcode_ret, CL_INVALID_KERNEL);
	k = kernel_new(source->program, source->graph);
	if (!k)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	pthread_mutex_lock(&source->lock);
	for (cl_uint i = 0; i < k->graph->n_args; i++) {
		k->values[i] = source->values[i];
		if (k->values[i].mem)
			object_watch(k->values[i].mem);
	}
	pthread_mutex_unlock(&source->lock);
	fail(errcode_ret, CL_SUCCESS);
	return k;
}

cl_int clRetainKernel(cl_kernel kernel)
{
	return object_retain(kernel, KIND_KERNEL, CL_INVALID_KERNEL);
}

cl_int clReleaseKernel(cl_kernel kernel)
{
	return object_release(kernel, KIND_KERNEL, CL_INVALID_KERNEL);
}

/* A buffer for argument @i: large enough, and to be used as it was made for. */
static cl_int read_buffer(cl_kernel k, cl_uint i, size_t size,
			  const void *value, cl_mem *ret_mem)
{
	const struct argument *arg = &k->graph->args[i];
	cl_mem mem = NULL;

	*ret_mem = NULL;
	if (size != sizeof(cl_mem))
		return CL_INVALID_ARG_SIZE;
	if (value)
		memcpy(&mem, value, sizeof(mem));
	if (!mem)
		return CL_SUCCESS;
	if (!mem_is(mem))
		return CL_INVALID_MEM_OBJECT;
	if (mem->context != k->program->context)
		return CL_INVALID_CONTEXT;
	if (mem->size < arg->bytes) {
		context_tell(mem->context, "argument %u ('%s') of kernel '%s' needs %zu bytes, and the buffer has %zu; make it larger",
			     i, arg->name, k->graph->name, arg->bytes,
			     mem->size);
		return CL_INVALID_ARG_VALUE;
	}
	if (mem->flags & (arg->is_output ? CL_MEM_READ_ONLY :
					   CL_MEM_WRITE_ONLY)) {
		context_tell(mem->context, "argument %u ('%s') of kernel '%s' is %s, and the buffer was made with CL_MEM_%s_ONLY; make it with CL_MEM_READ_WRITE",
			     i, arg->name, k->graph->name,
			     arg->is_output ? "written" : "read",
			     arg->is_output ? "READ" : "WRITE");
		return CL_INVALID_ARG_VALUE;
	}
	*ret_mem = mem;
	return CL_SUCCESS;
}

static cl_int read_number(const struct argument *arg, size_t size,
			  const void *value, uint32_t *ret_number)
{
	if (size != arg->bytes)
		return CL_INVALID_ARG_SIZE;
	if (!value)
		return CL_INVALID_ARG_VALUE;
	memcpy(ret_number, value, sizeof(*ret_number));
	return CL_SUCCESS;
}

cl_int clSetKernelArg(cl_kernel k, cl_uint arg_index, size_t arg_size,
		      const void *arg_value)
{
	struct value value = { .set = true }, old;
	const struct argument *arg;
	cl_int ret;

	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	if (arg_index >= k->graph->n_args)
		return CL_INVALID_ARG_INDEX;
	arg = &k->graph->args[arg_index];
	ret = arg->is_buffer ?
	      read_buffer(k, arg_index, arg_size, arg_value, &value.mem) :
	      read_number(arg, arg_size, arg_value, &value.number);
	if (ret)
		return ret;
	if (arg->is_buffer && !value.mem)
		value.set = false;
	if (value.mem)
		object_watch(value.mem);
	pthread_mutex_lock(&k->lock);
	old = k->values[arg_index];
	k->values[arg_index] = value;
	pthread_mutex_unlock(&k->lock);
	object_forget(old.mem);
	return CL_SUCCESS;
}

#define OUT	param_value_size, param_value, param_value_size_ret

cl_int clGetKernelInfo(cl_kernel k, cl_kernel_info param_name,
		       size_t param_value_size, void *param_value,
		       size_t *param_value_size_ret)
{
	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	switch (param_name) {
	case CL_KERNEL_FUNCTION_NAME:
		return answer_text(k->graph->name, OUT);
	case CL_KERNEL_NUM_ARGS:
		return ANSWER(cl_uint, k->graph->n_args);
	case CL_KERNEL_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&k->base.handles));
	case CL_KERNEL_CONTEXT:
		return ANSWER(cl_context, k->program->context);
	case CL_KERNEL_PROGRAM:
		return ANSWER(cl_program, k->program);
	case CL_KERNEL_ATTRIBUTES:	/* of source code */
		return answer_text("", OUT);
	}
	return CL_INVALID_VALUE;
}

cl_int clGetKernelArgInfo(cl_kernel k, cl_uint arg_index,
			  cl_kernel_arg_info param_name,
			  size_t param_value_size, void *param_value,
			  size_t *param_value_size_ret)
{
	const struct argument *arg;

	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	if (arg_index >= k->graph->n_args)
		return CL_INVALID_ARG_INDEX;
	arg = &k->graph->args[arg_index];
	switch (param_name) {
	case CL_KERNEL_ARG_ADDRESS_QUALIFIER:
		return ANSWER(cl_kernel_arg_address_qualifier, arg->is_buffer ?
			      CL_KERNEL_ARG_ADDRESS_GLOBAL :
			      CL_KERNEL_ARG_ADDRESS_PRIVATE);
	case CL_KERNEL_ARG_ACCESS_QUALIFIER:	/* of images */
		return ANSWER(cl_kernel_arg_access_qualifier,
			      CL_KERNEL_ARG_ACCESS_NONE);
	case CL_KERNEL_ARG_TYPE_NAME:
		return answer_text(arg->type, OUT);
	case CL_KERNEL_ARG_TYPE_QUALIFIER:
		return ANSWER(cl_kernel_arg_type_qualifier, !arg->is_buffer ?
			      CL_KERNEL_ARG_TYPE_NONE : arg->is_output ?
			      CL_KERNEL_ARG_TYPE_RESTRICT :
			      CL_KERNEL_ARG_TYPE_CONST |
			      CL_KERNEL_ARG_TYPE_RESTRICT);
	case CL_KERNEL_ARG_NAME:
		return answer_text(arg->name, OUT);
	}
	return CL_INVALID_VALUE;
}

cl_int clGetKernelWorkGroupInfo(cl_kernel k, cl_device_id device,
				cl_kernel_work_group_info param_name,
				size_t param_value_size, void *param_value,
				size_t *param_value_size_ret)
{
	static const size_t none[WORK_DIMENSIONS];

	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	if (device ? program_device(k->program, device) < 0 :
		     k->program->n_devices > 1)
		return CL_INVALID_DEVICE;
	switch (param_name) {
	case CL_KERNEL_WORK_GROUP_SIZE:
	case CL_KERNEL_PREFERRED_WORK_GROUP_SIZE_MULTIPLE:
		return ANSWER(size_t, 1);
	case CL_KERNEL_COMPILE_WORK_GROUP_SIZE:
		return answer(none, sizeof(none), OUT);
	case CL_KERNEL_LOCAL_MEM_SIZE:
	case CL_KERNEL_PRIVATE_MEM_SIZE:
		return ANSWER(cl_ulong, 0);
	case CL_KERNEL_GLOBAL_WORK_SIZE:
		return answer((size_t[WORK_DIMENSIONS]){ SIZE_MAX,
			k->graph->builtin ? SIZE_MAX : 1,
			k->graph->builtin ? SIZE_MAX : 1 },
			WORK_DIMENSIONS * sizeof(size_t), OUT);
	}
	return CL_INVALID_VALUE;
}

/* No sub-groups, no shared virtual memory: nothing to tell, nothing to set. */

cl_int clGetKernelSubGroupInfo(cl_kernel k, cl_device_id device,
			       cl_kernel_sub_group_info param_name,
			       size_t input_value_size,
			       const void *input_value,
			       size_t param_value_size, void *param_value,
			       size_t *param_value_size_ret)
{
	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	if (device ? program_device(k->program, device) < 0 :
		     k->program->n_devices > 1)
		return CL_INVALID_DEVICE;
	return CL_INVALID_OPERATION;
}

cl_int clSetKernelArgSVMPointer(cl_kernel k, cl_uint arg_index,
				const void *arg_value)
{
	return kernel_is(k) ? CL_INVALID_OPERATION : CL_INVALID_KERNEL;
}

cl_int clSetKernelExecInfo(cl_kernel k, cl_kernel_exec_info param_name,
			   size_t param_value_size, const void *param_value)
{
	if (!kernel_is(k))
		return CL_INVALID_KERNEL;
	if (param_name == CL_KERNEL_EXEC_INFO_SVM_PTRS)
		return CL_INVALID_OPERATION;
	if (param_name != CL_KERNEL_EXEC_INFO_SVM_FINE_GRAIN_SYSTEM ||
	    param_value_size != sizeof(cl_bool) || !param_value)
		return CL_INVALID_VALUE;
	return *(const cl_bool *)param_value ? CL_INVALID_OPERATION :
					       CL_SUCCESS;
}
