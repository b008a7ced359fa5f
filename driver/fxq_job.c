// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_job.c - jobs: everything about a run that can be settled before
 *
 * JOB_CREATE maps what the regions name, compares them with the stream's
 * summary and writes the table of bindings that the device reads. From then on
 * a run is an entry of four addresses. A job holds its context, its stream and
 * its mappings; a run holds its job, so numbers and handles may go at any time.
 */
#include <linux/bitmap.h>
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/fxq_accel.h>

#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_gem.h"
#include "fxq_job.h"
#include "fxq_stream.h"

/* Binding tables */

#define TABLE_BYTES	512
#define CHUNK_BYTES	SZ_64K
#define CHUNK_TABLES	(CHUNK_BYTES / TABLE_BYTES)

static_assert(sizeof(struct fxq_binding) * FXQ_MAX_REGIONS <= TABLE_BYTES);

/**
 * struct fxq_chunk - a piece of memory that binding tables are cut from
 * @link: in the context's list
 * @mem: for the tables
 * @node: where the context sees it
 * @used: which tables are taken
 */
struct fxq_chunk {
	struct list_head link;
	struct fxq_mem mem;
	struct drm_mm_node node;
	DECLARE_BITMAP(used, CHUNK_TABLES);
};

static struct fxq_chunk *chunk_new(struct fxq_ctx *ctx)
{
	struct fxq_chunk *c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!c)
		return ERR_PTR(-ENOMEM);
	ret = fxq_mem_alloc(ctx->fdev, &c->mem, CHUNK_BYTES);
	if (ret)
		goto free_chunk;
	ret = fxq_space_map(ctx, &c->node, &c->mem.sgt, c->mem.size, false,
			    true);
	if (ret)
		goto free_mem;
	list_add(&c->link, &ctx->chunks);
	return c;

free_mem:
	fxq_mem_free(&c->mem);
free_chunk:
	kfree(c);
	return ERR_PTR(ret);
}

/* Finds room for the job's table, with ctx->lock held. */
static int table_alloc(struct fxq_job *job)
{
	struct fxq_ctx *ctx = job->ctx;
	struct fxq_chunk *c;

	list_for_each_entry(c, &ctx->chunks, link)
		if (!bitmap_full(c->used, CHUNK_TABLES))
			goto found;
	c = chunk_new(ctx);
	if (IS_ERR(c))
		return PTR_ERR(c);
found:
	job->table = find_first_zero_bit(c->used, CHUNK_TABLES);
	set_bit(job->table, c->used);
	job->chunk = c;
	job->table_va = c->node.start + job->table * TABLE_BYTES;
	return 0;
}

/**
 * fxq_job_free_chunks - free the memory of all binding tables
 * @ctx: the context, with ctx->lock held, that has no job any more
 */
void fxq_job_free_chunks(struct fxq_ctx *ctx)
{
	struct fxq_chunk *c, *next;

	list_for_each_entry_safe(c, next, &ctx->chunks, link) {
		fxq_space_unmap(ctx, &c->node);
		fxq_mem_free(&c->mem);
		kfree(c);
	}
}

/* Lifetime */

/* On fxq_wq: unmapping waits for the device. */
static void job_release(struct work_struct *work)
{
	struct fxq_job *job = container_of(work, struct fxq_job, release);
	struct fxq_ctx *ctx = job->ctx;
	unsigned int i;

	for (i = 0; i < job->n_regions; i++)
		if (job->mapping[i])
			fxq_space_unbind(ctx, job->mapping[i]);
	mutex_lock(&ctx->lock);
	if (job->chunk)
		clear_bit(job->table, job->chunk->used);
	if (drm_mm_node_allocated(&job->stream_node))
		fxq_space_unmap(ctx, &job->stream_node);
	mutex_unlock(&ctx->lock);
	fxq_stream_put(job->stream);
	fxq_ctx_put(ctx);
	kfree(job);
}

static void job_unreferenced(struct kref *ref)
{
	struct fxq_job *job = container_of(ref, struct fxq_job, ref);

	queue_work(fxq_wq, &job->release);
}

/**
 * fxq_job_put - drop a reference; may be called under any lock
 * @job: the job, or NULL
 */
void fxq_job_put(struct fxq_job *job)
{
	if (job)
		kref_put(&job->ref, job_unreferenced);
}

/**
 * fxq_job_find - look a job up
 * @file: whose
 * @id: its number
 *
 * Return: the job with a reference, or NULL.
 */
struct fxq_job *fxq_job_find(struct fxq_file *file, u32 id)
{
	struct fxq_job *job;

	mutex_lock(&file->lock);
	job = xa_load(&file->jobs, id);
	if (job)
		kref_get(&job->ref);
	mutex_unlock(&file->lock);
	return job;
}

/**
 * fxq_job_drop_all - take the numbers of a context's jobs away
 * @file: whose
 * @ctx: the context
 */
void fxq_job_drop_all(struct fxq_file *file, struct fxq_ctx *ctx)
{
	struct fxq_job *job;
	unsigned long id;

	mutex_lock(&file->lock);
	xa_for_each(&file->jobs, id, job) {
		if (job->ctx != ctx)
			continue;
		xa_erase(&file->jobs, id);
		fxq_job_put(job);
	}
	mutex_unlock(&file->lock);
}

/**
 * fxq_job_entry - what the device is told of a run
 * @job: what is run
 * @entry: of the ring; its run number is not set
 */
void fxq_job_entry(const struct fxq_job *job, struct fxq_submit *entry)
{
	*entry = (struct fxq_submit){
		.kind = FXQ_SUBMIT_JOB,
		.context = job->ctx->hw,
		.stream = job->stream_node.start,
		.bindings = job->n_regions ? job->table_va : 0,
		.count = job->stream->count,
		.n_bindings = job->n_regions,
	};
}

/* Creation */

/* Is region @r, as userspace binds it, fit for what the stream does? */
static int check_region(const struct fxq_region_use *use,
			const struct drm_fxq_region *r)
{
	if (r->flags)
		return -EINVAL;
	if (!r->handle)
		return r->offset || r->size || use->read_hi || use->write_hi ?
		       -EINVAL : 0;
	if (!r->size || r->offset % DRM_FXQ_REGION_ALIGN ||
	    r->size % DRM_FXQ_REGION_ALIGN)
		return -EINVAL;
	if (use->read_hi > r->size || use->write_hi > r->size)
		return -EINVAL;
	return 0;
}

static bool handle_is(struct drm_file *file, u32 handle,
		      const struct drm_gem_object *obj)
{
	struct drm_gem_object *now = drm_gem_object_lookup(file, handle);

	if (now)
		drm_gem_object_put(now);
	return now == obj;
}

static int bind_region(struct fxq_job *job, unsigned int i,
		       const struct drm_fxq_region *r, struct drm_file *file,
		       struct fxq_binding *binding)
{
	const struct fxq_region_use *use = &job->stream->summary.region[i];
	struct drm_gem_object *obj;
	struct fxq_mapping *m;
	int ret;

	ret = check_region(use, r);
	if (ret || !r->handle)
		return ret;
	obj = drm_gem_object_lookup(file, r->handle);
	if (!obj)
		return -ENOENT;
	ret = -EINVAL;
	if (r->offset <= obj->size && r->size <= obj->size - r->offset)
		ret = fxq_space_bind(job->ctx, obj, &m);
	drm_gem_object_put(obj);
	if (ret)
		return ret;
	job->mapping[i] = m;
	job->n_regions = i + 1;
	/* Closed since, perhaps, and then whoever closed it found no mapping. */
	if (!handle_is(file, r->handle, obj))
		fxq_space_expire(job->ctx, m);
	job->written[i] = use->write_hi;
	job->shared |= fxq_gem_is_shared(m->obj);
	if (use->write_hi && !m->writable)
		return -EINVAL;
	*binding = (struct fxq_binding){
		.addr = m->node.start + r->offset,
		.size = r->size,
		.flags = m->writable ? FXQ_BINDING_WRITABLE : 0,
	};
	return 0;
}

/* Regions from userspace, in whatever size it knows them, and their table. */
static int bind_regions(struct fxq_job *job,
			const struct drm_fxq_job_create *args,
			struct drm_file *file)
{
	void __user *from = u64_to_user_ptr(args->regions);
	struct fxq_binding *table = job->chunk->mem.vaddr +
				    job->table * TABLE_BYTES;
	struct drm_fxq_region r;
	unsigned int i;
	int ret;

	memset(table, 0, TABLE_BYTES);
	for (i = 0; i < FXQ_MAX_REGIONS; i++) {
		memset(&r, 0, sizeof(r));
		if (i < args->region_count) {
			ret = copy_struct_from_user(&r, sizeof(r),
						    from + (u64)i *
						    args->region_stride,
						    args->region_stride);
			if (ret)
				return ret == -E2BIG ? -EINVAL : ret;
		}
		ret = bind_region(job, i, &r, file, &table[i]);
		if (ret)
			return ret;
	}
	fxq_mem_flush(&job->chunk->mem, job->ctx->fdev->drm.dev);
	return 0;
}

static int job_prepare(struct fxq_job *job,
		       const struct drm_fxq_job_create *args,
		       struct drm_file *file)
{
	struct fxq_ctx *ctx = job->ctx;
	int ret;

	mutex_lock(&ctx->lock);
	ret = table_alloc(job);
	if (!ret)
		ret = fxq_space_map(ctx, &job->stream_node,
				    &job->stream->mem.sgt,
				    job->stream->mem.size, false, true);
	mutex_unlock(&ctx->lock);
	return ret ? ret : bind_regions(job, args, file);
}

static struct fxq_job *job_new(struct fxq_file *file,
			       const struct drm_fxq_job_create *args,
			       struct drm_file *drm_file)
{
	struct fxq_job *job = kzalloc(sizeof(*job), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!job)
		return ERR_PTR(-ENOMEM);
	kref_init(&job->ref);
	spin_lock_init(&job->lock);
	INIT_WORK(&job->release, job_release);
	job->ctx = fxq_ctx_find(file, args->ctx);
	job->stream = fxq_stream_find(file, args->stream);
	ret = -ENOENT;
	if (!job->ctx || !job->stream)
		goto free_job;
	ret = fxq_ctx_error(job->ctx);
	if (ret)
		goto free_job;
	ret = job_prepare(job, args, drm_file);
	if (!ret)
		return job;
	fxq_job_put(job);
	return ERR_PTR(ret);

free_job:
	fxq_stream_put(job->stream);
	fxq_ctx_put(job->ctx);
	kfree(job);
	return ERR_PTR(ret);
}

int fxq_job_create_ioctl(struct drm_device *drm, void *data,
			 struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_job_create *args = data;
	struct fxq_job *job;
	int ret;

	if (args->flags || args->region_count > FXQ_MAX_REGIONS ||
	    (args->region_count &&
	     (args->region_stride < sizeof(struct drm_fxq_region) ||
	      args->region_stride > PAGE_SIZE)))
		return -EINVAL;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	job = job_new(file, args, drm_file);
	if (PTR_ERR_OR_ZERO(job) == -ENOSPC) {
		/* What was destroyed just now gives its addresses back there. */
		flush_workqueue(fxq_wq);
		job = job_new(file, args, drm_file);
	}
	if (IS_ERR(job))
		return PTR_ERR(job);

	mutex_lock(&file->lock);
	/* A context that was destroyed meanwhile takes no more jobs. */
	ret = fxq_ctx_error(job->ctx);
	if (!ret)
		ret = xa_alloc(&file->jobs, &job->id, job,
			       XA_LIMIT(1, FXQ_FILE_JOBS), GFP_KERNEL);
	args->job = job->id;
	mutex_unlock(&file->lock);
	if (ret)
		fxq_job_put(job);
	return ret == -EBUSY ? -ENOSPC : ret;
}

int fxq_job_destroy_ioctl(struct drm_device *drm, void *data,
			  struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_job_destroy *args = data;
	struct fxq_job *job;

	if (args->pad)
		return -EINVAL;
	mutex_lock(&file->lock);
	job = xa_erase(&file->jobs, args->job);
	mutex_unlock(&file->lock);
	if (!job)
		return -ENOENT;
	fxq_job_put(job);
	return 0;
}

int fxq_job_query_ioctl(struct drm_device *drm, void *data,
			struct drm_file *drm_file)
{
	struct drm_fxq_job_query *args = data;
	struct fxq_job *job;
	unsigned long flags;

	job = fxq_job_find(drm_file->driver_priv, args->job);
	if (!job)
		return -ENOENT;
	spin_lock_irqsave(&job->lock, flags);
	args->status = job->status;
	args->runs = job->runs;
	args->cycles = job->cycles;
	spin_unlock_irqrestore(&job->lock, flags);
	fxq_job_put(job);
	return 0;
}
