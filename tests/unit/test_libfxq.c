// SPDX-License-Identifier: MIT
/*
 * test_libfxq.c - programs on a device: test_libfxq [DEVICE]
 *
 * Devices, runs one by one and many at once, what regions share, faults, and
 * what is refused. Steps on the CPU are for test_functions.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fxq/fxq_cost.h>
#include <fxq/pipeline.h>
#include <fxq/queue.h>

#include "program_kit.h"
#include "threads_kit.h"

static void there_is_an_embedded_device(void **state)
{
	struct fxq_device *dev = NULL;
	struct fxq_device_caps caps;
	struct fxq_device_info info;
	unsigned int n = 0;

	assert_string_equal(fxq_version(), "0.1.0");
	while (strcmp(fxq_device_name(n), "embedded"))
		n++;
	assert_null(fxq_device_name(n + 1));
	assert_int_equal(fxq_device_open("nvme", NULL, &dev), -ENODEV);
	assert_non_null(strstr(fxq_error(), "called nvme; there"));
	assert_int_equal(fxq_device_open("accel99", NULL, &dev), -ENODEV);
	assert_int_equal(fxq_device_open("/dev/accel/accel99", NULL, &dev),
			 -ENODEV);
	assert_int_equal(fxq_device_open("0000:ff:1f.7", NULL, &dev), -ENODEV);
	assert_int_equal(fxq_device_open("accel99",
			 &(struct fxq_device_config){ .debug = true }, &dev),
			 -ENOTSUP);
	assert_null(dev);
	assert_int_equal(fxq_device_open("embedded", NULL, &dev), 0);
	fxq_device_caps(dev, &caps);
	assert_int_equal(caps.spm_bytes, 1 << 20);
	assert_int_equal(caps.clock_khz, FXQ_CLOCK_KHZ);
	assert_true(caps.max_inflight > 0);
	fxq_device_info(dev, &info);
	assert_string_equal(info.name, "embedded");
	assert_string_equal(info.address, "");
	assert_string_equal(info.driver, "libfxq");
	assert_int_equal(strlen(info.contract), 64);
	fxq_device_close(dev);
}

static void run_gives_the_answer(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load(dev, kit_negate());
	struct fxq_io *io = new_io(prog);

	assert_int_equal(io->n_in, 1);
	assert_int_equal(io->out[0].dims[1], ELEMENTS);
	for (int shift = 0; shift < 3; shift++) {
		fill(io, shift);
		assert_int_equal(fxq_run(prog, io->in, io->out), 0);
		assert_times(io, shift, -1);
	}
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

/* Values between its steps, and nobody but the CPU to see them. */
static void a_program_may_need_no_device(void **state)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("rounds");
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	uint32_t x, qx, y;
	struct fxq_io *io;

	x = fxq_writer_tensor(w, "x", &f, 0);
	qx = fxq_writer_tensor(w, "x_q", &q, 0);
	y = fxq_writer_tensor(w, "y", &f, 0);
	fxq_writer_inputs(w, &x, 1);
	kit_quantize(w, x, qx);
	kit_call(w, false, "dequantize", qx, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	prog = load(dev, w);
	io = new_io(prog);
	fill(io, 0);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_times(io, 0, 1);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void cycles_are_those_of_the_cost_file(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load(dev, kit_negate());
	struct fxq_io *io = new_io(prog);
	struct fxq_completion done;
	struct fxq_step_stats stats;
	struct fxq_timing timing[4];
	struct fxq_desc stream[4];
	uint32_t order[4];
	uint64_t cycles;

	kit_lut(stream);
	cycles = fxq_cost_stream(stream, 4, timing, order);
	fill(io, 0);
	assert_int_equal(fxq_run_timed(prog, io->in, io->out, &done), 0);
	assert_int_equal(done.result, 0);
	assert_int_equal(done.cycles, cycles);
	assert_true(done.ns > 0);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_int_equal(fxq_program_step_stats(prog, 1, &stats), 0);
	assert_int_equal(stats.runs, 2);
	assert_int_equal(stats.cycles, cycles);
	assert_true(stats.ns_min > 0 && stats.ns_min <= stats.ns_max);
	assert_true(stats.ns_total >= stats.ns_min + stats.ns_max);
	assert_int_equal(fxq_program_step_stats(prog, 3, &stats), -ENOENT);
	fxq_program_reset_stats(prog);
	assert_int_equal(fxq_program_step_stats(prog, 1, &stats), 0);
	assert_int_equal(stats.runs, 0);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

/* struct told - streams told of, and how long the descriptors of them took */
struct told {
	unsigned int streams;
	uint64_t ns;
	bool is_lut;
};

static void note_times(void *priv, const struct fxq_desc *stream,
		       uint64_t began, const uint64_t *ns, uint32_t n)
{
	struct told *told = priv;
	struct fxq_desc lut[4];

	kit_lut(lut);
	told->streams++;
	told->is_lut = n == 4 && !memcmp(stream, lut, sizeof(lut));
	for (uint32_t i = 0; i < n; i++)
		told->ns += ns[i];
}

static void profile_tells_of_each_stream(void **state)
{
	struct told told = { 0 };
	const struct fxq_device_config config = {
		.profile = note_times, .priv = &told,
	};
	struct fxq_completion done;
	struct fxq_device *dev;
	struct fxq_program *prog;
	struct fxq_io *io;

	assert_int_equal(fxq_device_open("embedded", &config, &dev), 0);
	prog = load(dev, kit_negate());
	io = new_io(prog);
	fill(io, 0);
	assert_int_equal(fxq_run_timed(prog, io->in, io->out, &done), 0);
	assert_int_equal(told.streams, 1);
	assert_true(told.is_lut);
	assert_true(told.ns > 0 && told.ns <= done.ns);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void queue_has_as_many_slots_as_asked_for(void **state)
{
	const struct fxq_program_config config = { .slots = 3 };
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load_with(dev, kit_negate(), &config);
	struct fxq_completion done[8];
	struct fxq_io *io[4];
	bool seen[3] = { false };
	int n = 0;

	for (int i = 0; i < 4; i++) {
		io[i] = new_io(prog);
		fill(io[i], i);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(fxq_submit(prog, io[i]->in, io[i]->out,
					    &seen[i]), 0);
	assert_int_equal(fxq_submit(prog, io[3]->in, io[3]->out, NULL), -EBUSY);
	assert_non_null(strstr(fxq_error(), "poll"));
	while (n < 3) {
		int got = fxq_poll(prog, done, 8, UINT64_MAX);

		assert_in_range(got, 1, 3 - n);
		for (int i = 0; i < got; i++) {
			bool *mark = done[i].user_data;

			assert_int_equal(done[i].result, 0);
			assert_string_equal(done[i].error, "");
			assert_false(*mark);
			*mark = true;
		}
		n += got;
	}
	for (int i = 0; i < 3; i++)
		assert_times(io[i], i, -1);
	assert_int_equal(fxq_poll(prog, done, 8, UINT64_MAX), 0);
	assert_int_equal(fxq_submit(prog, io[3]->in, io[3]->out, NULL), 0);
	assert_int_equal(fxq_poll(prog, done, 8, UINT64_MAX), 1);
	assert_times(io[3], 3, -1);
	for (int i = 0; i < 4; i++)
		fxq_io_destroy(io[i]);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

/* More slots than the device's ring has entries: the rest waits its turn. */
static void more_slots_than_the_ring_work(void **state)
{
	const struct fxq_program_config config = { .slots = 24 };
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load_with(dev, kit_negate(), &config);
	struct fxq_completion done[24];
	struct fxq_io *io[24];
	int n = 0;

	for (int i = 0; i < 24; i++) {
		io[i] = new_io(prog);
		fill(io[i], i);
		assert_int_equal(fxq_submit(prog, io[i]->in, io[i]->out, NULL),
				 0);
	}
	while (n < 24)
		n += fxq_poll(prog, done + n, 24 - n, UINT64_MAX);
	for (int i = 0; i < 24; i++) {
		assert_int_equal(done[i].result, 0);
		assert_times(io[i], i, -1);
		fxq_io_destroy(io[i]);
	}
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void polling_without_waiting_gets_there(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load(dev, kit_negate());
	struct fxq_io *io = new_io(prog);
	struct fxq_completion done;
	int tries = 0;

	fill(io, 0);
	assert_int_equal(fxq_submit(prog, io->in, io->out, NULL), 0);
	while (!fxq_poll(prog, &done, 1, 0)) {
		assert_true(tries++ < 10000);
		usleep(100);
	}
	assert_times(io, 0, -1);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void full_of_unpolled_runs_is_busy_not_stuck(void **state)
{
	const struct fxq_program_config config = { .slots = 1 };
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load_with(dev, kit_negate(), &config);
	struct fxq_io *a = new_io(prog), *b = new_io(prog);
	struct fxq_completion done;

	fill(a, 0);
	fill(b, 1);
	assert_int_equal(fxq_submit(prog, a->in, a->out, a), 0);
	assert_int_equal(fxq_run(prog, b->in, b->out), -EBUSY);
	assert_int_equal(fxq_poll(prog, &done, 1, UINT64_MAX), 1);
	assert_ptr_equal(done.user_data, a);
	assert_int_equal(fxq_run(prog, b->in, b->out), 0);
	assert_times(b, 1, -1);
	fxq_io_destroy(a);
	fxq_io_destroy(b);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void unload_waits_for_runs(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load(dev, kit_negate());
	struct fxq_io *io = new_io(prog);

	fill(io, 5);
	assert_int_equal(fxq_submit(prog, io->in, io->out, NULL), 0);
	fxq_program_unload(prog);
	assert_times(io, 5, -1);
	fxq_io_destroy(io);
	fxq_device_close(dev);
}

/*
 * y = a - b, which share region IN. Two such steps with a and b exchanged make
 * it necessary to move them. The weights that it binds may be empty.
 */
static void sub_step(struct fxq_writer *w, uint32_t a, uint32_t b, uint32_t y)
{
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
		{ FXQ_BIND_INPUT, REGION_IN, b, 0, ELEMENTS },
		{ FXQ_BIND_INPUT, REGION_IN, a, 0, 0 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, y, 0, 0 },
	};
	struct fxq_desc d[4] = {
		kit_move(FXQ_OP_LOAD, REGION_IN, 0, 0, ELEMENTS),
		kit_move(FXQ_OP_LOAD, REGION_IN, ELEMENTS, 1024, ELEMENTS),
		{ .opcode = FXQ_OP_SUB, .engine = FXQ_ENGINE_VX,
		  .wait = { [FXQ_ENGINE_LD] = 2 } },
		kit_move(FXQ_OP_STORE, REGION_OUT, 0, 2048, ELEMENTS),
	};
	const struct fxq_writer_device step = {
		.layer = "sub", .stream = d, .n_descs = 4,
		.bindings = bindings, .n_bindings = 4,
	};

	d[2].binary = (struct fxq_body_binary){
		.a = kit_fm(0), .b = kit_fm(1024), .out = kit_fm(2048),
		.ma = 0x3f800000, .mb = 0x3f800000, .h = 1, .w = PIXELS,
		.c = 32, .lo = -128, .hi = 127,
	};
	d[3].wait[FXQ_ENGINE_VX] = 1;
	fxq_writer_device_step(w, &step);
}

static void tensors_may_share_a_region(void **state)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = fxq_writer_new("share", "kit 1");
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;
	uint32_t t[4];
	int8_t *a, *b, *ab, *ba;

	fxq_writer_tag(w, "sub", "sub", 0);
	for (int i = 0; i < 4; i++)
		t[i] = fxq_writer_tensor(w, NULL, &q, 0);
	fxq_writer_inputs(w, t, 2);
	sub_step(w, t[0], t[1], t[2]);
	sub_step(w, t[1], t[0], t[3]);
	fxq_writer_outputs(w, t + 2, 2);
	prog = load(dev, w);
	io = new_io(prog);
	a = io->in[0].data;
	b = io->in[1].data;
	ab = io->out[0].data;
	ba = io->out[1].data;
	for (int i = 0; i < ELEMENTS; i++) {
		a[i] = i / 2;
		b[i] = 30 - i;
	}
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	for (int i = 0; i < ELEMENTS; i++) {
		int d = i / 2 - (30 - i);

		assert_int_equal(ab[i], d > 127 ? 127 : d);
		assert_int_equal(ba[i], -d < -128 ? -128 : -d);
	}
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void input_may_be_an_output(void **state)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const float values[2] = { 4, 5 };
	const struct fxq_tensor c = {
		.dtype = FXQ_DTYPE_F32, .rank = 1, .dims = { 2 },
		.data = (void *)values,
	};
	struct fxq_writer *w = kit_writer("same");
	struct fxq_device *dev = open_device();
	struct fxq_program *prog;
	struct fxq_io *io;
	uint32_t out[3];

	out[0] = out[2] = fxq_writer_tensor(w, "x", &f, 0);
	out[1] = fxq_writer_tensor(w, "c", &c, FXQ_TENSOR_CONST);
	fxq_writer_inputs(w, out, 1);
	fxq_writer_outputs(w, out, 3);
	prog = load(dev, w);
	io = new_io(prog);
	fill(io, 0);
	assert_int_equal(fxq_run(prog, io->in, io->out), 0);
	assert_times(io, 0, 1);
	assert_memory_equal(io->out[1].data, values, sizeof(values));
	assert_memory_equal(io->out[2].data, io->in[0].data, 4 * ELEMENTS);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void fault_names_the_layer_and_harms_nobody_else(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *bad = load(dev, kit_faulty());
	struct fxq_program *good = load(dev, kit_negate());
	struct fxq_io *bad_io[3], *io = new_io(good);
	struct fxq_completion done;

	for (int i = 0; i < 3; i++) {
		bad_io[i] = new_io(bad);
		assert_int_equal(fxq_submit(bad, bad_io[i]->in, bad_io[i]->out,
					    NULL), 0);
	}
	fill(io, 0);
	assert_int_equal(fxq_run(good, io->in, io->out), 0);
	assert_times(io, 0, -1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fxq_poll(bad, &done, 1, UINT64_MAX), 1);
		assert_int_equal(done.result, -EIO);
		assert_non_null(strstr(done.error, "layer upsample"));
		assert_non_null(strstr(done.error, "resize"));
		fxq_io_destroy(bad_io[i]);
	}
	fxq_io_destroy(io);
	fxq_program_unload(bad);
	fxq_program_unload(good);
	fxq_device_close(dev);
}

static void unfit_tensors_are_refused(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_program *prog = load(dev, kit_negate());
	struct fxq_io *io = new_io(prog);
	struct fxq_tensor in = io->in[0], out = io->out[0];
	struct fxq_completion done;

	in.dtype = FXQ_DTYPE_I8;
	assert_int_equal(fxq_submit(prog, &in, &out, NULL), -EINVAL);
	assert_non_null(strstr(fxq_error(), "int8 1x128, the image takes "
			       "float32 1x128"));
	in = io->in[0];
	in.dims[0] = 2;
	assert_int_equal(fxq_submit(prog, &in, &out, NULL), -EINVAL);
	in = io->in[0];
	in.data = NULL;
	assert_int_equal(fxq_submit(prog, &in, &out, NULL), -EINVAL);
	assert_non_null(strstr(fxq_error(), "has no memory"));
	in.data = (uint8_t *)io->in[0].data + 2;
	assert_int_equal(fxq_submit(prog, &in, &out, NULL), -EINVAL);
	assert_non_null(strstr(fxq_error(), "not aligned"));
	out.data = (uint8_t *)io->in[0].data + 64;
	assert_int_equal(fxq_run(prog, io->in, &out), -EINVAL);
	assert_non_null(strstr(fxq_error(), "overlaps"));
	assert_int_equal(fxq_poll(prog, &done, 1, UINT64_MAX), 0);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void impossible_config_is_refused(void **state)
{
	const struct fxq_program_config config = { .slots = 1000 };
	struct fxq_device *dev = open_device();
	struct fxq_image *image = kit_open(kit_negate());
	struct fxq_program *prog = NULL;

	assert_int_equal(fxq_program_load(dev, image, &config, &prog), -EINVAL);
	assert_null(prog);
	fxq_image_close(image);
	fxq_device_close(dev);
}

#define ROUNDS	40

struct runner {
	struct fxq_program *prog;
	int shift;
	int wrong;
};

static void *run_rounds(void *arg)
{
	struct runner *r = arg;
	struct fxq_io *io = new_io(r->prog);
	const float *y = io->out[0].data;

	for (int k = 0; k < ROUNDS; k++) {
		fill(io, r->shift + k % 2);
		r->wrong += !!fxq_run(r->prog, io->in, io->out);
		for (int i = 0; i < ELEMENTS; i++)
			r->wrong += y[i] != (float)((i - 64 + r->shift +
						     k % 2) / 2) / 2;
	}
	fxq_io_destroy(io);
	return NULL;
}

/* More threads than slots, and workers that race with them for CPU steps. */
static void threads_share_a_program(void **state)
{
	for (uint32_t workers = 0; workers < 3; workers += 2) {
		const struct fxq_program_config config = {
			.slots = 2, .workers = workers,
		};
		struct fxq_device *dev = open_device();
		struct runner runners[4];
		pthread_t threads[4];
		struct fxq_program *prog;

		fxq_register_function(&shrink, NULL);
		prog = load_with(dev, back_and_forth(), &config);
		fxq_unregister_function("shrink");
		for (int i = 0; i < 4; i++) {
			runners[i] = (struct runner){ prog, i, 0 };
			assert_int_equal(pthread_create(&threads[i], NULL,
							run_rounds,
							&runners[i]), 0);
		}
		for (int i = 0; i < 4; i++) {
			pthread_join(threads[i], NULL);
			assert_int_equal(runners[i].wrong, 0);
		}
		fxq_program_unload(prog);
		fxq_device_close(dev);
	}
}

/* The machine, its pool and the workers: none takes a signal of ours. */
static void threads_leave_signals_to_the_program(void **state)
{
	const struct fxq_device_config machine = { .threads = 2 };
	const struct fxq_program_config config = { .workers = 2 };
	struct fxq_device *dev;
	struct fxq_program *prog;

	if (fxq_device_open("embedded", &machine, &dev))
		fail_msg("device: %s", fxq_error());
	prog = load_with(dev, kit_negate(), &config);
	assert_signals_left(4);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static atomic_bool in_function, go_on;

static int eval_held(struct fxq_call *call)
{
	in_function = true;
	while (!go_on)
		usleep(100);
	return eval_shrink(call);
}

/* struct family - what a child finds of its parent's */
struct family {
	struct fxq_device *dev;
	struct fxq_image *image;
	struct fxq_program *prog;
	struct fxq_io *io;
	struct fxq_pipeline *pipe;
	struct fxq_queue *queue;
	struct fxq_bo *bo;
};

static bool is_parents(int ret)
{
	return ret == -ENODEV && strstr(fxq_error(), "before fork()");
}

/* 0, or the number of what went wrong. */
static int refused_in_child(const struct family *f)
{
	const struct fxq_request request = {
		.in = f->io->in, .out = f->io->out,
	};
	struct fxq_step_stats stats;
	struct fxq_program *prog;
	struct fxq_completion c;
	struct fxq_frame *frame;
	struct fxq_bo *bo;

	fxq_program_reset_stats(f->prog);
	if (!is_parents(fxq_program_step_stats(f->prog, 0, &stats)))
		return 9;
	if (!is_parents(fxq_run(f->prog, f->io->in, f->io->out)))
		return 1;
	if (!is_parents(fxq_submit(f->prog, f->io->in, f->io->out, NULL)))
		return 2;
	if (fxq_poll(f->prog, &c, 1, UINT64_MAX))
		return 3;
	if (!is_parents(fxq_pipeline_wait(f->pipe, UINT64_MAX, &frame)))
		return 4;
	if (!is_parents(fxq_queue_add(f->queue, &request)))
		return 5;
	if (fxq_queue_reap(f->queue, &c, 1, UINT64_MAX))
		return 6;
	if (!is_parents(fxq_program_load(f->dev, f->image, NULL, &prog)))
		return 7;
	return is_parents(fxq_bo_create(f->dev, 1, 0, &bo)) ? 0 : 8;
}

static int run_in_child(const struct family *f)
{
	struct fxq_program *prog = NULL;
	struct fxq_device *dev = NULL;
	int ret = fxq_device_open(device_name, NULL, &dev);

	if (!ret)
		ret = fxq_program_load(dev, f->image, NULL, &prog);
	if (!ret)
		ret = fxq_run(prog, f->io->in, f->io->out);
	fxq_program_unload(prog);
	fxq_device_close(dev);
	return ret ? 20 : 0;
}

/* A child that waits for what never comes is ended. */
static void be_child(struct family *f)
{
	int ret;

	alarm(60);
	go_on = true;
	ret = refused_in_child(f);
	fxq_pipeline_close(f->pipe);
	fxq_queue_close(f->queue);
	fxq_program_unload(f->prog);
	fxq_bo_destroy(f->bo);
	fxq_device_close(f->dev);
	if (!ret)
		ret = run_in_child(f);
	fxq_io_destroy(f->io);
	fxq_image_close(f->image);
	_exit(ret);
}

/* With runs under way on workers, and a lock that one of them may hold. */
static void a_child_opens_a_device_of_its_own(void **state)
{
	static const struct fxq_function held = {
		"shrink", infer_same, eval_held
	};
	const struct fxq_program_config config = { .slots = 6, .workers = 3 };
	struct family f = { .dev = open_device() };
	struct fxq_io *io[2];
	struct fxq_completion c;
	struct fxq_frame *frame;
	int status;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	skip();			/* it lets no child start threads */
#endif
	go_on = in_function = false;
	fxq_register_function(&held, NULL);
	f.image = kit_open(back_and_forth());
	if (fxq_program_load(f.dev, f.image, &config, &f.prog) ||
	    fxq_pipeline_open(f.prog, 2, &f.pipe) ||
	    fxq_queue_open(f.dev, f.image, NULL, &f.queue) ||
	    fxq_bo_create(f.dev, 1, 0, &f.bo))
		fail_msg("%s", fxq_error());
	f.io = new_io(f.prog);
	assert_int_equal(fxq_pipeline_acquire(f.pipe, 0, &frame), 0);
	assert_int_equal(fxq_pipeline_submit(f.pipe, frame), 0);
	for (int i = 0; i < 2; i++) {
		io[i] = new_io(f.prog);
		fill(io[i], i);
		assert_int_equal(fxq_submit(f.prog, io[i]->in, io[i]->out,
					    NULL), 0);
	}
	while (!in_function)
		usleep(100);

	child = fork();
	if (!child)
		be_child(&f);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);

	go_on = true;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(fxq_poll(f.prog, &c, 1, UINT64_MAX), 1);
		assert_int_equal(c.result, 0);
	}
	assert_int_equal(fxq_run(f.prog, f.io->in, f.io->out), 0);
	for (int i = 0; i < 2; i++)
		fxq_io_destroy(io[i]);
	fxq_io_destroy(f.io);
	fxq_pipeline_close(f.pipe);
	fxq_queue_close(f.queue);
	fxq_program_unload(f.prog);
	fxq_bo_destroy(f.bo);
	fxq_image_close(f.image);
	fxq_device_close(f.dev);
	fxq_unregister_function("shrink");
}

static void buffers_begin_on_pages(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_bo *bo = NULL;

	assert_int_equal(fxq_bo_create(dev, 0, 0, &bo), -EINVAL);
	assert_int_equal(fxq_bo_create(dev, 64, 1, &bo), -EINVAL);
	assert_int_equal(fxq_bo_create(dev, 1ull << 50, 0, &bo), -ENOMEM);
	assert_null(bo);
	assert_int_equal(fxq_bo_create(dev, 100, 0, &bo), 0);
	assert_int_equal((uintptr_t)fxq_bo_map(bo) % 4096, 0);
	assert_int_equal(*(char *)fxq_bo_map(bo), 0);
	assert_int_equal(fxq_bo_size(bo), 100);
	fxq_bo_destroy(bo);
	assert_int_equal(fxq_bo_create(dev, 3 << 20, 0, &bo), 0);
	/* Huge pages are what the machine in this process walks faster. */
	if (!strcmp(device_name, "embedded"))
		assert_int_equal((uintptr_t)fxq_bo_map(bo) % (2 << 20), 0);
	fxq_bo_destroy(bo);
	fxq_bo_destroy(NULL);
	fxq_device_close(dev);
}

static void image_may_be_closed_before_its_program(void **state)
{
	struct fxq_device *dev = open_device();
	struct fxq_image *image = kit_open(kit_negate());
	struct fxq_program *a, *b;
	struct fxq_io *io;

	assert_int_equal(fxq_program_load(dev, image, NULL, &a), 0);
	assert_int_equal(fxq_program_load(dev, image, NULL, &b), 0);
	fxq_image_close(image);
	fxq_program_unload(a);
	io = new_io(b);
	fill(io, 0);
	assert_int_equal(fxq_run(b, io->in, io->out), 0);
	assert_times(io, 0, -1);
	fxq_io_destroy(io);
	fxq_program_unload(b);
	fxq_device_close(dev);
}

/* What a flipped bit leaves acceptable runs, or fails in a sentence. */
static void damaged_images_that_pass_run_or_fail(void **state)
{
	const struct fxq_program_config config = { .slots = 1 };
	struct fxq_device *dev = open_device();
	uint64_t random = 7;
	size_t size;
	uint8_t *data;
	int ran = 0;

	fxq_register_function(&shrink, NULL);
	data = kit_finish(back_and_forth(), &size);
	for (int round = 0; round < 3000; round++) {
		struct fxq_image *image = NULL;
		struct fxq_program *prog = NULL;
		struct fxq_io *io = NULL;
		uint64_t bit;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		bit = (random >> 20) % (8 * size);
		data[bit / 8] ^= 1 << bit % 8;
		if (!fxq_image_open_memory(data, size, &image) &&
		    !fxq_program_load(dev, image, &config, &prog) &&
		    !fxq_io_create(prog, &io)) {
			ran++;
			if (fxq_run(prog, io->in, io->out))
				assert_true(strlen(fxq_error()) > 10);
		}
		fxq_io_destroy(io);
		fxq_program_unload(prog);
		fxq_image_close(image);
		data[bit / 8] ^= 1 << bit % 8;
	}
	assert_true(ran > 100);
	free(data);
	fxq_unregister_function("shrink");
	fxq_device_close(dev);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_is_an_embedded_device),
		cmocka_unit_test(run_gives_the_answer),
		cmocka_unit_test(a_program_may_need_no_device),
		cmocka_unit_test(cycles_are_those_of_the_cost_file),
		cmocka_unit_test(profile_tells_of_each_stream),
		cmocka_unit_test(queue_has_as_many_slots_as_asked_for),
		cmocka_unit_test(more_slots_than_the_ring_work),
		cmocka_unit_test(polling_without_waiting_gets_there),
		cmocka_unit_test(full_of_unpolled_runs_is_busy_not_stuck),
		cmocka_unit_test(unload_waits_for_runs),
		cmocka_unit_test(tensors_may_share_a_region),
		cmocka_unit_test(input_may_be_an_output),
		cmocka_unit_test(fault_names_the_layer_and_harms_nobody_else),
		cmocka_unit_test(unfit_tensors_are_refused),
		cmocka_unit_test(impossible_config_is_refused),
		cmocka_unit_test(threads_share_a_program),
		cmocka_unit_test(threads_leave_signals_to_the_program),
		cmocka_unit_test(a_child_opens_a_device_of_its_own),
		cmocka_unit_test(buffers_begin_on_pages),
		cmocka_unit_test(image_may_be_closed_before_its_program),
		cmocka_unit_test(damaged_images_that_pass_run_or_fail),
	};

	if (argc > 1)
		device_name = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
