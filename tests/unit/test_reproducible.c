// SPDX-License-Identifier: MIT
/*
 * test_reproducible.c - images and answers do not depend on FTZ and DAZ
 *
 * A program may have told its processor to flush results that are denormal
 * to zero, and to read them as zero: some compilers do at the start of main.
 * With both bits set and with neither, on one thread and on two, the same
 * model and data give the same bytes. The data has denormal numbers in it.
 */
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
#include <fxq/onnx.h>

#if defined(__SSE__)
#include <xmmintrin.h>
#define FLUSH_TO_ZERO		(1u << 15)
#define DENORMALS_ARE_ZERO	(1u << 6)
#endif

#define PIXELS	(28 * 28)
#define BATCHES	8

/* Grey noise from -4 to 4; each seventh pixel is denormal. */
static void picture(float *x, uint32_t seed)
{
	for (int i = 0; i < PIXELS; i++) {
		seed = seed * 1664525 + 1013904223;
		x[i] = ((float)((seed >> 16) & 0xff) - 128) / 32;
		if (i % 7 == 0)
			x[i] *= 0x1p-130f;
	}
}

struct result {
	void *image;
	size_t size;
	float answer[16];
};

static struct fx_graph *calibrated(const char *model, int threads)
{
	const struct fx_qconfig config = { .observer = FX_OBSERVER_MSE };
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 4,
					      (int64_t[]){ 1, 1, 28, 28 });
	struct fx_import_options options = { .default_batch = 1 };
	struct fx_calibration *cal;
	struct fx_graph *g, *q;
	char error[512];

	if (fx_import_onnx(model, &options, &g, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	assert_int_equal(fx_fuse(g), 0);
	assert_int_equal(fx_calibration_begin(g, &config, &cal), 0);
	for (uint32_t i = 0; i < BATCHES; i++) {
		picture(x.data, i);
		assert_int_equal(fx_calibration_feed(cal, &x, 1, threads), 0);
	}
	if (fx_convert(g, cal, &config, &q))
		fail_msg("%s", fx_graph_error(g));
	fxq_tensor_free(&x);
	fx_calibration_free(cal);
	fx_graph_free(g);
	return q;
}

static void compile(const char *model, int threads, struct result *r)
{
	struct fx_lower_options options = { .name = "net" };
	struct fx_graph *q = calibrated(model, threads);
	struct fxq_writer *w;

	if (fx_partition(q, NULL) || fx_lower(q, &options, &w))
		fail_msg("%s", fx_graph_error(q));
	assert_int_equal(fxq_writer_finish_memory(w, &r->image, &r->size), 0);
	fxq_writer_free(w);
	fx_graph_free(q);
}

static void run(int threads, struct result *r)
{
	struct fxq_device_config config = { .threads = threads };
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_image *image;
	struct fxq_io *io;

	if (fxq_device_open(NULL, &config, &device) ||
	    fxq_image_open_memory(r->image, r->size, &image) ||
	    fxq_program_load(device, image, NULL, &program) ||
	    fxq_io_create(program, &io))
		fail_msg("%s", fxq_error());
	picture(io->in[0].data, 99);
	assert_int_equal(fxq_run(program, io->in, io->out), 0);
	assert_true(fxq_tensor_bytes(&io->out[0]) <= sizeof(r->answer));
	memcpy(r->answer, io->out[0].data, fxq_tensor_bytes(&io->out[0]));
	fxq_io_destroy(io);
	fxq_program_unload(program);
	fxq_image_close(image);
	fxq_device_close(device);
}

static struct result result_of(const char *model, int threads)
{
	struct result r = { .image = NULL };

	compile(model, threads, &r);
	run(threads, &r);
	return r;
}

/* Threads begin with the bits of the one that starts them. */
static struct result flushed(const char *model, int threads)
{
	struct result r;
#if defined(__SSE__)
	volatile float tiny = 0x1p-130f;
	unsigned int was = _mm_getcsr();

	_mm_setcsr(was | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
	if (tiny * 1.0f != 0)
		skip();		/* valgrind knows neither bit */
	r = result_of(model, threads);
	assert_true(_mm_getcsr() & FLUSH_TO_ZERO);
	_mm_setcsr(was);
	assert_true(tiny * 1.0f != 0);
#else
	r = result_of(model, threads);
#endif
	return r;
}

static void assert_same(const struct result *a, const struct result *b)
{
	assert_int_equal(a->size, b->size);
	assert_memory_equal(a->image, b->image, a->size);
	assert_memory_equal(a->answer, b->answer, sizeof(a->answer));
}

static void check(const char *model)
{
	for (int threads = 1; threads <= 2; threads++) {
		struct result f = flushed(model, threads);
		struct result r = result_of(model, threads);

		assert_same(&f, &r);
		free(f.image);
		free(r.image);
	}
}

static void residual_network(void **state)
{
	check(MODELS "/fmnist_res.onnx");
}

static void depthwise_network(void **state)
{
	check(MODELS "/fmnist_mb.onnx");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(residual_network),
		cmocka_unit_test(depthwise_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
