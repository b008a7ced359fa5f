// SPDX-License-Identifier: MIT
/*
 * launch.c - kernels on their way to a device
 *
 * A launch has the arguments that the kernel has when it is enqueued, and keeps
 * their buffers alive.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "program.h"

static void launch_destroy(struct command *command)
{
	struct launch *l = (struct launch *)command;

	for (cl_uint i = 0; l->mems && i < l->graph->n_args; i++)
		object_put(l->mems[i]);
	free(l->values);
	free(l->mems);
	object_put(l->kernel);
	free(l);
}

static cl_int run_launch(struct command *command, cl_command_queue queue)
{
	struct launch *l = (struct launch *)command;
	cl_int ret;

	if (l->graph->builtin)
		ret = jit_run(l->kernel->jit, l, queue->device);
	else
		ret = graph_run_row(l->graph, l->loaded, l->mems, l->first[0],
				    l->count[0], l->why);
	if (ret == CL_OUT_OF_RESOURCES)
		context_tell(queue->context, "%s",
			     *l->why ? l->why : fxq_error());
	return ret;
}

cl_int launch_refuse(struct launch *l, cl_int code, const char *format, ...)
{
	va_list args;
	size_t n = snprintf(l->why, sizeof(l->why), "kernel '%s' ",
			    l->graph->name);

	va_start(args, format);
	if (n < sizeof(l->why))
		vsnprintf(l->why + n, sizeof(l->why) - n, format, args);
	va_end(args);
	return code;
}

/* The shape of the launch alone. @ret_empty: there is nothing to do. */
static cl_int read_range(struct launch *l, const struct range *r,
			 bool *ret_empty)
{
	if (!r->dimensions || r->dimensions > WORK_DIMENSIONS)
		return CL_INVALID_WORK_DIMENSION;
	*ret_empty = !r->global;
	for (cl_uint d = 0; d < WORK_DIMENSIONS; d++) {
		bool given = d < r->dimensions;

		l->count[d] = given && r->global ? r->global[d] : 1;
		l->first[d] = given && r->offset ? r->offset[d] : 0;
		if (!l->count[d])
			*ret_empty = true;
		if (l->count[d] > SIZE_MAX - l->first[d])
			return CL_INVALID_GLOBAL_OFFSET;
		if (given && r->local && r->local[d] != 1)
			return launch_refuse(l, CL_INVALID_WORK_GROUP_SIZE,
				"has groups of one work item, not %zu; leave the local size open",
				r->local[d]);
	}
	return CL_SUCCESS;
}

/* With the kernel's lock: its arguments, all set, and no buffer gone. */
static cl_int take_values(struct launch *l)
{
	for (cl_uint i = 0; i < l->graph->n_args; i++) {
		const struct value *value = &l->kernel->values[i];

		if (!value->set)
			return launch_refuse(l, CL_INVALID_KERNEL_ARGS,
				"has no argument %u ('%s') yet; set it",
				i, l->graph->args[i].name);
		l->values[i] = *value;
		if (!value->mem)
			continue;
		l->mems[i] = object_revive(value->mem);
		if (!l->mems[i] || !mem_is(l->mems[i]))
			return launch_refuse(l, CL_INVALID_KERNEL_ARGS,
				"has a buffer as argument %u ('%s') that was released; set another",
				i, l->graph->args[i].name);
	}
	return CL_SUCCESS;
}

cl_int launch_check_room(struct launch *l, cl_uint i, size_t bytes)
{
	if (bytes <= l->mems[i]->size)
		return CL_SUCCESS;
	return launch_refuse(l, CL_INVALID_GLOBAL_WORK_SIZE,
		"of %zu x %zu x %zu work items reaches byte %zu of argument %u ('%s'), whose buffer has %zu; launch fewer, or make it larger",
		l->count[0], l->count[1], l->count[2], bytes, i,
		l->graph->args[i].name, l->mems[i]->size);
}

/* Work items of a network are inputs and outputs in a row. */
static cl_int check_items(struct launch *l)
{
	size_t end = l->first[0] + l->count[0], bytes;
	cl_int ret = CL_SUCCESS;

	if (l->count[1] != 1 || l->count[2] != 1)
		return launch_refuse(l, CL_INVALID_GLOBAL_WORK_SIZE,
			"is a network, whose runs are counted in one dimension, not in %zu x %zu x %zu",
			l->count[0], l->count[1], l->count[2]);
	if (l->first[1] || l->first[2])
		return CL_INVALID_GLOBAL_OFFSET;
	for (cl_uint i = 0; i < l->graph->n_args && !ret; i++) {
		if (__builtin_mul_overflow(l->graph->args[i].bytes, end,
					   &bytes))
			bytes = SIZE_MAX;	/* which no buffer has */
		ret = launch_check_room(l, i, bytes);
	}
	return ret;
}

/* What is written is read or written by no other argument. */
static cl_int check_apart(struct launch *l)
{
	const struct argument *args = l->graph->args;

	for (cl_uint i = 0; i < l->graph->n_args; i++)
		for (cl_uint k = 0; k < l->graph->n_args; k++)
			if (i != k && args[i].is_output && l->mems[k] &&
			    mem_overlaps(l->mems[i], 0, l->mems[i]->size,
					 l->mems[k], 0, l->mems[k]->size))
				return launch_refuse(l, CL_MEM_COPY_OVERLAP,
					"would write argument %u ('%s') into memory of argument %u ('%s'); give it a buffer of its own",
					i, args[i].name, k, args[k].name);
	return CL_SUCCESS;
}

static cl_int fill_launch(struct launch *l, cl_command_queue queue,
			  const struct range *range)
{
	cl_program program = l->kernel->program;
	int i = program_device(program, queue->device);
	bool empty;
	cl_int ret;

	if (i < 0 || !program_built(program, i))
		return CL_INVALID_PROGRAM_EXECUTABLE;
	l->loaded = &l->graph->loaded[i];
	l->values = calloc(l->graph->n_args + 1, sizeof(*l->values));
	l->mems = calloc(l->graph->n_args + 1, sizeof(*l->mems));
	if (!l->values || !l->mems)
		return CL_OUT_OF_HOST_MEMORY;
	pthread_mutex_lock(&l->kernel->lock);
	ret = take_values(l);
	pthread_mutex_unlock(&l->kernel->lock);
	if (!ret)
		ret = read_range(l, range, &empty);
	if (ret)
		return ret;
	if (empty) {
		l->base.run = NULL;
		return CL_SUCCESS;
	}
	ret = l->graph->builtin ? builtin_check(l) : check_items(l);
	return ret ? ret : check_apart(l);
}

cl_int launch_command(cl_command_queue queue, cl_kernel kernel,
		      const struct range *range, struct command **ret_command)
{
	struct launch *l;
	cl_int ret;

	if (!kernel_is(kernel))
		return CL_INVALID_KERNEL;
	if (kernel->program->context != queue->context)
		return CL_INVALID_CONTEXT;
	l = calloc(1, sizeof(*l));
	if (!l)
		return CL_OUT_OF_HOST_MEMORY;
	l->base = (struct command){ run_launch, launch_destroy };
	l->kernel = object_get(kernel);
	l->graph = kernel->graph;
	ret = fill_launch(l, queue, range);
	if (ret) {
		if (*l->why)
			context_tell(queue->context, "%s", l->why);
		launch_destroy(&l->base);
		return ret;
	}
	*ret_command = &l->base;
	return CL_SUCCESS;
}

static cl_int launch(cl_command_queue queue, cl_command_type type,
		     cl_kernel kernel, const struct range *range,
		     struct wait_list waits, cl_event *event)
{
	cl_int ret = enqueue_check(queue, waits);
	struct command *command;

	if (!ret)
		ret = launch_command(queue, kernel, range, &command);
	return ret ? ret : enqueue(queue, type, command, waits, false, event);
}

cl_int clEnqueueNDRangeKernel(cl_command_queue queue, cl_kernel kernel,
			      cl_uint work_dim,
			      const size_t *global_work_offset,
			      const size_t *global_work_size,
			      const size_t *local_work_size,
			      cl_uint num_events_in_wait_list,
			      const cl_event *event_wait_list,
			      cl_event *event)
{
	const struct range range = {
		work_dim, global_work_offset, global_work_size,
		local_work_size,
	};

	return launch(queue, CL_COMMAND_NDRANGE_KERNEL, kernel, &range,
		      (struct wait_list){ num_events_in_wait_list,
					  event_wait_list }, event);
}

cl_int clEnqueueTask(cl_command_queue queue, cl_kernel kernel,
		     cl_uint num_events_in_wait_list,
		     const cl_event *event_wait_list, cl_event *event)
{
	const struct range range = { 1, NULL, (size_t[]){ 1 }, NULL };

	return launch(queue, CL_COMMAND_TASK, kernel, &range,
		      (struct wait_list){ num_events_in_wait_list,
					  event_wait_list }, event);
}
