// SPDX-License-Identifier: MIT
/*
 * label.c - the class of each picture in a file, into another file
 *
 *	label net.fxq pictures.idx labels.idx [DEVICE [DEPTH]]
 *
 * Each picture is a request: read it, run the network, write its class. First
 * they are made one by one, then DEPTH (32) at a time; what both take is told on
 * standard output, and that both come to the same.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fxq/queue.h>

#define DEPTH_MAX	64
#define HEADER		16	/* of pictures: magic, count, rows, columns */
#define OUT_HEADER	8	/* of labels: magic, count */
#define CLASSES_MAX	256	/* that a byte can name */

static struct {
	int fd;
	uint32_t count, pixels;
	struct fxq_preprocess_info p;
} pictures;

/* One request after another uses its memory. */
struct work {
	struct fxq_io *io;
	uint8_t *pixels, label;
};

static uint32_t number(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | at[1] << 16 | at[2] << 8 | at[3];
}

static void open_pictures(const char *path, const struct fxq_image *image)
{
	struct fxq_tensor_info in;
	uint8_t head[HEADER];
	struct stat st;

	pictures.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (pictures.fd < 0 || fstat(pictures.fd, &st))
		err(1, "%s", path);
	if (read(pictures.fd, head, HEADER) != HEADER ||
	    number(head) != 0x00000803)
		errx(1, "%s is no idx file of pictures", path);
	if (fxq_image_input_info(image, 0, &in))
		errx(1, "%s", fxq_error());
	pictures.count = number(head + 4);
	pictures.pixels = in.bytes / sizeof(float);
	if (in.type.dtype != FXQ_DTYPE_F32 ||
	    (uint64_t)number(head + 8) * number(head + 12) != pictures.pixels)
		errx(1, "%s has pictures of %u x %u, the network takes %u floats",
		     path, number(head + 8), number(head + 12),
		     pictures.pixels);
	if ((uint64_t)st.st_size < HEADER + (uint64_t)pictures.count *
				   pictures.pixels)
		errx(1, "%s has fewer bytes than its %u pictures", path,
		     pictures.count);
	pictures.p = (struct fxq_preprocess_info){ .std = { 1 } };
	fxq_image_preprocess_info(image, 0, &pictures.p);
}

static void check_classes(const char *path, const struct fxq_image *image)
{
	struct fxq_tensor_info out;

	if (fxq_image_output_info(image, 0, &out))
		errx(1, "%s", fxq_error());
	if (out.type.dtype != FXQ_DTYPE_F32 || out.type.rank != 2 ||
	    out.type.dims[1] < 1 || out.type.dims[1] > CLASSES_MAX)
		errx(1, "%s does not end in one row of 1 to %d floats, a class each",
		     path, CLASSES_MAX);
}

static int to_input(void *arg)
{
	struct work *w = arg;
	float *x = w->io->in[0].data;

	for (uint32_t i = 0; i < pictures.pixels; i++)
		x[i] = (w->pixels[i] / 255.0f - pictures.p.mean[0]) /
		       pictures.p.std[0];
	return 0;
}

static int to_label(void *arg)
{
	struct work *w = arg;
	const float *y = w->io->out[0].data;

	w->label = 0;
	for (int64_t i = 1; i < w->io->out[0].dims[1]; i++)
		if (y[i] > y[w->label])
			w->label = i;
	return 0;
}

static void add(struct fxq_queue *q, struct work *w, uint32_t k, int out)
{
	const struct fxq_request request = {
		.read = { .fd = pictures.fd, .data = w->pixels,
			  .size = pictures.pixels,
			  .offset = HEADER + (uint64_t)k * pictures.pixels },
		.in = w->io->in,
		.before = to_input,
		.out = w->io->out,
		.after = to_label,
		.write = { .fd = out, .data = &w->label, .size = 1,
			   .offset = OUT_HEADER + k },
		.user_data = w,
	};

	if (fxq_queue_add(q, &request))
		errx(1, "%s", fxq_error());
}

/* All pictures, as many at a time as the queue is deep. */
static void label(struct fxq_queue *q, struct work *work, uint32_t depth,
		  int out)
{
	uint32_t added = 0, ended;
	struct fxq_completion c;

	while (added < depth && added < pictures.count) {
		add(q, &work[added], added, out);
		added++;
	}
	for (ended = 0; ended < pictures.count; ended++) {
		fxq_queue_reap(q, &c, 1, UINT64_MAX);
		if (c.result)
			errx(1, "%s", c.error);
		if (added < pictures.count)
			add(q, c.user_data, added++, out);
	}
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void label_with(const struct fxq_queue_config *config,
		       struct fxq_device *dev, struct fxq_image *image, int out)
{
	static struct work work[DEPTH_MAX];
	struct fxq_queue_info before, after;
	struct fxq_queue *q;
	double start;

	if (fxq_queue_open(dev, image, config, &q))
		errx(1, "%s", fxq_error());
	fxq_queue_info(q, &before);
	for (uint32_t i = 0; i < before.depth; i++) {
		work[i].pixels = malloc(pictures.pixels);
		if (!work[i].pixels)
			err(1, "memory");
		if (fxq_io_create(fxq_queue_program(q), &work[i].io))
			errx(1, "%s", fxq_error());
	}
	start = seconds();
	label(q, work, before.depth, out);
	start = seconds() - start;
	fxq_queue_info(q, &after);
	printf("%-8s depth %2u: %8.0f pictures/s, %.3f system calls/picture\n",
	       after.ring ? "io_uring" : "plain", after.depth,
	       pictures.count / start,
	       (double)(after.calls - before.calls) / pictures.count);
	for (uint32_t i = 0; i < before.depth; i++) {
		free(work[i].pixels);
		fxq_io_destroy(work[i].io);
	}
	fxq_queue_close(q);
}

static int same(int a, int b)
{
	uint8_t x[4096], y[4096];
	off_t at = 0;
	ssize_t n;

	while ((n = pread(a, x, sizeof(x), at)) > 0) {
		if (pread(b, y, n, at) != n || memcmp(x, y, n))
			return 0;
		at += n;
	}
	return at == OUT_HEADER + (off_t)pictures.count;
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
	uint8_t head[OUT_HEADER] = { 0, 0, 8, 1 };
	FILE *scratch = tmpfile();
	struct fxq_device *dev;
	struct fxq_image *image;
	int out;

	if (argc < 4 || argc > 6)
		errx(64, "usage: label net.fxq pictures.idx labels.idx [DEVICE [DEPTH]]");
	if (argc > 5)
		deep.depth = depth_of(argv[5]);
	if (fxq_device_open(argc > 4 ? argv[4] : NULL, NULL, &dev) ||
	    fxq_image_open(argv[1], &image))
		errx(1, "%s", fxq_error());
	check_classes(argv[1], image);
	open_pictures(argv[2], image);
	out = open(argv[3], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out < 0)
		err(1, "%s", argv[3]);
	if (!scratch)
		err(1, "a temporary file for the other results");
	for (int i = 0; i < 4; i++)
		head[4 + i] = pictures.count >> (24 - 8 * i);
	if (write(out, head, OUT_HEADER) != OUT_HEADER ||
	    write(fileno(scratch), head, OUT_HEADER) != OUT_HEADER)
		err(1, "%s", argv[3]);

	label_with(&alone, dev, image, fileno(scratch));
	label_with(&deep, dev, image, out);
	if (!same(out, fileno(scratch)))
		errx(1, "they do not come to the same");
	fxq_image_close(image);
	fxq_device_close(dev);
	return 0;
}
