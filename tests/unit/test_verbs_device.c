// SPDX-License-Identifier: MIT
/*
 * test_verbs_device.c - what convert_fx makes runs on the device, to the bit
 *
 * The networks of tests/golden/quant, and some with the operators that those have
 * not, go through the verbs with the backend of this machine, become functional
 * graphs, are lowered, and run on the embedded machine. The floats that come out
 * are those of the graph module on the CPU. Printed beside it: how far they are
 * from the float network, and how far what torch's backend makes of the same
 * network is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/fxq.h>
#include <fxq/image.h>
#include <fxq/lowering.h>
#include <fxq/quantize_fx.h>

#include "quant_nets.h"

/* What the golden networks have not: each operator with an integer form. */

#define CONV	Conv2d(4, 4, 3, .padding = 1)

FX_MODULE(Tables, module(conv, CONV), module(hardswish, Hardswish()),
	  module(leaky, LeakyReLU(0.1)), module(prelu, PReLU()),
	  module(slopes, PReLU(4)),
	  module(gelu, GELU()), module(silu, SiLU()),
	  module(hardsigmoid, Hardsigmoid()), module(tanh, Tanh()),
	  module(last, CONV))
FX_FORWARD(Tables, x)
{
	x = fx_call(self->conv, x);
	x = fx_add(fx_call(self->hardswish, x), fx_call(self->leaky, x));
	x = fx_mul(fx_call(self->prelu, x), fx_call(self->hardsigmoid, x));
	x = fx_sub(x, fx_relu(x));
	x = fx_add(fx_call(self->gelu, x), fx_call(self->silu, x));
	x = fx_call(self->slopes, fx_call(self->tanh, x));
	return fx_call(self->last, x);
}

FX_MODULE(Functions, parameter(w, fx_zeros(4, 2, 3, 3)),
	  parameter(b, fx_zeros(4)), parameter(fc, fx_zeros(5, 4)),
	  parameter(slope, fx_zeros(1)), module(bn, BatchNorm2d(4)))
FX_FORWARD(Functions, x)
{
	x = fx_conv2d(x, self->w, self->b, .padding = 1, .groups = 2);
	x = fx_relu(fx_call(self->bn, x));
	x = fx_add(fx_hardswish(x), fx_prelu(x, self->slope));
	x = fx_interpolate(x, .scale_factor = 2, .mode = "bilinear");
	x = fx_method(fx_clamp(x, .min = -1, .max = 3), mean,
		      .dim = fx_tuple(2, 3));
	return fx_linear(x, self->fc, fx_none);
}

FX_MODULE(Parts, module(conv, CONV), module(up, Upsample(.scale_factor = 2)),
	  module(last, CONV))
FX_FORWARD(Parts, x)
{
	fxv halves = fx_method(fx_call(self->conv, x), chunk, 2, .dim = 1);
	fxv a = fx_getitem(halves, 0), b = fx_getitem(halves, 1);
	fxv parts = fx_split(fx_cat(fx_list(b, a), .dim = 1), 2, .dim = 1);

	x = fx_cat(fx_list(fx_getitem(parts, 1), fx_getitem(parts, 0)),
		   .dim = 1);
	x = fx_getitem(fx_call(self->up, x), fx_ellipsis, fx_slice(1, 11));
	return fx_call(self->last, x);
}

/* Elements that only move, in every way that a function or a method has. */
FX_MODULE(Moves, module(conv, Conv2d(4, 16, 3)), module(fc, Linear(4, 4)))
FX_FORWARD(Moves, x)
{
	fxv a, b;

	x = fx_pad(x, fx_tuple(2, 0, 1, 1));
	x = fx_pixel_shuffle(fx_call(self->conv, x), 2);
	fx_unpack(fx_chunk(x, 2, .dim = 1), &a, &b);
	x = fx_stack(fx_list(a, fx_method(b, contiguous)), .dim = 2);
	x = fx_permute(fx_reshape(x, fx_tuple(1, 4, 12, 12)),
		       fx_tuple(0, 2, 3, 1));
	x = fx_call(self->fc, fx_method(x, clone));
	x = fx_transpose(fx_method(x, transpose, 1, -1), 2, 3);
	x = fx_squeeze(fx_unsqueeze(fx_method(x, sigmoid), 1), 1);
	return fx_mean(x, .dim = fx_tuple(-2, -1));
}

/* Signals of one dimension, with every layer and pool that there is for them. */
FX_MODULE(Line, module(conv, Conv1d(4, 8, 5, .stride = 2, .padding = 2)),
	  module(bn, BatchNorm1d(8)),
	  module(body, Conv1d(8, 8, 3, .padding = 2, .dilation = 2, .groups = 4)),
	  module(pool, MaxPool1d(3, 2, 1)),
	  module(up, ConvTranspose1d(8, 6, 4, .stride = 2, .padding = 1)),
	  module(hardswish, Hardswish()), module(drop, Dropout(0.5)),
	  module(fc, Linear(6, 5)))
FX_FORWARD(Line, x)
{
	fxv y;

	/* Numbers before the first layer are computed before x is rounded. */
	x = fx_div(fx_sub(x, 0.125), 0.5);
	x = fx_relu(fx_call(self->bn, fx_call(self->conv, x)));
	y = fx_relu(fx_add(fx_call(self->body, x), x));
	x = fx_call(self->pool, fx_cat(fx_list(x, y), .dim = 1));
	x = fx_getitem(x, fx_all, fx_slice(0, 8));
	x = fx_call(self->hardswish, fx_call(self->up, x));
	x = fx_avg_pool1d(x, 3);
	x = fx_call(self->drop, fx_flatten(fx_adaptive_avg_pool1d(x, 1), 1));
	return fx_call(self->fc, x);
}

FX_MODULE(Attention, module(q, Linear(8, 8)), module(k, Linear(8, 8)),
	  module(norm, LayerNorm(8)), module(softmax, Softmax(-1)))
FX_FORWARD(Attention, x)
{
	fxv q = fx_call(self->q, fx_call(self->norm, x));
	fxv k = fx_method(fx_call(self->k, x), permute, 0, 2, 1);
	fxv weights = fx_call(self->softmax, fx_matmul(q, k));

	return fx_matmul(weights, x);
}

/* The module of that name, twice called, and its weights of heads unwanted. */
FX_MODULE(Heads, module(norm, LayerNorm(8)),
	  module(attn, MultiheadAttention(8, 2, .batch_first = true)),
	  module(fc, Linear(8, 8)))
FX_FORWARD(Heads, x)
{
	fxv y = fx_call(self->norm, x), z, weights;

	fx_unpack(fx_call(self->attn, y, y, y), &y, &weights);
	x = fx_add(x, y);
	z = fx_getitem(fx_call(self->attn, x, fx_call(self->fc, x), x), 0);
	return fx_call(self->fc, fx_add(x, z));
}

/* Segments of the device with float operators and a method of the model between. */
FX_MODULE(Hybrid, module(a, CONV), module(norm, GroupNorm(2, 4)),
	  module(b, CONV), module(c, CONV), attribute(gain, 0.5))
FX_WRAP_METHOD(Hybrid, soften, x)
{
	if (fx_training(self))
		return fx_neg(x);
	while (fx_float(fx_method(x, amax)) > 1)
		x = fx_mul(x, self->gain);
	return x;
}
FX_FORWARD(Hybrid, x)
{
	x = fx_call(self->norm, fx_call(self->a, x));
	x = soften(self, fx_call(self->b, x));
	return fx_call(self->c, x);
}

static struct fx_module *hybrid(void)
{
	static struct fx_module *model;

	if (!model) {
		model = Hybrid();
		fxq_register_function(fx_wrapped_function(soften), model);
	}
	return fx_module_get(model);
}

/* Windows of one size are an average pool; those of several stay on the CPU. */
FX_MODULE(Windows, module(conv, CONV),
	  module(rows, AdaptiveAvgPool2d(.output_size_hw = { 3, 6 })),
	  module(last, CONV))
FX_FORWARD(Windows, x)
{
	x = fx_call(self->rows, fx_call(self->conv, x));
	return fx_call(self->last, fx_adaptive_avg_pool2d(x, 3));
}

FX_MODULE(Uneven, module(conv, CONV), module(pool, AdaptiveAvgPool2d(4)),
	  module(last, CONV))
FX_FORWARD(Uneven, x)
{
	x = fx_call(self->pool, fx_call(self->conv, x));
	return fx_call(self->last, x);
}

/* Wrapped code that has a lowering: a function, a method, and a class. */
FX_WRAP_FUNCTION(quick_gelu, x, (slope, FX_FLOAT(1.702)))
{
	return fx_mul(x, fx_sigmoid(fx_mul(x, slope)));
}
FX_LOWERING(quick_gelu, x, slope)
{
	return fx_mul(x, fx_sigmoid(fx_mul(x, slope)));
}

FX_WRAP_MODULE(Gate, module(conv, CONV))
FX_FORWARD(Gate, x)
{
	return fx_mul(x, fx_hardsigmoid(fx_call(self->conv, x)));
}
FX_LOWERING(Gate, x)
{
	struct Gate *gate = (struct Gate *)self;

	return fx_mul(x, fx_hardsigmoid(fx_call(gate->conv, x)));
}

FX_MODULE(Lowered, module(conv, CONV), module(gate, Gate()),
	  module(last, CONV))
FX_WRAP_METHOD(Lowered, finish, x, residual)
{
	return fx_relu(fx_add(fx_call(self->last, x), residual));
}
FX_LOWERING(finish, x, residual)
{
	struct Lowered *model = (struct Lowered *)self;

	return fx_relu(fx_add(fx_call(model->last, x), residual));
}
FX_FORWARD(Lowered, x)
{
	x = quick_gelu(fx_call(self->conv, x), fx_default);
	return finish(self, fx_call(self->gate, x), x);
}

/* The first is not all integers. */
static const struct golden_quant_net zoo[] = {
	{ "hybrid", hybrid, FX_DIMS(1, 4, 6, 6) },
	{ "windows", Windows, FX_DIMS(1, 4, 6, 6) },
	{ "uneven", Uneven, FX_DIMS(1, 4, 6, 6) },
	{ "lowered", Lowered, FX_DIMS(1, 4, 6, 6) },
	{ "tables", Tables, FX_DIMS(1, 4, 6, 6) },
	{ "functions", Functions, FX_DIMS(1, 4, 6, 6) },
	{ "parts", Parts, FX_DIMS(1, 4, 6, 6) },
	{ "moves", Moves, FX_DIMS(1, 4, 6, 6) },
	{ "line", Line, FX_DIMS(1, 4, 40) },
	{ "attention", Attention, FX_DIMS(1, 6, 8) },
	{ "heads", Heads, FX_DIMS(1, 6, 8) },
};
#define N_ZOO	(sizeof(zoo) / sizeof(*zoo))

/* Of the first ones. */
static const size_t segments[] = { 3, 1, 2, 1 };

/* How often an image goes to the device, with the CPU at work between. */
static size_t segments_of(const struct fxq_image *image)
{
	struct fxq_image_info info;
	struct fxq_step_info step;
	size_t n = 0;

	fxq_image_info(image, &info);
	for (uint32_t i = 0; i < info.n_steps; i++) {
		fxq_image_step_info(image, i, &step);
		n += step.kind == FXQ_STEP_DEVICE;
	}
	return n;
}

/* Floats are what goes in and what comes out. */
static void assert_integers(const struct golden_quant_net *net,
			    struct fx_module *gm)
{
	size_t quantized = 0, dequantized = 0;

	fx_for_each_node(n, gm->graph) {
		quantized += !strcmp(n->target, "quantize_per_tensor");
		dequantized += !strcmp(n->target, "dequantize");
	}
	if (quantized != 1 || dequantized != 1) {
		fx_print_code(gm);
		fail_msg("%s: %zu quantizations, %zu back", net->name,
			 quantized, dequantized);
	}
}

/* The device takes images one by one. */
static const int64_t *one_image(const struct golden_quant_net *net,
				int64_t dims[FXQ_MAX_RANK + 1])
{
	int rank = 0;

	while ((dims[rank] = net->dims[rank]) >= 0)
		rank++;
	if (rank == 4)
		dims[0] = 1;
	return dims;
}

static fxv call(struct fx_module *m, fxv x)
{
	fxv y = fx_call(m, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	return y;
}

static struct fx_module *converted(const struct golden_quant_net *net,
				   struct fx_module *model,
				   const struct fx_backend *backend)
{
	struct fx_module_qconfig qconfig =
		QConfig(MinMaxObserver(),
			PerChannelMinMaxObserver(.dtype = "qint8",
				.qscheme = "per_channel_symmetric",
				.quant_min = -127, .quant_max = 127));
	struct fx_module *prepared, *gm;

	prepared = prepare_calibration_fx(model,
		fx_qconfig_dict({ "", NULL, &qconfig }), .backend = backend);
	fx_qconfig_put(&qconfig);
	for (uint32_t i = 0; i < 3; i++) {
		fxv x = fx_gen_of(42 + i, 1, net->dims);
		fxv y = call(prepared, x);

		fx_release(y);
		fx_release(x);
	}
	gm = convert_fx(prepared);
	if (gm->error)
		fail_msg("%s", gm->error);
	fx_module_put(prepared);
	return gm;
}

/* In decibels: the float network's energy over that of the difference. */
static double sqnr(fxv wanted, fxv got)
{
	const float *a = fx_data(wanted)->data, *b = fx_data(got)->data;
	double signal = 0, noise = 0;

	for (int64_t i = 0; i < fxq_tensor_count(fx_data(wanted)); i++) {
		signal += (double)a[i] * a[i];
		noise += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	}
	return 10 * log10(signal / noise);
}

static struct fxq_image *make_image(const struct golden_quant_net *net,
				    struct fx_module *gm, fxv x)
{
	struct fx_lower_options options = { .name = net->name };
	struct fxq_self self = { 0 };
	const struct fx_run run = { .threads = 1, .self = &self };
	struct fx_graph *g;
	struct fxq_image *image;
	struct fxq_writer *w;
	void *data;
	size_t size, device = 0;

	fx_node_set_type(fx_graph_first(gm->graph), fx_data(x));
	if (fx_functionalize(gm->graph, gm, &g))
		fail_msg("%s: %s", net->name, fx_graph_error(gm->graph));
	if (fx_graph_infer(g) ||
	    (fx_graph_needs_learning(g) &&
	     fx_graph_learn(g, &run, fx_data(x), 1)) || fx_partition(g, NULL))
		fail_msg("%s: %s", net->name, fx_graph_error(g));
	fx_for_each_node(n, g)
		device += n->place == FX_PLACE_DEVICE;
	assert_true(device > 0);
	if (fx_lower(g, &options, &w))
		fail_msg("%s: %s", net->name, fx_graph_error(g));
	if (fxq_writer_finish_memory(w, &data, &size))
		fail_msg("%s: %s", net->name, fxq_writer_error(w));
	fxq_writer_free(w);
	if (fxq_image_open_memory(data, size, &image))
		fail_msg("%s: %s", net->name, fxq_error());
	for (size_t i = 0; i < sizeof(segments) / sizeof(*segments); i++)
		if (net == &zoo[i])
			assert_int_equal(segments_of(image), segments[i]);
	free(data);
	fx_graph_free(g);
	return image;
}

static void assert_device(const struct golden_quant_net *net,
			  struct fx_module *gm, fxv x, fxv wanted)
{
	struct fxq_image *image = make_image(net, gm, x);
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_io *io;

	if (fxq_device_open(NULL, NULL, &device) ||
	    fxq_program_load(device, image, NULL, &program) ||
	    fxq_io_create(program, &io))
		fail_msg("%s", fxq_error());
	memcpy(io->in[0].data, fx_data(x)->data, fxq_tensor_bytes(fx_data(x)));
	if (fxq_run(program, io->in, io->out))
		fail_msg("%s: %s", net->name, fxq_error());
	assert_int_equal(fxq_tensor_bytes(&io->out[0]),
			 fxq_tensor_bytes(fx_data(wanted)));
	assert_memory_equal(io->out[0].data, fx_data(wanted)->data,
			    fxq_tensor_bytes(fx_data(wanted)));
	fxq_io_destroy(io);
	fxq_program_unload(program);
	fxq_device_close(device);
	fxq_image_close(image);
}

static void a_converted_network_runs_on_the_device(void **state)
{
	const struct golden_quant_net *net = *state;
	struct fx_module *model = fx_eval(net->model()), *own, *torch;
	int64_t dims[FXQ_MAX_RANK + 1];
	fxv x = fx_gen_of(42, 1, one_image(net, dims)), y, floats, other;

	fx_module_fill(model, 1000 + (uint32_t)strlen(net->name));
	own = converted(net, model, &fx_backend_fxq);
	torch = converted(net, model, &fx_backend_torch);
	floats = call(model, x);
	y = call(own, x);
	other = call(torch, x);
	print_message("%-16s fxq %.2f dB, torch %.2f dB\n", net->name,
		      sqnr(floats, y), sqnr(floats, other));
	assert_true(sqnr(floats, y) > 20);
	if (net > zoo && net < zoo + N_ZOO)
		assert_integers(net, own);
	assert_device(net, own, x, y);

	fx_release(floats);
	fx_release(y);
	fx_release(other);
	fx_release(x);
	fx_module_put(own);
	fx_module_put(torch);
	fx_module_put(model);
}

int main(void)
{
	struct CMUnitTest tests[N_NETS + N_ZOO];

	for (size_t i = 0; i < N_NETS + N_ZOO; i++) {
		const struct golden_quant_net *net = i < N_NETS ? nets[i] :
						     &zoo[i - N_NETS];

		tests[i] = (struct CMUnitTest){
			.name = net->name,
			.test_func = a_converted_network_runs_on_the_device,
			.initial_state = (void *)net,
		};
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
