// SPDX-License-Identifier: MIT
/*
 * test_examples.c - what label and chain refuse, and that chain is right:
 * test_examples LABEL CHAIN
 */
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "image_kit.h"

static char folder[] = "/tmp/fxq-examples-XXXXXX";
static const char *label, *chain;
static char said[4096];

static const char *in_folder(const char *name)
{
	static char paths[4][256];
	static unsigned int n;
	char *path = paths[n++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

static void write_image(const char *name, struct fxq_writer *w)
{
	size_t size;
	void *bytes = kit_finish(w, &size);

	write_file(name, bytes, size);
	free(bytes);
}

/* x float32 [1, 128] -> y float32 [1, @n], by a function of nobody's. */
static struct fxq_writer *classes(int64_t n)
{
	const struct fxq_tensor in = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_tensor out = kit_type(FXQ_DTYPE_F32, n);
	struct fxq_writer *w = kit_writer("classes");
	uint32_t x = fxq_writer_tensor(w, "x", &in, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &out, 0);

	fxq_writer_inputs(w, &x, 1);
	kit_call(w, true, "guess", x, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/* As run() with a depth. */
static int run_deep(const char *program, const char *image, const char *in,
		    const char *out, const char *depth)
{
	char command[1500];
	FILE *pipe;
	size_t n;
	int ret;

	snprintf(command, sizeof(command), "'%s' '%s' '%s' '%s' embedded %s 2>&1",
		 program, in_folder(image), in_folder(in), in_folder(out),
		 depth);
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(said, 1, sizeof(said) - 1, pipe);
	said[n] = '\0';
	ret = pclose(pipe);
	return WIFEXITED(ret) ? WEXITSTATUS(ret) : -1;
}

/* Runs the program; its exit code, and all that it says in said. */
static int run(const char *program, const char *image, const char *in,
	       const char *out)
{
	return run_deep(program, image, in, out, "");
}

static void says(const char *part)
{
	if (!strstr(said, part))
		fail_msg("'%s' does not say: %s", said, part);
}

static void a_byte_names_256_classes(void **state)
{
	write_file("none", "", 0);
	write_image("257", classes(257));
	assert_int_equal(run(label, "257", "none", "labels"), 1);
	says("257 does not end in one row of 1 to 256 floats, a class each");
	/* 256 are well: the next to be refused are the pictures. */
	write_image("256", classes(256));
	assert_int_equal(run(label, "256", "none", "labels"), 1);
	says("none is no idx file of pictures");
}

static void a_chain_has_no_floats(void **state)
{
	write_image("floats", kit_negate());
	assert_int_equal(run(chain, "floats", "none", "results"), 1);
	says("input 'x' is not int8; compile with --int8-ends");
}

/* @inputs of int8, of which one goes through @steps on the device. */
static struct fxq_writer *bytes(uint32_t inputs, int steps)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("bytes");
	uint32_t x[2], y;

	for (uint32_t i = 0; i < inputs; i++)
		x[i] = fxq_writer_tensor(w, "x", &q, 0);
	fxq_writer_inputs(w, x, inputs);
	y = x[0];
	for (int i = 0; i < steps; i++) {
		uint32_t from = y;

		y = fxq_writer_tensor(w, "y", &q, 0);
		kit_lut_step(w, "negate", from, y);
	}
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/* One int8 tensor to another, by a function of nobody's. */
static struct fxq_writer *on_the_cpu(void)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("on the CPU");
	uint32_t x = fxq_writer_tensor(w, "x", &q, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &q, 0);

	fxq_writer_inputs(w, &x, 1);
	kit_call(w, true, "guess", x, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

static void a_chain_is_one_step_between_two_ends(void **state)
{
	write_image("pairs", bytes(2, 1));
	assert_int_equal(run(chain, "pairs", "none", "results"), 1);
	says("pairs has 2 inputs and 1 outputs; a record is one input");
	write_image("steps", bytes(1, 2));
	assert_int_equal(run(chain, "steps", "none", "results"), 1);
	says("steps has 2 steps, 2 of them on the device");
	write_image("cpu", on_the_cpu());
	assert_int_equal(run(chain, "cpu", "none", "results"), 1);
	says("cpu has 1 steps, 0 of them on the device");
}

static void depth_is_a_number(void **state)
{
	static const char *const bad[] = { "0", "65", "-1", "4294967297", "8x",
					   "''" };

	write_image("bytes", kit_negate_bytes());
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(run_deep(chain, "bytes", "none", "results",
					  bad[i]), 64);
		says("no number from 1 to 64");
		assert_int_equal(run_deep(label, "bytes", "none", "labels",
					  bad[i]), 64);
		says("no number from 1 to 64");
	}
}

static void records_are_whole(void **state)
{
	int8_t x[3 * ELEMENTS + 1], y[3 * ELEMENTS];
	FILE *f;

	for (int i = 0; i < 3 * ELEMENTS + 1; i++)
		x[i] = i % 255 - 127;
	write_image("bytes", kit_negate_bytes());
	write_file("records", x, sizeof(x));
	assert_int_equal(run(chain, "bytes", "records", "results"), 1);
	says("records has 385 bytes, no records of 128");

	write_file("records", x, 3 * ELEMENTS);
	assert_int_equal(run(chain, "bytes", "records", "results"), 0);
	says("2.000 system calls/record");
	f = fopen(in_folder("results"), "r");
	assert_non_null(f);
	assert_int_equal(fread(y, 1, sizeof(y), f), sizeof(y));
	fclose(f);
	for (int i = 0; i < 3 * ELEMENTS; i++)
		assert_int_equal(y[i], -x[i]);
}

static int begin(void **state)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int end(void **state)
{
	static const char *const names[] = {
		"none", "257", "256", "labels", "floats", "bytes", "records",
		"results", "pairs", "steps", "cpu",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_folder(names[i]));
	return rmdir(folder);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_byte_names_256_classes),
		cmocka_unit_test(a_chain_has_no_floats),
		cmocka_unit_test(a_chain_is_one_step_between_two_ends),
		cmocka_unit_test(depth_is_a_number),
		cmocka_unit_test(records_are_whole),
	};

	if (argc != 3)
		return 64;
	label = argv[1];
	chain = argv[2];
	return cmocka_run_group_tests(tests, begin, end);
}
