/* SPDX-License-Identifier: MIT */
/*
 * from_graph_kit.h - graphs of operators, taken through the verbs to the device
 */
#ifndef TEST_FROM_GRAPH_KIT_H
#define TEST_FROM_GRAPH_KIT_H

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
#include <fxq/onnx.h>
#include <fxq/quantize_fx.h>

static inline struct fx_module *model_of(struct fx_graph *g)
{
	struct fx_module *m = fx_module_of_graph(g);

	if (m->error)
		fail_msg("%s", m->error);
	assert_int_equal(fx_graph_lint(m->graph), 0);
	assert_false(m->training);
	return m;
}

static inline fxv call(struct fx_module *m, fxv x)
{
	fxv y = fx_call(m, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	return y;
}

static inline fxv input_of(const struct fx_graph *g, uint32_t seed)
{
	const struct fxq_tensor *t = &fx_graph_first(g)->out[0];
	int64_t dims[FXQ_MAX_RANK + 1];

	memcpy(dims, t->dims, sizeof(t->dims));
	dims[t->rank] = -1;
	return fx_gen_of(seed, 1, dims);
}

static inline void assert_same(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	assert_int_equal(fxq_tensor_bytes(a), fxq_tensor_bytes(b));
	assert_memory_equal(a->data, b->data, fxq_tensor_bytes(a));
}

/* The graph's bits, from the model and from the graph that it becomes again. */
static inline void assert_computes(struct fx_graph *g, struct fx_module *m)
{
	fxv x = input_of(g, 7), y = call(m, x);
	struct fxq_tensor wanted, again;
	struct fx_graph *back;

	if (fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(g));
	assert_same(fx_data(y), &wanted);
	if (fx_functionalize(m->graph, m, &back))
		fail_msg("%s", fx_graph_error(m->graph));
	if (fx_graph_run(back, NULL, fx_data(x), 1, &again, 1))
		fail_msg("%s", fx_graph_error(back));
	assert_same(&again, &wanted);
	fxq_tensor_free(&wanted);
	fxq_tensor_free(&again);
	fx_graph_free(back);
	fx_release(y);
	fx_release(x);
}

static inline struct fx_module *converted(struct fx_graph *g, struct fx_module *m)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_module *prepared, *gm;

	prepared = prepare_calibration_fx(m,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	fx_qconfig_put(&qconfig);
	for (uint32_t i = 0; i < 3; i++) {
		fxv x = input_of(g, 42 + i), y = call(prepared, x);

		fx_release(y);
		fx_release(x);
	}
	gm = convert_fx(prepared);
	if (gm->error)
		fail_msg("%s", gm->error);
	fx_module_put(prepared);
	return gm;
}

static inline size_t count_calls(const struct fx_module *gm, const char *target)
{
	size_t count = 0;

	fx_for_each_node(n, gm->graph)
		count += !strcmp(n->target, target);
	return count;
}

/* In decibels: the float network's energy over that of the difference. */
static inline double sqnr(fxv wanted, fxv got)
{
	const float *a = fx_data(wanted)->data, *b = fx_data(got)->data;
	double signal = 0, noise = 0;

	for (int64_t i = 0; i < fxq_tensor_count(fx_data(wanted)); i++) {
		signal += (double)a[i] * a[i];
		noise += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	}
	return 10 * log10(signal / noise);
}

/* The device is asked once, and what the CPU does beside it is counted. */
static inline void assert_steps(const struct fxq_image *image, uint32_t steps)
{
	struct fxq_image_info info;
	struct fxq_step_info step;
	size_t device = 0;

	fxq_image_info(image, &info);
	for (uint32_t i = 0; i < info.n_steps; i++) {
		fxq_image_step_info(image, i, &step);
		device += step.kind == FXQ_STEP_DEVICE;
	}
	assert_int_equal(device, 1);
	assert_int_equal(info.n_steps, steps);
}

static inline struct fxq_image *make_image(struct fx_module *gm, fxv x)
{
	struct fx_lower_options options = { .name = "from_graph" };
	struct fxq_image *image;
	struct fxq_writer *w;
	struct fx_graph *g;
	size_t size, device = 0;
	void *data;

	fx_node_set_type(fx_graph_first(gm->graph), fx_data(x));
	if (fx_functionalize(gm->graph, gm, &g))
		fail_msg("%s", fx_graph_error(gm->graph));
	if (fx_graph_infer(g) || fx_partition(g, NULL))
		fail_msg("%s", fx_graph_error(g));
	fx_for_each_node(n, g)
		device += n->place == FX_PLACE_DEVICE;
	assert_true(device > 0);
	if (fx_lower(g, &options, &w))
		fail_msg("%s", fx_graph_error(g));
	if (fxq_writer_finish_memory(w, &data, &size))
		fail_msg("%s", fxq_writer_error(w));
	fxq_writer_free(w);
	if (fxq_image_open_memory(data, size, &image))
		fail_msg("%s", fxq_error());
	free(data);
	fx_graph_free(g);
	return image;
}

#define BORDERS	3	/* steps, if the CPU does no more than round */

/* @steps: so many, of which the device has one; 0: any */
static inline void assert_device(struct fx_module *gm, fxv x, fxv wanted,
				 uint32_t steps)
{
	struct fxq_image *image = make_image(gm, x);
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_io *io;

	if (steps)
		assert_steps(image, steps);
	if (fxq_device_open(NULL, NULL, &device) ||
	    fxq_program_load(device, image, NULL, &program) ||
	    fxq_io_create(program, &io))
		fail_msg("%s", fxq_error());
	memcpy(io->in[0].data, fx_data(x)->data, fxq_tensor_bytes(fx_data(x)));
	if (fxq_run(program, io->in, io->out))
		fail_msg("%s", fxq_error());
	assert_same(&io->out[0], fx_data(wanted));
	fxq_io_destroy(io);
	fxq_program_unload(program);
	fxq_device_close(device);
	fxq_image_close(image);
}

static inline void go_through_the_verbs(struct fx_graph *g, const char *name,
					double wanted, size_t there, size_t back,
					uint32_t steps)
{
	struct fx_module *m = model_of(g), *gm;
	fxv x = input_of(g, 42), floats, y;

	assert_computes(g, m);
	gm = converted(g, m);
	floats = call(m, x);
	y = call(gm, x);
	print_message("%s: %.2f dB\n", name, sqnr(floats, y));
	assert_true(sqnr(floats, y) > wanted);
	assert_int_equal(count_calls(gm, "quantize_per_tensor"), there);
	assert_int_equal(count_calls(gm, "dequantize"), back);
	assert_device(gm, x, y, steps);
	fx_release(floats);
	fx_release(y);
	fx_release(x);
	fx_module_put(gm);
	fx_module_put(m);
	fx_graph_free(g);
}

/* A graph of what importers make, and what no module or function does. */

static inline struct fx_node *floats(struct fx_graph *g, const char *name,
				     const int64_t *dims, float least)
{
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_F32 };
	struct fx_node *n;
	float *data;

	while (dims[t.rank] >= 0) {
		t.dims[t.rank] = dims[t.rank];
		t.rank++;
	}
	assert_int_equal(fxq_tensor_alloc(&t), 0);
	data = t.data;
	for (int64_t i = 0; i < fxq_tensor_count(&t); i++)
		data[i] = least + (float)(i * 7 % 11) / 16;
	n = fx_graph_constant(g, name, &t);
	fxq_tensor_free(&t);
	return n;
}

#define IN(...)		(struct fx_node *[]){ __VA_ARGS__ }, \
			sizeof((struct fx_node *[]){ __VA_ARGS__ }) / sizeof(void *)
#define WITH(...)	(const struct fx_kwarg[]){ __VA_ARGS__ }, \
			sizeof((const struct fx_kwarg[]){ __VA_ARGS__ }) / \
			sizeof(struct fx_kwarg)
#define INTS(g, ...)	\
	fx_arg_ints(g, (const int64_t[]){ __VA_ARGS__ }, \
		    sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static inline struct fx_node *number(struct fx_graph *g, float v)
{
	return floats(g, "number", FX_DIMS(), v);
}

static inline struct fx_graph *graph_of(int inputs, struct fx_node **ret_x)
{
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
						 (const int64_t[]){ 1, 4, 6, 6 });
	struct fx_graph *g = fx_graph_new();

	for (int i = 0; i < inputs; i++)
		*ret_x = fx_graph_placeholder(g, "x", &type);
	return g;
}

static inline struct fx_node *conv(struct fx_graph *g, struct fx_node *x,
				   int64_t end)
{
	struct fx_node *w = floats(g, "w", FX_DIMS(4, 2, 3, 3), -0.3f);

	return fx_graph_call(g, "conv2d", IN(x, w),
			     WITH({ "stride", INTS(g, 1, 1) },
				  { "padding", INTS(g, 1, 1, end, end) },
				  { "dilation", INTS(g, 1, 1) },
				  { "groups", fx_arg_int(2) }));
}

/* Rounded to int8 with @scale, as a file that is quantized says it. */
static inline struct fx_node *rounded(struct fx_graph *g, struct fx_node *x,
				      float scale, int8_t zero)
{
	const struct fxq_tensor s = { .dtype = FXQ_DTYPE_F32, .data = &scale };
	const struct fxq_tensor z = { .dtype = FXQ_DTYPE_I8, .data = &zero };
	struct fx_node *scales = fx_graph_constant(g, "scale", &s);
	struct fx_node *zeros = fx_graph_constant(g, "zero", &z);
	const struct fx_kwarg axis = { "axis", fx_arg_int(1) };

	x = fx_graph_call(g, "quantize_linear", IN(x, scales, zeros), &axis, 1);
	return fx_graph_call(g, "dequantize_linear", IN(x, scales, zeros),
			     &axis, 1);
}

static inline struct fx_graph *quantized(void)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = rounded(g, x, 0.03125f, 5);
	x = rounded(g, conv(g, x, 1), 0.0625f, -7);
	/* The one keeps the scale, the other is given another. */
	x = rounded(g, fx_graph_call(g, "relu", IN(x), NULL, 0), 0.0625f, -7);
	x = rounded(g, fx_graph_call(g, "relu", IN(x), NULL, 0), 0.03125f, -128);
	x = rounded(g, conv(g, x, 1), 0.125f, 1);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

#endif /* TEST_FROM_GRAPH_KIT_H */
