// SPDX-License-Identifier: MIT
/*
 * program.c - programs, and what they are made of
 *
 * The binary is a .fxq file, one kernel with the network's name. There is no
 * compiler: source is taken and kept, and refused when it is to be built.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

bool program_is(cl_program program)
{
	return object_is(program, KIND_PROGRAM);
}

static void program_destroy(struct object *object)
{
	cl_program p = (cl_program)object;

	for (cl_uint i = 0; p->graphs && i < p->n_graphs; i++)
		graph_finish(&p->graphs[i], p->n_devices);
	for (cl_uint i = 0; p->logs && i < p->n_devices; i++)
		free(p->logs[i]);
	pthread_mutex_destroy(&p->lock);
	free(p->graphs);
	free(p->logs);
	free(p->status);
	free(p->options);
	free(p->bytes);
	free(p->devices);
	object_put(p->context);
}

static struct loaded *loaded_new(cl_uint n)
{
	struct loaded *loaded = calloc(n, sizeof(*loaded));

	for (cl_uint i = 0; loaded && i < n; i++)
		atomic_flag_clear(&loaded[i].row);
	return loaded;
}

/* With room for @n_graphs, all empty, and nothing built. */
static cl_program program_create(cl_context context, enum program_form form,
				 cl_uint n_devices,
				 const cl_device_id *devices, cl_uint n_graphs)
{
	cl_program p = object_create(KIND_PROGRAM, sizeof(*p),
				     program_destroy);
	bool complete;

	if (!p)
		return NULL;
	p->context = object_get(context);
	p->form = form;
	p->n_devices = n_devices;
	p->n_graphs = n_graphs;
	pthread_mutex_init(&p->lock, NULL);
	p->devices = calloc(n_devices, sizeof(*devices));
	p->status = calloc(n_devices, sizeof(*p->status));
	p->logs = calloc(n_devices, sizeof(*p->logs));
	p->graphs = calloc(n_graphs + 1, sizeof(*p->graphs));
	p->options = strdup("");
	complete = p->devices && p->status && p->logs && p->graphs &&
		   p->options;
	for (cl_uint i = 0; complete && i < n_graphs; i++) {
		p->graphs[i].loaded = loaded_new(n_devices);
		complete = p->graphs[i].loaded;
	}
	if (!complete) {
		object_put(p);
		return NULL;
	}
	memcpy(p->devices, devices, n_devices * sizeof(*devices));
	for (cl_uint i = 0; i < n_devices; i++)
		p->status[i] = CL_BUILD_NONE;
	return p;
}

cl_int program_check_devices(cl_context context, cl_uint n,
			     const cl_device_id *devices)
{
	if (!context_is(context))
		return CL_INVALID_CONTEXT;
	if (!n || !devices)
		return CL_INVALID_VALUE;
	for (cl_uint i = 0; i < n; i++)
		if (!device_is(devices[i]) ||
		    !context_has(context, devices[i]))
			return CL_INVALID_DEVICE;
	return CL_SUCCESS;
}

int program_device(cl_program p, cl_device_id device)
{
	for (cl_uint i = 0; i < p->n_devices; i++)
		if (p->devices[i] == device)
			return i;
	return -1;
}

bool program_built(cl_program p, int i)
{
	bool built = false;

	pthread_mutex_lock(&p->lock);
	for (cl_uint k = 0; k < p->n_devices; k++)
		built |= (i < 0 || k == (cl_uint)i) &&
			 p->status[k] == CL_BUILD_SUCCESS;
	pthread_mutex_unlock(&p->lock);
	return built;
}

static void *memory_copy(const void *from, size_t n)
{
	char *to = malloc(n + 1);

	if (to) {
		memcpy(to, from, n);
		to[n] = '\0';
	}
	return to;
}

/* Binaries */

/*
 * One image serves all devices: the others' are to be the same. @ret_image: on
 * success.
 */
static cl_int read_binaries(cl_context context, cl_uint n,
			    const size_t *lengths,
			    const unsigned char **binaries, cl_int *status,
			    struct fxq_image **ret_image)
{
	cl_int ret = CL_SUCCESS;
	int err = fxq_image_open_memory(binaries[0], lengths[0], ret_image);
	bool valid = !err;

	if (err == -ENOMEM)
		return CL_OUT_OF_HOST_MEMORY;
	if (!valid)
		context_tell(context, "%s", fxq_error());
	for (cl_uint i = 0; i < n; i++) {
		bool same = lengths[i] == lengths[0] &&
			    !memcmp(binaries[i], binaries[0], lengths[0]);

		if (!same)
			context_tell(context, "binary %u of %u is not the first one; give all devices the same",
				     i, n);
		if (status)
			status[i] = valid && same ? CL_SUCCESS :
						    CL_INVALID_BINARY;
		if (!valid || !same)
			ret = CL_INVALID_BINARY;
	}
	if (ret && valid)
		fxq_image_close(*ret_image);
	return ret;
}

cl_program clCreateProgramWithBinary(cl_context context, cl_uint num_devices,
				     const cl_device_id *device_list,
				     const size_t *lengths,
				     const unsigned char **binaries,
				     cl_int *binary_status,
				     cl_int *errcode_ret)
{
	cl_int ret = program_check_devices(context, num_devices, device_list);
	struct fxq_image *image;
	cl_program p;

	if (!ret && (!lengths || !binaries))
		ret = CL_INVALID_VALUE;
	for (cl_uint i = 0; i < num_devices && !ret; i++)
		if (!lengths[i] || !binaries[i]) {
			ret = CL_INVALID_VALUE;
			if (binary_status)
				binary_status[i] = CL_INVALID_VALUE;
		}
	if (!ret)
		ret = read_binaries(context, num_devices, lengths, binaries,
				    binary_status, &image);
	if (ret)
		return fail(errcode_ret, ret);
	p = program_create(context, PROGRAM_BINARY, num_devices, device_list,
			   1);
	if (!p) {
		fxq_image_close(image);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	p->n_bytes = lengths[0];
	p->bytes = memory_copy(binaries[0], lengths[0]);
	if (graph_of_image(&p->graphs[0], image) || !p->bytes) {
		object_put(p);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	fail(errcode_ret, CL_SUCCESS);
	return p;
}

/* Built-in kernels */

static cl_uint count_names(const char *names)
{
	cl_uint n = 1;

	while ((names = strchr(names, ';'))) {
		names++;
		n++;
	}
	return n;
}

cl_program clCreateProgramWithBuiltInKernels(cl_context context,
					     cl_uint num_devices,
					     const cl_device_id *device_list,
					     const char *kernel_names,
					     cl_int *errcode_ret)
{
	cl_int ret = program_check_devices(context, num_devices, device_list);
	const char *name = kernel_names;
	cl_program p;

	if (!ret && !kernel_names)
		ret = CL_INVALID_VALUE;
	if (ret)
		return fail(errcode_ret, ret);
	p = program_create(context, PROGRAM_BUILTIN, num_devices, device_list,
			   count_names(kernel_names));
	if (!p)
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	for (cl_uint i = 0; i < p->n_graphs; i++) {
		size_t length = strchrnul(name, ';') - name;
		const struct builtin *b = builtin_find(name, length);

		if (!b) {
			object_put(p);
			return fail(errcode_ret, CL_INVALID_VALUE);
		}
		p->graphs[i].own_name = strndup(name, length);
		if (!p->graphs[i].own_name) {
			object_put(p);
			return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
		}
		p->graphs[i].name = p->graphs[i].own_name;
		p->graphs[i].args = b->args;
		p->graphs[i].n_args = b->n_args;
		p->graphs[i].builtin = b;
		name += length + 1;
	}
	for (cl_uint i = 0; i < num_devices; i++)
		p->status[i] = CL_BUILD_SUCCESS;
	fail(errcode_ret, CL_SUCCESS);
	return p;
}

/* Source, which nothing here compiles */

static char *join(cl_uint count, const char **strings, const size_t *lengths)
{
	size_t total = 0;
	char *to, *at;

	for (cl_uint i = 0; i < count; i++)
		total += lengths && lengths[i] ? lengths[i] :
						 strlen(strings[i]);
	to = at = malloc(total + 1);
	for (cl_uint i = 0; to && i < count; i++) {
		size_t n = lengths && lengths[i] ? lengths[i] :
						   strlen(strings[i]);

		memcpy(at, strings[i], n);
		at += n;
	}
	if (to)
		*at = '\0';
	return to;
}

cl_program clCreateProgramWithSource(cl_context context, cl_uint count,
				     const char **strings,
				     const size_t *lengths,
				     cl_int *errcode_ret)
{
	cl_program p;

	if (!context_is(context))
		return fail(errcode_ret, CL_INVALID_CONTEXT);
	if (!count || !strings)
		return fail(errcode_ret, CL_INVALID_VALUE);
	for (cl_uint i = 0; i < count; i++)
		if (!strings[i])
			return fail(errcode_ret, CL_INVALID_VALUE);
	p = program_create(context, PROGRAM_SOURCE, context->n_devices,
			   context->devices, 0);
	if (p)
		p->bytes = join(count, strings, lengths);
	if (!p || !p->bytes) {
		object_put(p);
		return fail(errcode_ret, CL_OUT_OF_HOST_MEMORY);
	}
	fail(errcode_ret, CL_SUCCESS);
	return p;
}

cl_program clCreateProgramWithIL(cl_context context, const void *il,
				 size_t length, cl_int *errcode_ret)
{
	return fail(errcode_ret, context_is(context) ? CL_INVALID_OPERATION :
						       CL_INVALID_CONTEXT);
}

cl_int clRetainProgram(cl_program program)
{
	return object_retain(program, KIND_PROGRAM, CL_INVALID_PROGRAM);
}

cl_int clReleaseProgram(cl_program program)
{
	return object_release(program, KIND_PROGRAM, CL_INVALID_PROGRAM);
}

/* Nothing of a program's runs when it goes. */
cl_int clSetProgramReleaseCallback(cl_program program,
		void (CL_CALLBACK *pfn_notify)(cl_program, void *),
		void *user_data)
{
	return program_is(program) ? CL_INVALID_OPERATION : CL_INVALID_PROGRAM;
}

cl_int clSetProgramSpecializationConstant(cl_program program, cl_uint spec_id,
					  size_t spec_size,
					  const void *spec_value)
{
	return program_is(program) ? CL_INVALID_OPERATION : CL_INVALID_PROGRAM;
}
