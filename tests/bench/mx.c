/* SPDX-License-Identifier: MIT */
/*
 * mx.c - the machine's convolutions against what the processor could do
 *
 * For each layer of ResNet-50, and the depthwise ones of MobileNetV2, one
 * descriptor of the layer's largest part whose operands fit the scratchpad runs
 * in turn with a loop that only multiplies, and with oneDNN where it is
 * installed: short turns, many rounds, medians. So what else the computer does
 * meanwhile slows all of them alike. Moving the same operands in and out is
 * measured beside, for it is no part of the descriptor.
 *
 * mx [THREADS [LAYERS]]: LAYERS is a part of their names; FXQ_ISA chooses the
 * instruction set, oneDNN's as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <fxq/fxq_spm.h>

#include "exec.h"
#include "mx_layers.h"
#include "peak.h"

#define SPM_BYTES	(1u << 20)
#define ROUNDS		51
#define SPIN_US		15000
#define TURN_NS		300000		/* of one thing measured, about */
#define PEAK_STEPS	2000

static const struct mx_layer layers[] = {
	{ "conv1 7x7s2 3-64", 1, 224, 3, 64, 7, 2, 3 },
	{ "res2 1x1 64-64", 1, 56, 64, 64, 1, 1, 0 },
	{ "res2 3x3 64-64", 3, 56, 64, 64, 3, 1, 1 },
	{ "res2 1x1 64-256", 4, 56, 64, 256, 1, 1, 0 },
	{ "res2 1x1 256-64", 2, 56, 256, 64, 1, 1, 0 },
	{ "res3 1x1 256-128", 1, 56, 256, 128, 1, 1, 0 },
	{ "res3 3x3s2 128-128", 1, 56, 128, 128, 3, 2, 1 },
	{ "res3 1x1 128-512", 4, 28, 128, 512, 1, 1, 0 },
	{ "res3 1x1s2 256-512", 1, 56, 256, 512, 1, 2, 0 },
	{ "res3 1x1 512-128", 3, 28, 512, 128, 1, 1, 0 },
	{ "res3 3x3 128-128", 3, 28, 128, 128, 3, 1, 1 },
	{ "res4 1x1 512-256", 1, 28, 512, 256, 1, 1, 0 },
	{ "res4 3x3s2 256-256", 1, 28, 256, 256, 3, 2, 1 },
	{ "res4 1x1 256-1024", 6, 14, 256, 1024, 1, 1, 0 },
	{ "res4 1x1s2 512-1024", 1, 28, 512, 1024, 1, 2, 0 },
	{ "res4 1x1 1024-256", 5, 14, 1024, 256, 1, 1, 0 },
	{ "res4 3x3 256-256", 5, 14, 256, 256, 3, 1, 1 },
	{ "res5 1x1 1024-512", 1, 14, 1024, 512, 1, 1, 0 },
	{ "res5 3x3s2 512-512", 1, 14, 512, 512, 3, 2, 1 },
	{ "res5 1x1 512-2048", 3, 7, 512, 2048, 1, 1, 0 },
	{ "res5 1x1s2 1024-2048", 1, 14, 1024, 2048, 1, 2, 0 },
	{ "res5 1x1 2048-512", 2, 7, 2048, 512, 1, 1, 0 },
	{ "res5 3x3 512-512", 2, 7, 512, 512, 3, 1, 1 },
	{ "dw 3x3 32 @112", 1, 112, 32, 32, 3, 1, 1, true },
	{ "dw 3x3s2 96 @112", 1, 112, 96, 96, 3, 2, 1, true },
	{ "dw 3x3 144 @56", 1, 56, 144, 144, 3, 1, 1, true },
	{ "dw 3x3s2 144 @56", 1, 56, 144, 144, 3, 2, 1, true },
	{ "dw 3x3 192 @28", 2, 28, 192, 192, 3, 1, 1, true },
	{ "dw 3x3s2 192 @28", 1, 28, 192, 192, 3, 2, 1, true },
	{ "dw 3x3 384 @14", 4, 14, 384, 384, 3, 1, 1, true },
	{ "dw 3x3 576 @14", 2, 14, 576, 576, 3, 1, 1, true },
	{ "dw 3x3s2 576 @14", 1, 14, 576, 576, 3, 2, 1, true },
	{ "dw 3x3 960 @7", 3, 7, 960, 960, 3, 1, 1, true },
};

#define LAYERS	(sizeof(layers) / sizeof(layers[0]))

/*
 * struct part - a descriptor whose operands fit, and how much of its layer it is
 * @macs: of the part, without those that padding multiplies
 * @share: of the layer
 * @in, @weights, @out: bytes
 */
struct part {
	struct fxq_desc d;
	double macs, share;
	uint64_t in, weights, out;
};

/* What is measured of a layer, seconds of a round. */
enum figure {
	PEAK,			/* multiplications per second */
	MACHINE,		/* of the layer */
	DMA,			/* of its operands */
	ONEDNN,			/* of the layer */
	FIGURES
};

/* struct bench - @loop: of the same instructions; for portable C, of any */
struct bench {
	struct fxq_exec x;
	const struct peak_loop *loop;
	uint8_t *memory;
	double took[LAYERS][FIGURES][ROUNDS];
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Pixels along one side that kernel row or column @k meets inside. */
static uint32_t inside(const struct mx_layer *l, uint32_t k, uint32_t first,
		       uint32_t n)
{
	uint32_t i, count = 0;

	for (i = first; i < first + n; i++) {
		int64_t at = (int64_t)i * l->stride + k - l->pad;

		count += at >= 0 && at < l->size;
	}
	return count;
}

static double macs_of(const struct mx_layer *l, uint32_t rows, uint32_t oc)
{
	double y = 0, x = 0;
	uint32_t k;

	for (k = 0; k < l->kernel; k++) {
		y += inside(l, k, 0, rows);
		x += inside(l, k, 0, mx_out(l));
	}
	return y * x * oc * (l->depthwise ? 1 : l->ic);
}

static uint64_t fm_bytes(uint32_t h, uint32_t w, uint32_t c)
{
	uint64_t last = c % 32 ? (uint64_t)h * w * fxq_round_up(c % 32, 4) : 0;

	return c / 32 * (uint64_t)h * w * 32 + last;
}

static struct fxq_fm place(uint32_t *at, uint32_t h, uint32_t w, uint32_t c)
{
	struct fxq_fm fm = { .addr = *at, .row = w, .c = c };

	fm.plane = fxq_round_up(h * w * (c < 32 ? fxq_round_up(c, 4) : 32), 64);
	*at += fxq_div_up(c, 32) * fm.plane;
	return fm;
}

/* The layer's first @rows rows of @oc channels. Returns the bytes it needs. */
static uint32_t describe(const struct mx_layer *l, uint32_t rows, uint32_t oc,
			 struct part *p)
{
	struct fxq_body_conv *b = &p->d.conv;
	uint32_t at = 0, ic = l->depthwise ? oc : l->ic;
	uint32_t ih = (rows - 1) * l->stride + l->kernel - l->pad;

	memset(p, 0, sizeof(*p));
	p->d.opcode = l->depthwise ? FXQ_OP_DWCONV : FXQ_OP_CONV;
	p->d.engine = FXQ_ENGINE_MX;
	p->d.flags = l->depthwise ? 0 : FXQ_F_ACC;
	*b = (struct fxq_body_conv){
		.ih = ih < l->size ? ih : l->size, .iw = l->size, .ic = ic,
		.oh = rows, .ow = mx_out(l), .oc = oc, .groups = 1,
		.kh = l->kernel, .kw = l->kernel, .sh = l->stride,
		.sw = l->stride, .dh = 1, .dw = 1, .pad_t = l->pad,
		.pad_l = l->pad, .zx = -128, .zy = -128, .lo = -128, .hi = 127,
	};
	p->in = fm_bytes(b->ih, b->iw, ic);
	p->out = fm_bytes(b->oh, b->ow, oc);
	p->weights = l->depthwise ?
		     fxq_round_up(oc, 32) * l->kernel * l->kernel :
		     fxq_conv_weight_bytes(ic, oc, l->kernel, l->kernel, 1);
	if (p->in + p->out + p->weights > SPM_BYTES)
		return ~0u;
	b->in = place(&at, b->ih, b->iw, ic);
	b->out = place(&at, b->oh, b->ow, oc);
	b->weights = at;
	at += fxq_round_up(p->weights, 64);
	b->params = at;
	at += fxq_round_up(oc, 32) * 16;
	p->macs = macs_of(l, rows, oc);
	p->share = p->macs / macs_of(l, mx_out(l), l->oc);
	return at;
}

/* Halves rows or channels, whichever gives more work for what is moved. */
static void find_part(const struct mx_layer *l, struct part *p)
{
	uint32_t rows = mx_out(l), oc = l->oc;

	while (describe(l, rows, oc, p) > SPM_BYTES) {
		if (p->weights > p->in + p->out && oc % 64 == 0)
			oc /= 2;
		else
			rows = fxq_div_up(rows, 2);
	}
}

static void fill_spm(struct bench *b, const struct part *p)
{
	const struct fxq_body_conv *c = &p->d.conv;
	struct fxq_param param = { .bias = 1000 };
	float m = 0.001f;
	uint32_t i;

	for (i = 0; i < SPM_BYTES; i++)
		b->x.spm[i] = (uint8_t)(i * 2654435761u >> 13);
	memcpy(&param.m, &m, sizeof(m));
	param.n = param.m;
	for (i = 0; i < fxq_round_up(c->oc, 32); i++)
		memcpy(b->x.spm + c->params + i * sizeof(param), &param,
		       sizeof(param));
}

static void peak_piece(void *arg, uint32_t first, uint32_t last)
{
	const struct peak_loop *loop = arg;

	for (; first < last; first++)
		loop->multiply(PEAK_STEPS);
}

/* Multiplications per second, of all threads together; 0 without a loop. */
static double peak(const struct bench *b)
{
	uint32_t n = 4 * fxq_pool_threads(b->x.pool);
	double t = now();

	if (!b->loop)
		return 0;
	fxq_pool_run(b->x.pool, n, 1, peak_piece, (void *)b->loop);
	return (double)n * PEAK_STEPS * b->loop->macs / (now() - t);
}

/* Calls for about TURN_NS. Returns the time of one. */
static double turn(void (*fn)(void *a, const void *b), void *a, const void *b)
{
	uint32_t n = 0;
	double t = now(), end;

	do {
		fn(a, b);
		n++;
		end = now();
	} while (end - t < TURN_NS * 1e-9);
	return (end - t) / n;
}

static void run_machine(void *a, const void *b)
{
	struct bench *bench = a;
	const struct part *p = b;

	bench->x.ops->fn[p->d.opcode](&bench->x, &p->d);
}

static void run_onednn(void *a, const void *b)
{
	onednn_run(a);
}

struct memory {
	struct fxq_dma_memory dma;
	uint8_t *at;
};

static void *memory_at(struct fxq_dma_memory *mem, uint32_t region,
		       uint64_t offset, uint64_t *len, bool write)
{
	return ((struct memory *)mem)->at + offset;
}

static void move(struct bench *b, uint8_t opcode, uint32_t spm, uint64_t bytes)
{
	struct memory m = { { memory_at }, b->memory };
	struct fxq_desc d = { .opcode = opcode };

	d.dma = (struct fxq_body_dma){
		.spm = spm, .n = { fxq_round_up(bytes, 4) / 4, 1, 1, 1 },
		.elem = 4, .mem_stride = { 4 }, .spm_stride = { 4 },
	};
	fxq_exec_dma(&b->x, &d, &m.dma);
}

static void run_dma(void *a, const void *b)
{
	const struct part *p = b;

	move(a, FXQ_OP_LOAD, p->d.conv.in.addr, p->in);
	move(a, FXQ_OP_LOAD, p->d.conv.weights, p->weights);
	move(a, FXQ_OP_STORE, p->d.conv.out.addr, p->out);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *of)
{
	qsort(of, ROUNDS, sizeof(*of), by_size);
	return of[ROUNDS / 2];
}

static void measure(struct bench *b, uint32_t i)
{
	const struct mx_layer *l = &layers[i];
	struct onednn *other = onednn_create(l);
	struct part p;
	double before, after;
	int r;

	find_part(l, &p);
	fill_spm(b, &p);
	run_machine(b, &p);
	for (r = 0; r < ROUNDS; r++) {
		before = peak(b);
		b->took[i][MACHINE][r] = turn(run_machine, b, &p) / p.share;
		after = peak(b);
		b->took[i][PEAK][r] = (before + after) / 2;
		b->took[i][DMA][r] = turn(run_dma, b, &p) / p.share;
		if (other)
			b->took[i][ONEDNN][r] = turn(run_onednn, other, NULL);
		/* OpenMP's threads spin for a while, where others would run. */
		if (other && fxq_pool_threads(b->x.pool) > 1)
			usleep(SPIN_US);
	}
	onednn_destroy(other);
}

/* struct total - of a network's layers, seconds; @at_peak: if all multiplied */
struct total {
	double macs, at_peak, took[FIGURES];
};

static void print_row(const char *name, uint32_t times, double macs,
		      double at_peak, const double *took)
{
	printf("%-22s %2u %9.1f %7.0f %5.0f%% %9.1f", name, times,
	       took[MACHINE] * 1e6, 2e-9 * macs / took[MACHINE],
	       100 * at_peak / took[MACHINE], took[DMA] * 1e6);
	if (took[ONEDNN] > 0)
		printf(" %9.1f %5.0f%% %6.2f", took[ONEDNN] * 1e6,
		       100 * at_peak / took[ONEDNN],
		       took[ONEDNN] / took[MACHINE]);
	printf("\n");
}

static void report(struct bench *b, uint32_t i, struct total *sum)
{
	const struct mx_layer *l = &layers[i];
	double macs = macs_of(l, mx_out(l), l->oc), share[ROUNDS];
	double took[FIGURES], at_peak;
	int f, r;

	/* Shares are of the same round; so is the quotient of both. */
	for (r = 0; r < ROUNDS; r++)
		share[r] = b->took[i][PEAK][r] > 0 ? macs /
			   b->took[i][PEAK][r] / b->took[i][MACHINE][r] : 0;
	for (f = 0; f < FIGURES; f++)
		took[f] = median(b->took[i][f]);
	at_peak = median(share) * took[MACHINE];
	print_row(l->name, l->times, macs, at_peak, took);
	sum->macs += l->times * macs;
	sum->at_peak += l->times * at_peak;
	for (f = 0; f < FIGURES; f++)
		sum->took[f] += l->times * took[f];
}

static int setup(struct bench *b, int threads)
{
	char why[200];

	b->x.ops = fxq_isa_choose(why, sizeof(why));
	if (!b->x.ops) {
		fprintf(stderr, "mx: %s\n", why);
		return -1;
	}
	b->loop = peak_loop_of(b->x.ops->name);
	if (!b->loop)
		b->loop = peak_loop_of(NULL);
	b->x.spm = aligned_alloc(64, SPM_BYTES + 64);
	b->x.acc = aligned_alloc(64, 65536);
	b->memory = aligned_alloc(64, SPM_BYTES);
	b->x.pool = fxq_pool_create(threads);
	if (!b->x.spm || !b->x.acc || !b->memory || !b->x.pool) {
		fprintf(stderr, "mx: out of memory\n");
		return -1;
	}
	memset(b->memory, 1, SPM_BYTES);
	return 0;
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct total conv = { 0 }, dw = { 0 };
	int threads = argc > 1 ? atoi(argv[1]) : 1;
	const char *peer = onednn_version();
	uint32_t i;

	if (threads < 1 || threads > 256) {
		fprintf(stderr, "mx: '%s' is no number of threads from 1 to "
			"256\n", argv[1]);
		return 64;
	}
	if (setup(&b, threads))
		return EXIT_FAILURE;
	onednn_setup(b.x.ops->name, threads);
	printf("%s, %d threads, beside %s\n", b.x.ops->name, threads,
	       peer ? peer : "nothing (SKIP: oneDNN is not installed)");
	printf("%-22s %2s %9s %7s %6s %9s %9s %6s %6s\n", "layer", "x", "us",
	       "GOP/s", "peak", "DMA us", "oneDNN us", "peak", "ratio");
	for (i = 0; i < LAYERS; i++) {
		if (argc > 2 && !strstr(layers[i].name, argv[2]))
			continue;
		measure(&b, i);
		report(&b, i, layers[i].depthwise ? &dw : &conv);
	}
	if (conv.macs > 0)
		print_row(argc > 2 ? "sum" : "ResNet-50", 1, conv.macs,
			  conv.at_peak, conv.took);
	if (dw.macs > 0)
		print_row("depthwise", 1, dw.macs, dw.at_peak, dw.took);
	return EXIT_SUCCESS;
}
