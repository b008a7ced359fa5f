/* SPDX-License-Identifier: MIT */
/*
 * node.h - the least that a program says to a device node
 *
 * For programs that run in a guest and measure or torment the driver: no
 * library, no cleverness. Each returns 0 or a negative errno.
 */
#ifndef TESTS_VM_NODE_H
#define TESTS_VM_NODE_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <drm/fxq_accel.h>
#include <fxq/fxq_cmd.h>

/*
 * struct node - an open device node
 * @calls: system calls made on it so far
 */
struct node {
	int fd;
	uint64_t calls;
};

static inline int node_call(struct node *n, unsigned long request, void *args)
{
	int ret;

	do {
		n->calls++;
		ret = ioctl(n->fd, request, args);
	} while (ret && errno == EINTR);
	return ret ? -errno : 0;
}

/* A buffer of @size bytes that is mapped; *@ret_memory is NULL without. */
static inline int node_bo(struct node *n, uint64_t size, uint32_t *ret_handle,
			  void **ret_memory)
{
	struct drm_fxq_bo_create bo = { .size = size };
	struct drm_fxq_bo_mmap_offset at = { 0 };
	int ret = node_call(n, DRM_IOCTL_FXQ_BO_CREATE, &bo);

	*ret_memory = NULL;
	if (ret)
		return ret;
	*ret_handle = at.handle = bo.handle;
	ret = node_call(n, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &at);
	if (ret)
		return ret;
	n->calls++;
	*ret_memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED,
			   n->fd, at.offset);
	if (*ret_memory != MAP_FAILED)
		return 0;
	*ret_memory = NULL;
	return -errno;
}

static inline int node_close_bo(struct node *n, uint32_t handle)
{
	struct drm_gem_close args = { .handle = handle };

	return node_call(n, DRM_IOCTL_GEM_CLOSE, &args);
}

static inline int node_stream(struct node *n, const struct fxq_desc *descs,
			      uint32_t count, uint32_t *ret_stream)
{
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)descs,
		.count = count,
	};
	int ret = node_call(n, DRM_IOCTL_FXQ_STREAM_CREATE, &args);

	*ret_stream = args.stream;
	return ret;
}

static inline int node_context(struct node *n, uint32_t *ret_ctx)
{
	struct drm_fxq_ctx_create args = { 0 };
	int ret = node_call(n, DRM_IOCTL_FXQ_CTX_CREATE, &args);

	*ret_ctx = args.ctx;
	return ret;
}

static inline int node_job(struct node *n, uint32_t ctx, uint32_t stream,
			   const struct drm_fxq_region *regions, uint32_t count,
			   uint32_t *ret_job)
{
	struct drm_fxq_job_create args = {
		.ctx = ctx,
		.stream = stream,
		.regions = (uintptr_t)regions,
		.region_count = count,
		.region_stride = sizeof(*regions),
	};
	int ret = node_call(n, DRM_IOCTL_FXQ_JOB_CREATE, &args);

	*ret_job = args.job;
	return ret;
}

static inline int node_syncobj(struct node *n, uint32_t *ret_handle)
{
	struct drm_syncobj_create args = { 0 };
	int ret = node_call(n, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	*ret_handle = args.handle;
	return ret;
}

/* Queues @count runs of @jobs; @point of @syncobj follows the last. */
static inline int node_submit(struct node *n, uint32_t ctx,
			      const uint32_t *jobs, uint32_t count,
			      uint32_t syncobj, uint64_t point)
{
	struct drm_fxq_sync signal = { .handle = syncobj, .point = point };
	struct drm_fxq_submit args = {
		.ctx = ctx,
		.jobs = (uintptr_t)jobs,
		.signals = (uintptr_t)&signal,
		.job_count = count,
		.signal_count = 1,
		.sync_stride = sizeof(signal),
	};

	return node_call(n, DRM_IOCTL_FXQ_SUBMIT, &args);
}

static inline uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

/* -ETIME after @seconds. */
static inline int node_wait(struct node *n, uint32_t syncobj, uint64_t point,
			    unsigned int seconds)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.timeout_nsec = now_ns() + seconds * 1000000000ull,
		.count_handles = 1,
	};

	return node_call(n, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

/*
 * Says a line to the device's control socket, which is a serial line here, and
 * reads the answer. -EIO: none came.
 */
static inline int control_ask(int control, const char *line, char *answer,
			      size_t size)
{
	struct pollfd p = { .fd = control, .events = POLLIN };
	size_t have = 0;

	dprintf(control, "%s\n", line);
	while (have + 1 < size && poll(&p, 1, 5000) > 0) {
		if (read(control, answer + have, 1) != 1)
			break;
		if (answer[have] == '\n') {
			answer[have] = '\0';
			return 0;
		}
		have += answer[have] != '\r';
	}
	answer[have] = '\0';
	return -EIO;
}

/* A file descriptor for control_ask(), or a negative errno. */
static inline int control_open(const char *path)
{
	struct pollfd p = { .events = POLLIN };
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios raw;
	char c;

	if (fd < 0)
		return -errno;
	p.fd = fd;
	if (!tcgetattr(fd, &raw)) {
		cfmakeraw(&raw);
		tcsetattr(fd, TCSANOW, &raw);
		tcflush(fd, TCIOFLUSH);
	}
	/* What was said before by whoever read no answer is answered now. */
	while (poll(&p, 1, 200) > 0 && read(fd, &c, 1) == 1)
		;
	return fd;
}

/* @bytes in one piece between the start of @region and @spm. */
static inline struct fxq_desc desc_move(uint8_t opcode, uint32_t region,
					uint32_t spm, uint32_t bytes)
{
	return (struct fxq_desc){
		.opcode = opcode,
		.engine = opcode == FXQ_OP_STORE ? FXQ_ENGINE_ST : FXQ_ENGINE_LD,
		.dma = {
			.spm = spm,
			.n = { bytes, 1, 1, 1 },
			.mem_stride = { opcode != FXQ_OP_FILL },
			.spm_stride = { 1 },
			.region = region,
			.elem = 1,
		},
	};
}

#endif /* TESTS_VM_NODE_H */
