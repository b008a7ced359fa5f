// SPDX-License-Identifier: MIT
/*
 * test_ring.c - rings of the kernel's that is here, with files, and a queue whose
 * device refuses each run: the fake node is a file that takes no commands
 *
 * liburing's calls go through functions of this file, which can say that the
 * kernel has no room.
 */
#include <dlfcn.h>
#include <liburing.h>
#include <time.h>

#include <fxq/queue.h>

#include "fake_drm.h"
#include "lib/drm_ring.h"

#define ENTRIES		8
#define SECOND_NS	1000000000ull

/*
 * struct full - the kernel as one that has no memory for entries
 * @error: says so, @times; 0: it has
 * @refused: so often
 * @waits: for a completion; at the first @data comes into the pipe
 * @naps: of who has nothing to wait for
 */
static struct full {
	int error;
	unsigned int times, refused, waits, naps;
	const char *data;
} full;

static struct drm_ring *ring;
static int pipe_fd[2];
static struct fxq_device *dev;
static struct fxq_io *io;

#define REAL(name)	((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void come(void)
{
	if (full.data)
		assert_int_equal(write(pipe_fd[1], full.data, 4), 4);
	full.data = NULL;
}

/* However often it is asked, a test comes to its end. */
static int refuse(void)
{
	if (!full.error)
		return 0;
	if (++full.refused < full.times)
		return full.error;
	come();
	return full.refused == full.times ? full.error : 0;
}

int io_uring_submit_and_wait(struct io_uring *r, unsigned int n)
{
	int ret = refuse();

	return ret ? ret : REAL(io_uring_submit_and_wait)(r, n);
}

int io_uring_submit_and_wait_timeout(struct io_uring *r,
				     struct io_uring_cqe **cqe, unsigned int n,
				     struct __kernel_timespec *t,
				     sigset_t *mask)
{
	int ret = refuse();

	return ret ? ret : REAL(io_uring_submit_and_wait_timeout)(r, cqe, n, t,
								  mask);
}

int io_uring_wait_cqes(struct io_uring *r, struct io_uring_cqe **cqe,
		       unsigned int n, struct __kernel_timespec *t,
		       sigset_t *mask)
{
	full.waits++;
	full.error = 0;
	come();
	return REAL(io_uring_wait_cqes)(r, cqe, n, t, mask);
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
	full.naps++;
	return REAL(nanosleep)(t, left);
}

static int begin(void **state)
{
	full = (struct full){ 0 };
	fake_reset();
	fake.features = DRM_FXQ_FEATURE_URING;
	ring = NULL;
	dev = NULL;
	io = NULL;
	return pipe2(pipe_fd, O_CLOEXEC);
}

static int end(void **state)
{
	ring_close(ring);
	fxq_io_destroy(io);
	fxq_device_close(dev);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

static void open_ring(void)
{
	int ret = ring_open(pipe_fd[0], ENTRIES, &ring);

	/* A kernel without, or one that does not let everybody. */
	if (ret == -ENOSYS || ret == -EPERM || ret == -EINVAL)
		skip();
	assert_int_equal(ret, 0);
}

static void read_pipe(void *data, uint32_t size, bool link, uint64_t cookie)
{
	const struct file_part f = {
		.fd = pipe_fd[0], .data = data, .size = size,
	};

	ring_file(ring, &f, link, cookie);
}

static struct ring_end take(void)
{
	struct ring_end end;

	assert_true(ring_take(ring, &end));
	return end;
}

/* Who only looks sees it in the end, with a call when there is something. */
static void looking_gets_there(void **state)
{
	char data[4];
	int calls = 0;

	open_ring();
	read_pipe(data, sizeof(data), false, 7);
	assert_int_equal(ring_enter(ring, 0, 0), 1);
	for (int i = 0; i < 100; i++)
		calls += ring_enter(ring, 0, 0);
	assert_int_equal(calls, 0);
	assert_int_equal(ring_ready(ring), 0);
	assert_int_equal(write(pipe_fd[1], "here", 4), 4);
	for (int i = 0; i < 5000 && !ring_ready(ring); i++) {
		calls += ring_enter(ring, 0, 0);
		usleep(1000);
	}
	assert_int_equal(take().result, 4);
	assert_int_equal(calls, 1);
	assert_memory_equal(data, "here", 4);
}

static void waiting_has_an_end(void **state)
{
	struct ring_end end;
	char data[4];

	open_ring();
	read_pipe(data, sizeof(data), false, 7);
	/* What was handed over is told first. */
	assert_int_equal(ring_enter(ring, 1, 1000000), 1);
	assert_int_equal(ring_enter(ring, 1, 1000000), -ETIME);
	assert_int_equal(write(pipe_fd[1], "here", 4), 4);
	assert_int_equal(ring_enter(ring, 1, 10 * SECOND_NS), 1);
	end = take();
	assert_int_equal(end.cookie, 7);
	assert_int_equal(end.result, 4);
	assert_false(ring_take(ring, &end));
}

/* What follows a part that did not end well is cancelled; else it comes after. */
static void links_hold(void **state)
{
	char data[2][4];

	open_ring();
	for (int bytes = 4; bytes > 2; bytes--) {
		struct ring_end end;

		assert_int_equal(write(pipe_fd[1], "herethere", bytes + 4),
				 bytes + 4);
		read_pipe(data[0], bytes == 4 ? 4 : 8, true, 0);
		read_pipe(data[1], 4, false, 1);
		assert_int_equal(ring_enter(ring, 2, 10 * SECOND_NS), 1);
		end = take();
		assert_int_equal(end.cookie, 0);
		assert_int_equal(end.result, bytes == 4 ? 4 : 7);
		end = take();
		assert_int_equal(end.cookie, 1);
		assert_int_equal(end.result, bytes == 4 ? 4 : -ECANCELED);
	}
	assert_memory_equal(data[1], "ther", 4);
}

static void run_ends(struct fxq_queue *q, const struct fxq_request *request,
		     int error)
{
	struct fxq_completion c;

	if (fxq_queue_add(q, request))
		fail_msg("add: %s", fxq_error());
	assert_int_equal(fxq_queue_reap(q, &c, 1, 10 * SECOND_NS), 1);
	if (c.result != error)
		fail_msg("%d: %s", c.result, c.error);
}

/* Skips where it has no ring. */
static struct fxq_queue *open_queue(struct fxq_writer *w, uint32_t depth)
{
	const struct fxq_queue_config config = { .depth = depth };
	struct fxq_image *image = kit_open(w);
	struct fxq_queue_info info;
	struct fxq_queue *q;

	assert_int_equal(fxq_device_open("accel0", NULL, &dev), 0);
	assert_int_equal(fxq_queue_open(dev, image, &config, &q), 0);
	assert_int_equal(fxq_io_create(fxq_queue_program(q), &io), 0);
	fxq_image_close(image);
	fxq_queue_info(q, &info);
	if (!info.ring) {
		fxq_queue_close(q);
		skip();
	}
	return q;
}

/*
 * A kernel that is out of memory is not asked again and again: the next asks when
 * something has ended, or, if nothing can, after a moment.
 */
static void a_full_kernel_is_waited_for(void **state)
{
	static const int errors[] = { -EAGAIN, -EBUSY };
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 2);
	struct fxq_request request = { .in = io->in, .out = io->out };
	struct fxq_completion c[2];
	char data[4];

	for (int i = 0; i < 2; i++) {
		request.read = (struct fxq_queue_part){
			.fd = pipe_fd[0], .data = data, .size = 4,
		};
		assert_int_equal(fxq_queue_add(q, &request), 0);
		assert_int_equal(fxq_queue_flush(q), 0);
		full = (struct full){ .error = errors[i], .times = 1000,
				      .data = "here" };
		request.read.size = 0;
		assert_int_equal(fxq_queue_add(q, &request), 0);
		for (int n = 0; n < 2; )
			n += fxq_queue_reap(q, c + n, 2 - n, UINT64_MAX);
		assert_int_equal(full.waits, 1);
		assert_int_equal(full.refused, 1);

		full = (struct full){ .error = errors[i], .times = 5 };
		run_ends(q, &request, -EOPNOTSUPP);
		assert_int_equal(full.refused, 6);
		assert_int_equal(full.naps, 5);
	}
	fxq_queue_close(q);
}

/* What a slot's last run was to follow is of no account to the next. */
static void a_files_end_is_of_one_request(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 1);
	struct fxq_request request = { .in = io->in, .out = io->out };

	request.read = (struct fxq_queue_part){
		.fd = fake.memory, .size = ELEMENTS,
		.offset = FAKE_MAX * FAKE_BO_BYTES - 5,
	};
	run_ends(q, &request, -ENODATA);
	request.read.size = 0;
	run_ends(q, &request, -EOPNOTSUPP);
	fxq_queue_close(q);
}

/* y is the weights' first bytes, whatever x is: nowhere in a slot is x. */
static struct fxq_writer *deaf(void)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("deaf");
	uint32_t x = fxq_writer_tensor(w, "x", &q, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &q, 0);
	struct fxq_desc d[] = {
		kit_move(FXQ_OP_LOAD, REGION_WEIGHTS, 0, 0, ELEMENTS),
		kit_move(FXQ_OP_STORE, REGION_OUT, 0, 0, ELEMENTS),
	};
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, y, 0, 0 },
	};
	const struct fxq_writer_device step = {
		.layer = "step", .stream = d, .n_descs = 2,
		.bindings = bindings, .n_bindings = 2,
	};

	d[1].wait[FXQ_ENGINE_LD] = 1;
	fxq_writer_inputs(w, &x, 1);
	fxq_writer_device_step(w, &step);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/* y = x, which stands in two regions, in each behind a line of nothing. */
static struct fxq_writer *twice(void)
{
	enum { REGION_A = REGION_OUT + 1, REGION_B };
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("twice");
	uint32_t x = fxq_writer_tensor(w, "x", &q, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &q, 0);
	struct fxq_desc d[] = {
		kit_move(FXQ_OP_LOAD, REGION_A, 64, 0, ELEMENTS),
		kit_move(FXQ_OP_LOAD, REGION_B, 64, 0, ELEMENTS),
		kit_move(FXQ_OP_STORE, REGION_OUT, 0, 0, ELEMENTS),
	};
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
		{ FXQ_BIND_INPUT, REGION_A, x, 0, 64 },
		{ FXQ_BIND_INPUT, REGION_B, x, 0, 64 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, y, 0, 0 },
	};
	const struct fxq_writer_device step = {
		.layer = "step", .stream = d, .n_descs = 3,
		.bindings = bindings, .n_bindings = 4,
	};

	d[2].wait[FXQ_ENGINE_LD] = 2;
	fxq_writer_inputs(w, &x, 1);
	fxq_writer_device_step(w, &step);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/* A chain of @w would read past the CPU: not into the request's own memory. */
static void check_no_chain(struct fxq_writer *w)
{
	struct fxq_queue *q = open_queue(w, 1);
	const struct fxq_request request = {
		.in = io->in, .out = io->out,
		.read = { .fd = fake.memory, .size = ELEMENTS },
	};
	int8_t x[ELEMENTS];

	memset(x, 99, sizeof(x));
	assert_int_equal(pwrite(fake.memory, x, sizeof(x), 0), sizeof(x));
	run_ends(q, &request, -EOPNOTSUPP);
	assert_memory_equal(io->in[0].data, x, sizeof(x));
	fxq_queue_close(q);
}

static void an_input_that_no_step_reads_is_read(void **state)
{
	check_no_chain(deaf());
}

static void an_input_that_must_be_copied_is_read(void **state)
{
	check_no_chain(twice());
}

/* The ring is one no more: what comes is refused, however much it is. */
static void a_ring_that_is_gone_stays_so(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 1);
	const struct fxq_request request = {
		.in = io->in, .out = io->out,
		.read = { .fd = fake.memory, .size = ELEMENTS },
	};
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	for (int fd = 0; fd < 256; fd++) {
		char link[32], to[64] = "";

		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (readlink(link, to, sizeof(to) - 1) > 0 &&
		    !strcmp(to, "anon_inode:[io_uring]"))
			assert_int_equal(dup2(null, fd), fd);
	}
	close(null);
	for (int i = 0; i < 20; i++)
		run_ends(q, &request, -ENODEV);
	fxq_queue_close(q);
}

#define RING_TEST(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(looking_gets_there),
		RING_TEST(waiting_has_an_end),
		RING_TEST(links_hold),
		RING_TEST(a_full_kernel_is_waited_for),
		RING_TEST(a_files_end_is_of_one_request),
		RING_TEST(an_input_that_no_step_reads_is_read),
		RING_TEST(an_input_that_must_be_copied_is_read),
		RING_TEST(a_ring_that_is_gone_stays_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
