// SPDX-License-Identifier: MIT
/*
 * test_from_graph_moves.c - windows, and what moves elements, of an imported graph
 *
 * Padding that differs at the two ends, windows that reach past the image, and
 * operators that no module is: through the verbs they are on integers as they are
 * when the graph is converted itself, to the bit.
 */
#include "from_graph_kit.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_has_its_padding),
		cmocka_unit_test(each_end_has_its_padding_either_way),
		cmocka_unit_test(windows_reach_past_the_image),
		cmocka_unit_test(what_moves_integers_moves_them_on_the_device),
		cmocka_unit_test(they_are_moved_either_way),
		cmocka_unit_test(other_scales_are_no_reason_for_floats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
