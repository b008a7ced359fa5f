// SPDX-License-Identifier: GPL-2.0
/**
 * DOC: fxq_drv.c - the module, the node, and the table of what it can be asked
 *
 * An open file has three tables: contexts, streams and jobs, by number. A number
 * is one reference; whoever works with an object holds another. Closing the file
 * stops its contexts, and what still runs of them ends.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <drm/drm_accel.h>
#include <drm/drm_gem_shmem_helper.h>
#include <drm/drm_ioctl.h>
#include <drm/fxq_accel.h>

#include "fxq_compat.h"
#include "fxq_contract.h"
#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_drv.h"
#include "fxq_gem.h"
#include "fxq_job.h"
#include "fxq_stream.h"
#include "fxq_submit.h"
#include "fxq_uring.h"

unsigned int fxq_job_timeout_ms = 500;
module_param_named(job_timeout_ms, fxq_job_timeout_ms, uint, 0444);
MODULE_PARM_DESC(job_timeout_ms, "A run that makes no progress for so long is a hang");

unsigned int fxq_job_limit_ms = 10000;
module_param_named(job_limit_ms, fxq_job_limit_ms, uint, 0644);
MODULE_PARM_DESC(job_limit_ms, "A run that takes longer is stopped");

unsigned int fxq_va_bits = FXQ_VA_BITS;
module_param_named(va_bits, fxq_va_bits, uint, 0444);
MODULE_PARM_DESC(va_bits, "Bits of a context's device addresses; fewer are for tests");

struct workqueue_struct *fxq_wq;

static int fxq_open(struct drm_device *drm, struct drm_file *drm_file)
{
	struct fxq_file *file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);

	if (!file)
		return -ENOMEM;
	file->fdev = to_fxq(drm);
	file->drm = drm_file;
	file->client = fxq_client_new(drm_file);
	if (!file->client) {
		kfree(file);
		return -ENOMEM;
	}
	mutex_init(&file->lock);
	xa_init_flags(&file->contexts, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->jobs, XA_FLAGS_ALLOC1);
	xa_init_flags(&file->streams, XA_FLAGS_ALLOC1);
	drm_file->driver_priv = file;
	return 0;
}

/* Nobody else has the file any more. */
static void fxq_postclose(struct drm_device *drm, struct drm_file *drm_file)
{
	struct fxq_file *file = drm_file->driver_priv;
	struct fxq_stream *stream;
	struct fxq_ctx *ctx;
	unsigned long id;

	xa_for_each(&file->contexts, id, ctx) {
		fxq_ctx_stop(ctx);
		fxq_job_drop_all(file, ctx);
		fxq_ctx_put(ctx);
	}
	xa_for_each(&file->streams, id, stream)
		fxq_stream_put(stream);
	xa_destroy(&file->contexts);
	xa_destroy(&file->jobs);
	xa_destroy(&file->streams);
	mutex_destroy(&file->lock);
	fxq_client_put(file->client);
	kfree(file);
}

static void fill_info(struct fxq_device *fdev, struct drm_fxq_device_info *info)
{
	static const u8 contract[] = FXQ_CONTRACT_HASH;

	*info = (struct drm_fxq_device_info){
		.spm_bytes = fdev->caps.spm_bytes,
		.acc_bytes = fdev->caps.acc_bytes,
		.max_descriptors = fdev->caps.max_descriptors,
		.clock_khz = fdev->clock_khz,
		.macs = fdev->macs,
		.va_bits = fxq_va_bits,
		.max_inflight = FXQ_INFLIGHT_MAX,
		.max_contexts = FXQ_FILE_CONTEXTS,
		.max_jobs = FXQ_FILE_JOBS,
		.max_streams = FXQ_FILE_STREAMS,
		.job_timeout_ms = fxq_job_timeout_ms,
		.job_limit_ms = fxq_job_limit_ms,
		.features = IS_ENABLED(CONFIG_IO_URING) ?
			    DRM_FXQ_FEATURE_URING : 0,
	};
	static_assert(sizeof(contract) == sizeof(info->contract));
	memcpy(info->contract, contract, sizeof(contract));
}

static int fxq_dev_query_ioctl(struct drm_device *drm, void *data,
			       struct drm_file *file)
{
	struct drm_fxq_dev_query *args = data;
	void __user *to = u64_to_user_ptr(args->pointer);
	struct drm_fxq_device_info info;
	u32 room = args->size;
	size_t size = min_t(size_t, room, sizeof(info));

	if (args->type != DRM_FXQ_QUERY_DEVICE || room > PAGE_SIZE)
		return -EINVAL;
	if (drm_dev_is_unplugged(drm))
		return -ENODEV;
	args->size = sizeof(info);
	if (!args->pointer)
		return 0;
	fill_info(to_fxq(drm), &info);
	if (copy_to_user(to, &info, size) || clear_user(to + size, room - size))
		return -EFAULT;
	return 0;
}

#define FXQ_IOCTL(name, handler) DRM_IOCTL_DEF_DRV(FXQ_##name, handler, 0)

static const struct drm_ioctl_desc fxq_ioctls[] = {
	FXQ_IOCTL(DEV_QUERY, fxq_dev_query_ioctl),
	FXQ_IOCTL(BO_CREATE, fxq_gem_create_ioctl),
	FXQ_IOCTL(BO_MMAP_OFFSET, fxq_gem_mmap_offset_ioctl),
	FXQ_IOCTL(STREAM_CREATE, fxq_stream_create_ioctl),
	FXQ_IOCTL(STREAM_DESTROY, fxq_stream_destroy_ioctl),
	FXQ_IOCTL(CTX_CREATE, fxq_ctx_create_ioctl),
	FXQ_IOCTL(CTX_DESTROY, fxq_ctx_destroy_ioctl),
	FXQ_IOCTL(CTX_QUERY, fxq_ctx_query_ioctl),
	FXQ_IOCTL(JOB_CREATE, fxq_job_create_ioctl),
	FXQ_IOCTL(JOB_DESTROY, fxq_job_destroy_ioctl),
	FXQ_IOCTL(JOB_QUERY, fxq_job_query_ioctl),
	FXQ_IOCTL(SUBMIT, fxq_submit_ioctl),
};

static const struct file_operations fxq_fops = {
	.owner = THIS_MODULE,
	DRM_ACCEL_FOPS,
	.show_fdinfo = drm_show_fdinfo,
	.uring_cmd = fxq_uring_cmd,
};

const struct drm_driver fxq_drm_driver = {
	.driver_features = DRIVER_COMPUTE_ACCEL | DRIVER_GEM | DRIVER_SYNCOBJ |
			   DRIVER_SYNCOBJ_TIMELINE,
	.open = fxq_open,
	.postclose = fxq_postclose,
	.show_fdinfo = fxq_usage_fdinfo,
	.gem_create_object = fxq_gem_create_object,
	.gem_prime_import_sg_table = fxq_gem_import,
	.ioctls = fxq_ioctls,
	.num_ioctls = ARRAY_SIZE(fxq_ioctls),
	.fops = &fxq_fops,
	.name = "fxq",
	.desc = "fxq int8 neural accelerator",
#ifdef FXQ_HAVE_DRIVER_DATE
	.date = "20261123",
#endif
	.major = 1,
	.minor = 1,
};

static int __init fxq_init(void)
{
	int ret;

	fxq_wq = alloc_workqueue("fxq", WQ_UNBOUND, 0);
	if (!fxq_wq)
		return -ENOMEM;
	ret = pci_register_driver(&fxq_pci_driver);
	if (ret)
		destroy_workqueue(fxq_wq);
	return ret;
}

static void __exit fxq_exit(void)
{
	pci_unregister_driver(&fxq_pci_driver);
	/* Contexts and jobs that were the last to go are freed here. */
	destroy_workqueue(fxq_wq);
	/* Fences that were released before are freed here. */
	rcu_barrier();
}

module_init(fxq_init);
module_exit(fxq_exit);

MODULE_DESCRIPTION("fxq int8 neural accelerator");
MODULE_LICENSE("GPL");
MODULE_INFO(contract, FXQ_CONTRACT_HEX);
