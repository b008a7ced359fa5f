// SPDX-License-Identifier: MIT
/*
 * fxq-recover.c - many runs of one program, of which some may fail
 *
 *	fxq-recover IMAGE DEVICE RUNS [SLOTS]
 *
 * Every run has one input; its result is compared with what the embedded device
 * says. Prints how many runs were right, and the sentence of each that failed.
 * Ends with 0; 1 if a result is wrong, 2 if it could not begin. A line on
 * standard input is waited for halfway, if that is no terminal and has one.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fxq/fxq.h>

#define SLOTS_MAX	64

static struct fxq_image *image;
static void *expected;
static uint64_t expected_bytes;
static unsigned int right, failed, wrong;

static void must(int err)
{
	if (!err)
		return;
	fprintf(stderr, "fxq-recover: %s\n", fxq_error());
	exit(2);
}

static struct fxq_program *load(const char *name, unsigned int slots,
				struct fxq_device **dev)
{
	const struct fxq_program_config config = { .slots = slots };
	struct fxq_program *prog;

	must(fxq_device_open(name, NULL, dev));
	must(fxq_program_load(*dev, image, &config, &prog));
	return prog;
}

/* The same numbers for every run, in whatever type. */
static struct fxq_io *make_io(const struct fxq_program *prog)
{
	struct fxq_tensor_info in;
	struct fxq_io *io;

	must(fxq_io_create(prog, &io));
	for (uint32_t k = 0; k < io->n_in; k++) {
		must(fxq_image_input_info(image, k, &in));
		for (uint64_t i = 0; i < in.bytes / sizeof(float); i++)
			((float *)io->in[k].data)[i] = (float)(i % 17) / 17;
	}
	return io;
}

/* What the embedded device says of it: the first output. */
static void expect(void)
{
	struct fxq_tensor_info out;
	struct fxq_device *dev;
	struct fxq_program *prog = load("embedded", 1, &dev);
	struct fxq_io *io = make_io(prog);

	must(fxq_image_output_info(image, 0, &out));
	must(fxq_run(prog, io->in, io->out));
	expected_bytes = out.bytes;
	expected = malloc(out.bytes);
	memcpy(expected, io->out[0].data, out.bytes);
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
}

static void judge(const struct fxq_completion *done)
{
	struct fxq_io *io = done->user_data;

	if (done->result) {
		failed++;
		printf("failed: %s\n", done->error);
	} else if (memcmp(io->out[0].data, expected, expected_bytes)) {
		wrong++;
	} else {
		right++;
	}
	memset(io->out[0].data, 0xa5, expected_bytes);
}

/* Lets a script do something to the device, while runs are in flight. */
static void wait_halfway(void)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) || !S_ISFIFO(st.st_mode))
		return;
	printf("halfway\n");
	fflush(stdout);
	getchar();
}

int main(int argc, char **argv)
{
	unsigned int runs, slots, begun = 0, ended = 0;
	struct fxq_io *ios[SLOTS_MAX], *free_io[SLOTS_MAX];
	struct fxq_completion done[SLOTS_MAX];
	unsigned int n_free = 0;
	struct fxq_program *prog;
	struct fxq_device *dev;

	if (argc < 4)
		return 2;
	runs = strtoul(argv[3], NULL, 10);
	slots = argc > 4 ? strtoul(argv[4], NULL, 10) : 4;
	if (!slots || slots > SLOTS_MAX)
		return 2;
	must(fxq_image_open(argv[1], &image));
	expect();
	prog = load(argv[2], slots, &dev);
	for (unsigned int i = 0; i < slots; i++)
		free_io[n_free++] = ios[i] = make_io(prog);
	while (ended < runs) {
		int n;

		while (begun < runs && n_free) {
			struct fxq_io *io = free_io[--n_free];

			if (begun++ == runs / 2)
				wait_halfway();
			must(fxq_submit(prog, io->in, io->out, io));
		}
		n = fxq_poll(prog, done, SLOTS_MAX, UINT64_MAX);
		for (int i = 0; i < n; i++) {
			judge(&done[i]);
			free_io[n_free++] = done[i].user_data;
		}
		ended += n;
	}
	printf("right: %u\nfailed: %u\nwrong: %u\n", right, failed, wrong);
	for (unsigned int i = 0; i < slots; i++)
		fxq_io_destroy(ios[i]);
	fxq_program_unload(prog);
	fxq_device_close(dev);
	fxq_image_close(image);
	free(expected);
	return wrong != 0;
}
