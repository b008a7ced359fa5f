/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_DEVICE_H
#define FXQ_DEVICE_H

#include <linux/io.h>
#include <linux/kref.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/gpu_scheduler.h>

#include <fxq/fxq_regs.h>

#include "fxq_ring.h"
#include "fxq_usage.h"

#if !defined(CONFIG_64BIT) || defined(CONFIG_CPU_BIG_ENDIAN)
#error "the device reads and writes whole words of 64 bits, little-endian"
#endif

struct fxq_ctx;
struct fxq_run;
struct pci_dev;

#define FXQ_INFLIGHT_MAX	256	/* runs of a context */
#define FXQ_VA_BITS_MIN		24
#define FXQ_FILE_CONTEXTS	16
/* Without CAP_SYS_RESOURCE; the 16 that are left are one file's of another. */
#define FXQ_USER_CONTEXTS	(FXQ_CONTEXTS_MAX - 1 - FXQ_FILE_CONTEXTS)
#define FXQ_FILE_JOBS		4096
#define FXQ_FILE_STREAMS	1024

/**
 * struct fxq_sched - decides whose run is next; its memory may outlive the device
 * @base: the scheduler
 * @ref: of the device, and of each fence that may still be asked for names
 */
struct fxq_sched {
	struct drm_gpu_scheduler base;
	struct kref ref;
};

/**
 * struct fxq_device - a PCI function
 * @drm: the node; outlives the function while files are open
 * @regs: BAR 0, within drm_dev_enter() only
 * @caps: what streams are checked against
 * @clock_khz: of the cycles that runs report
 * @macs: multiply-accumulates a cycle
 * @ring: how both sides talk
 * @sched: decides whose run is next
 * @scheds: that of @sched, as entities want it
 * @timeouts: where hangs are judged and late records taken, one at a time; what
 *	      fences wait for is here, and nothing that allocates
 * @room: woken when the runs of a context get fewer, or nothing comes of them
 * @admin: held by whoever has an entry answered that is no job, or resets
 * @contexts: which entries of the device's table are taken, under @admin
 * @ctx: by whom, under @admin; without a reference
 * @owner: which user asked for it, under @admin
 * @asleep: it has lost all it was told, under @admin
 * @suspended: the machine sleeps: the scheduler stands still, under @admin
 * @resets: so far
 * @dead: no run is started any more; the errno that they end with
 * @seen_progress: when hangs were last judged; of @timeouts alone
 * @judged: number of the run that was judged then
 * @judged_since: when that began, in jiffies
 * @wedged: tells that the device was given up
 * @dumping: bit 0: a coredump is being made
 * @usage: by whom, and how much
 */
struct fxq_device {
	struct drm_device drm;
	void __iomem *regs;
	struct fxq_caps caps;
	u32 clock_khz, macs;

	struct fxq_ring ring;
	struct fxq_sched *sched;
	struct drm_gpu_scheduler *scheds[1];
	struct workqueue_struct *timeouts;
	wait_queue_head_t room;

	struct mutex admin;
	DECLARE_BITMAP(contexts, FXQ_CONTEXTS_MAX);
	struct fxq_ctx *ctx[FXQ_CONTEXTS_MAX];
	kuid_t owner[FXQ_CONTEXTS_MAX];
	bool asleep;
	bool suspended;
	atomic_t resets;
	int dead;

	u64 seen_progress;
	u64 judged;
	unsigned long judged_since;
	struct work_struct wedged;
	unsigned long dumping;
	struct fxq_usage usage;
};

/**
 * struct fxq_file - an open file
 * @fdev: the device
 * @drm: the core's side of it
 * @lock: protects the three tables, not what is in them
 * @contexts: by number
 * @jobs: by number
 * @streams: by number
 * @client: what it has used
 */
struct fxq_file {
	struct fxq_device *fdev;
	struct drm_file *drm;
	struct mutex lock;
	struct xarray contexts, jobs, streams;
	struct fxq_client *client;
};

extern struct workqueue_struct *fxq_wq;
extern unsigned int fxq_job_timeout_ms, fxq_job_limit_ms, fxq_va_bits;

static inline struct fxq_device *to_fxq(struct drm_device *drm)
{
	return container_of(drm, struct fxq_device, drm);
}

static inline u32 fxq_read(struct fxq_device *fdev, u32 reg)
{
	return readl(fdev->regs + reg);
}

static inline void fxq_write(struct fxq_device *fdev, u32 reg, u32 value)
{
	writel(value, fdev->regs + reg);
}

/* fxq_device.c */
extern struct pci_driver fxq_pci_driver;
int fxq_device_still(struct fxq_device *fdev);
int fxq_device_start(struct fxq_device *fdev);
void fxq_device_cut_off(struct fxq_device *fdev);

/* fxq_sched.c */
int fxq_sched_setup(struct fxq_device *fdev);

/* fxq_reset.c */
int fxq_reset(struct fxq_device *fdev, int error);
int fxq_reset_deaf(struct fxq_device *fdev);
void fxq_abort(struct fxq_device *fdev, int error);
enum drm_gpu_sched_stat fxq_reset_judge(struct fxq_device *fdev,
					struct fxq_run *run);

#endif /* FXQ_DEVICE_H */
