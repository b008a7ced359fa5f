// SPDX-License-Identifier: MIT
/*
 * test_functions.c - steps on the CPU: test_functions [DEVICE]
 *
 * Which function a step calls, what the function is told, and what it may give
 * back.
 */
#include <errno.h>
#include <unistd.h>

#include "program_kit.h"

#ifndef PLUGIN
#define PLUGIN "./plugin_double.so"
#endif

/* What fxq_program_load() says of an image that it refuses. */
static int refuse_load(struct fxq_writer *w)
{
	struct fxq_device *dev = open_device();
	struct fxq_image *image = kit_open(w);
	struct fxq_program *prog = NULL;
	int ret = fxq_program_load(dev, image, NULL, &prog);

	assert_null(prog);
	fxq_image_close(image);
	fxq_device_close(dev);
	return ret;
}

static void assert_shrunk(const struct fxq_io *io, int by)
{
	const float *y = io->out[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		if (y[i] != (float)((i - 64) / by) / 2)
			fail_msg("y[%d] is %g", i, (double)y[i]);
}

static void cpu_and_device_take_turns(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;

	assert_int_equal(fxq_register_function(&shrink, NULL), 0);
	prog = load(dev, back_and_forth());
	assert_int_equal(fxq_unregister_function("shrink"), 0);
	io = new_io(prog);
	fill(io, 0);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_shrunk(io, 2);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void self_knows_the_mode(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;

	assert_int_equal(fxq_register_function(&shrink, NULL), 0);
	prog = load(dev, back_and_forth());
	fxq_unregister_function("shrink");
	io = new_io(prog);
	fill(io, 0);
	assert_false(fxq_program_is_training(prog));
	fxq_program_train(prog, true);
	assert_true(fxq_program_is_training(prog));
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_shrunk(io, 4);
	fxq_program_eval(prog);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_shrunk(io, 2);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void unbound_function_names_the_three_ways(void **state)
{
	assert_int_equal(refuse_load(back_and_forth()), -ENOENT);
	assert_non_null(strstr(fxq_error(), "layer shrink"));
	assert_non_null(strstr(fxq_error(), "fxq_register_function"));
	assert_non_null(strstr(fxq_error(), "--plugin"));
	assert_non_null(strstr(fxq_error(), "softmax, argmax, top_k"));
}

static void a_name_is_registered_once(void **state)
{
	const struct fxq_function nameless = { NULL, NULL, eval_shrink };

	assert_int_equal(fxq_register_function(&nameless, NULL), -EINVAL);
	assert_int_equal(fxq_register_function(&shrink, NULL), 0);
	assert_int_equal(fxq_register_function(&shrink, NULL), -EEXIST);
	assert_non_null(strstr(fxq_error(), "shrink"));
	assert_int_equal(fxq_unregister_function("shrink"), 0);
	assert_int_equal(fxq_unregister_function("shrink"), -ENOENT);
}

/* One step on the CPU from "x" (float32) to "y" of @type. */
static struct fxq_writer *one_call(bool wrapped, const char *name,
				   const struct fxq_tensor *type,
				   uint32_t flags,
				   const struct fxq_attr *attrs, uint32_t n)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_attr self[] = {
		{ .name = "step", .type = FXQ_ATTR_INT, .count = 1, .i = 3 },
	};
	struct fxq_writer *w = kit_writer("one call");
	uint32_t x, y;

	x = fxq_writer_tensor(w, "x", &f, 0);
	y = fxq_writer_tensor(w, "y", type, flags);
	fxq_writer_inputs(w, &x, 1);
	kit_call(w, wrapped, name, x, y, attrs, n);
	fxq_writer_outputs(w, &y, 1);
	fxq_writer_self(w, false, self, 1);
	return w;
}

/* Every third positive value, as many as there are; "step" is self's. */
static int eval_pick(struct fxq_call *call)
{
	const struct fxq_self *self = call->self;
	const float *x = call->in[0].data;
	float *y = call->out[0].data;
	int64_t room = call->out[0].dims[1], n = 0;

	assert_string_equal(self->attrs[0].name, "step");
	assert_string_equal(self->user, "mine");
	for (int i = 0; i < ELEMENTS; i += self->attrs[0].i)
		if (x[i] > 0 && n < room)
			y[n++] = x[i];
	call->out[0].dims[1] = n;
	return 0;
}

static void dynamic_output_tells_its_size(void **state)
{
	const struct fxq_function pick = { "pick", NULL, eval_pick };
	const struct fxq_tensor most = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;
	float *y;

	fxq_register_function(&pick, (void *)"mine");
	prog = load(dev, one_call(true, "pick", &most, FXQ_TENSOR_DYNAMIC,
				  NULL, 0));
	fxq_unregister_function("pick");
	io = new_io(prog);
	y = io->out[0].data;
	for (int shift = 0; shift < 2; shift++) {
		/* Positive from 65 - shift on: 66, 69, ... 126. */
		fill(io, shift);
		assert_int_equal(fxq_run(prog, io->in, io->out), 0);
		assert_int_equal(io->out[0].dims[0], 1);
		assert_int_equal(io->out[0].dims[1], 21);
		assert_true(y[0] == (float)(2 + shift) / 2);
		assert_true(y[20] == (float)(62 + shift) / 2);
	}
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static int eval_grow(struct fxq_call *call)
{
	call->out[0].dims[1]++;
	return 0;
}

static int eval_refuse(struct fxq_call *call)
{
	snprintf(call->error, sizeof(call->error), "it rains");
	return -EDOM;
}

/* Runs @fn as the one step of a program; returns what the run gives. */
static int run_one(fxq_call_fn infer, fxq_call_fn eval, uint32_t flags)
{
	const struct fxq_function fn = { "fn", infer, eval };
	const struct fxq_tensor type = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;
	int ret;

	fxq_register_function(&fn, NULL);
	prog = load(dev, one_call(true, "fn", &type, flags, NULL, 0));
	fxq_unregister_function("fn");
	io = new_io(prog);
	fill(io, 0);
	ret = fxq_run(prog, io->in, io->out);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
	return ret;
}

static void result_larger_than_its_room_is_refused(void **state)
{
	assert_int_equal(run_one(NULL, eval_grow, FXQ_TENSOR_DYNAMIC), -EPROTO);
	assert_non_null(strstr(fxq_error(), "at most float32 1x128"));
}

static void result_of_another_shape_is_refused(void **state)
{
	assert_int_equal(run_one(eval_grow, eval_refuse, 0), -EPROTO);
	assert_non_null(strstr(fxq_error(), "result 0 of fn is float32 1x129"));
}

static void what_a_function_says_is_passed_on(void **state)
{
	assert_int_equal(run_one(infer_same, eval_refuse, 0), -EDOM);
	assert_string_equal(fxq_error(), "layer fn: fn: it rains");
}

static void unknown_operator_is_refused_at_load(void **state)
{
	const struct fxq_tensor type = kit_type(FXQ_DTYPE_F32, ELEMENTS);

	assert_int_equal(refuse_load(one_call(false, "brew", &type, 0, NULL,
					      0)), -ENOENT);
	assert_non_null(strstr(fxq_error(), "CPU operator brew"));
}

static void operator_with_too_few_inputs_is_refused(void **state)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_writer *w = kit_writer("few");
	uint32_t y = fxq_writer_tensor(w, "y", &f, 0);
	const uint32_t absent = FXQ_ARG_ABSENT;
	const struct fxq_writer_call step = {
		.name = "dequantize", .layer = "dq",
		.in = &absent, .n_in = 1, .out = &y, .n_out = 1,
	};

	fxq_writer_call_step(w, &step);
	fxq_writer_outputs(w, &y, 1);
	assert_int_equal(refuse_load(w), -EBADMSG);
	assert_non_null(strstr(fxq_error(), "without input 0"));
}

static void argmax_is_built_in(void **state)
{
	const struct fxq_attr dim = {
		.name = "dim", .type = FXQ_ATTR_INT, .count = 1, .i = 1,
	};
	struct fxq_tensor type = {
		.dtype = FXQ_DTYPE_I64, .rank = 2, .dims = { 1, 1 },
	};
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;

	prog = load(dev, one_call(true, "argmax", &type, 0, &dim, 1));
	io = new_io(prog);
	fill(io, 0);
	((float *)io->in[0].data)[77] = 1000;
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_int_equal(*(int64_t *)io->out[0].data, 77);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void plugin_brings_functions(void **state)
{
	const struct fxq_tensor type = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_device *dev;
	struct fxq_program *prog;
	struct fxq_io *io;

	assert_int_equal(fxq_plugin_load("/nonexistent.so"), -ENOEXEC);
	assert_non_null(strstr(fxq_error(), "/nonexistent.so"));
	if (access(PLUGIN, R_OK))
		skip();
	assert_int_equal(fxq_plugin_load(PLUGIN), 0);
	assert_int_equal(fxq_plugin_load(PLUGIN), -EEXIST);
	dev = open_device();
	prog = load(dev, one_call(true, "plugin_double", &type, 0, NULL, 0));
	io = new_io(prog);
	fill(io, 0);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_times(io, 0, 2);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpu_and_device_take_turns),
		cmocka_unit_test(self_knows_the_mode),
		cmocka_unit_test(unbound_function_names_the_three_ways),
		cmocka_unit_test(a_name_is_registered_once),
		cmocka_unit_test(dynamic_output_tells_its_size),
		cmocka_unit_test(result_larger_than_its_room_is_refused),
		cmocka_unit_test(result_of_another_shape_is_refused),
		cmocka_unit_test(what_a_function_says_is_passed_on),
		cmocka_unit_test(unknown_operator_is_refused_at_load),
		cmocka_unit_test(operator_with_too_few_inputs_is_refused),
		cmocka_unit_test(argmax_is_built_in),
		cmocka_unit_test(plugin_brings_functions),
	};

	if (argc > 1)
		device_name = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
