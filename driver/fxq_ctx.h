/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_CTX_H
#define FXQ_CTX_H

#include <linux/kref.h>
#include <drm/drm_mm.h>
#include <drm/gpu_scheduler.h>

#include <fxq/fxq_regs.h>

#include "fxq_mmu.h"

struct drm_device;
struct drm_file;
struct drm_gem_object;
struct fxq_client;
struct fxq_device;
struct fxq_file;
struct sg_table;

/**
 * struct fxq_mapping - memory that a context sees, whole
 * @link: in the context's list, oldest use first
 * @node: where it is; its size is that of the memory
 * @obj: the buffer, with a reference; NULL: the driver's own memory
 * @writable: for the device
 * @jobs: that bind it
 * @closed: the buffer's handle is gone; so is this, when @jobs gets to 0
 */
struct fxq_mapping {
	struct list_head link;
	struct drm_mm_node node;
	struct drm_gem_object *obj;
	bool writable;
	unsigned int jobs;
	bool closed;
};

/**
 * struct fxq_ctx - an address space, and an order of runs
 * @ref: of the file's table and of each job
 * @fdev: the device
 * @client: who pays, with a reference
 * @hw: entry of the device's table
 * @entity: runs that wait for their turn
 * @release: frees it where one may sleep
 * @lock: protects @mm, @mmu, @mappings and @chunks
 * @mm: addresses that are taken
 * @mmu: page tables
 * @mappings: of buffers
 * @chunks: of binding tables
 * @submit: makes a submission one piece: fences are numbered as they are pushed
 * @fence_context: of its runs' fences
 * @seqno: of the last one, under @submit
 * @inflight: runs queued and running
 * @state_lock: protects all that follows
 * @state: enum drm_fxq_ctx_state
 * @error: of the run at fault
 * @fault: what the device said of it
 * @fault_job: number of the job
 * @resets_before: device resets when the context was created
 * @runs: that ended well
 * @cycles: that these took
 */
struct fxq_ctx {
	struct kref ref;
	struct fxq_device *fdev;
	struct fxq_client *client;
	u32 hw;
	struct drm_sched_entity entity;
	struct work_struct release;

	struct mutex lock;
	struct drm_mm mm;
	struct fxq_mmu mmu;
	struct list_head mappings;
	struct list_head chunks;

	struct mutex submit;
	u64 fence_context;
	u64 seqno;

	atomic_t inflight;

	spinlock_t state_lock;
	u32 state;
	int error;
	struct {
		u32 cause, index, tag;
		u64 address;
	} fault;
	u32 fault_job;
	int resets_before;
	u64 runs, cycles;
};

/* fxq_space.c */
int fxq_space_init(struct fxq_ctx *ctx);
void fxq_space_clear(struct fxq_ctx *ctx);
void fxq_space_fini(struct fxq_ctx *ctx);
int fxq_space_map(struct fxq_ctx *ctx, struct drm_mm_node *node,
		  struct sg_table *sgt, u64 size, bool writable, bool own);
void fxq_space_unmap(struct fxq_ctx *ctx, struct drm_mm_node *node);
int fxq_space_bind(struct fxq_ctx *ctx, struct drm_gem_object *obj,
		   struct fxq_mapping **ret_mapping);
void fxq_space_unbind(struct fxq_ctx *ctx, struct fxq_mapping *mapping);
void fxq_space_forget(struct fxq_ctx *ctx, struct drm_gem_object *obj);
void fxq_space_expire(struct fxq_ctx *ctx, struct fxq_mapping *mapping);

/* fxq_ctx.c */
struct fxq_ctx *fxq_ctx_find(struct fxq_file *file, u32 id);
void fxq_ctx_put(struct fxq_ctx *ctx);
int fxq_ctx_obey(struct fxq_ctx *ctx, enum fxq_submit_kind kind, u64 first,
		 u64 last);
void fxq_ctx_stop(struct fxq_ctx *ctx);
bool fxq_ctx_ban(struct fxq_ctx *ctx, int error, u32 job,
		 const struct fxq_complete *record);
int fxq_ctx_error(const struct fxq_ctx *ctx);
int fxq_ctx_destroy_ioctl(struct drm_device *drm, void *data,
			  struct drm_file *file);
int fxq_ctx_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *file);
int fxq_ctx_query_ioctl(struct drm_device *drm, void *data,
			struct drm_file *file);

#endif /* FXQ_CTX_H */
