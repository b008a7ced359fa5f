// SPDX-License-Identifier: MIT
/*
 * test_golden_quant.c - fxq's integer operators give torch's bytes
 *
 * Each network that torch quantized is built of fxq's integer operators with
 * torch's own scales, zero points and weights, and run twice: node by node
 * with the integer reference, and lowered, on the machine. Every quantized
 * value on the way is compared with torch's.
 *
 * The qnnpack runs are of torch's integer kernels, and nothing may differ. The
 * reference runs are of its float operators between quantizations: their sums
 * are rounded in fp32, so a value that lies within such an error of halfway
 * between two integers may go to the other one.
 */
#include <fxq/fxq.h>
#include <fxq/fxq_arith.h>
#include <fxq/image.h>

#include "golden_quant.h"

#define MAX_VALUES	(MAX_STEPS + 1)

struct kwargs {
	struct fx_kwarg v[12];
	size_t n;
};

static void put(struct kwargs *k, const char *name, struct fx_arg value)
{
	k->v[k->n++] = (struct fx_kwarg){ name, value };
}

static void put_qparams(struct kwargs *k, struct golden_qparams q)
{
	put(k, "scale", fx_arg_float((double)q.scale));
	put(k, "zero_point", fx_arg_int(q.zero_point));
}

static struct fx_node *constant(struct fx_graph *g, uint32_t dtype,
				const struct fxq_tensor *like, int64_t n,
				const void *data)
{
	struct fxq_tensor t = fxq_tensor_type(dtype, 1, &n);

	if (like)
		t = fxq_tensor_type(dtype, like->rank, like->dims);
	t.data = (void *)data;
	return fx_graph_constant(g, "const", &t);
}

static void type_result(struct fx_node *n, struct golden_qparams q)
{
	n->out[0].scale = q.scale;
	n->out[0].zero_point = q.zero_point;
}

/* bias = rne(b / (s_x * s_w)), m = (s_x * s_w) / s_y. */
static void layer_constants(struct fx_graph *g, const struct golden *golden,
			    const struct step *s, float s_x, float s_y,
			    struct fx_node **in)
{
	const struct fxq_tensor *w = golden_param(golden, "w_int8", s->layer);
	const struct fxq_tensor *b = golden_param(golden, "b_float", s->layer);
	int32_t bias[16] = { 0 };
	int64_t c = w->dims[0];
	float m[16];

	assert_true(c <= 16);
	for (int64_t i = 0; i < c; i++) {
		float product = s_x * golden_weight_scale(golden, s->layer, i);

		m[i] = product / s_y;
		if (b)
			bias[i] = (int32_t)fxq_rne_double(
				(double)((float *)b->data)[i] /
				(double)product);
	}
	in[1] = constant(g, FXQ_DTYPE_I8, w, 0, w->data);
	in[2] = constant(g, FXQ_DTYPE_I32, NULL, c, bias);
	in[3] = constant(g, FXQ_DTYPE_F32, NULL, c, m);
}

static struct fx_node *make_layer(struct fx_graph *g, const struct golden *gold,
				  const struct step *s, struct fx_node *x,
				  struct golden_qparams y, struct kwargs *k)
{
	const int64_t stride[2] = { s->stride, s->stride };
	const int64_t pad[4] = { s->pad, s->pad, s->pad, s->pad };
	struct fx_node *in[4] = { x };

	layer_constants(g, gold, s, x->out[0].scale, y.scale, in);
	if (s->kind == STEP_LINEAR)
		return fx_graph_call(g, "qlinear", in, 4, k->v, k->n);
	put(k, "stride", fx_arg_ints(g, stride, 2));
	put(k, "padding", fx_arg_ints(g, pad, 4));
	put(k, "groups", fx_arg_int(s->groups));
	return fx_graph_call(g, "qconv2d", in, 4, k->v, k->n);
}

static struct fx_node *make_table(struct fx_graph *g, struct fx_node *x,
				  struct golden_qparams y, struct kwargs *k)
{
	struct fx_node *in[2] = { x };
	int8_t table[256];

	for (int q = -128; q < 128; q++) {
		double v = (double)x->out[0].scale * (q - x->out[0].zero_point);

		table[q + 128] = fxq_q_double(1 / (1 + exp(-v)) /
					      (double)y.scale, y.zero_point,
					      -128, 127);
	}
	in[1] = constant(g, FXQ_DTYPE_I8, NULL, 256, table);
	return fx_graph_call(g, "qlut", in, 2, k->v, k->n);
}

/* Flattens; if the scale changes, as torch does, by way of floats. */
static struct fx_node *make_flatten(struct fx_graph *g, struct fx_node *x,
				    struct golden_qparams y, struct kwargs *k)
{
	struct fx_kwarg from = { "start_dim", fx_arg_int(1) };
	bool same = x->out[0].scale == y.scale &&
		    x->out[0].zero_point == y.zero_point;

	if (!same)
		x = fx_graph_call(g, "dequantize", &x, 1, NULL, 0);
	x = fx_graph_call(g, "flatten", &x, 1, &from, 1);
	if (same)
		return x;
	put(k, "rule", fx_arg_str("torch"));
	return fx_graph_call(g, "quantize", &x, 1, k->v, k->n);
}

static struct fx_node *make_concat(struct fx_graph *g, struct fx_node *const *in)
{
	struct fx_kwarg dim = { "dim", fx_arg_int(1) };

	assert_float_equal(in[0]->out[0].scale, in[1]->out[0].scale, 0);
	return fx_graph_call(g, "concat", in, 2, &dim, 1);
}

static struct fx_node *make_pool(struct fx_graph *g, struct fx_node *x,
				 struct kwargs *k)
{
	put(k, "kernel_size", fx_arg_ints(g, (int64_t[]){ 2, 2 }, 2));
	put(k, "stride", fx_arg_ints(g, (int64_t[]){ 2, 2 }, 2));
	return fx_graph_call(g, "qmax_pool2d", &x, 1, k->v, k->n);
}

static struct fx_node *make_step(struct fx_graph *g, const struct golden *gold,
				 const struct step *s, struct fx_node **in,
				 struct golden_qparams y)
{
	struct kwargs k = { .n = 0 };
	const struct fxq_tensor *x = &in[0]->out[0];

	put_qparams(&k, y);
	put(&k, "lo", fx_arg_int(s->relu ? y.zero_point : -128));
	put(&k, "hi", fx_arg_int(127));
	switch (s->kind) {
	case STEP_CONV:
	case STEP_LINEAR:
		return make_layer(g, gold, s, in[0], y, &k);
	case STEP_ADD:
		put(&k, "m_a", fx_arg_float((double)(x->scale / y.scale)));
		put(&k, "m_b", fx_arg_float((double)(in[1]->out[0].scale /
						     y.scale)));
		return fx_graph_call(g, "qadd", in, 2, k.v, k.n);
	case STEP_CONCAT:
		return make_concat(g, in);
	case STEP_MAX_POOL:
		return make_pool(g, in[0], &k);
	case STEP_MEAN:
		put(&k, "m", fx_arg_float((double)(x->scale / (y.scale *
			(float)(x->dims[2] * x->dims[3])))));
		return fx_graph_call(g, "qmean_pool2d", in, 1, k.v, k.n);
	case STEP_FLATTEN:
		k.n = 2;
		return make_flatten(g, in[0], y, &k);
	case STEP_SIGMOID:
		k.n = 2;
		return make_table(g, in[0], y, &k);
	case STEP_TIMES_ONE:
		put(&k, "m", fx_arg_float((double)(x->scale / y.scale)));
		return fx_graph_call(g, "qrequant", in, 1, k.v, k.n);
	}
	return NULL;
}

/* The integer graph for @batch images; @value gets the node of each value. */
static struct fx_graph *make_graph(const struct golden *gold, int64_t batch,
				   struct fx_node **value)
{
	const struct golden_net *net = gold->net;
	struct fx_graph *g = fx_graph_new();
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, net->rank,
					      net->dims);
	struct kwargs k = { .n = 0 };
	struct fx_node *x;

	t.dims[0] = batch;
	x = fx_graph_placeholder(g, "x", &t);
	put_qparams(&k, golden_qparams(gold, 0));
	put(&k, "rule", fx_arg_str("torch"));
	value[0] = fx_graph_call(g, "quantize", &x, 1, k.v, k.n);
	for (int i = 0; i < golden_steps(net); i++) {
		const struct step *s = &net->steps[i];
		struct fx_node *in[2] = { value[s->in[0]], value[s->in[1]] };
		struct golden_qparams y = golden_qparams(gold, i + 1);

		if (fx_graph_infer(g))
			fail_msg("%s: %s", net->name, fx_graph_error(g));
		value[i + 1] = make_step(g, gold, s, in, y);
		type_result(value[i + 1], y);
	}
	return g;
}

/* Values compared, those that differ, and the largest difference. */
struct tally {
	size_t compared, differ;
	int worst;
};

/* @got is the @part-th of @parts equal parts of value @i. */
static void compare(struct tally *tally, const struct golden *gold, int i,
		    const struct fxq_tensor *got, int64_t part, int64_t parts)
{
	const int8_t *q = got->data;
	int8_t want[4096];
	const struct fxq_tensor *t = golden_value(gold, i, want);
	int64_t n = fxq_tensor_count(t) / parts;

	assert_int_equal(got->dtype, FXQ_DTYPE_I8);
	assert_int_equal(fxq_tensor_count(got), n);
	for (int64_t k = 0; k < n; k++) {
		int d = abs(q[k] - want[part * n + k]);

		tally->differ += d != 0;
		tally->worst = d > tally->worst ? d : tally->worst;
	}
	tally->compared += (size_t)n;
}

static void run_reference(struct fx_graph *g, const struct golden *gold,
			  size_t n, struct tally *tally)
{
	struct fxq_tensor in = *tensors_find(&gold->npz, "x"), out[MAX_VALUES];

	if (fx_graph_run(g, NULL, &in, 1, out, n))
		fail_msg("%s: %s", gold->net->name, fx_graph_error(g));
	for (size_t i = 0; i < n; i++) {
		compare(tally, gold, (int)i, &out[i], 0, 1);
		fxq_tensor_free(&out[i]);
	}
}

static struct fxq_image *make_image(struct fx_graph *g,
				    const struct golden *gold)
{
	struct fx_lower_options options = { .name = gold->net->name };
	struct fxq_image *image;
	struct fxq_writer *w;
	void *data;
	size_t size;

	if (fx_partition(g, NULL) || fx_lower(g, &options, &w))
		fail_msg("%s: %s", gold->net->name, fx_graph_error(g));
	if (fxq_writer_finish_memory(w, &data, &size))
		fail_msg("%s: %s", gold->net->name, fxq_writer_error(w));
	fxq_writer_free(w);
	if (fxq_image_open_memory(data, size, &image))
		fail_msg("%s: %s", gold->net->name, fxq_error());
	free(data);
	return image;
}

/* Runs the graph's outputs, which are the values from @first on. */
static void run_machine(struct fx_graph *g, const struct golden *gold,
			int first, size_t n, int64_t parts,
			struct tally *tally)
{
	const struct fxq_tensor *x = tensors_find(&gold->npz, "x");
	struct fxq_image *image = make_image(g, gold);
	size_t bytes = fxq_tensor_bytes(x) / (size_t)parts;
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_io *io;

	if (fxq_device_open(NULL, NULL, &device) ||
	    fxq_program_load(device, image, NULL, &program) ||
	    fxq_io_create(program, &io))
		fail_msg("%s", fxq_error());
	assert_int_equal(io->n_out, n);
	for (int64_t part = 0; part < parts; part++) {
		memcpy(io->in[0].data, (char *)x->data + (size_t)part * bytes,
		       bytes);
		if (fxq_run(program, io->in, io->out))
			fail_msg("%s: %s", gold->net->name, fxq_error());
		for (size_t i = 0; i < n; i++)
			compare(tally, gold, first + (int)i, &io->out[i],
				part, parts);
	}
	fxq_io_destroy(io);
	fxq_program_unload(program);
	fxq_device_close(device);
	fxq_image_close(image);
}

static struct fx_graph *graph_of(const struct golden *gold, int64_t batch,
				 int first, size_t n)
{
	struct fx_node *value[MAX_VALUES];
	struct fx_graph *g = make_graph(gold, batch, value);

	fx_graph_set_output(g, value + first, n);
	if (fx_graph_infer(g) || fx_graph_lint(g))
		fail_msg("%s: %s", gold->net->name, fx_graph_error(g));
	return g;
}

/*
 * The machine takes images one by one, and runs each graph twice: with all
 * values as outputs, and with the last alone, so that what fuses may fuse.
 */
static void run_golden(const struct golden *gold, struct tally *reference,
		       struct tally *machine)
{
	const struct golden_net *net = gold->net;
	int64_t parts = net->rank == 4 ? net->dims[0] : 1;
	size_t n = (size_t)golden_steps(net) + 1;
	struct fx_graph *g = graph_of(gold, net->dims[0], 0, n);

	run_reference(g, gold, n, reference);
	fx_graph_free(g);
	for (int first = 0; first < (int)n; first += (int)n - 1) {
		g = graph_of(gold, net->dims[0] / parts, first,
			     n - (size_t)first);
		run_machine(g, gold, first, n - (size_t)first, parts, machine);
		fx_graph_free(g);
	}
}

static struct tally run_config(const char *config)
{
	struct tally reference = { 0 }, machine = { 0 };

	for (size_t i = 0; i < GOLDEN_NETS; i++) {
		struct tally was[2] = { reference, machine };
		struct golden gold;

		/* The sigmoid's reference runs do not exist. */
		if (strstr(config, "ref") &&
		    !strcmp(golden_nets[i].name, "sigmoid"))
			continue;
		gold = golden_load(&golden_nets[i], config);
		run_golden(&gold, &reference, &machine);
		golden_free(&gold);
		print_message("%-18s %-15s %5zu values, %zu and %zu differ\n",
			      config, golden_nets[i].name,
			      reference.compared - was[0].compared,
			      reference.differ - was[0].differ,
			      machine.differ - was[1].differ);
	}
	assert_true(reference.compared > 1000);
	assert_true(machine.compared > reference.compared);
	assert_true(reference.worst == machine.worst);
	return machine;
}

static void per_channel_qnnpack_is_equal(void **state)
{
	assert_int_equal(run_config("qnnpack_minmax_pc").differ, 0);
}

static void per_tensor_qnnpack_is_equal(void **state)
{
	assert_int_equal(run_config("qnnpack_default").differ, 0);
}

static void per_channel_float_sums_round_alike_but_ties(void **state)
{
	struct tally t = run_config("sym_int8_ref");

	assert_true(t.worst <= 1);
	assert_true(t.differ * 100 < t.compared);
}

static void per_tensor_float_sums_round_alike_but_ties(void **state)
{
	struct tally t = run_config("sym_int8_ref_pt");

	assert_true(t.worst <= 1);
	assert_true(t.differ * 100 < t.compared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(per_channel_qnnpack_is_equal),
		cmocka_unit_test(per_tensor_qnnpack_is_equal),
		cmocka_unit_test(per_channel_float_sums_round_alike_but_ties),
		cmocka_unit_test(per_tensor_float_sums_round_alike_but_ties),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
