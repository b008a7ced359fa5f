/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note OR MIT */
#ifndef _UAPI_FXQ_ACCEL_H_
#define _UAPI_FXQ_ACCEL_H_

#include "drm.h"

#if defined(__cplusplus)
extern "C" {
#endif

/**
 * DOC: What userspace says to an fxq device node
 *
 * An application compiles a network once and runs it many times, so what is
 * costly happens at creation and a submission names prepared objects only::
 *
 *   buffer object    memory that the device can reach (BO_CREATE, PRIME)
 *   stream           descriptors, copied and checked once, immutable
 *   context          an address space and an order: runs of a context execute
 *                    one after another
 *   job              a stream with each of its regions bound to part of a
 *                    buffer, in a context
 *   run              one execution of a job; SUBMIT queues up to 64 of them
 *
 * Contexts, streams and jobs belong to the open file that created them.
 * Numbers start at 1; 0 is never an object.
 *
 * Time is kept by DRM syncobjs. A submission waits for points that already
 * have a fence and signals points when its last run has completed. There is no
 * ioctl to wait: DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, DRM_IOCTL_SYNCOBJ_EVENTFD,
 * sync_file and io_uring do that. A run that failed signals its points as well;
 * the error is in the fence, in JOB_QUERY and in CTX_QUERY. A timeline forgets
 * the fences of points that are signalled: who wants the error from there takes
 * a sync_file of the point before that, or uses a binary syncobj.
 *
 * Every structure may grow at its end, where zero means the behaviour of
 * before. Flags that are not defined here, and fields called pad, are zero, or
 * the call fails with -EINVAL and changes nothing.
 *
 * Errors mean the same everywhere:
 *
 * ============  ============================================================
 * -EINVAL       a field has a value that the call does not take
 * -ENOENT       no object of this number in this file
 * -EFAULT       a pointer leads nowhere
 * -ENOMEM       memory is short
 * -ENOSPC       a limit of the file or the context's address space is reached, or
 *               CTX_CREATE finds none of the device's 63 contexts free; a user
 *               without CAP_SYS_RESOURCE gets 47 of them
 * -EPERM        the priority needs CAP_SYS_NICE; the export, SHAREABLE
 * -EBUSY        NONBLOCK, and the context has no room for the runs
 * -ECANCELED    the context is banned, see CTX_QUERY; create another
 * -EINTR        a signal came first; nothing was done, call again
 * -ENODEV       the device is gone
 * -EIO          the device failed, and a reset did not bring it back
 * ============  ============================================================
 */

#define DRM_FXQ_DEV_QUERY		0x00
#define DRM_FXQ_BO_CREATE		0x01
#define DRM_FXQ_BO_MMAP_OFFSET		0x02
#define DRM_FXQ_STREAM_CREATE		0x03
#define DRM_FXQ_STREAM_DESTROY		0x04
#define DRM_FXQ_CTX_CREATE		0x05
#define DRM_FXQ_CTX_DESTROY		0x06
#define DRM_FXQ_CTX_QUERY		0x07
#define DRM_FXQ_JOB_CREATE		0x08
#define DRM_FXQ_JOB_DESTROY		0x09
#define DRM_FXQ_JOB_QUERY		0x0a
#define DRM_FXQ_SUBMIT			0x0b

/* How many regions a stream may name. */
#define DRM_FXQ_MAX_REGIONS		16
/* How many jobs, waits and signals a submission may have, each. */
#define DRM_FXQ_MAX_SUBMIT		64
/* Offsets and sizes of regions are multiples of it. */
#define DRM_FXQ_REGION_ALIGN		64
/* A descriptor of a stream. */
#define DRM_FXQ_DESC_BYTES		128

/**
 * enum drm_fxq_query - what DRM_IOCTL_FXQ_DEV_QUERY can tell
 * @DRM_FXQ_QUERY_DEVICE: struct drm_fxq_device_info
 */
enum drm_fxq_query {
	DRM_FXQ_QUERY_DEVICE = 1,
};

/**
 * struct drm_fxq_dev_query - ask for a structure of facts
 * @type: enum drm_fxq_query
 * @size: in: room at @pointer; out: what the kernel has. A shorter room gets
 *	  the beginning, a longer one zeros behind the end
 * @pointer: where the structure goes; 0: only @size is returned
 */
struct drm_fxq_dev_query {
	__u32 type;
	__u32 size;
	__u64 pointer;
};

/* The node takes IORING_OP_URING_CMD. */
#define DRM_FXQ_FEATURE_URING		(1 << 0)

/**
 * struct drm_fxq_device_info - what does not change while a device is there
 * @spm_bytes: scratchpad
 * @acc_bytes: accumulators
 * @max_descriptors: of a stream
 * @clock_khz: of the cycles that runs report
 * @macs: multiply-accumulates a cycle
 * @va_bits: of a context's address space
 * @max_inflight: runs that a context may have, queued and running
 * @max_contexts: of a file
 * @max_jobs: of a file
 * @max_streams: of a file
 * @job_timeout_ms: a run that makes no progress for so long is a hang, which is
 *		    found out within twice that time
 * @job_limit_ms: a run that takes longer, progress or not, is stopped
 * @features: DRM_FXQ_FEATURE_*
 * @contract: SHA-256 of the descriptors' contract, as images carry it
 */
struct drm_fxq_device_info {
	__u32 spm_bytes;
	__u32 acc_bytes;
	__u32 max_descriptors;
	__u32 clock_khz;
	__u32 macs;
	__u32 va_bits;
	__u32 max_inflight;
	__u32 max_contexts;
	__u32 max_jobs;
	__u32 max_streams;
	__u32 job_timeout_ms;
	__u32 job_limit_ms;
	__u64 features;
	__u8 contract[32];
};

/* The CPU cannot map it: BO_MMAP_OFFSET and vmap refuse. */
#define DRM_FXQ_BO_NO_MMAP		(1 << 0)
/* Regions of it are for reading; a stream that writes one is refused. */
#define DRM_FXQ_BO_DEVICE_READ_ONLY	(1 << 1)
/* May be exported as dma-buf; runs then keep implicit fences on it. */
#define DRM_FXQ_BO_SHAREABLE		(1 << 2)

/**
 * struct drm_fxq_bo_create - create a buffer object, filled with zeros
 * @size: in: bytes, not 0; out: rounded up to pages
 * @flags: DRM_FXQ_BO_*
 * @handle: out: GEM handle; DRM_IOCTL_GEM_CLOSE drops it. A job that binds the
 *	    buffer is not disturbed by that
 *
 * Its pages come, all at once, with the first mmap() or the first job that binds
 * it. If they are more than the machine has, these are -ENOMEM at once.
 */
struct drm_fxq_bo_create {
	__u64 size;
	__u32 flags;
	__u32 handle;
};

/**
 * struct drm_fxq_bo_mmap_offset - where to mmap() a buffer object
 * @handle: of the buffer
 * @pad: zero
 * @offset: out: for mmap() on the device's file
 */
struct drm_fxq_bo_mmap_offset {
	__u32 handle;
	__u32 pad;
	__u64 offset;
};

/**
 * struct drm_fxq_region_use - what a stream does with a region
 * @read_lo: first byte that it may read
 * @read_hi: end of what it may read; 0: reads nothing
 * @write_lo: first byte that it may write
 * @write_hi: end of what it may write; 0: writes nothing
 */
struct drm_fxq_region_use {
	__u64 read_lo;
	__u64 read_hi;
	__u64 write_lo;
	__u64 write_hi;
};

/**
 * struct drm_fxq_stream_summary - what the checker found in a stream
 * @region: by number
 * @macs: multiply-accumulates
 * @bytes: moved between memory and scratchpad, and within the scratchpad
 */
struct drm_fxq_stream_summary {
	struct drm_fxq_region_use region[DRM_FXQ_MAX_REGIONS];
	__u64 macs;
	__u64 bytes;
};

/**
 * struct drm_fxq_stream_create - hand over descriptors
 * @descs: pointer to @count descriptors of DRM_FXQ_DESC_BYTES each
 * @summary: pointer to struct drm_fxq_stream_summary, or 0
 * @count: from 1 to max_descriptors
 * @summary_size: room at @summary, treated as in struct drm_fxq_dev_query
 * @flags: zero
 * @stream: out: number
 * @cause: out: 0, or with -EINVAL what is wrong with a descriptor, as
 *	   enum fxq_cause names it
 * @index: out: of that descriptor
 */
struct drm_fxq_stream_create {
	__u64 descs;
	__u64 summary;
	__u32 count;
	__u32 summary_size;
	__u32 flags;
	__u32 stream;
	__u32 cause;
	__u32 index;
};

/**
 * struct drm_fxq_stream_destroy - drop the number of a stream
 * @stream: jobs made of it are not disturbed
 * @pad: zero
 */
struct drm_fxq_stream_destroy {
	__u32 stream;
	__u32 pad;
};

/**
 * enum drm_fxq_priority - whose runs come first
 * @DRM_FXQ_PRIORITY_NORMAL: the default
 * @DRM_FXQ_PRIORITY_LOW: when nothing else is there to run
 * @DRM_FXQ_PRIORITY_HIGH: before all others; needs CAP_SYS_NICE
 */
enum drm_fxq_priority {
	DRM_FXQ_PRIORITY_NORMAL = 0,
	DRM_FXQ_PRIORITY_LOW = 1,
	DRM_FXQ_PRIORITY_HIGH = 2,
};

/**
 * struct drm_fxq_ctx_create - create a context
 * @flags: zero
 * @priority: enum drm_fxq_priority. A run is never preempted
 * @ctx: out: number
 * @pad: zero
 */
struct drm_fxq_ctx_create {
	__u32 flags;
	__u32 priority;
	__u32 ctx;
	__u32 pad;
};

/**
 * struct drm_fxq_ctx_destroy - stop and drop a context
 * @ctx: its runs end, with -ECANCELED those that the device has, with -ESRCH
 *	 those that still wait for their turn or for others' fences (and not
 *	 before these have signalled); its jobs go with it
 * @pad: zero
 */
struct drm_fxq_ctx_destroy {
	__u32 ctx;
	__u32 pad;
};

/**
 * enum drm_fxq_ctx_state - may a context run?
 * @DRM_FXQ_CTX_READY: yes
 * @DRM_FXQ_CTX_BANNED: no: a run of it faulted or hung
 * @DRM_FXQ_CTX_LOST: no: the device went away or does not come back
 */
enum drm_fxq_ctx_state {
	DRM_FXQ_CTX_READY = 0,
	DRM_FXQ_CTX_BANNED = 1,
	DRM_FXQ_CTX_LOST = 2,
};

/**
 * struct drm_fxq_ctx_query - how a context fares
 * @ctx: number
 * @state: out: enum drm_fxq_ctx_state
 * @error: out: 0, or what the fence of the run at fault carries: -EIO for a
 *	   fault, -ETIME for a hang or the limit
 * @fault_cause: out: enum fxq_cause of the first fault; 0: none, or a hang
 * @fault_index: out: of the descriptor at fault, or before which a run hung
 * @fault_tag: out: of that descriptor: the layer, in the image's terms
 * @fault_address: out: device address at fault, or 0
 * @fault_job: out: number of the job at fault
 * @resets: out: device resets since the context was created, whoever's fault
 * @inflight: out: runs queued and running
 * @pad: zero
 * @runs: out: that have completed without error
 * @cycles: out: that these took
 */
struct drm_fxq_ctx_query {
	__u32 ctx;
	__u32 state;
	__s32 error;
	__u32 fault_cause;
	__u32 fault_index;
	__u32 fault_tag;
	__u64 fault_address;
	__u32 fault_job;
	__u32 resets;
	__u32 inflight;
	__u32 pad;
	__u64 runs;
	__u64 cycles;
};

/**
 * struct drm_fxq_region - what a region of a job is
 * @handle: GEM handle; 0: the region is not bound, and all else is zero
 * @flags: zero
 * @offset: of its first byte in the buffer
 * @size: bytes, not 0
 */
struct drm_fxq_region {
	__u32 handle;
	__u32 flags;
	__u64 offset;
	__u64 size;
};

/**
 * struct drm_fxq_job_create - bind the regions of a stream
 * @ctx: where it will run. The first job of a context that names a buffer maps
 *	 the whole of it there
 * @stream: what it will run
 * @regions: pointer to @region_count struct drm_fxq_region, from region 0 on
 * @region_count: up to DRM_FXQ_MAX_REGIONS. Each region that the stream uses
 *		  is bound, and is large enough for what the stream does with it
 * @region_stride: bytes from one to the next: the size of the structure as the
 *		   application knows it
 * @flags: zero
 * @job: out: number
 */
struct drm_fxq_job_create {
	__u32 ctx;
	__u32 stream;
	__u64 regions;
	__u32 region_count;
	__u32 region_stride;
	__u32 flags;
	__u32 job;
};

/**
 * struct drm_fxq_job_destroy - drop the number of a job
 * @job: runs of it that are queued are not disturbed
 * @pad: zero
 */
struct drm_fxq_job_destroy {
	__u32 job;
	__u32 pad;
};

/**
 * struct drm_fxq_job_query - how the last run of a job that has ended went
 * @job: number
 * @status: out: 0, or the negative errno that its fence carries
 * @runs: out: of the job that have ended
 * @cycles: out: modelled cycles of the last one
 */
struct drm_fxq_job_query {
	__u32 job;
	__s32 status;
	__u64 runs;
	__u64 cycles;
};

/**
 * struct drm_fxq_sync - a point on a timeline
 * @handle: of a syncobj
 * @flags: zero
 * @point: on its timeline; 0: the syncobj is binary
 */
struct drm_fxq_sync {
	__u32 handle;
	__u32 flags;
	__u64 point;
};

/* -EBUSY rather than sleep when the context has no room for the runs. */
#define DRM_FXQ_SUBMIT_NONBLOCK		(1 << 0)

/**
 * struct drm_fxq_submit - queue runs: all of them or none
 * @ctx: of all jobs
 * @flags: DRM_FXQ_SUBMIT_*
 * @jobs: pointer to @job_count numbers of jobs, __u32 each. A job may come more
 *	  than once
 * @waits: pointer to @wait_count struct drm_fxq_sync that come before the first
 *	   run. A point without a fence is -EINVAL
 * @signals: pointer to @signal_count struct drm_fxq_sync that are signalled
 *	     after the last run
 * @job_count: from 1 to DRM_FXQ_MAX_SUBMIT
 * @wait_count: up to DRM_FXQ_MAX_SUBMIT
 * @signal_count: up to DRM_FXQ_MAX_SUBMIT
 * @sync_stride: size of struct drm_fxq_sync as the application knows it
 */
struct drm_fxq_submit {
	__u32 ctx;
	__u32 flags;
	__u64 jobs;
	__u64 waits;
	__u64 signals;
	__u32 job_count;
	__u32 wait_count;
	__u32 signal_count;
	__u32 sync_stride;
};

#define DRM_IOCTL_FXQ(access, name, type) \
	DRM_##access(DRM_COMMAND_BASE + DRM_FXQ_##name, struct drm_fxq_##type)

#define DRM_IOCTL_FXQ_DEV_QUERY \
	DRM_IOCTL_FXQ(IOWR, DEV_QUERY, dev_query)
#define DRM_IOCTL_FXQ_BO_CREATE \
	DRM_IOCTL_FXQ(IOWR, BO_CREATE, bo_create)
#define DRM_IOCTL_FXQ_BO_MMAP_OFFSET \
	DRM_IOCTL_FXQ(IOWR, BO_MMAP_OFFSET, bo_mmap_offset)
#define DRM_IOCTL_FXQ_STREAM_CREATE \
	DRM_IOCTL_FXQ(IOWR, STREAM_CREATE, stream_create)
#define DRM_IOCTL_FXQ_STREAM_DESTROY \
	DRM_IOCTL_FXQ(IOW, STREAM_DESTROY, stream_destroy)
#define DRM_IOCTL_FXQ_CTX_CREATE \
	DRM_IOCTL_FXQ(IOWR, CTX_CREATE, ctx_create)
#define DRM_IOCTL_FXQ_CTX_DESTROY \
	DRM_IOCTL_FXQ(IOW, CTX_DESTROY, ctx_destroy)
#define DRM_IOCTL_FXQ_CTX_QUERY \
	DRM_IOCTL_FXQ(IOWR, CTX_QUERY, ctx_query)
#define DRM_IOCTL_FXQ_JOB_CREATE \
	DRM_IOCTL_FXQ(IOWR, JOB_CREATE, job_create)
#define DRM_IOCTL_FXQ_JOB_DESTROY \
	DRM_IOCTL_FXQ(IOW, JOB_DESTROY, job_destroy)
#define DRM_IOCTL_FXQ_JOB_QUERY \
	DRM_IOCTL_FXQ(IOWR, JOB_QUERY, job_query)
#define DRM_IOCTL_FXQ_SUBMIT \
	DRM_IOCTL_FXQ(IOWR, SUBMIT, submit)

/**
 * DOC: io_uring
 *
 * IORING_OP_URING_CMD on the node, with cmd_op DRM_FXQ_URING_SUBMIT or
 * DRM_FXQ_URING_WAIT and the structure of that name in the 16 bytes of cmd: an
 * entry of 64 bytes is enough. Other fields of the entry that a command may
 * have, addr, len and uring_cmd_flags, are zero.
 *
 * The completion comes when the run has ended or the point has signalled. Its
 * res is 0 or a negative errno: why the command was refused, or what the fence
 * of the run, or that in a binary syncobj, carries. A ring with completions of
 * 32 bytes gets the modelled cycles of the run in the first eight that are more.
 *
 * Commands of a ring may be taken in any order, as io_uring has it: one that
 * would have to sleep, for room or until the device is awake, waits in a thread
 * of the ring while others pass. IOSQE_IO_LINK makes an order: a command begins
 * when the one before it has completed, that is, when its run has ended. So a
 * file is read into a buffer, a run works on that, and a file is written from
 * another, all in one chain.
 *
 * A ring that goes, or whose task does, gives its commands up (-ECANCELED) but
 * not the runs, which end as they would; CTX_DESTROY stops these. A command
 * holds the file: close() alone ends nothing.
 */

/**
 * struct drm_fxq_uring_submit - DRM_FXQ_URING_SUBMIT: one run of a job
 * @job: number
 * @syncobj: signalled as well when the run has ended; 0: none
 * @point: on its timeline; 0: the syncobj is binary, or there is none
 */
struct drm_fxq_uring_submit {
	__u32 job;
	__u32 syncobj;
	__u64 point;
};

/* Wait for a point even if it has no fence yet, which is else -EINVAL. */
#define DRM_FXQ_URING_WAIT_FOR_SUBMIT	(1 << 0)

/**
 * struct drm_fxq_uring_wait - DRM_FXQ_URING_WAIT: complete when a point signals
 * @syncobj: handle
 * @flags: DRM_FXQ_URING_WAIT_FOR_SUBMIT. Such a wait takes a thread of the ring
 *	   until the point has a fence; IORING_OP_ASYNC_CANCEL ends it
 * @point: on its timeline; 0: the syncobj is binary
 */
struct drm_fxq_uring_wait {
	__u32 syncobj;
	__u32 flags;
	__u64 point;
};

#define DRM_FXQ_URING_SUBMIT \
	DRM_IOW(DRM_COMMAND_BASE + 0x20, struct drm_fxq_uring_submit)
#define DRM_FXQ_URING_WAIT \
	DRM_IOW(DRM_COMMAND_BASE + 0x21, struct drm_fxq_uring_wait)

#if defined(__cplusplus)
}
#endif

#endif /* _UAPI_FXQ_ACCEL_H_ */
