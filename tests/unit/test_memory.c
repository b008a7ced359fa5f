// SPDX-License-Identifier: MIT
/*
 * test_memory.c - libfxq when memory runs out: each call that takes some says
 * so, and keeps none
 */
#include <fxq/pipeline.h>
#include <fxq/queue.h>

#include "program_kit.h"
#include "memory_kit.h"

static struct fxq_device *dev;
static struct fxq_image *image;
static void *file;
static size_t file_bytes;

static int setup(void **state)
{
	fxq_register_function(&shrink, NULL);
	file = kit_finish(back_and_forth(), &file_bytes);
	dev = open_device();
	return fxq_image_open_memory(file, file_bytes, &image);
}

static int teardown(void **state)
{
	fxq_image_close(image);
	fxq_device_close(dev);
	free(file);
	return fxq_unregister_function("shrink");
}

static bool is_told(int ret)
{
	return ret == -ENOMEM && strstr(fxq_error(), "emory");
}

static int open_and_close(void)
{
	const struct fxq_device_config config = { .threads = 3 };
	struct fxq_device *other = NULL;
	int ret = fxq_device_open("embedded", &config, &other);

	fxq_device_close(other);
	return ret;
}

static int open_image(void)
{
	struct fxq_image *other = NULL;
	int ret = fxq_image_open_memory(file, file_bytes, &other);

	fxq_image_close(other);
	return ret;
}

static int run(struct fxq_program *prog)
{
	struct fxq_io *io = NULL;
	int ret = fxq_io_create(prog, &io);

	if (!ret)
		ret = fxq_run(prog, io->in, io->out);
	fxq_io_destroy(io);
	return ret;
}

static int load_and_run(void)
{
	const struct fxq_program_config config = {
		.workers = 2, .threads = 2,
	};
	struct fxq_program *prog = NULL;
	int ret = fxq_program_load(dev, image, &config, &prog);

	if (!ret)
		ret = run(prog);
	fxq_program_unload(prog);
	return ret;
}

static int run_frames(void)
{
	struct fxq_pipeline *pipe = NULL;
	struct fxq_program *prog = NULL;
	struct fxq_frame *frame;
	int ret = fxq_program_load(dev, image, NULL, &prog);

	if (!ret)
		ret = fxq_pipeline_open(prog, 0, &pipe);
	if (!ret)
		ret = fxq_pipeline_acquire(pipe, 0, &frame);
	if (!ret)
		ret = fxq_pipeline_submit(pipe, frame);
	if (!ret)
		ret = fxq_pipeline_wait(pipe, UINT64_MAX, &frame);
	fxq_pipeline_close(pipe);
	fxq_program_unload(prog);
	return ret;
}

static int run_queue(void)
{
	struct fxq_queue *q = NULL;
	struct fxq_io *io = NULL;
	struct fxq_completion done = { .result = 0 };
	int ret = fxq_queue_open(dev, image, NULL, &q);

	if (!ret)
		ret = fxq_io_create(fxq_queue_program(q), &io);
	if (!ret)
		ret = fxq_queue_add(q, &(struct fxq_request){
			.in = io->in, .out = io->out });
	if (!ret)
		fxq_queue_reap(q, &done, 1, UINT64_MAX);
	fxq_queue_close(q);
	fxq_io_destroy(io);
	return ret ? ret : done.result;
}

static int take_buffer(void)
{
	struct fxq_bo *bo = NULL;
	int ret = fxq_bo_create(dev, 3 << 20, 0, &bo);

	fxq_bo_destroy(bo);
	return ret;
}

static int register_other(void)
{
	const struct fxq_function other = { "other", infer_same, eval_shrink };
	int ret = fxq_register_function(&other, NULL);

	return ret ? ret : fxq_unregister_function("other");
}

#define CALLS(X)							\
	X(open_and_close) X(open_image) X(load_and_run) X(run_frames)	\
	X(run_queue) X(take_buffer) X(register_other)

MEMORY_TESTS(CALLS, setup, teardown)
