/* SPDX-License-Identifier: MIT */
/*
 * lower_net.h - integer networks made by hand, lowered, run and compared
 *
 * A net is an integer graph with random weights. net_check() runs it twice:
 * node by node with the integer reference, and lowered, on the embedded
 * machine with its debug mode on. The two share no arithmetic but the rounding
 * of fxq_arith.h, so equal bytes mean something.
 */
#ifndef LOWER_NET_H
#define LOWER_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/fxq.h>
#include <fxq/image.h>

/* A device on which nothing fits whole. */
static const struct fxq_caps small = { 64u << 10, 8u << 10, 1u << 20 };

struct net {
	struct fx_graph *g;
	uint64_t seed;
	struct fxq_tensor in[8];
	size_t n_in;
	struct fx_node *out[8];
	size_t n_out;
	uint64_t cycles, macs, mx_bound;	/* after net_check() */
	unsigned int device_nodes, cpu_nodes;
};

static inline uint32_t net_rand(struct net *n)
{
	n->seed = n->seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(n->seed >> 33);
}

static inline int net_range(struct net *n, int lo, int hi)
{
	return lo + (int)(net_rand(n) % (uint32_t)(hi - lo + 1));
}

static inline struct net net_new(uint64_t seed)
{
	return (struct net){ .g = fx_graph_new(), .seed = seed * 77 + 1 };
}

static inline struct fx_node *net_input(struct net *n, uint32_t rank,
					const int64_t *dims)
{
	struct fxq_tensor *t = &n->in[n->n_in++];
	char name[8];

	*t = fxq_tensor_type(FXQ_DTYPE_I8, rank, dims);
	t->scale = 0.05f;
	t->zero_point = net_range(n, -20, 20);
	assert_int_equal(fxq_tensor_alloc(t), 0);
	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		((int8_t *)t->data)[i] = (int8_t)net_range(n, -128, 127);
	snprintf(name, sizeof(name), "x%zu", n->n_in);
	return fx_graph_placeholder(n->g, name, t);
}

#define net_image(n, c, h, w)	\
	net_input(n, 4, (int64_t[]){ 1, c, h, w })

static inline struct fx_node *net_const(struct net *n, uint32_t dtype, uint32_t rank,
					const int64_t *dims, const void *data)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, rank, dims);

	t.data = (void *)data;
	return fx_graph_constant(n->g, "const", &t);
}

static inline struct fx_node *net_bytes(struct net *n, uint32_t rank,
					const int64_t *dims)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I8, rank, dims);
	struct fx_node *node;

	assert_int_equal(fxq_tensor_alloc(&t), 0);
	for (int64_t i = 0; i < fxq_tensor_count(&t); i++)
		((int8_t *)t.data)[i] = (int8_t)net_range(n, -127, 127);
	node = fx_graph_constant(n->g, "w", &t);
	fxq_tensor_free(&t);
	return node;
}

/* Parameters being collected for a call. */
struct params {
	struct fx_kwarg v[20];
	size_t n;
};

static inline void param(struct params *p, const char *name, struct fx_arg value)
{
	p->v[p->n++] = (struct fx_kwarg){ name, value };
}

static inline void param_int(struct params *p, const char *name, int64_t v)
{
	param(p, name, fx_arg_int(v));
}

static inline void param_float(struct params *p, const char *name, double v)
{
	param(p, name, fx_arg_float((double)(float)v));
}

static inline void param_ints(struct net *n, struct params *p, const char *name,
			      const int64_t *v, size_t count)
{
	param(p, name, fx_arg_ints(n->g, v, count));
}

static inline struct fx_node *net_call(struct net *n, const char *op,
				       struct fx_node *const *in, size_t n_in,
				       struct params *p)
{
	return fx_graph_call(n->g, op, in, n_in, p ? p->v : NULL,
			     p ? p->n : 0);
}

/* Scale and zero point of a result, and a clamp now and then. */
static inline void param_result(struct net *n, struct params *p)
{
	int z = net_range(n, -30, 30);

	param_float(p, "scale", 0.04);
	param_int(p, "zero_point", z);
	if (net_range(n, 0, 1)) {
		param_int(p, "lo", z);
		param_int(p, "hi", 127);
	}
}

struct conv_spec {
	int oc, kh, kw, sh, sw, pt, pl, pb, pr, dh, dw, groups;
	struct fx_node *res;
	bool lut, prelu, raw;
	int extra;		/* output padding of a transposed one */
};

static inline struct fx_node *net_table(struct net *n)
{
	return net_bytes(n, 1, (int64_t[]){ 256 });
}

static inline void layer_inputs(struct net *n, const struct conv_spec *c, int k,
				struct fx_node **in, struct params *p)
{
	int32_t *bias = malloc((size_t)c->oc * 4);
	float *m = malloc((size_t)c->oc * 4), *neg = malloc((size_t)c->oc * 4);
	const int64_t dims[1] = { c->oc };
	double base = 0.25 / (k > 16 ? (double)k / 8 : 2);

	for (int i = 0; i < c->oc; i++) {
		bias[i] = net_range(n, -3000, 3000);
		m[i] = (float)(base * (1 + net_range(n, 0, 100) / 100.0) / 8);
		neg[i] = m[i] * 0.25f;
	}
	in[2] = net_const(n, FXQ_DTYPE_I32, 1, dims, bias);
	if (!c->raw)
		in[3] = net_const(n, FXQ_DTYPE_F32, 1, dims, m);
	if (c->prelu)
		in[4] = net_const(n, FXQ_DTYPE_F32, 1, dims, neg);
	in[5] = c->res;
	if (c->lut)
		in[6] = net_table(n);
	param_result(n, p);
	if (c->res)
		param_float(p, "res_m", 0.8);
	if (c->raw)
		param_int(p, "raw", 1);
	free(bias);
	free(m);
	free(neg);
}

static inline struct fx_node *net_conv_of(struct net *n, struct fx_node *x,
					  struct conv_spec c, bool transposed)
{
	struct fx_node *in[7] = { x };
	struct params p = { .n = 0 };
	int64_t ic;

	fx_graph_infer(n->g);
	ic = x->out[0].dims[1];
	c.groups = c.groups ? c.groups : 1;
	c.sh = c.sh ? c.sh : 1;
	c.sw = c.sw ? c.sw : c.sh;
	c.dh = c.dh ? c.dh : 1;
	c.dw = c.dw ? c.dw : c.dh;
	if (transposed)
		in[1] = net_bytes(n, 4, (int64_t[]){ ic, c.oc / c.groups,
						     c.kh, c.kw });
	else
		in[1] = net_bytes(n, 4, (int64_t[]){ c.oc, ic / c.groups,
						     c.kh, c.kw });
	layer_inputs(n, &c, (int)ic / c.groups * c.kh * c.kw, in, &p);
	param_ints(n, &p, "stride", (int64_t[]){ c.sh, c.sw }, 2);
	param_ints(n, &p, "padding", (int64_t[]){ c.pt, c.pl, c.pb, c.pr }, 4);
	param_ints(n, &p, "dilation", (int64_t[]){ c.dh, c.dw }, 2);
	param_int(&p, "groups", c.groups);
	if (transposed)
		param_ints(n, &p, "output_padding",
			   (int64_t[]){ c.extra, c.extra }, 2);
	return net_call(n, transposed ? "qconv_transpose2d" : "qconv2d", in, 7,
			&p);
}

#define net_conv(n, x, ...)	\
	net_conv_of(n, x, (struct conv_spec){ __VA_ARGS__ }, false)
#define net_conv_transpose(n, x, ...)	\
	net_conv_of(n, x, (struct conv_spec){ __VA_ARGS__ }, true)
/* k x k with the padding that keeps the size. */
#define net_conv_same(n, x, o, k, ...)					\
	net_conv(n, x, .oc = o, .kh = k, .kw = k, .pt = (k) / 2,	\
		 .pl = (k) / 2, .pb = (k) / 2, .pr = (k) / 2, __VA_ARGS__)

static inline struct fx_node *net_linear(struct net *n, struct fx_node *x, int oc)
{
	struct conv_spec c = { .oc = oc };
	struct fx_node *in[7] = { x };
	struct params p = { .n = 0 };
	int64_t k;

	fx_graph_infer(n->g);
	k = x->out[0].dims[x->out[0].rank - 1];
	in[1] = net_bytes(n, 2, (int64_t[]){ oc, k });
	layer_inputs(n, &c, (int)k, in, &p);
	return net_call(n, "qlinear", in, 7, &p);
}

static inline struct fx_node *net_binary(struct net *n, const char *op,
					 struct fx_node *a, struct fx_node *b)
{
	struct params p = { .n = 0 };

	if (!strcmp(op, "qmul")) {
		param_float(&p, "m", 0.011);
	} else {
		param_float(&p, "m_a", 0.7);
		param_float(&p, "m_b", 0.61);
	}
	param_result(n, &p);
	return net_call(n, op, (struct fx_node *[]){ a, b }, 2, &p);
}

/* The type of @like: what only moves elements keeps scale and zero point. */
static inline struct fx_node *net_move(struct net *n, const char *op,
				       struct fx_node *const *in, size_t n_in,
				       struct params *p)
{
	struct fx_node *m = net_call(n, op, in, n_in, p);

	fx_graph_infer(n->g);
	for (int i = 0; i < m->n_out; i++) {
		m->out[i].scale = in[0]->out[0].scale;
		m->out[i].zero_point = in[0]->out[0].zero_point;
	}
	return m;
}

static inline struct fx_node *net_reshape(struct net *n, struct fx_node *x,
					  size_t rank, const int64_t *dims)
{
	struct params p = { .n = 0 };

	param_ints(n, &p, "shape", dims, rank);
	return net_move(n, "reshape", &x, 1, &p);
}

static inline struct fx_node *net_permute(struct net *n, struct fx_node *x,
					  size_t rank, const int64_t *dims)
{
	struct params p = { .n = 0 };

	param_ints(n, &p, "dims", dims, rank);
	return net_move(n, "permute", &x, 1, &p);
}

static inline struct fx_node *net_slice(struct net *n, struct fx_node *x, int64_t d,
					int64_t from, int64_t to, int64_t step)
{
	struct params p = { .n = 0 };

	param_ints(n, &p, "starts", &from, 1);
	param_ints(n, &p, "ends", &to, 1);
	param_ints(n, &p, "axes", &d, 1);
	param_ints(n, &p, "steps", &step, 1);
	return net_move(n, "slice", &x, 1, &p);
}

static inline struct fx_node *net_concat(struct net *n, struct fx_node *const *in,
					 size_t count, int64_t dim)
{
	struct params p = { .n = 0 };

	param_int(&p, "dim", dim);
	return net_move(n, "concat", in, count, &p);
}

static inline struct fx_node *net_unary(struct net *n, const char *op,
					struct fx_node *x, double m)
{
	struct params p = { .n = 0 };

	param_float(&p, "m", m);
	param_result(n, &p);
	return net_call(n, op, &x, 1, &p);
}

static inline struct fx_node *net_lut(struct net *n, struct fx_node *x)
{
	struct params p = { .n = 0 };

	param_result(n, &p);
	return net_call(n, "qlut", (struct fx_node *[]){ x, net_table(n) }, 2,
			&p);
}

static inline struct fx_node *net_pool(struct net *n, const char *op,
				       struct fx_node *x, int k, int s, int pad)
{
	struct params p = { .n = 0 };
	struct fx_node *in[2] = { x, NULL };
	bool avg = !strcmp(op, "qavg_pool2d");
	float table[256];

	param_ints(n, &p, "kernel_size", (int64_t[]){ k, k }, 2);
	param_ints(n, &p, "stride", (int64_t[]){ s, s }, 2);
	param_ints(n, &p, "padding", (int64_t[]){ pad, pad, pad, pad }, 4);
	if (avg) {
		for (int i = 0; i < k * k; i++)
			table[i] = 1.1f / (float)(i + 1);
		in[1] = net_const(n, FXQ_DTYPE_F32, 1,
				  (int64_t[]){ k * k }, table);
		param_result(n, &p);
	} else {
		fx_graph_infer(n->g);
		param_float(&p, "scale", x->out[0].scale);
		param_int(&p, "zero_point", x->out[0].zero_point);
	}
	return net_call(n, op, in, avg ? 2 : 1, &p);
}

static inline struct fx_node *net_resize(struct net *n, struct fx_node *x, int oh,
					 int ow, bool bilinear)
{
	struct params p = { .n = 0 };
	const int size[2] = { oh, ow };
	struct fx_node *in[3] = { x };
	uint16_t *table;

	fx_graph_infer(n->g);
	for (int d = 0; d < 2; d++) {
		int from = (int)x->out[0].dims[2 + d];

		table = calloc((size_t)size[d], 4);
		for (int i = 0; i < size[d]; i++) {
			int64_t at = (int64_t)i * from * 2048 / size[d];

			table[2 * i] = (uint16_t)(at / 2048);
			table[2 * i + 1] = bilinear ? at % 2048 : 0;
		}
		in[1 + d] = net_const(n, FXQ_DTYPE_U16, 2,
				      (int64_t[]){ size[d], 2 }, table);
		free(table);
	}
	param_int(&p, "bilinear", bilinear);
	param_float(&p, "m", 0.9);
	param_result(n, &p);
	return net_call(n, "qresize2d", in, 3, &p);
}

static inline struct fx_node *net_softmax(struct net *n, struct fx_node *x, int dim)
{
	struct params p = { .n = 0 };
	uint32_t table[256];

	for (int i = 0; i < 256; i++)
		table[i] = (uint32_t)(262144 / (1 + i * i / 16));
	param_int(&p, "dim", dim);
	param_float(&p, "m", 256);
	param_float(&p, "scale", 1 / 256.0);
	param_int(&p, "zero_point", -128);
	return net_call(n, "qsoftmax", (struct fx_node *[]){ x,
		net_const(n, FXQ_DTYPE_U32, 1, (int64_t[]){ 256 }, table) },
		2, &p);
}

static inline void net_output(struct net *n, struct fx_node *x)
{
	n->out[n->n_out++] = x;
}

static inline void net_finding(void *priv, const char *text)
{
	fprintf(stderr, "debug mode: %s\n", text);
	++*(int *)priv;
}

static inline void net_compare(const struct fxq_tensor *want,
			       const struct fxq_tensor *got, size_t i)
{
	size_t bytes = fxq_tensor_bytes(want);
	const uint8_t *a = want->data, *b = got->data;
	size_t wrong = 0, first = 0;

	for (size_t k = bytes; k-- > 0;) {
		if (a[k] == b[k])
			continue;
		wrong++;
		first = k;
	}
	if (wrong)
		fail_msg("output %zu: %zu of %zu bytes differ, first at %zu: %d, not %d",
			 i, wrong, bytes, first, (int8_t)b[first],
			 (int8_t)a[first]);
}

/* Lowers the graph; the image in memory, which the caller frees. */
static inline void net_lower(struct net *n, const struct fxq_caps *caps, FILE *dump,
			     void **ret_data, size_t *ret_size)
{
	struct fx_lower_options opt = { .name = "net", .dump = dump };
	struct fxq_writer *w;

	if (caps)
		opt.caps = *caps;
	if (fx_partition(n->g, caps) || fx_lower(n->g, &opt, &w))
		fail_msg("lowering: %s", fx_graph_error(n->g));
	if (fxq_writer_finish_memory(w, ret_data, ret_size))
		fail_msg("image: %s", fxq_writer_error(w));
	fxq_writer_free(w);
}

static inline void net_execute(struct net *n, const void *data, size_t size,
			       const struct fxq_tensor *want)
{
	struct fxq_device_config config = { .debug = true,
					    .report = net_finding };
	struct fxq_completion done;
	struct fxq_image_info info;
	struct fxq_image *image;
	struct fxq_program *prog;
	struct fxq_device *dev;
	struct fxq_io *io;
	int findings = 0;

	config.priv = &findings;
	if (fxq_device_open(NULL, &config, &dev) ||
	    fxq_image_open_memory(data, size, &image) ||
	    fxq_program_load(dev, image, NULL, &prog) ||
	    fxq_io_create(prog, &io))
		fail_msg("%s", fxq_error());
	for (size_t i = 0; i < n->n_in; i++)
		memcpy(io->in[i].data, n->in[i].data,
		       fxq_tensor_bytes(&n->in[i]));
	if (fxq_run_timed(prog, io->in, io->out, &done))
		fail_msg("run: %s", done.error);
	for (size_t i = 0; i < n->n_out; i++)
		net_compare(&want[i], &io->out[i], i);
	assert_int_equal(findings, 0);
	fxq_image_info(image, &info);
	assert_int_equal(info.cycles, done.cycles);
	n->cycles = done.cycles;
	n->macs = info.macs_device;
	n->mx_bound = info.mx_bound;
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_image_close(image);
	fxq_device_close(dev);
}

static inline void net_check_caps(struct net *n, const struct fxq_caps *caps)
{
	struct fxq_tensor want[8];
	const char *dump = getenv("FXQ_TEST_DUMP");
	void *data;
	size_t size;

	fx_graph_set_output(n->g, n->out, n->n_out);
	if (fx_graph_infer(n->g) || fx_graph_lint(n->g) ||
	    fx_graph_run(n->g, NULL, n->in, n->n_in, want, n->n_out))
		fail_msg("reference: %s", fx_graph_error(n->g));
	net_lower(n, caps, dump ? stderr : NULL, &data, &size);
	fx_for_each_node(node, n->g) {
		n->device_nodes += node->place == FX_PLACE_DEVICE;
		if (node->place != FX_PLACE_CPU ||
		    node->opcode == FX_PLACEHOLDER)
			continue;
		n->cpu_nodes++;
		fprintf(stderr, "on the CPU: %s: %s\n", node->name,
			node->reason);
	}
	net_execute(n, data, size, want);
	free(data);
	for (size_t i = 0; i < n->n_out; i++)
		fxq_tensor_free(&want[i]);
}

static inline void net_free(struct net *n)
{
	for (size_t i = 0; i < n->n_in; i++)
		fxq_tensor_free(&n->in[i]);
	fx_graph_free(n->g);
}

/* Wholly on the device, with a full and with a tiny scratchpad. */
static inline void net_check(struct net *n)
{
	net_check_caps(n, NULL);
	assert_int_equal(n->cpu_nodes, 0);
	net_free(n);
}

#endif /* LOWER_NET_H */
