// SPDX-License-Identifier: MIT
/*
 * test_queue.c - requests of many kinds through queues: test_queue [DEVICE]
 *
 * Each test is made twice: with whatever the device has, and without io_uring.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <fxq/queue.h>

#include "image_kit.h"

#define MANY	150		/* requests; more than any queue is deep */

static const char *device_name = "embedded";
static uint32_t flags;
static struct fxq_device *dev;

static int begin(void **state)
{
	if (fxq_device_open(device_name, NULL, &dev))
		fail_msg("device: %s", fxq_error());
	return 0;
}

static int end(void **state)
{
	fxq_device_close(dev);
	return 0;
}

static struct fxq_queue *open_queue(struct fxq_writer *w, uint32_t depth)
{
	const struct fxq_queue_config config = {
		.depth = depth, .flags = flags,
	};
	struct fxq_image *image = kit_open(w);
	struct fxq_queue *q = NULL;

	if (fxq_queue_open(dev, image, &config, &q))
		fail_msg("queue: %s", fxq_error());
	fxq_image_close(image);
	return q;
}

/* A request, with tensors of its own. */
struct job {
	struct fxq_io *io;
	struct fxq_request request;
	int8_t in[ELEMENTS], out[ELEMENTS];
	int before, after;
};

static void job_init(struct job *job, const struct fxq_queue *q)
{
	*job = (struct job){ 0 };
	if (fxq_io_create(fxq_queue_program(q), &job->io))
		fail_msg("io: %s", fxq_error());
	job->request = (struct fxq_request){
		.in = job->io->in, .out = job->io->out, .user_data = job,
	};
}

static void add(struct fxq_queue *q, struct job *job)
{
	if (fxq_queue_add(q, &job->request))
		fail_msg("add: %s", fxq_error());
}

/* The next completion, which must come. */
static struct fxq_completion reap(struct fxq_queue *q)
{
	struct fxq_completion c;

	assert_int_equal(fxq_queue_reap(q, &c, 1, UINT64_MAX), 1);
	return c;
}

static void said(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' does not say: %s", text, part);
}

static int8_t element(int k, int i)
{
	return (k * 31 + i * 7) % 127;
}

/* MANY inputs in a file, one after another. */
static int input_file(void)
{
	int fd = memfd_create("in", MFD_CLOEXEC);
	int8_t x[ELEMENTS];

	for (int k = 0; k < MANY; k++) {
		for (int i = 0; i < ELEMENTS; i++)
			x[i] = element(k, i);
		assert_int_equal(write(fd, x, sizeof(x)), sizeof(x));
	}
	return fd;
}

static void assert_negated(int fd)
{
	int8_t y[ELEMENTS];

	for (int k = 0; k < MANY; k++) {
		assert_int_equal(pread(fd, y, sizeof(y), k * ELEMENTS),
				 sizeof(y));
		for (int i = 0; i < ELEMENTS; i++)
			if (y[i] != -element(k, i))
				fail_msg("request %d: %d is negated to %d", k,
					 element(k, i), y[i]);
	}
}

/* Keeps a queue full until MANY requests have gone through it, each well. */
static void run_many(struct fxq_queue *q, struct job *job, uint32_t depth,
		     void (*prepare)(struct job *job, int k))
{
	int added = 0, ended = 0;

	for (; added < (int)depth; added++) {
		job_init(&job[added], q);
		prepare(&job[added], added);
		add(q, &job[added]);
	}
	for (; ended < MANY; ended++) {
		struct fxq_completion c = reap(q);

		if (c.result)
			fail_msg("request %d: %s", ended, c.error);
		if (added == MANY)
			continue;
		prepare(c.user_data, added++);
		add(q, c.user_data);
	}
	for (uint32_t i = 0; i < depth; i++)
		fxq_io_destroy(job[i].io);
}

static int in_fd, out_fd;

static void read_and_write(struct job *job, int k)
{
	job->request.read = (struct fxq_queue_part){
		.fd = in_fd, .size = ELEMENTS, .offset = k * ELEMENTS,
	};
	job->request.write = (struct fxq_queue_part){
		.fd = out_fd, .size = ELEMENTS, .offset = k * ELEMENTS,
	};
}

/* A network that is one device step: chains of three. */
static void a_file_goes_through_the_device(void **state)
{
	static struct job job[32];
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 32);
	struct fxq_queue_info info;

	in_fd = input_file();
	out_fd = memfd_create("out", MFD_CLOEXEC);
	run_many(q, job, 32, read_and_write);
	assert_negated(out_fd);
	fxq_queue_info(q, &info);
	/* One by one it would be three calls at least. */
	if (info.ring)
		assert_in_range(info.calls, MANY / 32, MANY / 2);
	else
		assert_true(info.calls >= 2 * MANY);
	close(in_fd);
	close(out_fd);
	fxq_queue_close(q);
}

static int to_float(void *arg)
{
	struct job *job = arg;
	float *x = job->io->in[0].data;

	job->before++;
	for (int i = 0; i < ELEMENTS; i++)
		x[i] = job->in[i] / 2.0f;
	return 0;
}

static int from_float(void *arg)
{
	struct job *job = arg;
	const float *y = job->io->out[0].data;

	job->after++;
	for (int i = 0; i < ELEMENTS; i++)
		job->out[i] = y[i] * 2;
	return 0;
}

static void with_functions(struct job *job, int k)
{
	read_and_write(job, k);
	job->request.read.data = job->in;
	job->request.write.data = job->out;
	job->request.before = to_float;
	job->request.after = from_float;
}

/* A network with steps on the CPU, and the caller's own work around it. */
static void the_cpu_works_between(void **state)
{
	static struct job job[20];
	struct fxq_queue *q = open_queue(kit_negate(), 20);
	int n = 0;

	in_fd = input_file();
	out_fd = memfd_create("out", MFD_CLOEXEC);
	run_many(q, job, 20, with_functions);
	assert_negated(out_fd);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(job[i].before, job[i].after);
		n += job[i].after;
	}
	assert_int_equal(n, MANY);
	close(in_fd);
	close(out_fd);
	fxq_queue_close(q);
}

static void from_memory(struct job *job, int k)
{
	int8_t *x = job->io->in[0].data, *y = job->io->out[0].data;

	/* What came of the request that had this memory before. */
	for (int i = 0; i < ELEMENTS && job->before; i++)
		assert_int_equal(y[i], -x[i]);
	for (int i = 0; i < ELEMENTS; i++)
		x[i] = element(k, i);
	job->before++;
}

static void runs_need_no_files(void **state)
{
	static struct job job[64];
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 64);

	run_many(q, job, 64, from_memory);
	fxq_queue_close(q);
}

/* Nothing has come before it is handed over, and then each comes once. */
static void cookies_come_back_once(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 8);
	bool seen[8] = { false };
	struct fxq_completion c;
	struct job job[8];

	assert_int_equal(fxq_queue_reap(q, &c, 1, UINT64_MAX), 0);
	for (int i = 0; i < 8; i++) {
		job_init(&job[i], q);
		add(q, &job[i]);
	}
	assert_int_equal(fxq_queue_add(q, &job[0].request), -EBUSY);
	said(fxq_error(), "the queue has its 8 requests");
	assert_int_equal(fxq_queue_flush(q), 0);
	for (int i = 0; i < 8; i++) {
		struct job *of;

		c = reap(q);
		of = c.user_data;
		assert_int_equal(c.result, 0);
		assert_true(c.cycles > 0 && c.ns > 0);
		assert_in_range(of - job, 0, 7);
		assert_false(seen[of - job]);
		seen[of - job] = true;
		fxq_io_destroy(of->io);
	}
	assert_int_equal(fxq_queue_reap(q, &c, 1, 0), 0);
	fxq_queue_close(q);
}

/* Who only looks, and never waits, gets there too. */
static void looking_gets_there(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 4);
	struct fxq_completion c;
	struct job job[4];
	int n = 0;

	for (int i = 0; i < 4; i++) {
		job_init(&job[i], q);
		add(q, &job[i]);
	}
	for (int i = 0; i < 20000 && n < 4; i++) {
		n += fxq_queue_reap(q, &c, 1, 0);
		usleep(500);
	}
	assert_int_equal(n, 4);
	for (int i = 0; i < 4; i++)
		fxq_io_destroy(job[i].io);
	fxq_queue_close(q);
}

/* What a file does wrong is told, and the network does not run for it. */
static void files_that_fail_are_told(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 4);
	int in = input_file(), null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct fxq_completion c;
	struct job job[4];

	in_fd = in;
	out_fd = null;
	for (int i = 0; i < 4; i++) {
		job_init(&job[i], q);
		read_and_write(&job[i], 0);
	}
	job[0].request.write.size = 0;
	job[0].request.read.offset = MANY * ELEMENTS - 5;
	job[1].request.write.size = 0;
	job[1].request.read.fd = 12345;
	job[3].request.write.size = 0;
	for (int i = 0; i < 4; i++)
		add(q, &job[i]);
	for (int i = 0; i < 4; i++) {
		c = reap(q);
		if (c.user_data == &job[0]) {
			assert_int_equal(c.result, -ENODATA);
			said(c.error, "ends at byte 19200; bytes 19195 to 19322 are asked for");
		} else if (c.user_data == &job[1]) {
			assert_int_equal(c.result, -EBADF);
			said(c.error, "reading 128 bytes at byte 0 of file 12345: Bad file");
		} else if (c.user_data == &job[2]) {
			assert_int_equal(c.result, -EBADF);
			said(c.error, "writing 128 bytes at byte 0 of file");
		} else {
			assert_int_equal(c.result, 0);
		}
	}
	for (int i = 0; i < 4; i++)
		fxq_io_destroy(job[i].io);
	close(in);
	close(null);
	fxq_queue_close(q);
}

/* A run that faults is told by its layer; all others end well. */
static void a_fault_harms_no_other(void **state)
{
	struct fxq_queue *q = open_queue(kit_resize(NULL), 16);
	struct job job[16];
	int in = memfd_create("in", MFD_CLOEXEC);
	int out = memfd_create("out", MFD_CLOEXEC);

	for (int i = 0; i < 16; i++) {
		int8_t x[ELEMENTS] = { 0 };

		/* The table's first index, and what comes to the output. */
		x[0] = i % 5 == 2 ? 99 : 0;
		x[20] = i;
		assert_int_equal(pwrite(in, x, sizeof(x), i * ELEMENTS),
				 sizeof(x));
		job_init(&job[i], q);
		in_fd = in;
		out_fd = out;
		read_and_write(&job[i], i);
		job[i].request.write.size = 32;
		add(q, &job[i]);
	}
	for (int i = 0; i < 16; i++) {
		struct fxq_completion c = reap(q);
		int k = (struct job *)c.user_data - job;
		int8_t y[32];

		if (k % 5 == 2) {
			assert_int_equal(c.result, -EIO);
			said(c.error, "layer upsample");
			continue;
		}
		if (c.result)
			fail_msg("request %d: %s", k, c.error);
		assert_int_equal(pread(out, y, 32, k * ELEMENTS), 32);
		assert_int_equal(y[20], k);
	}
	for (int i = 0; i < 16; i++)
		fxq_io_destroy(job[i].io);
	close(in);
	close(out);
	fxq_queue_close(q);
}

static int fails(void *arg)
{
	return -EILSEQ;
}

static void functions_may_fail(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 2);
	struct job job[2];

	for (int i = 0; i < 2; i++) {
		struct fxq_completion c;

		job_init(&job[i], q);
		if (i)
			job[i].request.after = fails;
		else
			job[i].request.before = fails;
		add(q, &job[i]);
		c = reap(q);
		assert_int_equal(c.result, -EILSEQ);
		said(c.error, i ? "to be done after the run failed" :
				  "to be done before the run failed");
		fxq_io_destroy(job[i].io);
	}
	fxq_queue_close(q);
}

static void closing_waits(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 16);
	struct job job[16];

	in_fd = input_file();
	out_fd = memfd_create("out", MFD_CLOEXEC);
	for (int i = 0; i < 16; i++) {
		job_init(&job[i], q);
		read_and_write(&job[i], i);
		add(q, &job[i]);
		if (i == 8)
			fxq_queue_flush(q);
	}
	fxq_queue_close(q);
	assert_int_equal(lseek(out_fd, 0, SEEK_END), 16 * ELEMENTS);
	for (int i = 0; i < 16; i++)
		fxq_io_destroy(job[i].io);
	close(in_fd);
	close(out_fd);
}

static void what_does_not_fit_is_refused(void **state)
{
	const struct fxq_queue_config bad[] = {
		{ .depth = 65 }, { .depth = 4, .batch = 5 }, { .flags = 2 },
	};
	struct fxq_image *image = kit_open(kit_negate_bytes());
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 1);
	struct fxq_queue *none = NULL;
	struct job job;

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(fxq_queue_open(dev, image, &bad[i], &none),
				 -EINVAL);
		said(fxq_error(), "at most 64, no more than the depth, and");
		assert_null(none);
	}
	fxq_image_close(image);
	job_init(&job, q);
	job.request.read.size = ELEMENTS + 1;
	assert_int_equal(fxq_queue_add(q, &job.request), -EINVAL);
	said(fxq_error(), "129 bytes at byte 0 are to be read from file 0; at most 128");
	job.request.read.size = 0;
	job.request.write = (struct fxq_queue_part){
		.data = job.out, .size = (1u << 30) + 1,
	};
	assert_int_equal(fxq_queue_add(q, &job.request), -EINVAL);
	said(fxq_error(), "at most 1073741824 are possible");
	job.request.write = (struct fxq_queue_part){
		.size = 1, .offset = UINT64_MAX,
	};
	assert_int_equal(fxq_queue_add(q, &job.request), -EINVAL);
	job.request.write.size = job.request.write.offset = 0;
	job.io->in[0].dims[0] = 2;
	assert_int_equal(fxq_queue_add(q, &job.request), -EINVAL);
	said(fxq_error(), "the image takes int8 1x128");
	fxq_io_destroy(job.io);
	fxq_queue_close(q);
}

/* A node that takes commands of io_uring has a ring, unless one asks not. */
static void info_says_what_it_is(void **state)
{
	struct fxq_queue *q = open_queue(kit_negate_bytes(), 0);
	struct fxq_queue_info info;

	fxq_queue_info(q, &info);
	assert_int_equal(info.depth, 32);
	assert_int_equal(info.batch, 16);
	assert_int_equal(info.ring, !flags && strcmp(device_name, "embedded"));
	fxq_queue_close(q);
}

#define BOTH(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		BOTH(info_says_what_it_is),
		BOTH(runs_need_no_files),
		BOTH(a_file_goes_through_the_device),
		BOTH(the_cpu_works_between),
		BOTH(cookies_come_back_once),
		BOTH(looking_gets_there),
		BOTH(files_that_fail_are_told),
		BOTH(a_fault_harms_no_other),
		BOTH(functions_may_fail),
		BOTH(closing_waits),
		BOTH(what_does_not_fit_is_refused),
	};
	int failed;

	if (argc > 1)
		device_name = argv[1];
	failed = cmocka_run_group_tests_name("queue", tests, NULL, NULL);
	flags = FXQ_QUEUE_PLAIN;
	return failed + cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
