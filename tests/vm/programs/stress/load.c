// SPDX-License-Identifier: MIT
/*
 * load.c - see load.h
 */
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <liburing.h>

#include "load.h"
#include "node.h"

#define BYTES		(256u << 10)
#define PIECE		(32u << 10)	/* that a descriptor moves */
#define PIECES		(BYTES / PIECE)
#define RUNS		4		/* of one submission */
#define PATIENCE	60		/* seconds; a reset takes a few */

struct load {
	struct node node;
	struct load_report *report;
	uint32_t stream, ctx, syncobj;
	uint64_t point;
	uint32_t seed;
	struct io_uring ring;
};

/* Remembers a failure that nothing explains; a device that went explains it. */
static int failed(struct load *l, int ret, int where)
{
	if (ret == -ENODEV)
		return ret;
	if (atomic_fetch_add(&l->report->failed, 1) == 0) {
		l->report->error = ret;
		l->report->where = where;
	}
	return ret;
}

#define TRY(l, call)						\
	do {							\
		int ret_ = call;				\
		if (ret_)					\
			return failed(l, ret_, __LINE__);	\
	} while (0)

/* From region 0 to region 1, piece by piece over all of the scratchpad. */
static int make_stream(struct load *l)
{
	struct fxq_desc d[2 * PIECES];

	for (uint32_t i = 0; i < PIECES; i++) {
		d[2 * i] = desc_move(FXQ_OP_LOAD, 0, i * PIECE, PIECE);
		d[2 * i + 1] = desc_move(FXQ_OP_STORE, 1, i * PIECE, PIECE);
		d[2 * i].dma.offset = d[2 * i + 1].dma.offset = i * PIECE;
		d[2 * i + 1].wait[FXQ_ENGINE_LD] = i + 1;
	}
	TRY(l, node_stream(&l->node, d, 2 * PIECES, &l->stream));
	return 0;
}

/* A function that comes again may get another node than it had. */
static int open_function(const char *address)
{
	char pattern[96], path[64];
	glob_t found;
	int fd = -1;

	snprintf(pattern, sizeof(pattern),
		 "/sys/bus/pci/devices/%s/accel/accel*", address);
	if (glob(pattern, 0, NULL, &found))
		return -1;
	snprintf(path, sizeof(path), "/dev/accel/%s",
		 strrchr(found.gl_pathv[0], '/') + 1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	globfree(&found);
	return fd;
}

static int start(struct load *l, const char *address)
{
	l->node.fd = open_function(address);
	if (l->node.fd < 0)
		return -ENODEV;
	TRY(l, make_stream(l));
	TRY(l, node_syncobj(&l->node, &l->syncobj));
	l->ctx = 0;
	l->point = 0;
	return 0;
}

/* What became of a context that takes no more runs, or has failed one. */
static int explain(struct load *l)
{
	struct drm_fxq_ctx_query q = { .ctx = l->ctx };
	struct drm_fxq_ctx_destroy destroy = { .ctx = l->ctx };

	TRY(l, node_call(&l->node, DRM_IOCTL_FXQ_CTX_QUERY, &q));
	if (q.state == DRM_FXQ_CTX_LOST)
		return -ENODEV;
	if (q.state == DRM_FXQ_CTX_BANNED && q.error)
		l->report->told++;
	else
		l->report->silent++;
	if (q.error == -ETIME)
		l->report->timeouts++;
	TRY(l, node_call(&l->node, DRM_IOCTL_FXQ_CTX_DESTROY, &destroy));
	l->ctx = 0;
	return 0;
}

static void fill(struct load *l, uint32_t *words)
{
	for (uint32_t i = 0; i < BYTES / 4; i++)
		words[i] = l->seed = l->seed * 1664525 + 1013904223;
}

struct copy {
	uint32_t in, out, job;
	void *from, *to;
};

static int make_copy(struct load *l, struct copy *c)
{
	struct drm_fxq_region r[2] = { { .size = BYTES }, { .size = BYTES } };

	TRY(l, node_bo(&l->node, BYTES, &c->in, &c->from));
	TRY(l, node_bo(&l->node, BYTES, &c->out, &c->to));
	fill(l, c->from);
	r[0].handle = c->in;
	r[1].handle = c->out;
	return node_job(&l->node, l->ctx, l->stream, r, 2, &c->job);
}

static void drop_copy(struct load *l, struct copy *c)
{
	if (c->from)
		munmap(c->from, BYTES);
	if (c->to)
		munmap(c->to, BYTES);
	if (c->in)
		node_close_bo(&l->node, c->in);
	if (c->out)
		node_close_bo(&l->node, c->out);
	if (c->job)
		node_call(&l->node, DRM_IOCTL_FXQ_JOB_DESTROY,
			  &(struct drm_fxq_job_destroy){ .job = c->job });
}

/* Did all runs of the submission end well, and say so truly? */
static int judge(struct load *l, const struct copy *c)
{
	bool well = true;

	for (int i = 0; i < RUNS; i++) {
		struct drm_fxq_job_query q = { .job = c[i].job };

		TRY(l, node_call(&l->node, DRM_IOCTL_FXQ_JOB_QUERY, &q));
		if (q.status == -ENODEV)
			return -ENODEV;
		/* The fence of the last one says that all have ended. */
		if (q.runs != 1)
			l->report->silent++;
		if (q.status)
			well = false;
		else if (memcmp(c[i].from, c[i].to, BYTES))
			l->report->wrong++;
	}
	return well ? 0 : -ECANCELED;
}

/* By one SUBMIT and one wait. */
static int run_together(struct load *l, struct copy *c)
{
	uint32_t jobs[RUNS];
	int ret;

	for (int i = 0; i < RUNS; i++)
		jobs[i] = c[i].job;
	ret = node_submit(&l->node, l->ctx, jobs, RUNS, l->syncobj, ++l->point);
	if (ret)
		return ret;
	ret = node_wait(&l->node, l->syncobj, l->point, PATIENCE);
	if (ret == -ETIME)
		l->report->lost++;
	return ret ? ret : judge(l, c);
}

static void prepare(struct load *l, uint32_t job, uint64_t cookie)
{
	const struct drm_fxq_uring_submit args = { .job = job };
	struct io_uring_sqe *sqe = io_uring_get_sqe(&l->ring);

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, l->node.fd, NULL, 0, 0);
	sqe->user_data = cookie;
	sqe->cmd_op = DRM_FXQ_URING_SUBMIT;
	memcpy(sqe->cmd, &args, sizeof(args));
}

/* Was what a completion says true? */
static int judge_one(struct load *l, const struct copy *c, int res)
{
	struct drm_fxq_job_query q = { .job = c->job };

	if (res)
		return res == -ENODEV ? res : -ECANCELED;
	TRY(l, node_call(&l->node, DRM_IOCTL_FXQ_JOB_QUERY, &q));
	if (q.runs != 1 || q.status)
		l->report->silent++;
	if (memcmp(c->from, c->to, BYTES))
		l->report->wrong++;
	return 0;
}

/* By io_uring: each with a completion, and each completion just once. */
static int run_each(struct load *l, struct copy *c)
{
	struct __kernel_timespec t = { .tv_sec = PATIENCE };
	struct io_uring_cqe *cqe;
	bool seen[RUNS] = { false };
	int ret = 0, one;

	for (int i = 0; i < RUNS; i++)
		prepare(l, c[i].job, i);
	io_uring_submit(&l->ring);
	for (int i = 0; i < RUNS; i++) {
		if (io_uring_wait_cqe_timeout(&l->ring, &cqe, &t) ||
		    seen[cqe->user_data]) {
			l->report->lost++;
			return -ETIME;
		}
		seen[cqe->user_data] = true;
		one = judge_one(l, &c[cqe->user_data], cqe->res);
		ret = ret ? ret : one;
		io_uring_cqe_seen(&l->ring, cqe);
	}
	return ret;
}

static int run(struct load *l, struct copy *c)
{
	int ret = 0;

	for (int i = 0; i < RUNS && !ret; i++)
		ret = make_copy(l, &c[i]);
	if (ret)
		return ret;
	return l->seed >> 16 & 1 ? run_each(l, c) : run_together(l, c);
}

static int one_round(struct load *l)
{
	struct copy c[RUNS] = { 0 };
	int ret = 0;

	if (!l->ctx)
		ret = node_context(&l->node, &l->ctx);
	if (!ret)
		ret = run(l, c);
	if (ret == -ECANCELED)
		ret = explain(l);
	else if (ret)
		failed(l, ret, __LINE__);
	else
		l->report->rounds++;
	for (int i = 0; i < RUNS; i++)
		drop_copy(l, &c[i]);
	return ret;
}

static void load(const char *address, struct load_report *report)
{
	struct load l = { .report = report, .seed = getpid() };
	int ret = io_uring_queue_init(RUNS, &l.ring, 0);

	if (ret) {
		failed(&l, ret, __LINE__);
		return;
	}
	for (;;) {
		ret = start(&l, address);
		while (!ret)
			ret = one_round(&l);
		if (l.node.fd >= 0) {
			report->gone++;
			close(l.node.fd);
		}
		usleep(20000);
	}
}

int load_check(void)
{
	struct io_uring ring;
	int ret = io_uring_queue_init(RUNS, &ring, 0);

	if (!ret)
		io_uring_queue_exit(&ring);
	return ret;
}

pid_t load_start(const char *address, struct load_report *report)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	load(address, report);
	_exit(0);
}
