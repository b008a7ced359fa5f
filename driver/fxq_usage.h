/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_USAGE_H
#define FXQ_USAGE_H

#include <linux/kref.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct drm_file;
struct drm_printer;
struct fxq_complete;
struct fxq_device;
struct fxq_run;

#define FXQ_USAGE_SLICES	10	/* in the window of npu_busy_percent */
#define FXQ_USAGE_SLICE_NS	(100 * NSEC_PER_MSEC)

/**
 * struct fxq_client - what an open file has used; outlives it with its runs
 * @ref: of the file and of each context
 * @id: the core's number of the file
 * @busy_ns: real time that its runs were on the device
 * @cycles: modelled cycles of its runs
 * @runs: that ended, well or not
 */
struct fxq_client {
	struct kref ref;
	u64 id;
	atomic64_t busy_ns;
	atomic64_t cycles;
	atomic64_t runs;
};

/**
 * struct fxq_usage - what all have used
 * @memory: bytes of buffers
 * @lock: protects all that follows
 * @runs: in the device's hands
 * @since: when the last of them took over, in ns
 * @seen: until when the slices are filled, in ns
 * @busy_ns: until @seen
 * @slice: how much of each slice was busy, by its number
 */
struct fxq_usage {
	atomic64_t memory;
	spinlock_t lock;
	unsigned int runs;
	u64 since;
	u64 seen;
	u64 busy_ns;
	u32 slice[FXQ_USAGE_SLICES + 1];
};

struct fxq_client *fxq_client_new(const struct drm_file *file);
struct fxq_client *fxq_client_get(struct fxq_client *client);
void fxq_client_put(struct fxq_client *client);

void fxq_usage_init(struct fxq_usage *usage);
void fxq_usage_begin(struct fxq_run *run);
void fxq_usage_end(struct fxq_run *run, const struct fxq_complete *record);
unsigned int fxq_usage_percent(struct fxq_usage *usage);
void fxq_usage_fdinfo(struct drm_printer *p, struct drm_file *drm_file);

#endif /* FXQ_USAGE_H */
