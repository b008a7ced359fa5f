// SPDX-License-Identifier: MIT
/*
 * test_from_graph.c - an imported graph goes through the verbs
 *
 * The trained networks of the examples, and one with every way in which an
 * operator becomes part of a model: the model has the graph's bits, is prepared
 * and converted, and what comes of it runs on the embedded machine with the bits
 * of the CPU.
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
#include <fxq/onnx.h>
#include <fxq/quantize_fx.h>

static struct fx_graph *import(const char *path)
{
	struct fx_import_options options = { .default_batch = 1 };
	char error[FXQ_ERROR_MAX];
	struct fx_graph *g;

	if (fx_import_onnx(path, &options, &g, error, sizeof(error)))
		fail_msg("%s", error);
	return g;
}

static struct fx_module *model_of(struct fx_graph *g)
{
	struct fx_module *m = fx_module_of_graph(g);

	if (m->error)
		fail_msg("%s", m->error);
	assert_int_equal(fx_graph_lint(m->graph), 0);
	assert_false(m->training);
	return m;
}

static fxv call(struct fx_module *m, fxv x)
{
	fxv y = fx_call(m, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	return y;
}

static fxv input_of(const struct fx_graph *g, uint32_t seed)
{
	const struct fxq_tensor *t = &fx_graph_first(g)->out[0];
	int64_t dims[FXQ_MAX_RANK + 1];

	memcpy(dims, t->dims, sizeof(t->dims));
	dims[t->rank] = -1;
	return fx_gen_of(seed, 1, dims);
}

static void assert_same(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	assert_int_equal(fxq_tensor_bytes(a), fxq_tensor_bytes(b));
	assert_memory_equal(a->data, b->data, fxq_tensor_bytes(a));
}

/* The graph's bits, from the model and from the graph that it becomes again. */
static void assert_computes(struct fx_graph *g, struct fx_module *m)
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

static struct fx_module *converted(struct fx_graph *g, struct fx_module *m)
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

static size_t count_calls(const struct fx_module *gm, const char *target)
{
	size_t count = 0;

	fx_for_each_node(n, gm->graph)
		count += !strcmp(n->target, target);
	return count;
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

/* The device is asked once, and what the CPU does beside it is counted. */
static void assert_steps(const struct fxq_image *image, uint32_t steps)
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

static struct fxq_image *make_image(struct fx_module *gm, fxv x)
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
static void assert_device(struct fx_module *gm, fxv x, fxv wanted,
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

static void go_through_the_verbs(struct fx_graph *g, const char *name,
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

static void a_trained_network_is_all_integers(void **state)
{
	go_through_the_verbs(import(MODELS "/fmnist_res.onnx"), "fmnist_res",
			     20, 1, 1, BORDERS);
}

static void one_with_clamps_is_too(void **state)
{
	go_through_the_verbs(import(MODELS "/fmnist_mb.onnx"), "fmnist_mb",
			     15, 1, 1, BORDERS);
}

static void layers_are_called_as_the_model_does(void **state)
{
	struct fx_graph *g = import(MODELS "/fmnist_res.onnx");
	struct fx_module *m = model_of(g);
	struct fx_module *conv = fx_module_at(m, "0_0_0_Conv");

	assert_non_null(conv);
	assert_string_equal(conv->class->name, "Conv2d");
	assert_non_null(fx_module_tensor(m, "6_Gemm.weight"));
	fx_for_each_node(n, m->graph)
		assert_int_not_equal(n->opcode, FX_GET_ATTR);
	fx_graph_free(g);		/* the model needs it no more */
	assert_string_equal(fx_module_at(m, "1_a_a_2_Relu")->class->name,
			    "ReLU");
	fx_module_put(m);
}

/* A graph of what importers make, and what no module or function does. */

static struct fx_node *floats(struct fx_graph *g, const char *name,
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

static struct fx_graph *graph_of(int inputs, struct fx_node **ret_x)
{
	struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 4,
						 (const int64_t[]){ 1, 4, 6, 6 });
	struct fx_graph *g = fx_graph_new();

	for (int i = 0; i < inputs; i++)
		*ret_x = fx_graph_placeholder(g, "x", &type);
	return g;
}

static struct fx_node *conv(struct fx_graph *g, struct fx_node *x,
			    int64_t end)
{
	struct fx_node *w = floats(g, "w", FX_DIMS(4, 2, 3, 3), -0.3f);

	return fx_graph_call(g, "conv2d", IN(x, w),
			     WITH({ "stride", INTS(g, 1, 1) },
				  { "padding", INTS(g, 1, 1, end, end) },
				  { "dilation", INTS(g, 1, 1) },
				  { "groups", fx_arg_int(2) }));
}

static struct fx_graph *mixed(void)
{
	struct fx_node *x, *y, *parts;
	struct fx_graph *g = graph_of(1, &x);
	struct fx_node *b = floats(g, "b", FX_DIMS(4), 0.2f);

	x = conv(g, x, 1);
	x = fx_graph_call(g, "batch_norm", IN(x, b, b, b, b),
			  WITH({ "eps", fx_arg_float(1e-3) }));
	y = fx_graph_call(g, "prelu", IN(x, floats(g, "s", FX_DIMS(4, 1, 1),
						   -0.5f)), NULL, 0);
	/* A kernel without bias, and an addition with the number first. */
	x = fx_graph_call(g, "add", IN(floats(g, "half", FX_DIMS(), 0.5f),
				       conv(g, y, 1)), NULL, 0);
	parts = fx_graph_call(g, "split", IN(x),
			      WITH({ "dim", fx_arg_int(1) },
				   { "n_out", fx_arg_int(2) }));
	x = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(1) }));
	y = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(0) }));
	x = fx_graph_call(g, "concat", IN(x, y), WITH({ "dim", fx_arg_int(1) }));
	x = conv(g, x, 2);
	x = fx_graph_call(g, "elu", IN(x), NULL, 0);
	x = fx_graph_call(g, "reshape", IN(x),
			  WITH({ "shape", INTS(g, 1, 4, -1) }));
	x = fx_graph_call(g, "permute", IN(x), WITH({ "dims", INTS(g, 0, 2, 1) }));
	x = fx_graph_call(g, "linear", IN(x, floats(g, "fc", FX_DIMS(3, 4), -0.4f),
					  floats(g, "fb", FX_DIMS(3), -0.1f)),
			  NULL, 0);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void what_no_module_does_stays_an_operator(void **state)
{
	static const char *const targets[] = {
		"conv2d", "batch_norm", "prelu", "conv2d_1", "add", "fxq.split",
		"getitem", "getitem", "cat", "conv2d_2", "fxq.elu", "view",
		"permute", "linear",
	};
	struct fx_graph *g = mixed();
	struct fx_module *m = model_of(g);
	size_t i = 0;

	fx_for_each_node(n, m->graph)
		if (n->opcode != FX_PLACEHOLDER && n->opcode != FX_OUTPUT)
			assert_string_equal(n->target, targets[i++]);
	assert_int_equal(i, sizeof(targets) / sizeof(*targets));
	assert_computes(g, m);
	fx_module_put(m);
	fx_graph_free(g);
}

/* Padded at the ends alone, or more there, as TensorFlow pads. */
static struct fx_graph *uneven(int pools)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);
	struct fx_node *w = floats(g, "up", FX_DIMS(4, 4, 3, 3), -0.3f);

	x = conv(g, x, 2);
	x = fx_graph_call(g, "relu", IN(x), NULL, 0);
	for (int counted = 0; counted < pools; counted++)
		x = fx_graph_call(g, "avg_pool2d", IN(x),
				  WITH({ "kernel_size", INTS(g, 2, 3) },
				       { "stride", INTS(g, 1, 1) },
				       { "padding", INTS(g, 1, 0, 0, 2) },
				       { "dilation", INTS(g, 1, 1) },
				       { "ceil_mode", fx_arg_int(0) },
				       { "count_include_pad",
					 fx_arg_int(counted) }));
	x = fx_graph_call(g, "conv_transpose2d", IN(x, w),
			  WITH({ "stride", INTS(g, 2, 2) },
			       { "padding", INTS(g, 0, 1, 1, 0) },
			       { "output_padding", INTS(g, 0, 0) },
			       { "dilation", INTS(g, 1, 1) },
			       { "groups", fx_arg_int(1) }));
	x = conv(g, x, 0);
	x = fx_graph_call(g, "max_pool2d", IN(x),
			  WITH({ "kernel_size", INTS(g, 3, 2) },
			       { "stride", INTS(g, 2, 1) },
			       { "padding", INTS(g, 0, 0, 1, 1) },
			       { "dilation", INTS(g, 1, 1) },
			       { "ceil_mode", fx_arg_int(0) }));
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void each_end_has_its_padding(void **state)
{
	struct fx_graph *g = uneven(2);
	struct fx_module *m = model_of(g);

	fx_for_each_node(n, m->graph)
		assert_true(n->opcode == FX_CALL_MODULE ||
			    n->opcode == FX_PLACEHOLDER ||
			    n->opcode == FX_OUTPUT);
	fx_module_put(m);
	go_through_the_verbs(g, "uneven", 20, 1, 1, BORDERS);
}

/* The integers of @direct, by way of the verbs from @qdq, which has scales. */
static void assert_same_integers(struct fx_graph *qdq, struct fx_graph *direct)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_module *m, *prepared, *gm;
	fxv x = input_of(direct, 5), y;
	struct fxq_tensor wanted;

	if (fx_graph_run(direct, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(direct));
	assert_int_equal(fx_graph_fold_constants(qdq), 0);
	m = model_of(qdq);
	prepared = prepare_calibration_fx(m,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	fx_qconfig_put(&qconfig);
	gm = convert_fx(prepared);
	y = call(gm, x);
	assert_same(fx_data(y), &wanted);
	assert_device(gm, x, y, BORDERS);

	fxq_tensor_free(&wanted);
	fx_release(y);
	fx_release(x);
	fx_module_put(gm);
	fx_module_put(prepared);
	fx_module_put(m);
	fx_graph_free(direct);
	fx_graph_free(qdq);
}

/* Converted at once, and with the scales that were found so. */
static void both_ways_lead_to_the_same_integers(struct fx_graph *g)
{
	const struct fx_qconfig config = { 0 };
	struct fx_graph *qdq, *direct;
	struct fx_calibration *cal;
	fxv x = input_of(g, 5);

	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	assert_int_equal(fx_calibration_feed(cal, fx_data(x), 1, 1), 0);
	if (fx_convert_qdq(g, cal, &config, &qdq) ||
	    fx_convert(g, cal, &config, &direct))
		fail_msg("%s", fx_graph_error(g));
	assert_same_integers(qdq, direct);
	fx_calibration_free(cal);
	fx_release(x);
	fx_graph_free(g);
}

/* The same of a graph that brings scales, for which there are no data. */
static void given_scales_lead_to_the_same_integers(struct fx_graph *g)
{
	const struct fx_qconfig config = { 0 };
	struct fx_graph *qdq = fx_graph_copy(g), *direct;
	struct fx_calibration *cal;

	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	if (fx_convert(g, cal, &config, &direct))
		fail_msg("%s", fx_graph_error(g));
	assert_same_integers(qdq, direct);
	fx_calibration_free(cal);
	fx_graph_free(g);
}

static void each_end_has_its_padding_either_way(void **state)
{
	both_ways_lead_to_the_same_integers(uneven(2));
}

static struct fx_node *pool(struct fx_graph *g, const char *op,
			    struct fx_node *x)
{
	const struct fx_kwarg counted = { "count_include_pad", fx_arg_int(0) };
	struct fx_node *n;

	n = fx_graph_call(g, op, IN(x), WITH({ "kernel_size", INTS(g, 3, 2) },
					     { "stride", INTS(g, 2, 3) },
					     { "padding", INTS(g, 0, 1, 0, 0) },
					     { "dilation", INTS(g, 1, 1) },
					     { "ceil_mode", fx_arg_int(1) }));
	if (!strcmp(op, "avg_pool2d"))
		fx_node_set_kwarg(n, counted.name, counted.value);
	return n;
}

/* Windows that reach past the image: 12 x 12, 6 x 5, 3 x 2 */
static struct fx_graph *rounded_up(bool averages)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = fx_graph_call(g, "resize", IN(conv(g, x, 1)),
			  WITH({ "sizes", INTS(g, 1, 4, 12, 12) },
			       { "mode", fx_arg_str("nearest") }));
	x = pool(g, averages ? "avg_pool2d" : "max_pool2d", x);
	x = pool(g, "max_pool2d", conv(g, x, 1));
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	assert_int_equal(x->out[0].dims[2], 3);
	assert_int_equal(x->out[0].dims[3], 2);
	return g;
}

static void windows_reach_past_the_image(void **state)
{
	go_through_the_verbs(rounded_up(true), "rounded up", 20, 1, 1, BORDERS);
	both_ways_lead_to_the_same_integers(rounded_up(true));
}

static struct fx_node *ints(struct fx_graph *g, const int64_t *v, uint32_t n)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 1,
					      (const int64_t[]){ n });

	t.data = (void *)v;
	return fx_graph_constant(g, "numbers", &t);
}

/*
 * What moves elements, and, if it @computes, a resize between neighbours and the
 * slopes that Paddle has, whose scales are their own at once and shared here.
 */
static struct fx_graph *moved(bool computes)
{
	static const int64_t order[] = { 2, 0, 3, 1 };
	struct fx_node *x, *y, *parts;
	struct fx_graph *g = graph_of(1, &x);

	x = conv(g, x, 1);
	x = fx_graph_call(g, "gather", IN(x, ints(g, order, 4)),
			  WITH({ "dim", fx_arg_int(1) }));
	x = fx_graph_call(g, "pad", IN(x),
			  WITH({ "pads", INTS(g, 0, 0, 1, 0, 0, 0, 0, 2) },
			       { "mode", fx_arg_str("constant") }));
	x = fx_graph_call(g, "pad", IN(x),
			  WITH({ "pads", INTS(g, 0, 0, 0, 1, 0, 0, 1, 0) },
			       { "mode", fx_arg_str("constant") },
			       { "value", fx_arg_float(-0.25) }));
	x = fx_graph_call(g, "slice", IN(x),
			  WITH({ "starts", INTS(g, 1, 0) },
			       { "ends", INTS(g, 7, 8) },
			       { "axes", INTS(g, 2, 3) },
			       { "steps", INTS(g, 1, 1) }));
	x = fx_graph_call(g, "resize", IN(x),
			  WITH({ "sizes", INTS(g, 1, 4, 12, 12) },
			       { "mode", fx_arg_str(computes ? "linear" :
						    "nearest") },
			       { "coordinate_transformation_mode",
				 fx_arg_str("half_pixel") }));
	parts = fx_graph_call(g, "split", IN(x),
			      WITH({ "dim", fx_arg_int(1) },
				   { "n_out", fx_arg_int(2) }));
	x = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(1) }));
	y = fx_graph_call(g, "getitem", IN(parts),
			  WITH({ "index", fx_arg_int(0) }));
	x = fx_graph_call(g, "concat", IN(x, y), WITH({ "dim", fx_arg_int(1) }));
	y = x = conv(g, x, 1);
	if (computes)
		y = fx_graph_call(g, "hardsigmoid", IN(x),
				  WITH({ "alpha", fx_arg_float(0.2) },
				       { "beta", fx_arg_float(0.5) }));
	x = fx_graph_call(g, "mul", IN(x, y), NULL, 0);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void what_moves_integers_moves_them_on_the_device(void **state)
{
	go_through_the_verbs(moved(true), "moved", 20, 1, 1, BORDERS);
}

static void they_are_moved_either_way(void **state)
{
	both_ways_lead_to_the_same_integers(moved(false));
}

/* As compile leaves it: nobody who has but the file is to say so. */
static void what_is_too_long_for_integers_stays_float(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = fx_graph_call(g, "resize", IN(conv(g, x, 1)),
			  WITH({ "sizes", INTS(g, 1, 4, 36, 36) },
			       { "mode", fx_arg_str("nearest") }));
	x = fx_graph_call(g, "reshape", IN(x),
			  WITH({ "shape", INTS(g, 1, 4 * 36 * 36) }));
	x = fx_graph_call(g, "softmax", IN(x), WITH({ "dim", fx_arg_int(1) }));
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	go_through_the_verbs(g, "long", 20, 1, 1, BORDERS + 1);
}

/* Rounded to int8 with @scale, as a file that is quantized says it. */
static struct fx_node *rounded(struct fx_graph *g, struct fx_node *x,
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

static struct fx_graph *quantized(void)
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

static struct fx_node *number(struct fx_graph *g, float v)
{
	return floats(g, "number", FX_DIMS(), v);
}

static struct fx_node *binary(struct fx_graph *g, const char *op,
			      struct fx_node *a, struct fx_node *b)
{
	return fx_graph_call(g, op, IN(a, b), NULL, 0);
}

static struct fx_node *clamped(struct fx_graph *g, struct fx_node *x, float by)
{
	return fx_graph_call(g, "clamp", IN(binary(g, "add", x, number(g, by))),
			     WITH({ "min", fx_arg_float(0) },
				  { "max", fx_arg_float(6) }));
}

/* As exporters spell a hardswish, a SiLU and a GELU; and what is none of them. */
static struct fx_graph *spelled(void)
{
	struct fx_node *x, *y;
	struct fx_graph *g = graph_of(1, &x);

	x = conv(g, x, 1);
	x = binary(g, "add", binary(g, "mul", number(g, 1.5f), x),
		   number(g, 0.1f));
	x = binary(g, "div", binary(g, "mul", x, clamped(g, x, 3)),
		   number(g, 6));
	/* Padded with 0, so the layer behind cannot take them. */
	x = binary(g, "add", binary(g, "mul", x, number(g, 0.7f)),
		   number(g, -0.2f));
	y = fx_graph_call(g, "global_avg_pool", IN(x), NULL, 0);
	x = conv(g, binary(g, "mul", x, y), 1);
	y = fx_graph_call(g, "sigmoid", IN(x), NULL, 0);
	x = conv(g, binary(g, "mul", y, x), 1);
	y = binary(g, "mul", x, number(g, 0.70710678f));
	y = fx_graph_call(g, "erf", IN(y), NULL, 0);
	y = binary(g, "add", y, number(g, 1));
	x = binary(g, "mul", binary(g, "mul", x, number(g, 0.5f)), y);
	x = conv(g, x, 1);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void what_is_spelled_out_is_one_module(void **state)
{
	static const char *const classes[] = {
		"Conv2d", "Hardswish", "Conv2d", "AdaptiveAvgPool2d", "Conv2d",
		"SiLU", "Conv2d", "GELU", "Conv2d",
	};
	struct fx_graph *g = spelled();
	fxv x = input_of(g, 7), y;
	struct fxq_tensor wanted;
	struct fx_module *m;
	size_t i = 0, others = 0;

	if (fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(g));
	if (fx_fuse_spelled(g))
		fail_msg("%s", fx_graph_error(g));
	m = model_of(g);
	fx_for_each_node(n, m->graph)
		if (n->opcode == FX_CALL_MODULE)
			assert_true(i < 9 && fx_node_is_module(n, classes[i++]));
		else
			others++;
	assert_int_equal(i, 9);
	assert_int_equal(others, 3);	/* input, product, output */
	y = call(m, x);
	/* Rounded in another order. */
	for (i = 0; i < (size_t)fxq_tensor_count(&wanted); i++)
		assert_true(fabsf(((float *)wanted.data)[i] -
				  ((float *)fx_data(y)->data)[i]) < 1e-5f);
	fx_release(y);
	fx_release(x);
	fxq_tensor_free(&wanted);
	fx_module_put(m);
	go_through_the_verbs(g, "spelled", 20, 1, 1, BORDERS);
}

static void assert_not_rewritten(struct fx_graph *g)
{
	char *was, *is;

	assert_int_equal(fx_graph_infer(g), 0);
	was = fx_graph_code(g);
	assert_int_equal(fx_fuse_spelled(g), 0);
	is = fx_graph_code(g);
	assert_string_equal(is, was);
	free(was);
	free(is);
	fx_graph_free(g);
}

/* Two views that are one now, and a mean without its dimensions. */
static void more_samples_than_the_graph_says_fit(void **state)
{
	struct fx_node *x, *y[2];
	struct fx_graph *g = graph_of(1, &x);
	struct fx_module *m;
	fxv two, out;

	x = fx_graph_call(g, "relu", IN(x), NULL, 0);
	y[0] = fx_graph_call(g, "reshape", IN(x),
			     WITH({ "shape", INTS(g, -1, 12, 12) }));
	y[0] = fx_graph_call(g, "reshape", IN(y[0]),
			     WITH({ "shape", INTS(g, -1, 144) }));
	y[1] = fx_graph_call(g, "reduce_mean", IN(x),
			     WITH({ "dims", INTS(g, 2, 3) },
				  { "keepdim", fx_arg_int(0) }));
	fx_graph_set_output(g, y, 2);
	assert_int_equal(fx_graph_infer(g), 0);
	assert_int_equal(fx_fuse_spelled(g), 0);
	m = model_of(g);
	two = fx_gen(3, 1, 2, 4, 6, 6);
	out = call(m, two);
	assert_int_equal(fx_data(fx_tuple_item(out, 0))->dims[0], 2);
	assert_int_equal(fx_data(fx_tuple_item(out, 1))->dims[0], 2);
	fx_release(out);
	fx_release(two);
	fx_module_put(m);
	fx_graph_free(g);
}

/* A hardswish that begins elsewhere; factors of the input; a graph with scales. */
static void what_is_nearly_spelled_out_stays(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);

	x = binary(g, "mul", x, number(g, 2));
	x = conv(g, x, 1);
	x = binary(g, "div", binary(g, "mul", x, clamped(g, x, 2.999f)),
		   number(g, 6));
	fx_graph_set_output(g, &x, 1);
	assert_not_rewritten(g);

	assert_not_rewritten(quantized());
}

/* Two lists of floats beside one another, which no function has. */
static void an_operator_keeps_all_its_numbers(void **state)
{
	static const double roi[] = { 0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9 };
	static const double scales[] = { 1, 1, 1.5, 2 };
	struct fx_node *x;
	struct fx_graph *g = graph_of(1, &x);
	struct fx_module *m;

	x = fx_graph_call(g, "resize", IN(x), WITH(
		{ "coordinate_transformation_mode",
		  fx_arg_str("tf_crop_and_resize") },
		{ "mode", fx_arg_str("linear") },
		{ "roi", fx_arg_floats(g, roi, 8) },
		{ "scales", fx_arg_floats(g, scales, 4) }));
	fx_graph_set_output(g, &x, 1);
	assert_int_equal(fx_graph_infer(g), 0);
	m = model_of(g);
	assert_int_equal(count_calls(m, "fxq.resize"), 1);
	assert_computes(g, m);
	fx_module_put(m);
	fx_graph_free(g);
}

static void operators_stay_float_between_integers(void **state)
{
	go_through_the_verbs(mixed(), "mixed", 20, 3, 3, 0);
}

/* Each operator that keeps a scale, or has one for ever, is given another. */
static struct fx_graph *rescaled(void)
{
	struct fx_node *x, *y;
	struct fx_graph *g = graph_of(1, &x);

	x = rounded(g, x, 0.03125f, 5);
	x = rounded(g, conv(g, x, 1), 0.0625f, -7);
	y = rounded(g, fx_graph_call(g, "relu", IN(x), NULL, 0), 0.03125f, -128);
	x = rounded(g, pool(g, "max_pool2d", x), 0.05f, 3);
	y = rounded(g, pool(g, "avg_pool2d", y), 0.02f, -100);
	x = rounded(g, fx_graph_call(g, "concat", IN(x, y),
				     WITH({ "dim", fx_arg_int(1) })), 0.06f, 0);
	x = rounded(g, fx_graph_call(g, "reshape", IN(x),
				     WITH({ "shape", INTS(g, 1, 8, -1) })),
		    0.07f, 1);
	x = rounded(g, fx_graph_call(g, "permute", IN(x),
				     WITH({ "dims", INTS(g, 0, 2, 1) })),
		    0.03f, -1);
	x = rounded(g, fx_graph_call(g, "softmax", IN(x),
				     WITH({ "dim", fx_arg_int(2) })),
		    0.005f, -110);
	fx_graph_set_output(g, &x, 1);
	if (fx_graph_infer(g))
		fail_msg("%s", fx_graph_error(g));
	return g;
}

static void other_scales_are_no_reason_for_floats(void **state)
{
	given_scales_lead_to_the_same_integers(rescaled());
}

/* Nothing is left to observe, so nothing runs before it is converted. */
static void scales_that_a_graph_brings_are_kept(void **state)
{
	struct fx_module_qconfig qconfig = get_default_qconfig();
	struct fx_graph *g = quantized();
	struct fx_module *m = model_of(g), *prepared, *gm;
	fxv x = input_of(g, 3), y;
	struct fxq_tensor wanted;
	size_t differ = 0;

	prepared = prepare_calibration_fx(m,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	gm = convert_fx(prepared);
	y = call(gm, x);
	if (fx_graph_run(g, NULL, fx_data(x), 1, &wanted, 1))
		fail_msg("%s", fx_graph_error(g));
	/* Steps of the last scale, at most one beside the graph's own. */
	for (int64_t i = 0; i < fxq_tensor_count(&wanted); i++) {
		float a = ((float *)wanted.data)[i] * 8;
		float b = ((float *)fx_data(y)->data)[i] * 8;

		assert_true(b == rintf(b));
		assert_true(fabsf(a - b) <= 1);
		differ += a != b;
	}
	print_message("%zu of %lld differ by a step\n", differ,
		      (long long)fxq_tensor_count(&wanted));
	assert_true(differ < 20);
	assert_int_equal(count_calls(gm, "quantize_per_tensor"), 1);
	assert_int_equal(count_calls(gm, "dequantize"), 1);
	assert_device(gm, x, y, BORDERS);
	fxq_tensor_free(&wanted);
	fx_release(y);
	fx_release(x);
	fx_qconfig_put(&qconfig);
	fx_module_put(gm);
	fx_module_put(prepared);
	fx_module_put(m);
	fx_graph_free(g);
}

static void assert_refused(struct fx_graph *g, const char *sentence)
{
	struct fx_module *m = fx_module_of_graph(g);
	fxv y = fx_call(m, fx_none);

	assert_string_equal(m->error, sentence);
	assert_non_null(strstr(fx_error(y), sentence));
	fx_drop(y);
	fx_module_put(m);
	fx_graph_free(g);
}

static void what_a_model_cannot_be_is_refused(void **state)
{
	struct fx_node *x;
	struct fx_graph *g = graph_of(5, &x);

	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "the graph has 5 inputs; a module made of a graph has at most 4");

	g = graph_of(1, &x);
	x = fx_graph_call(g, "split", IN(x), WITH({ "n_out", fx_arg_int(6) }));
	x = fx_graph_call(g, "getitem", IN(x), WITH({ "index", fx_arg_int(5) }));
	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "split: split has 1 tensors, 1 parameters and 6 results; a module's call has at most 64, 16 and 4");

	g = graph_of(1, &x);
	x = fx_graph_call(g, "reshape", IN(x), WITH({ "shape", {
		.kind = FX_ARG_LIST, .count = 2, .items = (struct fx_arg[]){
			fx_arg_int(-1), fx_arg_float(4) } } }));
	fx_graph_set_output(g, &x, 1);
	assert_refused(g, "reshape: 'shape' is no list of integers or of floats");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_trained_network_is_all_integers),
		cmocka_unit_test(one_with_clamps_is_too),
		cmocka_unit_test(layers_are_called_as_the_model_does),
		cmocka_unit_test(what_no_module_does_stays_an_operator),
		cmocka_unit_test(each_end_has_its_padding),
		cmocka_unit_test(each_end_has_its_padding_either_way),
		cmocka_unit_test(windows_reach_past_the_image),
		cmocka_unit_test(what_moves_integers_moves_them_on_the_device),
		cmocka_unit_test(they_are_moved_either_way),
		cmocka_unit_test(what_is_too_long_for_integers_stays_float),
		cmocka_unit_test(what_is_spelled_out_is_one_module),
		cmocka_unit_test(more_samples_than_the_graph_says_fit),
		cmocka_unit_test(what_is_nearly_spelled_out_stays),
		cmocka_unit_test(an_operator_keeps_all_its_numbers),
		cmocka_unit_test(operators_stay_float_between_integers),
		cmocka_unit_test(scales_that_a_graph_brings_are_kept),
		cmocka_unit_test(other_scales_are_no_reason_for_floats),
		cmocka_unit_test(what_a_model_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
