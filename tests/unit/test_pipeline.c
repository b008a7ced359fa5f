// SPDX-License-Identifier: MIT
/*
 * test_pipeline.c - frames in a row: test_pipeline [DEVICE]
 *
 * Between two device steps stands a function of the test, which can be made to
 * wait or to fail at a frame of the test's choice: what happens meanwhile is
 * then certain, and no test looks at a clock.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <fxq/pipeline.h>

#include "image_kit.h"

#define PATIENCE	10000	/* milliseconds until a test gives up */
#define FRAMES		50

static const char *device_name = "embedded";

/*
 * struct rig - what a test plays with
 * @streams: that the device has completed
 * @held: the function waits while this is set, and counts in @waiting
 * @failing: the frame at which it fails
 * @overlap: it waits until the device has done the next frame's step, too
 */
static struct rig {
	struct fxq_device *dev;
	struct fxq_program *prog;
	struct fxq_pipeline *pipe;
	atomic_int streams, waiting;
	atomic_bool held;
	int failing;
	bool overlap;
} rig;

static void count_stream(void *priv, const struct fxq_desc *stream,
			 uint64_t began, const uint64_t *ns, uint32_t n)
{
	rig.streams++;
}

static void await(bool (*there)(int n), int n)
{
	for (int i = 0; !there(n); i++) {
		assert_true(i < PATIENCE);
		usleep(1000);
	}
}

static bool has_waiting(int n)
{
	return rig.waiting >= n;
}

static bool may_go_on(int n)
{
	return !rig.held;
}

static bool has_streams(int n)
{
	return rig.streams >= n;
}

static int infer_same(struct fxq_call *call)
{
	call->out[0].dtype = call->in[0].dtype;
	call->out[0].rank = call->in[0].rank;
	memcpy(call->out[0].dims, call->in[0].dims, sizeof(call->in[0].dims));
	return 0;
}

/* int8 -> int8: q / 2. The first element tells the frame: -frame. */
static int eval_halve(struct fxq_call *call)
{
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	rig.waiting++;
	await(may_go_on, 0);
	rig.waiting--;
	if (rig.overlap)
		await(has_streams, -x[0] + 2);
	if (-x[0] == rig.failing) {
		snprintf(call->error, sizeof(call->error), "it rains");
		return -EDOM;
	}
	for (int i = 0; i < ELEMENTS; i++)
		y[i] = x[i] / 2;
	return 0;
}

/* quantize, device, halve on the CPU, and device if @again, dequantize */
static struct fxq_writer *halving(bool again)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("halving");
	uint32_t t[6];

	for (int i = 0; i < 6; i++)
		t[i] = fxq_writer_tensor(w, NULL, i % 5 ? &q : &f, 0);
	fxq_writer_inputs(w, &t[0], 1);
	kit_quantize(w, t[0], t[1]);
	kit_lut_step(w, "there", t[1], t[2]);
	kit_call(w, true, "halve", t[2], t[3], NULL, 0);
	if (again)
		kit_lut_step(w, "back", t[3], t[4]);
	kit_call(w, false, "dequantize", t[3 + again], t[5], NULL, 0);
	fxq_writer_outputs(w, &t[5], 1);
	return w;
}

static struct fxq_program *load(struct fxq_writer *w, uint32_t slots,
				uint32_t workers)
{
	const struct fxq_program_config config = {
		.slots = slots, .workers = workers,
	};
	struct fxq_image *image = kit_open(w);
	struct fxq_program *prog = NULL;

	if (fxq_program_load(rig.dev, image, &config, &prog))
		fail_msg("program: %s", fxq_error());
	fxq_image_close(image);
	return prog;
}

static struct fxq_pipeline *open_pipe(struct fxq_program *prog, uint32_t depth)
{
	struct fxq_pipeline *pipe = NULL;

	if (fxq_pipeline_open(prog, depth, &pipe))
		fail_msg("pipeline: %s", fxq_error());
	return pipe;
}

static void start(struct fxq_writer *w, uint32_t depth, uint32_t workers)
{
	rig.prog = load(w, depth, workers);
	rig.pipe = open_pipe(rig.prog, depth);
}

static int begin(void **state)
{
	static const struct fxq_function halve = {
		"halve", infer_same, eval_halve,
	};
	const struct fxq_device_config watched = { .profile = count_stream };
	bool embedded = !strcmp(device_name, "embedded");

	rig = (struct rig){ .failing = -1 };
	fxq_register_function(&halve, NULL);
	return fxq_device_open(device_name, embedded ? &watched : NULL,
			       &rig.dev);
}

static int end(void **state)
{
	rig.held = false;
	fxq_pipeline_close(rig.pipe);
	fxq_program_unload(rig.prog);
	fxq_device_close(rig.dev);
	return fxq_unregister_function("halve");
}

static struct fxq_frame *acquire(void)
{
	struct fxq_frame *frame = NULL;

	if (fxq_pipeline_acquire(rig.pipe, UINT64_MAX, &frame))
		fail_msg("acquire: %s", fxq_error());
	return frame;
}

/* x[i] = (n + i % 16) / 2: exact in int8 at the scale of 0.5. */
static void fill(struct fxq_frame *frame, int n)
{
	float *x = frame->in[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		x[i] = (float)(n + i % 16) / 2;
}

static struct fxq_frame *submit(int n)
{
	struct fxq_frame *frame = acquire();

	fill(frame, n);
	frame->user_data = frame;
	if (fxq_pipeline_submit(rig.pipe, frame))
		fail_msg("submit: %s", fxq_error());
	return frame;
}

static struct fxq_frame *wait_for(int number)
{
	struct fxq_frame *frame = NULL;

	if (fxq_pipeline_wait(rig.pipe, UINT64_MAX, &frame))
		fail_msg("wait: %s", fxq_error());
	assert_int_equal(frame->number, number);
	assert_ptr_equal(frame->user_data, frame);
	assert_ptr_equal(frame->done.user_data, frame);
	return frame;
}

static void release(struct fxq_frame *frame)
{
	assert_int_equal(fxq_pipeline_release(rig.pipe, frame), 0);
}

/* Frame number @number was filled with @n: it was negated, halved, @sign. */
static void expect(int number, int n, int sign)
{
	struct fxq_frame *frame = wait_for(number);
	const float *y = frame->out[0].data;

	if (frame->done.result)
		fail_msg("frame %d: %s", number, frame->done.error);
	for (int i = 0; i < ELEMENTS; i++)
		if (y[i] != (float)(sign * ((n + i % 16) / 2)) / 2)
			fail_msg("frame %d: y[%d] is %g", number, i,
				 (double)y[i]);
	release(frame);
}

static void expect_error(int number, int result, const char *text)
{
	struct fxq_frame *frame = wait_for(number);

	assert_int_equal(frame->done.result, result);
	if (!strstr(frame->done.error, text))
		fail_msg("'%s' does not say: %s", frame->done.error, text);
	release(frame);
}

/* With each number of workers and of frames; the last are fewer than fit. */
static void results_come_in_order(void **state)
{
	for (uint32_t depth = 1; depth <= 5; depth += 2) {
		for (uint32_t workers = 0; workers < 3; workers++) {
			int sent = 0;

			start(halving(true), depth, workers);
			assert_int_equal(fxq_pipeline_depth(rig.pipe), depth);
			for (int n = 0; n < FRAMES; n++) {
				while (sent < FRAMES && sent - n < (int)depth)
					submit(sent++);
				expect(n, n, 1);
			}
			fxq_pipeline_close(rig.pipe);
			fxq_program_unload(rig.prog);
		}
	}
	rig.pipe = NULL;
	rig.prog = NULL;
}

/*
 * The function of a frame returns only when the device has done the next
 * frame's step: one after the other that would never be.
 */
static void device_works_on_the_next_frame_meanwhile(void **state)
{
	if (strcmp(device_name, "embedded"))
		skip();
	start(halving(false), 3, 0);
	rig.overlap = true;
	submit(0);
	submit(1);
	for (int n = 0; n < 20; n++) {
		submit(n + 2);
		expect(n, n, -1);
	}
	rig.overlap = false;
}

/* The same bits as from runs one at a time. */
static void bits_are_those_of_single_runs(void **state)
{
	struct fxq_program *single = load(halving(true), 1, 0);
	struct fxq_io *io = NULL;
	struct fxq_frame *frame;

	start(halving(true), 3, 1);
	assert_int_equal(fxq_io_create(single, &io), 0);
	for (int n = 0; n < FRAMES; n++) {
		while (!fxq_pipeline_acquire(rig.pipe, 0, &frame)) {
			for (int i = 0; i < ELEMENTS; i++)
				((float *)frame->in[0].data)[i] =
					(float)((n * 7919 + i * 131) % 200) / 3;
			frame->user_data = frame;
			fxq_pipeline_submit(rig.pipe, frame);
		}
		frame = wait_for(n);
		memcpy(io->in[0].data, frame->in[0].data,
		       ELEMENTS * sizeof(float));
		assert_int_equal(fxq_run(single, io->in, io->out), 0);
		assert_memory_equal(io->out[0].data, frame->out[0].data,
				    ELEMENTS * sizeof(float));
		release(frame);
	}
	fxq_io_destroy(io);
	fxq_program_unload(single);
}

/* What the device reads and writes is filled and read in place, or copied. */
static void an_input_may_be_elsewhere(void **state)
{
	int8_t elsewhere[ELEMENTS] __attribute__((aligned(64)));
	struct fxq_frame *frame;
	void *in, *out;

	start(kit_negate_bytes(), 1, 0);
	for (int round = 0; round < 3; round++) {
		const int8_t *y;

		frame = acquire();
		if (!round)
			in = frame->in[0].data;
		assert_ptr_equal(frame->in[0].data, in);
		if (round == 1)
			frame->in[0].data = elsewhere;
		memset(frame->in[0].data, 10 + round, ELEMENTS);
		frame->user_data = frame;
		assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), 0);
		assert_ptr_equal(wait_for(round), frame);
		if (!round)
			out = frame->out[0].data;
		assert_ptr_equal(frame->out[0].data, out);
		y = out;
		assert_int_equal(y[0], -10 - round);
		assert_int_equal(y[ELEMENTS - 1], -10 - round);
		release(frame);
	}
}

static void *release_later(void *arg)
{
	usleep(2000);
	release(arg);
	return NULL;
}

static void all_frames_taken_is_busy_until_one_is_released(void **state)
{
	struct fxq_frame *frame, *other = NULL;
	pthread_t thread;

	start(halving(true), 2, 0);
	frame = acquire();
	submit(7);
	assert_int_equal(fxq_pipeline_acquire(rig.pipe, 0, &other), -EBUSY);
	assert_int_equal(fxq_pipeline_acquire(rig.pipe, 2000000, &other),
			 -EBUSY);
	assert_non_null(strstr(fxq_error(), "all 2 frames are taken"));
	assert_null(other);
	pthread_create(&thread, NULL, release_later, frame);
	assert_ptr_equal(acquire(), frame);
	pthread_join(thread, NULL);
	expect(0, 7, 1);
	/* A frame that ended and was waited for is the caller's, too. */
	release(frame);
	submit(1);
	frame = wait_for(1);
	acquire();
	assert_int_equal(fxq_pipeline_acquire(rig.pipe, 0, &other), -EBUSY);
	release(frame);
	assert_ptr_equal(acquire(), frame);
}

static void an_error_is_one_frames_own(void **state)
{
	start(halving(true), 4, 1);
	rig.failing = 4;
	for (int n = 1; n < 9; n++) {
		submit(n);
		if (n < 4)
			continue;
		if (n - 3 == 4)
			expect_error(3, -EDOM, "layer halve: halve: it rains");
		else
			expect(n - 4, n - 3, 1);
	}
	for (int n = 6; n < 9; n++)
		expect(n - 1, n, 1);
}

/* Each of the faults stops the device's context; the neighbour never does. */
static void faults_are_told_frame_by_frame(void **state)
{
	struct fxq_program *good = load(halving(true), 2, 0);
	struct fxq_pipeline *bad, *pipe = open_pipe(good, 2);

	start(kit_faulty(), 3, 0);
	bad = rig.pipe;
	for (int n = 0; n < 3; n++) {
		struct fxq_frame *frame = acquire();

		frame->user_data = frame;
		assert_int_equal(fxq_pipeline_submit(bad, frame), 0);
		rig.pipe = pipe;
		submit(n);
		expect(n, n, 1);
		rig.pipe = bad;
	}
	for (int n = 0; n < 3; n++)
		expect_error(n, -EIO, "resize");
	fxq_pipeline_close(pipe);
	fxq_program_unload(good);
}

/*
 * Frame 0 stands in its function, on a worker; the others are before their
 * first device step, in the device's hands or behind their last.
 */
static void canceled_frames_come_out_like_others(void **state)
{
	start(halving(true), 4, 1);
	rig.held = true;
	for (int n = 0; n < 4; n++)
		submit(n);
	await(has_waiting, 1);
	fxq_pipeline_cancel(rig.pipe);
	rig.held = false;
	for (int n = 0; n < 4; n++)
		expect_error(n, -ECANCELED, "canceled before layer ");
	for (int n = 4; n < 12; n++) {
		submit(n);
		expect(n, n, 1);
	}
}

/* More than the device's ring takes: the rest never gets there. */
static void frames_without_room_are_canceled_at_once(void **state)
{
	const int depth = 40;
	int canceled = 0;

	start(halving(true), depth, 0);
	for (int n = 0; n < depth; n++)
		submit(n);
	fxq_pipeline_cancel(rig.pipe);
	for (int n = 0; n < depth; n++) {
		struct fxq_frame *frame = wait_for(n);

		canceled += frame->done.result == -ECANCELED;
		assert_true(!frame->done.result ||
			    frame->done.result == -ECANCELED);
		release(frame);
	}
	assert_int_equal(canceled, depth);
	assert_true(rig.streams < depth);
}

/* What has ended was not canceled. */
static void the_last_step_is_not_canceled(void **state)
{
	struct fxq_frame *frame;

	start(kit_negate_bytes(), 1, 0);
	frame = acquire();
	memset(frame->in[0].data, 3, ELEMENTS);
	frame->user_data = frame;
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), 0);
	fxq_pipeline_cancel(rig.pipe);
	assert_ptr_equal(wait_for(0), frame);
	assert_int_equal(frame->done.result, 0);
	assert_int_equal(*(int8_t *)frame->out[0].data, -3);
}

/* Whatever frames are about, and slots go back to the program. */
static void closing_early_loses_nothing(void **state)
{
	struct fxq_io *io = NULL;

	start(halving(true), 4, 1);
	assert_int_equal(fxq_io_create(rig.prog, &io), 0);
	for (int round = 0; round < 20; round++) {
		for (int n = 0; n < round % 5; n++)
			submit(n);
		if (round % 5)
			wait_for(0);
		if (round % 5 < 4)
			acquire();
		fxq_pipeline_close(rig.pipe);
		rig.pipe = NULL;
		assert_int_equal(fxq_run(rig.prog, io->in, io->out), 0);
		rig.pipe = open_pipe(rig.prog, 0);
		assert_int_equal(fxq_pipeline_depth(rig.pipe), 4);
	}
	fxq_io_destroy(io);
}

static void *wait_for_the_end(void *arg)
{
	struct fxq_frame *frame;

	return (void *)(intptr_t)fxq_pipeline_wait(rig.pipe, UINT64_MAX,
						   &frame);
}

static void a_finished_pipeline_says_so(void **state)
{
	struct fxq_frame *frame, *none = NULL;
	pthread_t thread;
	void *result;

	start(halving(true), 2, 0);
	assert_int_equal(fxq_pipeline_wait(rig.pipe, 0, &none), -ETIME);
	assert_int_equal(fxq_pipeline_wait(rig.pipe, 1000000, &none), -ETIME);
	assert_non_null(strstr(fxq_error(), "no frame has ended in time"));
	submit(3);
	frame = acquire();
	fxq_pipeline_finish(rig.pipe);
	assert_int_equal(fxq_pipeline_acquire(rig.pipe, UINT64_MAX, &none),
			 -EPIPE);
	assert_non_null(strstr(fxq_error(), "takes no more frames"));
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), -EPIPE);
	release(frame);
	expect(0, 3, 1);
	assert_int_equal(fxq_pipeline_wait(rig.pipe, UINT64_MAX, &none),
			 -ENODATA);
	assert_null(none);

	/* Who waits already is woken. */
	fxq_pipeline_close(rig.pipe);
	rig.pipe = open_pipe(rig.prog, 0);
	pthread_create(&thread, NULL, wait_for_the_end, NULL);
	usleep(2000);
	fxq_pipeline_finish(rig.pipe);
	pthread_join(thread, &result);
	assert_int_equal((intptr_t)result, -ENODATA);
}

static void frames_that_are_not_the_callers_are_refused(void **state)
{
	struct fxq_frame *frame, *foreign = NULL;
	struct fxq_pipeline *other;

	start(halving(true), 1, 0);
	fxq_pipeline_close(rig.pipe);
	fxq_program_unload(rig.prog);
	rig.prog = load(halving(true), 3, 0);
	rig.pipe = open_pipe(rig.prog, 2);
	other = open_pipe(rig.prog, 1);
	frame = acquire();
	assert_int_equal(fxq_pipeline_acquire(other, 0, &foreign), 0);
	assert_int_equal(fxq_pipeline_submit(rig.pipe, foreign), -EINVAL);
	assert_int_equal(fxq_pipeline_release(rig.pipe, foreign), -EINVAL);
	fill(frame, 5);
	frame->user_data = frame;
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), 0);
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), -EINVAL);
	assert_non_null(strstr(fxq_error(), "acquired, and once"));
	assert_int_equal(fxq_pipeline_release(rig.pipe, frame), -EINVAL);
	assert_non_null(strstr(fxq_error(), "that is the caller's"));
	expect(0, 5, 1);
	assert_int_equal(fxq_pipeline_release(rig.pipe, frame), -EINVAL);
	fxq_pipeline_close(other);
}

/* Its tensors are not looked at: they are those of another image. */
static void frames_of_another_program_are_refused(void **state)
{
	struct fxq_program *bytes = load(kit_negate_bytes(), 1, 0);
	struct fxq_pipeline *other = open_pipe(bytes, 1);
	struct fxq_frame *foreign = NULL;

	start(halving(true), 1, 0);
	assert_int_equal(fxq_pipeline_acquire(other, 0, &foreign), 0);
	assert_int_equal(fxq_pipeline_submit(rig.pipe, foreign), -EINVAL);
	assert_non_null(strstr(fxq_error(), "acquired, and once"));
	fxq_pipeline_close(other);
	fxq_program_unload(bytes);
}

static void unfit_inputs_leave_the_frame_with_the_caller(void **state)
{
	struct fxq_frame *frame;
	void *data;

	start(halving(true), 1, 0);
	frame = acquire();
	data = frame->in[0].data;
	frame->in[0].dims[1]++;
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), -EINVAL);
	assert_non_null(strstr(fxq_error(), "float32 1x129, the image takes"));
	frame->in[0].dims[1]--;
	frame->in[0].data = NULL;
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), -EINVAL);
	assert_non_null(strstr(fxq_error(), "has no memory"));
	frame->in[0].data = data;
	fill(frame, 1);
	frame->user_data = frame;
	assert_int_equal(fxq_pipeline_submit(rig.pipe, frame), 0);
	expect(0, 1, 1);
}

static void slots_are_not_lent_twice(void **state)
{
	struct fxq_pipeline *other = NULL;
	struct fxq_io *io = NULL;

	start(halving(true), 3, 0);
	assert_int_equal(fxq_io_create(rig.prog, &io), 0);
	assert_int_equal(fxq_run(rig.prog, io->in, io->out), -EBUSY);
	assert_int_equal(fxq_submit(rig.prog, io->in, io->out, NULL), -EBUSY);
	assert_int_equal(fxq_pipeline_open(rig.prog, 0, &other), -EBUSY);
	fxq_pipeline_close(rig.pipe);
	rig.pipe = open_pipe(rig.prog, 2);
	assert_int_equal(fxq_pipeline_open(rig.prog, 2, &other), -EBUSY);
	assert_non_null(strstr(fxq_error(), "2 frames needs as many slots, and of the program's 3 only 1"));
	assert_null(other);
	assert_int_equal(fxq_run(rig.prog, io->in, io->out), 0);
	submit(1);
	assert_int_equal(fxq_run(rig.prog, io->in, io->out), 0);
	expect(0, 1, 1);
	fxq_io_destroy(io);
	fxq_pipeline_close(NULL);
}

static void *fill_frames(void *arg)
{
	for (int n = 0; n < FRAMES; n++)
		submit(n);
	fxq_pipeline_finish(rig.pipe);
	return NULL;
}

/* One thread fills, another uses, and a third cancels now and then. */
static void threads_share_a_pipeline(void **state)
{
	for (uint32_t workers = 0; workers < 3; workers++) {
		struct fxq_frame *frame;
		pthread_t thread;
		int n = 0;

		start(halving(true), 3, workers);
		pthread_create(&thread, NULL, fill_frames, NULL);
		while (!fxq_pipeline_wait(rig.pipe, UINT64_MAX, &frame)) {
			assert_int_equal(frame->number, n++);
			if (n % 10 == 0)
				fxq_pipeline_cancel(rig.pipe);
			if (frame->done.result)
				assert_int_equal(frame->done.result,
						 -ECANCELED);
			release(frame);
		}
		pthread_join(thread, NULL);
		assert_int_equal(n, FRAMES);
		fxq_pipeline_close(rig.pipe);
		fxq_program_unload(rig.prog);
	}
	rig.pipe = NULL;
	rig.prog = NULL;
}

#define MAX_SPANS	64

/* struct spans - what a program told, in order */
struct spans {
	atomic_int n;
	struct fxq_trace span[MAX_SPANS];
};

static void keep_span(void *priv, const struct fxq_trace *span)
{
	struct spans *spans = priv;

	assert_true(spans->n < MAX_SPANS);
	assert_true(span->began <= span->ended);
	spans->span[spans->n++] = *span;
}

static const struct fxq_trace *find_span(const struct spans *spans,
					enum fxq_trace_kind kind, uint64_t run,
					uint32_t step)
{
	const struct fxq_trace *found = NULL;

	for (int i = 0; i < spans->n; i++) {
		const struct fxq_trace *s = &spans->span[i];

		if (s->kind != kind || s->run != run || s->step != step)
			continue;
		assert_null(found);
		found = s;
	}
	assert_non_null(found);
	return found;
}

/* Every step of a run is told once, inside the run, and one after the other. */
static void spans_tell_what_a_run_did(void **state)
{
	static const enum fxq_trace_kind kinds[] = {
		FXQ_TRACE_CPU, FXQ_TRACE_DEVICE, FXQ_TRACE_CPU, FXQ_TRACE_DEVICE,
		FXQ_TRACE_CPU,
	};
	struct spans spans = { 0 };
	const struct fxq_program_config config = {
		.slots = 2, .trace = keep_span, .priv = &spans,
	};
	struct fxq_image *image = kit_open(halving(true));

	assert_int_equal(fxq_program_load(rig.dev, image, &config, &rig.prog),
			 0);
	fxq_image_close(image);
	rig.pipe = open_pipe(rig.prog, 2);
	submit(0);
	submit(1);
	expect(0, 0, 1);
	expect(1, 1, 1);
	for (int run = 0; run < 2; run++) {
		const struct fxq_trace *whole, *step;
		uint64_t at;

		whole = find_span(&spans, FXQ_TRACE_RUN, run, 5);
		at = whole->began;
		for (int i = 0; i < 5; i++) {
			step = find_span(&spans, kinds[i], run, i);
			assert_int_equal(step->slot, whole->slot);
			assert_true(step->began >= at);
			at = step->ended;
		}
		assert_true(whole->ended >= at);
		step = find_span(&spans, FXQ_TRACE_SUBMIT, run, 1);
		assert_int_equal(step->began, whole->began);
	}
}

#define TEST(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(results_come_in_order),
		TEST(device_works_on_the_next_frame_meanwhile),
		TEST(bits_are_those_of_single_runs),
		TEST(an_input_may_be_elsewhere),
		TEST(all_frames_taken_is_busy_until_one_is_released),
		TEST(an_error_is_one_frames_own),
		TEST(faults_are_told_frame_by_frame),
		TEST(canceled_frames_come_out_like_others),
		TEST(frames_without_room_are_canceled_at_once),
		TEST(the_last_step_is_not_canceled),
		TEST(closing_early_loses_nothing),
		TEST(a_finished_pipeline_says_so),
		TEST(frames_that_are_not_the_callers_are_refused),
		TEST(frames_of_another_program_are_refused),
		TEST(unfit_inputs_leave_the_frame_with_the_caller),
		TEST(slots_are_not_lent_twice),
		TEST(threads_share_a_pipeline),
		TEST(spans_tell_what_a_run_did),
	};

	if (argc > 1)
		device_name = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
