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

/* Runs the program; its exit code, and all that it says in said. */
static int run(const char *program, const char *image, const char *in,
	       const char *out)
{
	char command[1500];
	FILE *pipe;
	size_t n;
	int ret;

	snprintf(command, sizeof(command), "'%s' '%s' '%s' '%s' embedded 2>&1",
		 program, in_folder(image), in_folder(in), in_folder(out));
	pipe = popen(command, "r");
	assert_non_null(pipe);
	n = fread(said, 1, sizeof(said) - 1, pipe);
	said[n] = '\0';
	ret = pclose(pipe);
	return WIFEXITED(ret) ? WEXITSTATUS(ret) : -1;
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
		"results",
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
		cmocka_unit_test(records_are_whole),
	};

	if (argc != 3)
		return 64;
	label = argv[1];
	chain = argv[2];
	return cmocka_run_group_tests(tests, begin, end);
}
