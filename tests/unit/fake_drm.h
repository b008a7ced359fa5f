/* SPDX-License-Identifier: MIT */
/*
 * fake_drm.h - a device node without a kernel
 *
 * Stands in for libdrm, for sysfs and for open() of nodes, and plays a driver
 * whose device negates: what libfxq makes of each answer can then be asked for,
 * those that no kernel here would give among them. Runs are executed when
 * somebody waits, in order; after one that fails those behind it are stopped.
 */
#ifndef TEST_FAKE_DRM_H
#define TEST_FAKE_DRM_H

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/fxq_accel.h>
#include <fxq/fxq_check.h>

#include "fxq_contract.h"
#include "image_kit.h"
#include "lib/drm_sysfs.h"

#define FAKE_MAX	512	/* objects of a kind; runs */
#define FAKE_BO_BYTES	4096

enum fake_kind { FAKE_BO, FAKE_STREAM, FAKE_CTX, FAKE_JOB, FAKE_LINE,
		 FAKE_KINDS };

struct fake_job {
	uint32_t ctx, in, out;
	int status;
};

/*
 * struct fake - what the driver does next, and what it has
 * @open_error, @driver, @contract, @features: of the node
 * @fail, @fail_error: this ioctl fails so, the @fail_after-th time and on, for
 *		       @fail_times
 * @status: of each run, by number; 0 unless a test says otherwise
 * @live: objects of each kind
 */
static struct fake {
	int open_error;
	const char *driver;
	uint8_t contract[32];
	uint64_t features;
	unsigned long fail;
	int fail_error;
	unsigned int fail_after, fail_times, calls;
	uint32_t cause;
	int status[FAKE_MAX];
	int live[FAKE_KINDS];
	uint32_t next[FAKE_KINDS];
	bool banned[FAKE_MAX];
	struct fake_job job[FAKE_MAX];
	uint32_t fault_job;
	struct { uint32_t job; uint64_t point; } queue[FAKE_MAX];
	unsigned int queued, executed, runs;
	uint64_t signalled;
	int memory;
} fake;

static inline void fake_reset(void)
{
	static const uint8_t contract[] = FXQ_CONTRACT_HASH;

	if (fake.memory > 0)
		close(fake.memory);
	fake = (struct fake){ .driver = "fxq" };
	memcpy(fake.contract, contract, sizeof(contract));
	fake.memory = memfd_create("fake", 0);
	assert_int_equal(ftruncate(fake.memory, FAKE_MAX * FAKE_BO_BYTES), 0);
}

static inline void fake_fail(unsigned long request, int error)
{
	fake.fail = request;
	fake.fail_error = error;
	fake.fail_times = FAKE_MAX;
}

static uint32_t fake_new(enum fake_kind kind)
{
	fake.live[kind]++;
	return ++fake.next[kind];
}

/* One node, accel0, of whatever driver. */

unsigned int accel_list(const char *sysfs,
			struct accel_node nodes[ACCEL_NODES_MAX])
{
	return accel_find(sysfs, "accel0", nodes) ||
	       strcmp(nodes[0].driver, ACCEL_DRIVER) ? 0 : 1;
}

int accel_find(const char *sysfs, const char *name, struct accel_node *ret)
{
	if (strcmp(name, "accel0") && strcmp(name, "0000:00:04.0"))
		return -ENOENT;
	*ret = (struct accel_node){ "accel0", "0000:00:04.0", "fxq" };
	snprintf(ret->driver, sizeof(ret->driver), "%s", fake.driver);
	return 0;
}

int open(const char *path, int flags, ...)
{
	if (strncmp(path, "/dev/accel/", 11))
		return syscall(SYS_openat, AT_FDCWD, path, flags, 0600);
	if (!fake.open_error)
		return dup(fake.memory);
	errno = fake.open_error;
	return -1;
}

drmVersionPtr drmGetVersion(int fd)
{
	static drmVersion version;

	version = (drmVersion){ .version_major = 1, .name = (char *)"fxq" };
	return &version;
}

void drmFreeVersion(drmVersionPtr version)
{
}

/* The ioctls */

static int fake_query(struct drm_fxq_dev_query *q)
{
	struct drm_fxq_device_info info = {
		.spm_bytes = 1 << 20, .acc_bytes = 1 << 16,
		.max_descriptors = 1 << 20, .clock_khz = 1000000,
		.macs = 1024, .max_inflight = 256,
		.features = fake.features,
	};

	memcpy(info.contract, fake.contract, sizeof(info.contract));
	memcpy((void *)(uintptr_t)q->pointer, &info, sizeof(info));
	return 0;
}

static int fake_job_create(struct drm_fxq_job_create *j)
{
	const struct drm_fxq_region *r = (void *)(uintptr_t)j->regions;
	uint32_t id = fake_new(FAKE_JOB);

	assert_int_equal(j->region_stride, sizeof(*r));
	if (r[REGION_IN].handle)
		assert_int_equal(r[REGION_IN].size, ELEMENTS);
	assert_true(r[REGION_WEIGHTS].handle > 0);
	fake.job[id] = (struct fake_job){
		.ctx = j->ctx,
		.in = r[REGION_IN].handle * FAKE_BO_BYTES +
		      r[REGION_IN].offset,
		.out = r[REGION_OUT].handle * FAKE_BO_BYTES +
		       r[REGION_OUT].offset,
	};
	j->job = id;
	return 0;
}

static int fake_submit(struct drm_fxq_submit *s)
{
	const struct drm_fxq_sync *signal = (void *)(uintptr_t)s->signals;
	uint32_t job = *(uint32_t *)(uintptr_t)s->jobs;

	if (fake.banned[s->ctx])
		return ECANCELED;
	assert_int_equal(fake.job[job].ctx, s->ctx);
	assert_int_equal(s->flags, DRM_FXQ_SUBMIT_NONBLOCK);
	fake.queue[fake.queued].job = job;
	fake.queue[fake.queued++].point = signal->point;
	return 0;
}

static int fake_ctx_query(struct drm_fxq_ctx_query *q)
{
	q->state = fake.banned[q->ctx];
	q->fault_job = fake.fault_job;
	q->fault_cause = fake.cause;
	q->fault_index = 2;
	return 0;
}

static int fake_dispatch(unsigned long request, void *arg)
{
	switch (request) {
	case DRM_IOCTL_FXQ_DEV_QUERY:
		return fake_query(arg);
	case DRM_IOCTL_FXQ_BO_CREATE:
		assert_true(((struct drm_fxq_bo_create *)arg)->size <=
			    FAKE_BO_BYTES);
		((struct drm_fxq_bo_create *)arg)->handle = fake_new(FAKE_BO);
		return 0;
	case DRM_IOCTL_FXQ_BO_MMAP_OFFSET:
		((struct drm_fxq_bo_mmap_offset *)arg)->offset = FAKE_BO_BYTES *
			((struct drm_fxq_bo_mmap_offset *)arg)->handle;
		return 0;
	case DRM_IOCTL_FXQ_STREAM_CREATE:
		((struct drm_fxq_stream_create *)arg)->stream =
			fake_new(FAKE_STREAM);
		return 0;
	case DRM_IOCTL_FXQ_CTX_CREATE:
		((struct drm_fxq_ctx_create *)arg)->ctx = fake_new(FAKE_CTX);
		return 0;
	case DRM_IOCTL_FXQ_JOB_CREATE:
		return fake_job_create(arg);
	case DRM_IOCTL_FXQ_SUBMIT:
		return fake_submit(arg);
	case DRM_IOCTL_FXQ_CTX_QUERY:
		return fake_ctx_query(arg);
	case DRM_IOCTL_FXQ_JOB_QUERY:
		((struct drm_fxq_job_query *)arg)->status =
			fake.job[((struct drm_fxq_job_query *)arg)->job].status;
		((struct drm_fxq_job_query *)arg)->cycles = 1000;
		return 0;
	case DRM_IOCTL_GEM_CLOSE:
		fake.live[FAKE_BO]--;
		return 0;
	case DRM_IOCTL_FXQ_STREAM_DESTROY:
		fake.live[FAKE_STREAM]--;
		return 0;
	case DRM_IOCTL_FXQ_CTX_DESTROY:
		fake.live[FAKE_CTX]--;
		return 0;
	}
	fail_msg("ioctl %#lx is not known", request);
	return EINVAL;
}

int drmIoctl(int fd, unsigned long request, void *arg)
{
	if (request == fake.fail && fake.calls++ >= fake.fail_after &&
	    fake.fail_times) {
		fake.fail_times--;
		if (request == DRM_IOCTL_FXQ_STREAM_CREATE) {
			((struct drm_fxq_stream_create *)arg)->cause =
				fake.cause;
			((struct drm_fxq_stream_create *)arg)->index = 3;
		}
		errno = fake.fail_error;
	} else {
		errno = fake_dispatch(request, arg);
	}
	return errno ? -1 : 0;
}

/* The timeline */

int drmSyncobjCreate(int fd, uint32_t flags, uint32_t *handle)
{
	*handle = fake_new(FAKE_LINE);
	return 0;
}

int drmSyncobjDestroy(int fd, uint32_t handle)
{
	fake.live[FAKE_LINE]--;
	return 0;
}

static void fake_execute(unsigned int i)
{
	struct fake_job *job = &fake.job[fake.queue[i].job];
	int8_t x[ELEMENTS];

	fake.signalled = fake.queue[i].point;
	job->status = fake.banned[job->ctx] ? -ECANCELED :
					      fake.status[fake.runs++];
	if (job->status && job->status != -ECANCELED) {
		fake.banned[job->ctx] = true;
		fake.fault_job = fake.queue[i].job;
	}
	if (job->status)
		return;
	assert_int_equal(pread(fake.memory, x, sizeof(x), job->in), sizeof(x));
	for (int k = 0; k < ELEMENTS; k++)
		x[k] = -x[k];
	assert_int_equal(pwrite(fake.memory, x, sizeof(x), job->out),
			 sizeof(x));
}

int drmSyncobjTimelineWait(int fd, uint32_t *handles, uint64_t *points,
			   unsigned int n, int64_t timeout, unsigned int flags,
			   uint32_t *first)
{
	if (fake.fail == DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT)
		return -fake.fail_error;
	while (fake.executed < fake.queued)
		fake_execute(fake.executed++);
	assert_true(points[0] <= fake.signalled);
	return 0;
}

int drmSyncobjQuery(int fd, uint32_t *handles, uint64_t *points, uint32_t n)
{
	points[0] = fake.signalled;
	return 0;
}

#endif /* TEST_FAKE_DRM_H */
