// SPDX-License-Identifier: MIT
/*
 * startup.c - how long a program waits for its first answer
 *
 *	startup IMAGE.fxq [THREADS]
 *
 * Each of many processes opens the image on an embedded device of its own and
 * runs it, on input that is all zero. Told are the medians of what the parts
 * take, of a later run, and of what the first answer takes more than that.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <fxq/fxq.h>

#define PROCESSES	21
#define LATER_RUNS	21

enum part {
	IMAGE, DEVICE, PROGRAM, TENSORS, FIRST_RUN, LATER_RUN, ABOVE, PARTS
};

static const char *const names[PARTS] = {
	"image read and checked", "device opened", "program loaded",
	"tensors made", "first run", "a later run",
	"first answer, above a later run"
};

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
}

static int by_size(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), by_size);
	return v[n / 2];
}

/* Ends the process, with libfxq's sentence, if @err is not 0. */
static void need(int err)
{
	if (!err)
		return;
	fprintf(stderr, "startup: %s\n", fxq_error());
	exit(EXIT_FAILURE);
}

static void start(const char *path, int threads, double *ms)
{
	const struct fxq_device_config device = { .threads = threads };
	const struct fxq_program_config config = { .threads = threads };
	double at[LATER_RUN + 1], later[LATER_RUNS];
	struct fxq_program *prog;
	struct fxq_image *image;
	struct fxq_device *dev;
	struct fxq_io *io;

	at[IMAGE] = now_ms();
	need(fxq_image_open(path, &image));
	at[DEVICE] = now_ms();
	need(fxq_device_open("embedded", &device, &dev));
	at[PROGRAM] = now_ms();
	need(fxq_program_load(dev, image, &config, &prog));
	at[TENSORS] = now_ms();
	need(fxq_io_create(prog, &io));
	at[FIRST_RUN] = now_ms();
	need(fxq_run(prog, io->in, io->out));
	at[LATER_RUN] = now_ms();
	for (int i = 0; i < LATER_RUNS; i++) {
		double begun = now_ms();

		need(fxq_run(prog, io->in, io->out));
		later[i] = now_ms() - begun;
	}

	for (int i = IMAGE; i < LATER_RUN; i++)
		ms[i] = at[i + 1] - at[i];
	ms[LATER_RUN] = median(later, LATER_RUNS);
	ms[ABOVE] = at[LATER_RUN] - at[IMAGE] - ms[LATER_RUN];
}

/* start() in a process that has never used the library. */
static void start_fresh(const char *path, int threads, double *ms)
{
	ssize_t size = PARTS * sizeof(*ms);
	int pipe_fd[2], status;
	pid_t child;

	if (pipe(pipe_fd))
		goto fail;
	child = fork();
	if (child < 0)
		goto fail;
	if (!child) {
		start(path, threads, ms);
		_exit(write(pipe_fd[1], ms, size) != size);
	}
	if (waitpid(child, &status, 0) != child)
		goto fail;
	if (status)
		exit(EXIT_FAILURE);
	if (read(pipe_fd[0], ms, size) != size)
		goto fail;
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return;

fail:
	fprintf(stderr, "startup: no process: %s\n", strerror(errno));
	exit(EXIT_FAILURE);
}

int main(int argc, char **argv)
{
	double ms[PROCESSES][PARTS], part[PROCESSES];
	int threads = argc > 2 ? atoi(argv[2]) : 1;

	if (argc < 2 || argc > 3 || threads < 1) {
		fprintf(stderr, "usage: startup IMAGE.fxq [THREADS]\n");
		return EXIT_FAILURE;
	}
	for (int i = 0; i < PROCESSES; i++)
		start_fresh(argv[1], threads, ms[i]);

	for (int p = 0; p < PARTS; p++) {
		for (int i = 0; i < PROCESSES; i++)
			part[i] = ms[i][p];
		printf("%-34s %8.3f ms\n", names[p], median(part, PROCESSES));
	}
	return EXIT_SUCCESS;
}
