/* SPDX-License-Identifier: MIT */
/*
 * onednn.c - a convolution layer in oneDNN: u8 x s8, a scale for each channel
 *
 * Layouts are the library's own choice, so it does no work that it would not do
 * inside a network. What it computes with is zeros: how long that takes does
 * not depend on the numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mx_layers.h"

#ifdef HAVE_ONEDNN

#include <omp.h>

#include <dnnl.h>

#define MAX_MEMORIES	6

#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t layout;
#else
typedef const dnnl_memory_desc_t *layout;
#endif

struct onednn {
	dnnl_primitive_t run;
	dnnl_exec_arg_t args[MAX_MEMORIES];
	int n;
};

static dnnl_engine_t engine;
static dnnl_stream_t stream;

const char *onednn_version(void)
{
	static char text[40];
	const dnnl_version_t *v = dnnl_version();

	snprintf(text, sizeof(text), "oneDNN %d.%d.%d", v->major, v->minor,
		 v->patch);
	return text;
}

/* Nothing can be measured without them. */
static void must(dnnl_status_t status, const char *what)
{
	if (status == dnnl_success)
		return;
	fprintf(stderr, "oneDNN: %s: status %d\n", what, (int)status);
	exit(EXIT_FAILURE);
}

void onednn_setup(const char *isa, int threads)
{
	if (!strcmp(isa, "avx2"))
		dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);
	omp_set_num_threads(threads);
	must(dnnl_engine_create(&engine, dnnl_cpu, 0), "engine");
	must(dnnl_stream_create(&stream, engine, dnnl_stream_default_flags),
	     "stream");
}

static void add_memory(struct onednn *o, int arg, layout md)
{
	dnnl_memory_t memory;
	void *at;

	must(dnnl_memory_create(&memory, md, engine, DNNL_MEMORY_ALLOCATE),
	     "memory");
	must(dnnl_memory_get_data_handle(memory, &at), "memory");
	memset(at, 0, dnnl_memory_desc_get_size(md));
	o->args[o->n++] = (dnnl_exec_arg_t){ arg, memory };
}

#if DNNL_VERSION_MAJOR >= 3

static dnnl_memory_desc_t any(int n, const dnnl_dim_t *dims,
			      dnnl_data_type_t type)
{
	dnnl_memory_desc_t md;

	must(dnnl_memory_desc_create_with_tag(&md, n, dims, type,
					      dnnl_format_tag_any), "layout");
	return md;
}

static dnnl_status_t describe(const dnnl_dims_t src, int wn,
			      const dnnl_dims_t w, const dnnl_dims_t bias,
			      const dnnl_dims_t dst, const dnnl_dims_t stride,
			      const dnnl_dims_t pad, bool groups,
			      dnnl_primitive_desc_t *pd)
{
	const dnnl_dims_t none = { 0 };
	dnnl_primitive_attr_t attr;

	must(dnnl_primitive_attr_create(&attr), "attributes");
	must(dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS,
						 groups ? 3 : 1), "scales");
	return dnnl_convolution_forward_primitive_desc_create(pd, engine,
		dnnl_forward_inference, dnnl_convolution_direct,
		any(4, src, dnnl_u8), any(wn, w, dnnl_s8),
		any(1, bias, dnnl_s32), any(4, dst, dnnl_u8), stride, none,
		pad, pad, attr);
}

static void add_scales(struct onednn *o, dnnl_dim_t oc)
{
	dnnl_memory_desc_t md;

	must(dnnl_memory_desc_create_with_tag(&md, 1, &oc, dnnl_f32, dnnl_a),
	     "scales");
	add_memory(o, DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, md);
}

#else

static dnnl_status_t describe(const dnnl_dims_t src, int wn,
			      const dnnl_dims_t w, const dnnl_dims_t bias,
			      const dnnl_dims_t dst, const dnnl_dims_t stride,
			      const dnnl_dims_t pad, bool groups,
			      dnnl_primitive_desc_t *pd)
{
	const dnnl_format_tag_t any = dnnl_format_tag_any;
	dnnl_memory_desc_t ms, mw, mb, md;
	dnnl_convolution_desc_t d;
	dnnl_primitive_attr_t attr;
	float *scales = calloc(dst[1], sizeof(*scales));

	dnnl_memory_desc_init_by_tag(&ms, 4, src, dnnl_u8, any);
	dnnl_memory_desc_init_by_tag(&mw, wn, w, dnnl_s8, any);
	dnnl_memory_desc_init_by_tag(&mb, 1, bias, dnnl_s32, any);
	dnnl_memory_desc_init_by_tag(&md, 4, dst, dnnl_u8, any);
	must(dnnl_primitive_attr_create(&attr), "attributes");
	must(dnnl_primitive_attr_set_output_scales(attr, dst[1], 2, scales),
	     "scales");
	free(scales);
	must(dnnl_convolution_forward_desc_init(&d, dnnl_forward_inference,
		dnnl_convolution_direct, &ms, &mw, &mb, &md, stride, pad, pad),
	     "layer");
	return dnnl_primitive_desc_create(pd, &d, attr, engine, NULL);
}

static void add_scales(struct onednn *o, dnnl_dim_t oc)
{
}

#endif

struct onednn *onednn_create(const struct mx_layer *l)
{
	dnnl_dim_t out = mx_out(l), k = l->kernel;
	const dnnl_dims_t src = { 1, l->ic, l->size, l->size };
	const dnnl_dims_t dst = { 1, l->oc, out, out }, bias = { l->oc };
	const dnnl_dims_t plain = { l->oc, l->ic, k, k };
	const dnnl_dims_t grouped = { l->oc, 1, 1, k, k };
	const dnnl_dims_t stride = { l->stride, l->stride };
	const dnnl_dims_t pad = { l->pad, l->pad };
	struct onednn *o = calloc(1, sizeof(*o));
	dnnl_primitive_desc_t pd;

	if (!o)
		exit(EXIT_FAILURE);
	if (describe(src, l->depthwise ? 5 : 4, l->depthwise ? grouped : plain,
		     bias, dst, stride, pad, l->depthwise, &pd) !=
	    dnnl_success) {
		free(o);
		return NULL;
	}
	must(dnnl_primitive_create(&o->run, pd), "layer");
	add_memory(o, DNNL_ARG_SRC, dnnl_primitive_desc_query_md(pd,
		   dnnl_query_src_md, 0));
	add_memory(o, DNNL_ARG_WEIGHTS, dnnl_primitive_desc_query_md(pd,
		   dnnl_query_weights_md, 0));
	add_memory(o, DNNL_ARG_BIAS, dnnl_primitive_desc_query_md(pd,
		   dnnl_query_weights_md, 1));
	add_memory(o, DNNL_ARG_DST, dnnl_primitive_desc_query_md(pd,
		   dnnl_query_dst_md, 0));
	add_scales(o, l->oc);
	return o;
}

void onednn_run(struct onednn *o)
{
	must(dnnl_primitive_execute(o->run, stream, o->n, o->args), "run");
	must(dnnl_stream_wait(stream), "run");
}

void onednn_destroy(struct onednn *o)
{
	int i;

	if (!o)
		return;
	for (i = 0; i < o->n; i++)
		dnnl_memory_destroy(o->args[i].memory);
	dnnl_primitive_destroy(o->run);
	free(o);
}

#else

const char *onednn_version(void)
{
	return NULL;
}

void onednn_setup(const char *isa, int threads)
{
}

struct onednn *onednn_create(const struct mx_layer *l)
{
	return NULL;
}

void onednn_run(struct onednn *o)
{
}

void onednn_destroy(struct onednn *o)
{
}

#endif
