// SPDX-License-Identifier: MIT
/*
 * overlap.c - frames one behind the other beside frames one at a time
 *
 *	overlap IMAGE.fxq PLUGIN.so [DEPTH [ROUNDS]]
 *
 * On the embedded device, with one thread of the machine and one that does CPU
 * steps, and again with as many as there are processors. Both ways run in turns,
 * on inputs that are the same, and each is judged by its best round: what else the
 * computer does can only slow a round down. pairs has the ratio of two rounds that
 * followed each other: its quartiles, and the best. Beside it stands what no other
 * program can slow down: the processor's time that a frame takes in all, and in the
 * busier of the two threads; cpu_ratio of these is what there is to be won if each
 * has a processor. Outputs are compared byte by byte. Prints JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fxq/pipeline.h>

#define FRAMES	32	/* of a round; the first fills the pipeline */
#define INPUTS	4	/* that differ */
#define ROUNDS	1000	/* at most */

/*
 * struct way - what runs frames
 * @single: one at a time; else @pipe
 * @out: the first output of each input
 * @best, @took: seconds of a round: of the shortest, of the last
 * @mine, @others: seconds of processors: of the thread that submits, and of all
 *		   others, for @frames
 */
struct way {
	struct fxq_device *dev;
	struct fxq_program *prog;
	struct fxq_pipeline *pipe;
	struct fxq_io *io[INPUTS];
	double best, took, mine, others;
	int frames;
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Ends the process, with libfxq's sentence, if @err is not 0. */
static void need(int err)
{
	if (!err)
		return;
	fprintf(stderr, "overlap: %s\n", fxq_error());
	exit(EXIT_FAILURE);
}

static uint64_t bytes_of(const struct fxq_image *image, uint32_t output)
{
	struct fxq_tensor_info info;

	need(fxq_image_output_info(image, output, &info));
	return info.bytes;
}

/* Noise in 0..1, another for each input. */
static void fill(const struct fxq_image *image, struct fxq_tensor *in, int n)
{
	uint64_t random = n + 1;
	struct fxq_tensor_info info;
	float *x = in->data;

	need(fxq_image_input_info(image, 0, &info));
	for (uint64_t i = 0; i < info.bytes / sizeof(*x); i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		x[i] = (float)(random >> 40) / (1 << 24);
	}
}

static void open_way(struct way *w, struct fxq_image *image, int threads,
		     uint32_t depth)
{
	const struct fxq_device_config device = { .threads = threads };
	const struct fxq_program_config program = {
		.slots = depth ? depth : 1, .threads = threads,
	};

	*w = (struct way){ .best = 1e9 };
	need(fxq_device_open("embedded", &device, &w->dev));
	need(fxq_program_load(w->dev, image, &program, &w->prog));
	for (int i = 0; i < INPUTS; i++) {
		need(fxq_io_create(w->prog, &w->io[i]));
		fill(image, &w->io[i]->in[0], i);
	}
	if (depth)
		need(fxq_pipeline_open(w->prog, depth, &w->pipe));
}

static void close_way(struct way *w)
{
	fxq_pipeline_close(w->pipe);
	for (int i = 0; i < INPUTS; i++)
		fxq_io_destroy(w->io[i]);
	fxq_program_unload(w->prog);
	fxq_device_close(w->dev);
}

static void run_single(struct way *w)
{
	for (int n = 0; n < FRAMES; n++)
		need(fxq_run(w->prog, w->io[n % INPUTS]->in,
			     w->io[n % INPUTS]->out));
}

static void begin_frame(struct way *w, const struct fxq_image *image, int n)
{
	struct fxq_frame *frame;
	struct fxq_tensor_info info;

	need(fxq_pipeline_acquire(w->pipe, 0, &frame));
	need(fxq_image_input_info(image, 0, &info));
	memcpy(frame->in[0].data, w->io[n % INPUTS]->in[0].data, info.bytes);
	need(fxq_pipeline_submit(w->pipe, frame));
}

static void run_pipeline(struct way *w, const struct fxq_image *image)
{
	int depth = fxq_pipeline_depth(w->pipe), sent = 0;
	uint64_t bytes = bytes_of(image, 0);
	struct fxq_frame *frame;

	for (int n = 0; n < FRAMES; n++) {
		while (sent < FRAMES && sent - n < depth)
			begin_frame(w, image, sent++);
		need(fxq_pipeline_wait(w->pipe, UINT64_MAX, &frame));
		if (frame->done.result) {
			fprintf(stderr, "overlap: %s\n", frame->done.error);
			exit(EXIT_FAILURE);
		}
		memcpy(w->io[n % INPUTS]->out[0].data, frame->out[0].data,
		       bytes);
		need(fxq_pipeline_release(w->pipe, frame));
	}
}

static void run_round(struct way *w, const struct fxq_image *image)
{
	double begun = seconds(CLOCK_MONOTONIC), took;
	double mine = seconds(CLOCK_THREAD_CPUTIME_ID);
	double all = seconds(CLOCK_PROCESS_CPUTIME_ID);

	if (w->pipe)
		run_pipeline(w, image);
	else
		run_single(w);
	took = seconds(CLOCK_MONOTONIC) - begun;
	mine = seconds(CLOCK_THREAD_CPUTIME_ID) - mine;
	all = seconds(CLOCK_PROCESS_CPUTIME_ID) - all;
	w->mine += mine;
	w->others += all - mine;
	w->frames += FRAMES;
	if (took < w->best)
		w->best = took;
	w->took = took;
}

/* The least that steps of a kind took of a frame, all together, in ms. */
static double least_ms(const struct fxq_image *image, const struct way *w,
		       enum fxq_step_kind kind)
{
	struct fxq_step_stats stats;
	struct fxq_step_info step;
	double ms = 0;

	for (uint32_t i = 0; !fxq_image_step_info(image, i, &step); i++)
		if (step.kind == kind &&
		    !fxq_program_step_stats(w->prog, i, &stats))
			ms += stats.ns_min * 1e-6;
	return ms;
}

static void compare(const struct fxq_image *image, const struct way *a,
		    const struct way *b)
{
	for (int i = 0; i < INPUTS; i++)
		if (memcmp(a->io[i]->out[0].data, b->io[i]->out[0].data,
			   bytes_of(image, 0))) {
			fprintf(stderr, "overlap: input %d: other bits\n", i);
			exit(EXIT_FAILURE);
		}
}

/* Of processors, in ms: what a frame takes alone, and in the busier thread. */
static double alone_ms(const struct way *w)
{
	return 1e3 * (w->mine + w->others) / w->frames;
}

static double busier_ms(const struct way *w)
{
	return 1e3 * (w->mine > w->others ? w->mine : w->others) / w->frames;
}

static int compare_ratios(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void race(struct fxq_image *image, int threads, uint32_t depth,
		 int rounds)
{
	struct way single, pipeline;
	double border, pair[ROUNDS];

	open_way(&single, image, threads, 0);
	open_way(&pipeline, image, threads, depth);
	for (int i = 0; i < rounds; i++) {
		run_round(&single, image);
		run_round(&pipeline, image);
		pair[i] = single.took / pipeline.took;
	}
	qsort(pair, rounds, sizeof(*pair), compare_ratios);
	compare(image, &single, &pipeline);
	border = least_ms(image, &single, FXQ_STEP_CPU);
	printf("{\"threads\": %d, \"depth\": %u, \"rounds\": %d, \"cpu_ms\": %.3f, \"border_ms\": %.3f, \"device_ms\": %.3f, "
	       "\"sequential_per_s\": %.2f, \"pipelined_per_s\": %.2f, \"ratio\": %.3f, ",
	       threads, depth, rounds,
	       border + least_ms(image, &single, FXQ_STEP_WRAPPED), border,
	       least_ms(image, &single, FXQ_STEP_DEVICE), FRAMES / single.best,
	       FRAMES / pipeline.best, single.best / pipeline.best);
	printf("\"pairs\": [%.3f, %.3f, %.3f, %.3f], ", pair[rounds / 4],
	       pair[rounds / 2], pair[rounds * 3 / 4], pair[rounds - 1]);
	if (threads == 1)
		printf("\"alone_ms\": %.3f, \"busier_ms\": %.3f, \"cpu_ratio\": %.3f, ",
		       alone_ms(&single), busier_ms(&pipeline),
		       alone_ms(&single) / busier_ms(&pipeline));
	printf("\"equal_bits\": true}");
	close_way(&single);
	close_way(&pipeline);
}

int main(int argc, char **argv)
{
	int depth = argc > 3 ? atoi(argv[3]) : 4;
	int rounds = argc > 4 ? atoi(argv[4]) : 20;
	long all = sysconf(_SC_NPROCESSORS_ONLN);
	struct fxq_image *image;

	if (argc < 3 || argc > 5 || depth < 1 || depth > 64 || rounds < 1 ||
	    rounds > ROUNDS) {
		fprintf(stderr, "usage: overlap IMAGE.fxq PLUGIN.so [DEPTH [ROUNDS]]\n");
		return EXIT_FAILURE;
	}
	need(fxq_plugin_load(argv[2]));
	need(fxq_image_open(argv[1], &image));
	printf("[");
	race(image, 1, depth, rounds);
	if (all > 1) {
		printf(",\n ");
		race(image, all, depth, rounds);
	}
	printf("]\n");
	fxq_image_close(image);
	return EXIT_SUCCESS;
}
