// SPDX-License-Identifier: MIT
/*
 * graph.c - a compiled network as a kernel: its inputs, then its outputs, each
 * a buffer
 *
 * A work item is one run: with N of them, buffers hold N inputs or outputs one
 * behind another, and runs go on at the same time, but for one slot that is left
 * to other launches.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define TEXT_BYTES	256	/* name and type of an argument */

/*
 * "fxq.int8[1,3,224,224]", with scale and zero point if it has any: a number
 * that a program reads, in whatever locale it is.
 */
static void describe(const struct fxq_tensor *t, char *to, size_t size)
{
	static const char *const names[] = {
#define X(id, name, bytes) [FXQ_DTYPE_##id] = name,
		FXQ_DTYPES(X)
#undef X
	};
	locale_t program;
	size_t n;

	n = snprintf(to, size, "fxq.%s[", names[t->dtype]);
	for (uint32_t i = 0; i < t->rank && n < size; i++)
		n += snprintf(to + n, size - n, "%s%lld", i ? "," : "",
			      (long long)t->dims[i]);
	if (n < size)
		n += snprintf(to + n, size - n, "]");
	if (t->scale == 0 || n >= size)
		return;
	/* The C library keeps this one: it is there, and is not freed. */
	program = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
	snprintf(to + n, size - n, " scale=%.9g zero_point=%d", t->scale,
		 t->zero_point);
	uselocale(program);
}

static void set_argument(struct argument *arg, char *text,
			 const struct fxq_tensor_info *info, bool is_output)
{
	snprintf(text, TEXT_BYTES / 2, "%s", info->name);
	describe(&info->type, text + TEXT_BYTES / 2, TEXT_BYTES / 2);
	*arg = (struct argument){
		.name = text,
		.type = text + TEXT_BYTES / 2,
		.bytes = info->bytes,
		.is_buffer = true,
		.is_output = is_output,
	};
}

cl_int graph_of_image(struct graph *graph, struct fxq_image *image)
{
	struct fxq_image_info info;
	struct fxq_tensor_info t;
	cl_uint n;
	char *text;

	fxq_image_info(image, &info);
	n = info.n_inputs + info.n_outputs;
	graph->image = image;
	graph->n_in = info.n_inputs;
	graph->own = calloc(n + 1, sizeof(*graph->own) + TEXT_BYTES);
	graph->own_name = strdup(*info.name ? info.name : "main");
	if (!graph->own || !graph->own_name)
		return CL_OUT_OF_HOST_MEMORY;
	text = (char *)(graph->own + n);
	for (cl_uint i = 0; i < n; i++) {
		bool is_output = i >= info.n_inputs;

		if (is_output)
			fxq_image_output_info(image, i - info.n_inputs, &t);
		else
			fxq_image_input_info(image, i, &t);
		set_argument(&graph->own[i], text + i * TEXT_BYTES, &t,
			     is_output);
	}
	graph->name = graph->own_name;
	graph->args = graph->own;
	graph->n_args = n;
	return CL_SUCCESS;
}

void graph_finish(struct graph *graph, cl_uint n_devices)
{
	for (cl_uint i = 0; graph->loaded && i < n_devices; i++)
		fxq_program_unload(graph->loaded[i].program);
	free(graph->loaded);
	fxq_image_close(graph->image);
	free(graph->own);
	free(graph->own_name);
}

/*
 * Where the @k-th argument's bytes are, as @t; memory of the program's that is
 * no place for its elements has a copy, which the caller frees.
 */
static bool bind(const struct graph *g, cl_uint k, cl_mem mem, size_t item,
		 struct fxq_tensor *t)
{
	static const uint8_t element[] = {
#define X(id, name, bytes) [FXQ_DTYPE_##id] = bytes,
		FXQ_DTYPES(X)
#undef X
	};
	const struct argument *arg = &g->args[k];
	uint8_t *at = mem->data + item * arg->bytes;
	struct fxq_tensor_info info;

	if (arg->is_output)
		fxq_image_output_info(g->image, k - g->n_in, &info);
	else
		fxq_image_input_info(g->image, k, &info);
	*t = info.type;
	t->data = at;
	if ((uintptr_t)at % element[t->dtype] == 0)
		return true;
	t->data = aligned_alloc(ALIGN_BYTES, (arg->bytes + ALIGN_BYTES - 1) /
				ALIGN_BYTES * ALIGN_BYTES);
	if (t->data && !arg->is_output)
		memcpy(t->data, at, arg->bytes);
	return t->data;
}

static void unbind(const struct graph *g, cl_uint k, cl_mem mem, size_t item,
		   struct fxq_tensor *t)
{
	uint8_t *at = mem->data + item * g->args[k].bytes;

	if (!t->data || t->data == at)
		return;
	if (g->args[k].is_output)
		memcpy(at, t->data, g->args[k].bytes);
	free(t->data);
}

static bool bind_all(const struct graph *g, const cl_mem *mems, size_t item,
		     struct fxq_tensor *t)
{
	bool all = true;

	for (cl_uint k = 0; k < g->n_args; k++)
		all &= bind(g, k, mems[k], item, &t[k]);
	return all;
}

static void unbind_all(const struct graph *g, const cl_mem *mems, size_t item,
		       struct fxq_tensor *t)
{
	for (cl_uint k = 0; k < g->n_args; k++)
		unbind(g, k, mems[k], item, &t[k]);
}

cl_int graph_run(const struct graph *g, struct fxq_program *program,
		 const cl_mem *mems, size_t item)
{
	struct fxq_tensor *t = calloc(g->n_args + 1, sizeof(*t));
	cl_int ret = CL_SUCCESS;

	if (!t)
		return CL_OUT_OF_HOST_MEMORY;
	if (!bind_all(g, mems, item, t))
		ret = CL_OUT_OF_HOST_MEMORY;
	else if (fxq_run(program, t, t + g->n_in))
		ret = CL_OUT_OF_RESOURCES;
	unbind_all(g, mems, item, t);
	free(t);
	return ret;
}

/*
 * struct row - runs in flight, each with tensors of its own
 * @next, @end: items that are to come
 */
struct row {
	const struct graph *g;
	struct fxq_program *program;
	const cl_mem *mems;
	size_t next, end;
	struct run {
		struct fxq_tensor *t;	/* NULL: it is not in flight */
		size_t item;
	} runs[GRAPH_SLOTS - 1];
	unsigned int in_flight;
	char *why;
};

/* Starts the next item. -EBUSY: other launches have the slots. */
static int row_start(struct row *r)
{
	struct run *run = r->runs;
	int ret;

	while (run->t)
		run++;
	run->item = r->next;
	run->t = calloc(r->g->n_args + 1, sizeof(*run->t));
	if (!run->t)
		return -ENOMEM;
	ret = bind_all(r->g, r->mems, run->item, run->t) ?
	      fxq_submit(r->program, run->t, run->t + r->g->n_in, run) :
	      -ENOMEM;
	if (!ret) {
		r->next++;
		r->in_flight++;
		return 0;
	}
	unbind_all(r->g, r->mems, run->item, run->t);
	free(run->t);
	run->t = NULL;
	return ret;
}

/* Waits for any of the runs to end. */
static cl_int row_end_one(struct row *r)
{
	struct fxq_completion c;
	struct run *run;

	while (!fxq_poll(r->program, &c, 1, UINT64_MAX))
		;
	run = c.user_data;
	unbind_all(r->g, r->mems, run->item, run->t);
	free(run->t);
	run->t = NULL;
	r->in_flight--;
	if (c.result && !*r->why)
		memcpy(r->why, c.error, FXQ_ERROR_MAX);
	return c.result ? CL_OUT_OF_RESOURCES : CL_SUCCESS;
}

/* Starts what can be started, and ends one. */
static cl_int row_go_on(struct row *r)
{
	int ret = 0;

	while (!ret && r->next < r->end && r->in_flight < GRAPH_SLOTS - 1)
		ret = row_start(r);
	if (ret && ret != -EBUSY)
		return ret == -ENOMEM ? CL_OUT_OF_HOST_MEMORY :
					CL_OUT_OF_RESOURCES;
	return r->in_flight ? row_end_one(r) :
	       graph_run(r->g, r->program, r->mems, r->next++);
}

cl_int graph_run_row(const struct graph *g, struct loaded *loaded,
		     const cl_mem *mems, size_t first, size_t count,
		     char why[FXQ_ERROR_MAX])
{
	struct row r = {
		.g = g, .program = loaded->program, .mems = mems,
		.next = first, .end = first + count, .why = why,
	};
	bool alone = count == 1 || atomic_flag_test_and_set(&loaded->row);
	cl_int ret = CL_SUCCESS;

	*why = '\0';
	while (alone && r.next < r.end && !ret)
		ret = graph_run(g, r.program, mems, r.next++);
	if (alone)
		return ret;
	while ((r.next < r.end || r.in_flight) && !ret)
		ret = row_go_on(&r);
	while (r.in_flight)
		row_end_one(&r);
	atomic_flag_clear(&loaded->row);
	return ret;
}
