/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_JOB_H
#define FXQ_JOB_H

#include <linux/kref.h>
#include <linux/workqueue.h>
#include <drm/drm_mm.h>

#include <fxq/fxq_regs.h>

#include "fxq_mem.h"

struct drm_device;
struct drm_file;
struct drm_gem_object;
struct fxq_chunk;
struct fxq_ctx;
struct fxq_file;
struct fxq_mapping;
struct fxq_stream;
struct fxq_submit;

/**
 * struct fxq_job - a stream with its regions bound, in a context
 * @ref: of the file's table and of each run
 * @ctx: with a reference
 * @stream: with a reference
 * @id: its number, while it has one
 * @release: frees it where one may sleep
 * @stream_node: where the context sees the stream
 * @mapping: of each region that is bound
 * @written: does the stream write the region?
 * @n_regions: up to the last one that is bound
 * @shared: others see a buffer of it, and wait for its runs
 * @chunk: that the binding table is in
 * @table: its number there
 * @table_va: where the device finds it
 * @lock: protects what follows
 * @runs: that have ended
 * @status: of the last
 * @cycles: of the last
 */
struct fxq_job {
	struct kref ref;
	struct fxq_ctx *ctx;
	struct fxq_stream *stream;
	u32 id;
	struct work_struct release;
	struct drm_mm_node stream_node;
	struct fxq_mapping *mapping[FXQ_MAX_REGIONS];
	bool written[FXQ_MAX_REGIONS];
	u32 n_regions;
	bool shared;
	struct fxq_chunk *chunk;
	u32 table;
	u64 table_va;

	spinlock_t lock;
	u64 runs;
	int status;
	u64 cycles;
};

struct fxq_job *fxq_job_find(struct fxq_file *file, u32 id);
void fxq_job_put(struct fxq_job *job);
void fxq_job_entry(const struct fxq_job *job, struct fxq_submit *entry);
void fxq_job_drop_all(struct fxq_file *file, struct fxq_ctx *ctx);
void fxq_job_free_chunks(struct fxq_ctx *ctx);
int fxq_job_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file);
int fxq_job_destroy_ioctl(struct drm_device *drm, void *data,
			  struct drm_file *file);
int fxq_job_query_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file);

#endif /* FXQ_JOB_H */
