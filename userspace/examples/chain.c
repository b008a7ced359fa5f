// SPDX-License-Identifier: MIT
/*
 * chain.c - from file to file through a network, and no CPU between
 *
 *	chain net.fxq records results [DEVICE [DEPTH]]
 *
 * The network was compiled with --int8-ends and is a single device step. A record
 * is the bytes of its input, a result those of its output, just as the device made
 * them: of a network that classifies, int8 logits, the largest of which stands in
 * the place of the class. Where the device takes io_uring, the three parts of a
 * request (read, run, write) are linked, and the kernel goes from one to the next
 * by itself: from the file into the device's memory, and from there into the other
 * file.
 *
 * First requests are made one by one, then DEPTH (32) at a time; what both take
 * is told on standard output, and that both come to the same.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fxq/queue.h>

#define DEPTH_MAX	64

static struct {
	int in;
	uint64_t count;
	uint64_t in_bytes, out_bytes;	/* of a record, of a result */
} job;

static uint64_t bytes_of(const char *path, const char *what,
			 const struct fxq_tensor_info *t)
{
	if (t->type.dtype != FXQ_DTYPE_I8)
		errx(1, "%s: %s '%s' is not int8; compile with --int8-ends",
		     path, what, t->name);
	return t->bytes;
}

/* Is it one step, from one input to one output, and the device's? */
static void check_steps(const char *path, const struct fxq_image *image)
{
	struct fxq_image_info info;
	struct fxq_step_info step;
	uint32_t device = 0;

	fxq_image_info(image, &info);
	if (info.n_inputs != 1 || info.n_outputs != 1)
		errx(1, "%s has %u inputs and %u outputs; a record is one input, a result one output",
		     path, info.n_inputs, info.n_outputs);
	for (uint32_t i = 0; i < info.n_steps; i++)
		device += !fxq_image_step_info(image, i, &step) &&
			  step.kind == FXQ_STEP_DEVICE;
	if (info.n_steps != 1 || !device)
		errx(1, "%s has %u steps, %u of them on the device; a chain is one, there (fxq-run info tells where each is)",
		     path, info.n_steps, device);
}

static void read_sizes(const char *path, const struct fxq_image *image)
{
	struct fxq_tensor_info in, out;

	if (fxq_image_input_info(image, 0, &in) ||
	    fxq_image_output_info(image, 0, &out))
		errx(1, "%s", fxq_error());
	job.in_bytes = bytes_of(path, "input", &in);
	job.out_bytes = bytes_of(path, "output", &out);
	check_steps(path, image);
}

static void open_records(const char *path)
{
	struct stat st;

	job.in = open(path, O_RDONLY | O_CLOEXEC);
	if (job.in < 0 || fstat(job.in, &st))
		err(1, "%s", path);
	if (!st.st_size || st.st_size % job.in_bytes)
		errx(1, "%s has %lld bytes, no records of %llu", path,
		     (long long)st.st_size, (unsigned long long)job.in_bytes);
	job.count = st.st_size / job.in_bytes;
}

static void add(struct fxq_queue *q, struct fxq_io *io, uint64_t k, int out)
{
	const struct fxq_request request = {
		.read = { .fd = job.in, .size = job.in_bytes,
			  .offset = k * job.in_bytes },
		.in = io->in,
		.out = io->out,
		.write = { .fd = out, .size = job.out_bytes,
			   .offset = k * job.out_bytes },
		.user_data = io,
	};

	if (fxq_queue_add(q, &request))
		errx(1, "%s", fxq_error());
}

/* All records, as many at a time as the queue is deep. */
static void go_through(struct fxq_queue *q, struct fxq_io *const *io,
		       uint32_t depth, int out)
{
	uint64_t added = 0;
	struct fxq_completion c;

	while (added < depth && added < job.count) {
		add(q, io[added], added, out);
		added++;
	}
	for (uint64_t ended = 0; ended < job.count; ended++) {
		fxq_queue_reap(q, &c, 1, UINT64_MAX);
		if (c.result)
			errx(1, "%s", c.error);
		if (added < job.count)
			add(q, c.user_data, added++, out);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void run_with(const struct fxq_queue_config *config,
		     struct fxq_device *dev, struct fxq_image *image, int out)
{
	struct fxq_io *io[DEPTH_MAX] = { NULL };
	struct fxq_queue_info before, after;
	struct fxq_queue *q;
	double start;

	if (fxq_queue_open(dev, image, config, &q))
		errx(1, "%s", fxq_error());
	fxq_queue_info(q, &before);
	for (uint32_t i = 0; i < before.depth; i++)
		if (fxq_io_create(fxq_queue_program(q), &io[i]))
			errx(1, "%s", fxq_error());
	start = seconds();
	go_through(q, io, before.depth, out);
	start = seconds() - start;
	fxq_queue_info(q, &after);
	printf("%-8s depth %2u: %8.0f records/s, %.3f system calls/record\n",
	       after.ring ? "io_uring" : "plain", after.depth,
	       job.count / start,
	       (double)(after.calls - before.calls) / job.count);
	for (uint32_t i = 0; i < before.depth; i++)
		fxq_io_destroy(io[i]);
	fxq_queue_close(q);
}

static bool same(int a, int b)
{
	uint8_t x[4096], y[4096];
	uint64_t at = 0;
	ssize_t n;

	while ((n = pread(a, x, sizeof(x), at)) > 0) {
		if (pread(b, y, n, at) != n || memcmp(x, y, n))
			return false;
		at += n;
	}
	return at == job.count * job.out_bytes;
}

static uint32_t depth_of(const char *text)
{
	char *end;
	unsigned long depth = strtoul(text, &end, 10);

	if (*end || depth < 1 || depth > DEPTH_MAX)
		errx(64, "DEPTH is '%s', no number from 1 to %d", text,
		     DEPTH_MAX);
	return depth;
}

int main(int argc, char **argv)
{
	struct fxq_queue_config alone = { .depth = 1, .flags = FXQ_QUEUE_PLAIN };
	struct fxq_queue_config deep = { 0 };
	FILE *scratch = tmpfile();
	struct fxq_device *dev;
	struct fxq_image *image;
	int out;

	if (argc < 4 || argc > 6)
		errx(64, "usage: chain net.fxq records results [DEVICE [DEPTH]]");
	if (argc > 5)
		deep.depth = depth_of(argv[5]);
	if (fxq_device_open(argc > 4 ? argv[4] : NULL, NULL, &dev) ||
	    fxq_image_open(argv[1], &image))
		errx(1, "%s", fxq_error());
	read_sizes(argv[1], image);
	open_records(argv[2]);
	out = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out < 0)
		err(1, "%s", argv[3]);
	if (!scratch)
		err(1, "a temporary file for the other results");

	run_with(&alone, dev, image, fileno(scratch));
	run_with(&deep, dev, image, out);
	if (!same(out, fileno(scratch)))
		errx(1, "they do not come to the same");
	fxq_image_close(image);
	fxq_device_close(dev);
	return 0;
}
