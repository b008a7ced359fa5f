// SPDX-License-Identifier: MIT
/*
 * fxq-work.c - gives a device something to do, for tests written in shell
 *
 *	fxq-work [-n RUNS] [-c COPIES] [-w|-s] [NODE]
 *
 * RUNS (1) runs of a job that copies 256 KiB COPIES (1) times through the
 * scratchpad. It says how the last run ended, what the context says of itself,
 * and what /proc says of the open file. With -w it then waits until its input
 * ends, so that others can look; with -s it keeps no more than a sync_file of
 * the last run meanwhile. Ends with 0, 1 if a run failed, 2 if a call did.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm.h>
#include <drm/fxq_accel.h>
#include <fxq/fxq_cmd.h>

#define BYTES		(256u << 10)
#define TAG		7	/* of every descriptor */

static int node;
static int keep_fence;

static void call(unsigned long request, void *args, const char *name)
{
	int ret;

	do {
		ret = ioctl(node, request, args);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	if (!ret)
		return;
	fprintf(stderr, "fxq-work: %s: %s\n", name, strerror(errno));
	exit(2);
}
#define CALL(name, args)	call(DRM_IOCTL_##name, args, #name)

static uint32_t make_stream(unsigned int copies)
{
	struct fxq_desc *d = calloc(2 * copies, sizeof(*d));
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)d, .count = 2 * copies,
	};
	const struct fxq_body_dma move = {
		.n = { BYTES / 4, 1, 1, 1 }, .elem = 4,
		.mem_stride = { 4 }, .spm_stride = { 4 },
	};

	for (unsigned int i = 0; i < copies; i++) {
		struct fxq_desc *load = &d[2 * i], *store = &d[2 * i + 1];

		load->opcode = FXQ_OP_LOAD;
		load->engine = FXQ_ENGINE_LD;
		load->wait[FXQ_ENGINE_ST] = i;
		store->opcode = FXQ_OP_STORE;
		store->engine = FXQ_ENGINE_ST;
		store->wait[FXQ_ENGINE_LD] = i + 1;
		load->tag = store->tag = TAG;
		load->dma = store->dma = move;
		store->dma.region = 1;
	}
	CALL(FXQ_STREAM_CREATE, &args);
	free(d);
	return args.stream;
}

static uint32_t make_buffer(uint32_t **data)
{
	struct drm_fxq_bo_create bo = { .size = BYTES };
	struct drm_fxq_bo_mmap_offset at = { 0 };

	CALL(FXQ_BO_CREATE, &bo);
	at.handle = bo.handle;
	CALL(FXQ_BO_MMAP_OFFSET, &at);
	*data = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, node,
		     at.offset);
	if (*data == MAP_FAILED) {
		perror("fxq-work: mmap");
		exit(2);
	}
	return bo.handle;
}

static uint32_t make_job(uint32_t ctx, uint32_t stream, uint32_t from,
			 uint32_t to)
{
	struct drm_fxq_region regions[] = {
		{ .handle = from, .size = BYTES },
		{ .handle = to, .size = BYTES },
	};
	struct drm_fxq_job_create args = {
		.ctx = ctx, .stream = stream, .regions = (uintptr_t)regions,
		.region_count = 2, .region_stride = sizeof(*regions),
	};

	CALL(FXQ_JOB_CREATE, &args);
	return args.job;
}

/* Runs the job until all runs have ended; how the last one did. */
static int run(uint32_t ctx, uint32_t job, unsigned int runs)
{
	struct drm_syncobj_create line = { 0 };
	struct drm_fxq_sync done = { 0 };
	struct drm_fxq_submit args = {
		.ctx = ctx, .jobs = (uintptr_t)&job, .job_count = 1,
		.signals = (uintptr_t)&done, .signal_count = 1,
		.sync_stride = sizeof(done),
	};
	uint64_t point = runs;
	struct drm_syncobj_timeline_wait wait = {
		.handles = (uintptr_t)&line.handle, .count_handles = 1,
		.points = (uintptr_t)&point, .timeout_nsec = INT64_MAX,
	};
	struct drm_fxq_job_query query = { .job = job };

	CALL(SYNCOBJ_CREATE, &line);
	done.handle = line.handle;
	for (unsigned int i = 0; i < runs; i++) {
		done.point = i + 1;
		if (ioctl(node, DRM_IOCTL_FXQ_SUBMIT, &args) && errno != EINTR) {
			fprintf(stderr, "fxq-work: submission %u: %s\n", i,
				strerror(errno));
			point = i;
			break;
		}
	}
	if (point)
		CALL(SYNCOBJ_TIMELINE_WAIT, &wait);
	if (keep_fence) {
		struct drm_syncobj_handle file = {
			.handle = line.handle,
			.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
		};

		CALL(SYNCOBJ_HANDLE_TO_FD, &file);
	}
	CALL(FXQ_JOB_QUERY, &query);
	printf("status: %d\n", query.status);
	return query.status || point < runs;
}

static void print_context(uint32_t ctx)
{
	struct drm_fxq_ctx_query q = { .ctx = ctx };

	CALL(FXQ_CTX_QUERY, &q);
	printf("state: %u\nruns: %llu\ncycles: %llu\ncause: %u\nindex: %u\n",
	       q.state, (unsigned long long)q.runs,
	       (unsigned long long)q.cycles, q.fault_cause, q.fault_index);
}

static void print_fdinfo(void)
{
	char name[64], line[256];
	FILE *f;

	snprintf(name, sizeof(name), "/proc/self/fdinfo/%d", node);
	f = fopen(name, "r");
	while (f && fgets(line, sizeof(line), f))
		fputs(line, stdout);
	if (f)
		fclose(f);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	unsigned int runs = 1, copies = 1;
	uint32_t ctx, job, from, to, *in, *out;
	struct drm_fxq_ctx_create create = { 0 };
	int wait = 0, failed, opt;

	while ((opt = getopt(argc, argv, "n:c:ws")) != -1) {
		if (opt == 'n')
			runs = strtoul(optarg, NULL, 0);
		else if (opt == 'c')
			copies = strtoul(optarg, NULL, 0);
		else if (opt == 'w')
			wait = 1;
		else if (opt == 's')
			wait = keep_fence = 1;
		else
			return 2;
	}
	node = open(optind < argc ? argv[optind] : "/dev/accel/accel0", O_RDWR);
	if (node < 0) {
		perror("fxq-work: open");
		return 2;
	}
	CALL(FXQ_CTX_CREATE, &create);
	ctx = create.ctx;
	from = make_buffer(&in);
	to = make_buffer(&out);
	for (unsigned int i = 0; i < BYTES / 4; i++)
		in[i] = i * 2654435761u;
	job = make_job(ctx, make_stream(copies), from, to);
	failed = run(ctx, job, runs);
	if (!failed && runs && memcmp(in, out, BYTES)) {
		printf("status: the copy differs\n");
		failed = 1;
	}
	print_context(ctx);
	print_fdinfo();
	if (keep_fence) {
		munmap(in, BYTES);
		munmap(out, BYTES);
		close(node);
		printf("closed\n");
		fflush(stdout);
	}
	while (wait && getchar() != EOF)
		;
	return failed;
}
