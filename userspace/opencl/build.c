// SPDX-License-Identifier: MIT
/*
 * build.c - making a program ready on its devices, and what it says then
 *
 * Building is loading: weights and streams go to the device, memory for runs
 * is allocated. What cannot be loaded has libfxq's sentence as its log.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* With the lock. A negative errno, as libfxq says it. */
static int build_graph(struct graph *g, cl_program p, int i)
{
	const struct fxq_program_config config = { .slots = GRAPH_SLOTS };

	if (!g->image || g->loaded[i].program)
		return 0;
	return fxq_program_load(p->devices[i]->fxq, g->image, &config,
				&g->loaded[i].program);
}

static cl_int build_device(cl_program p, int i)
{
	int err = 0;

	pthread_mutex_lock(&p->lock);
	for (cl_uint k = 0; k < p->n_graphs && !err; k++)
		err = build_graph(&p->graphs[k], p, i);
	free(p->logs[i]);
	p->logs[i] = err ? strdup(fxq_error()) : NULL;
	p->status[i] = err ? CL_BUILD_ERROR : CL_BUILD_SUCCESS;
	pthread_mutex_unlock(&p->lock);
	return !err ? CL_SUCCESS : err == -ENOMEM ? CL_OUT_OF_HOST_MEMORY :
						    CL_BUILD_PROGRAM_FAILURE;
}

static cl_int check_list(cl_program p, cl_uint n, const cl_device_id *devices)
{
	if (!program_is(p))
		return CL_INVALID_PROGRAM;
	if (!n != !devices)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < n; i++)
		if (program_device(p, devices[i]) < 0)
			return CL_INVALID_DEVICE;
	return CL_SUCCESS;
}

/* There is nothing that they could change; they are only remembered. */
static bool keep_options(cl_program p, const char *options)
{
	char *copy = strdup(options ? options : "");

	if (!copy)
		return false;
	pthread_mutex_lock(&p->lock);
	free(p->options);
	p->options = copy;
	pthread_mutex_unlock(&p->lock);
	return true;
}

cl_int clBuildProgram(cl_program p, cl_uint num_devices,
		      const cl_device_id *device_list, const char *options,
		      void (CL_CALLBACK *pfn_notify)(cl_program, void *),
		      void *user_data)
{
	cl_int ret = check_list(p, num_devices, device_list);

	if (ret)
		return ret;
	if (!pfn_notify && user_data)
		return CL_INVALID_VALUE;
	if (p->form == PROGRAM_SOURCE)
		return CL_COMPILER_NOT_AVAILABLE;
	if (atomic_load(&p->kernels))
		return CL_INVALID_OPERATION;
	if (!keep_options(p, options))
		return CL_OUT_OF_HOST_MEMORY;
	for (cl_uint i = 0; i < p->n_devices; i++) {
		bool wanted = !device_list;
		cl_int built;

		for (cl_uint k = 0; k < num_devices; k++)
			wanted |= device_list[k] == p->devices[i];
		built = wanted ? build_device(p, i) : CL_SUCCESS;
		if (built)
			ret = built;
	}
	if (pfn_notify)
		pfn_notify(p, user_data);
	return ret;
}

cl_int clCompileProgram(cl_program p, cl_uint num_devices,
			const cl_device_id *device_list, const char *options,
			cl_uint num_input_headers,
			const cl_program *input_headers,
			const char **header_include_names,
			void (CL_CALLBACK *pfn_notify)(cl_program, void *),
			void *user_data)
{
	cl_int ret = check_list(p, num_devices, device_list);

	if (ret)
		return ret;
	if (!num_input_headers != !input_headers ||
	    !num_input_headers != !header_include_names ||
	    (!pfn_notify && user_data))
		return CL_INVALID_VALUE;
	return p->form == PROGRAM_SOURCE ? CL_COMPILER_NOT_AVAILABLE :
					   CL_INVALID_OPERATION;
}

cl_program clLinkProgram(cl_context context, cl_uint num_devices,
			 const cl_device_id *device_list, const char *options,
			 cl_uint num_input_programs,
			 const cl_program *input_programs,
			 void (CL_CALLBACK *pfn_notify)(cl_program, void *),
			 void *user_data, cl_int *errcode_ret)
{
	cl_int ret = CL_SUCCESS;

	if (!context_is(context))
		return fail(errcode_ret, CL_INVALID_CONTEXT);
	if (!num_devices != !device_list || !num_input_programs ||
	    !input_programs || (!pfn_notify && user_data))
		return fail(errcode_ret, CL_INVALID_VALUE);
	if (device_list)
		ret = program_check_devices(context, num_devices, device_list);
	for (cl_uint i = 0; i < num_input_programs && !ret; i++) {
		if (!program_is(input_programs[i]))
			ret = CL_INVALID_PROGRAM;
		else if (input_programs[i]->context != context)
			ret = CL_INVALID_CONTEXT;
	}
	return fail(errcode_ret, ret ? ret : CL_LINKER_NOT_AVAILABLE);
}

/* What a program says of itself */

#define OUT	param_value_size, param_value, param_value_size_ret
#define ARGS	size_t param_value_size, void *param_value,		\
		size_t *param_value_size_ret

static size_t binary_bytes(cl_program p)
{
	return p->form == PROGRAM_BINARY ? p->n_bytes : 0;
}

static cl_int answer_sizes(cl_program p, ARGS)
{
	size_t sizes[DEVICES_MAX];

	for (cl_uint i = 0; i < p->n_devices; i++)
		sizes[i] = binary_bytes(p);
	return answer(sizes, p->n_devices * sizeof(*sizes), OUT);
}

/* To each of the pointers that the program brought. */
static cl_int answer_binaries(cl_program p, ARGS)
{
	unsigned char **to = param_value;

	if (to && param_value_size < p->n_devices * sizeof(*to))
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; to && i < p->n_devices; i++)
		if (to[i] && binary_bytes(p))
			memcpy(to[i], p->bytes, binary_bytes(p));
	if (param_value_size_ret)
		*param_value_size_ret = p->n_devices * sizeof(*to);
	return CL_SUCCESS;
}

static cl_int answer_names(cl_program p, ARGS)
{
	size_t bytes = 1;
	char *names;
	cl_int ret;

	for (cl_uint i = 0; i < p->n_graphs; i++)
		bytes += strlen(p->graphs[i].name) + 1;
	names = calloc(1, bytes);
	if (!names)
		return CL_OUT_OF_HOST_MEMORY;
	for (cl_uint i = 0; i < p->n_graphs; i++) {
		if (i)
			strcat(names, ";");
		strcat(names, p->graphs[i].name);
	}
	ret = answer_text(names, OUT);
	free(names);
	return ret;
}

cl_int clGetProgramInfo(cl_program p, cl_program_info param_name,
			size_t param_value_size, void *param_value,
			size_t *param_value_size_ret)
{
	if (!program_is(p))
		return CL_INVALID_PROGRAM;
	switch (param_name) {
	case CL_PROGRAM_REFERENCE_COUNT:
		return ANSWER(cl_uint, atomic_load(&p->base.handles));
	case CL_PROGRAM_CONTEXT:
		return ANSWER(cl_context, p->context);
	case CL_PROGRAM_NUM_DEVICES:
		return ANSWER(cl_uint, p->n_devices);
	case CL_PROGRAM_DEVICES:
		return answer(p->devices, p->n_devices * sizeof(*p->devices),
			      OUT);
	case CL_PROGRAM_SOURCE:
		return answer_text(p->form == PROGRAM_SOURCE ? p->bytes : "",
				   OUT);
	case CL_PROGRAM_IL:
		return answer(NULL, 0, OUT);
	case CL_PROGRAM_BINARY_SIZES:
		return answer_sizes(p, OUT);
	case CL_PROGRAM_BINARIES:
		return answer_binaries(p, OUT);
	case CL_PROGRAM_SCOPE_GLOBAL_CTORS_PRESENT:
	case CL_PROGRAM_SCOPE_GLOBAL_DTORS_PRESENT:
		return ANSWER(cl_bool, CL_FALSE);
	case CL_PROGRAM_NUM_KERNELS:
		return program_built(p, -1) ? ANSWER(size_t, p->n_graphs) :
					      CL_INVALID_PROGRAM_EXECUTABLE;
	case CL_PROGRAM_KERNEL_NAMES:
		return program_built(p, -1) ? answer_names(p, OUT) :
					      CL_INVALID_PROGRAM_EXECUTABLE;
	}
	return CL_INVALID_VALUE;
}

static const char *log_text(cl_program p, int i)
{
	if (p->form == PROGRAM_SOURCE)
		return "there is no compiler for OpenCL C here; compile a model with fxq-run, and give its .fxq file to clCreateProgramWithBinary()";
	return p->logs[i] ? p->logs[i] : "";
}

static cl_int answer_build(cl_program p, int i, cl_program_build_info param,
			   ARGS)
{
	switch (param) {
	case CL_PROGRAM_BUILD_STATUS:
		return ANSWER(cl_build_status, p->status[i]);
	case CL_PROGRAM_BUILD_OPTIONS:
		return answer_text(p->options, OUT);
	case CL_PROGRAM_BUILD_LOG:
		return answer_text(log_text(p, i), OUT);
	case CL_PROGRAM_BINARY_TYPE:
		return ANSWER(cl_program_binary_type,
			      p->form != PROGRAM_SOURCE ?
			      CL_PROGRAM_BINARY_TYPE_EXECUTABLE :
			      CL_PROGRAM_BINARY_TYPE_NONE);
	case CL_PROGRAM_BUILD_GLOBAL_VARIABLE_TOTAL_SIZE:
		return ANSWER(size_t, 0);
	}
	return CL_INVALID_VALUE;
}

cl_int clGetProgramBuildInfo(cl_program p, cl_device_id device,
			     cl_program_build_info param_name,
			     size_t param_value_size, void *param_value,
			     size_t *param_value_size_ret)
{
	cl_int ret;
	int i;

	if (!program_is(p))
		return CL_INVALID_PROGRAM;
	i = program_device(p, device);
	if (i < 0)
		return CL_INVALID_DEVICE;
	pthread_mutex_lock(&p->lock);
	ret = answer_build(p, i, param_name, OUT);
	pthread_mutex_unlock(&p->lock);
	return ret;
}
