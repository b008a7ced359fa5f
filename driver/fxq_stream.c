// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_stream.c - descriptors: copied once, checked once
 *
 * What userspace hands over is copied before it is looked at, into pages that
 * nobody else can reach; the checker sees the copy, and so does the device. The
 * summary tells in a few numbers what the stream does with each region, so that
 * a job is checked without looking at descriptors again.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_drv.h>
#include <drm/fxq_accel.h>

#include "fxq_device.h"
#include "fxq_stream.h"

static_assert(DRM_FXQ_DESC_BYTES == FXQ_DESC_BYTES);
static_assert(DRM_FXQ_MAX_REGIONS == FXQ_MAX_REGIONS);

static void stream_free(struct kref *ref)
{
	struct fxq_stream *stream = container_of(ref, struct fxq_stream, ref);

	fxq_mem_free(&stream->mem);
	kfree(stream);
}

/**
 * fxq_stream_put - drop a reference, where one may sleep
 * @stream: the stream, or NULL
 */
void fxq_stream_put(struct fxq_stream *stream)
{
	if (stream)
		kref_put(&stream->ref, stream_free);
}

/**
 * fxq_stream_find - look a stream up
 * @file: whose
 * @id: its number
 *
 * Return: the stream with a reference, or NULL.
 */
struct fxq_stream *fxq_stream_find(struct fxq_file *file, u32 id)
{
	struct fxq_stream *stream;

	mutex_lock(&file->lock);
	stream = xa_load(&file->streams, id);
	if (stream)
		kref_get(&stream->ref);
	mutex_unlock(&file->lock);
	return stream;
}

/* Checks the copy; says in @args what is wrong with which descriptor. */
static int stream_check(struct fxq_device *fdev, struct fxq_stream *stream,
			struct drm_fxq_stream_create *args)
{
	struct fxq_checker *checker = kzalloc(sizeof(*checker),
					     GFP_KERNEL_ACCOUNT);
	u32 cause;

	if (!checker)
		return -ENOMEM;
	fxq_checker_init(checker, &fdev->caps);
	cause = fxq_check_stream(checker, stream->mem.vaddr, stream->count,
				 &args->index);
	stream->summary = checker->summary;
	kfree(checker);
	args->cause = cause;
	if (cause)
		return -EINVAL;
	args->index = 0;
	return 0;
}

static struct fxq_stream *stream_new(struct fxq_device *fdev,
				     struct drm_fxq_stream_create *args)
{
	struct fxq_stream *stream;
	u64 bytes = (u64)args->count * FXQ_DESC_BYTES;
	int ret;

	stream = kzalloc(sizeof(*stream), GFP_KERNEL_ACCOUNT);
	if (!stream)
		return ERR_PTR(-ENOMEM);
	kref_init(&stream->ref);
	stream->count = args->count;
	ret = fxq_mem_alloc(fdev, &stream->mem, bytes);
	if (ret)
		goto put;
	if (copy_from_user(stream->mem.vaddr, u64_to_user_ptr(args->descs),
			   bytes)) {
		ret = -EFAULT;
		goto put;
	}
	ret = stream_check(fdev, stream, args);
	if (ret)
		goto put;
	fxq_mem_flush(&stream->mem, fdev->drm.dev);
	return stream;

put:
	fxq_stream_put(stream);
	return ERR_PTR(ret);
}

/* Copies what fits of the summary and zeros behind it. */
static int summary_to_user(const struct fxq_stream *stream,
			   const struct drm_fxq_stream_create *args)
{
	struct drm_fxq_stream_summary s = {
		.macs = stream->summary.macs,
		.bytes = stream->summary.bytes,
	};
	void __user *to = u64_to_user_ptr(args->summary);
	size_t size = min_t(size_t, args->summary_size, sizeof(s));
	unsigned int i;

	if (!args->summary)
		return 0;
	for (i = 0; i < FXQ_MAX_REGIONS; i++) {
		s.region[i].read_lo = stream->summary.region[i].read_lo;
		s.region[i].read_hi = stream->summary.region[i].read_hi;
		s.region[i].write_lo = stream->summary.region[i].write_lo;
		s.region[i].write_hi = stream->summary.region[i].write_hi;
	}
	if (copy_to_user(to, &s, size) ||
	    clear_user(to + size, args->summary_size - size))
		return -EFAULT;
	return 0;
}

int fxq_stream_create_ioctl(struct drm_device *drm, void *data,
			    struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_stream_create *args = data;
	struct fxq_device *fdev = to_fxq(drm);
	struct fxq_stream *stream;
	int ret;

	args->cause = 0;
	args->index = 0;
	if (args->flags || !args->count ||
	    args->count > fdev->caps.max_descriptors ||
	    (args->summary_size && !args->summary) ||
	    args->summary_size > PAGE_SIZE)
		return -EINVAL;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	stream = stream_new(fdev, args);
	if (IS_ERR(stream))
		return PTR_ERR(stream);
	ret = summary_to_user(stream, args);
	if (ret)
		goto put;
	mutex_lock(&file->lock);
	ret = xa_alloc(&file->streams, &args->stream, stream,
		       XA_LIMIT(1, FXQ_FILE_STREAMS), GFP_KERNEL);
	mutex_unlock(&file->lock);
	if (!ret)
		return 0;
put:
	fxq_stream_put(stream);
	return ret == -EBUSY ? -ENOSPC : ret;
}

int fxq_stream_destroy_ioctl(struct drm_device *drm, void *data,
			     struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct drm_fxq_stream_destroy *args = data;
	struct fxq_stream *stream;

	if (args->pad)
		return -EINVAL;
	mutex_lock(&file->lock);
	stream = xa_erase(&file->streams, args->stream);
	mutex_unlock(&file->lock);
	if (!stream)
		return -ENOENT;
	fxq_stream_put(stream);
	return 0;
}
