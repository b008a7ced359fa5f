// SPDX-License-Identifier: MIT
/*
 * jit.c - built-in kernels, compiled when they are launched
 *
 * Weights are in buffers, which are known when the launch runs. What was
 * compiled is found again by all that it depends on: the device, the work
 * items, the numbers and the bytes of constants.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>
#include <fxq/image.h>

#include "program.h"

#define KEPT	4

/*
 * struct compiled - a network that is ready on a device
 * @refs: runs, and the list that it is in
 */
struct compiled {
	atomic_uint refs;
	struct graph graph;
	struct fxq_program *program;
	uint8_t *key;
	size_t key_bytes;
};

struct jit {
	pthread_mutex_t lock;
	struct compiled *kept[KEPT];	/* the newest first */
};

static void compiled_put(struct compiled *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return;
	fxq_program_unload(c->program);
	graph_finish(&c->graph, 0);
	free(c->key);
	free(c);
}

struct jit *jit_create(void)
{
	struct jit *jit = calloc(1, sizeof(*jit));

	if (jit)
		pthread_mutex_init(&jit->lock, NULL);
	return jit;
}

void jit_destroy(struct jit *jit)
{
	if (!jit)
		return;
	for (int i = 0; i < KEPT; i++)
		compiled_put(jit->kept[i]);
	pthread_mutex_destroy(&jit->lock);
	free(jit);
}

/* Appends, or only counts while there is no @key. */
static void append(uint8_t *key, size_t *at, const void *from, size_t bytes)
{
	if (key)
		memcpy(key + *at, from, bytes);
	*at += bytes;
}

static size_t write_key(const struct launch *l, cl_device_id device,
			uint8_t *key)
{
	const struct graph *g = l->graph;
	size_t bytes[16] = { 0 }, at = 0;

	g->builtin->sizes(l, bytes);
	append(key, &at, &device, sizeof(device));
	append(key, &at, l->count, sizeof(l->count));
	for (cl_uint i = 0; i < g->n_args; i++)
		if (!g->args[i].is_buffer)
			append(key, &at, &l->values[i].number,
			       sizeof(l->values[i].number));
		else if (g->args[i].is_constant)
			append(key, &at, l->mems[i]->data, bytes[i]);
	return at;
}

static int compile(struct launch *l, struct fxq_image **ret_image)
{
	const struct fx_lower_options options = { .name = l->graph->name };
	struct fx_graph *g = fx_graph_new();
	struct fxq_writer *w = NULL;
	void *data = NULL;
	size_t size;
	int ret;

	ret = l->graph->builtin->graph(l, g);
	if (!ret)
		ret = fx_partition(g, NULL);
	if (!ret)
		ret = fx_lower(g, &options, &w);
	if (!ret)
		ret = fxq_writer_finish_memory(w, &data, &size);
	if (ret)
		snprintf(l->why, sizeof(l->why), "%s", fx_graph_error(g));
	else
		ret = fxq_image_open_memory(data, size, ret_image);
	free(data);
	fxq_writer_free(w);
	fx_graph_free(g);
	return ret;
}

/* A new one, with the key taken over; NULL: it does not compile or load. */
static struct compiled *compiled_new(struct launch *l, cl_device_id device,
				     uint8_t *key, size_t key_bytes)
{
	struct compiled *c = calloc(1, sizeof(*c));
	struct fxq_image *image;

	if (!c) {
		free(key);
		return NULL;
	}
	atomic_init(&c->refs, 1);
	c->key = key;
	c->key_bytes = key_bytes;
	if (compile(l, &image) ||
	    graph_of_image(&c->graph, image) ||
	    fxq_program_load(device->fxq, image, NULL, &c->program)) {
		compiled_put(c);
		return NULL;
	}
	return c;
}

/* With the lock: the one with that key, with a reference to it. */
static struct compiled *find(struct jit *jit, const uint8_t *key, size_t bytes)
{
	for (int i = 0; i < KEPT; i++) {
		struct compiled *c = jit->kept[i];

		if (!c || c->key_bytes != bytes || memcmp(c->key, key, bytes))
			continue;
		atomic_fetch_add(&c->refs, 1);
		return c;
	}
	return NULL;
}

static struct compiled *get(struct jit *jit, struct launch *l,
			    cl_device_id device)
{
	size_t bytes = write_key(l, device, NULL);
	uint8_t *key = malloc(bytes);
	struct compiled *c;

	if (!key)
		return NULL;
	write_key(l, device, key);
	pthread_mutex_lock(&jit->lock);
	c = find(jit, key, bytes);
	if (c) {
		free(key);
	} else {
		c = compiled_new(l, device, key, bytes);
		if (c) {
			compiled_put(jit->kept[KEPT - 1]);
			memmove(jit->kept + 1, jit->kept,
				(KEPT - 1) * sizeof(*jit->kept));
			jit->kept[0] = c;
			atomic_fetch_add(&c->refs, 1);
		}
	}
	pthread_mutex_unlock(&jit->lock);
	return c;
}

cl_int jit_run(struct jit *jit, struct launch *l, cl_device_id device)
{
	struct compiled *c = get(jit, l, device);
	cl_mem mems[16];
	cl_uint n = 0;
	cl_int ret;

	if (!c)
		return CL_OUT_OF_RESOURCES;
	/* The network's inputs, then its output: in the kernel's order. */
	for (cl_uint i = 0; i < l->graph->n_args; i++)
		if (l->mems[i] && !l->graph->args[i].is_constant)
			mems[n++] = l->mems[i];
	ret = graph_run(&c->graph, c->program, mems, 0);
	compiled_put(c);
	return ret;
}
