/* SPDX-License-Identifier: GPL-2.0 */
/**
 * DOC: fxq_trace.h - events: what happened to which run, context and mapping
 *
 * A run is known by the number of its ring entry; it has one from fxq_run_submit
 * on, and a new one after a reset. That of fxq_run_end is 0 if the run never
 * got so far. The scheduler's own events tell of queueing.
 */
#if !defined(FXQ_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define FXQ_TRACE_H

#include <linux/tracepoint.h>

#include "fxq_ctx.h"
#include "fxq_device.h"
#include "fxq_job.h"
#include "fxq_run.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM fxq

TRACE_EVENT(fxq_run_submit,
	TP_PROTO(const struct fxq_run *run),
	TP_ARGS(run),
	TP_STRUCT__entry(
		__string(device, dev_name(run->job->ctx->fdev->drm.dev))
		__field(u64, client)
		__field(u64, run)
		__field(u32, context)
		__field(u32, job)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->client = run->job->ctx->client->id;
		__entry->run = run->number;
		__entry->context = run->job->ctx->hw;
		__entry->job = run->job->id;
	),
	TP_printk("%s client=%llu context=%u job=%u run=%#llx",
		  __get_str(device), __entry->client, __entry->context,
		  __entry->job, __entry->run)
);

TRACE_EVENT(fxq_run_end,
	TP_PROTO(const struct fxq_run *run, const struct fxq_complete *record,
		 int error),
	TP_ARGS(run, record, error),
	TP_STRUCT__entry(
		__string(device, dev_name(run->job->ctx->fdev->drm.dev))
		__field(u64, client)
		__field(u64, run)
		__field(u64, cycles)
		__field(u32, context)
		__field(u32, job)
		__field(u32, cause)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->client = run->job->ctx->client->id;
		__entry->run = run->number;
		__entry->cycles = record ? record->cycles : 0;
		__entry->context = run->job->ctx->hw;
		__entry->job = run->job->id;
		__entry->cause = record ? record->cause : 0;
		__entry->error = error;
	),
	TP_printk("%s client=%llu context=%u job=%u run=%#llx cycles=%llu cause=%u error=%d",
		  __get_str(device), __entry->client, __entry->context,
		  __entry->job, __entry->run, __entry->cycles, __entry->cause,
		  __entry->error)
);

TRACE_EVENT(fxq_ctx_ban,
	TP_PROTO(const struct fxq_ctx *ctx, int error, u32 job),
	TP_ARGS(ctx, error, job),
	TP_STRUCT__entry(
		__string(device, dev_name(ctx->fdev->drm.dev))
		__field(u64, client)
		__field(u32, context)
		__field(u32, job)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->client = ctx->client->id;
		__entry->context = ctx->hw;
		__entry->job = job;
		__entry->error = error;
	),
	TP_printk("%s client=%llu context=%u job=%u error=%d",
		  __get_str(device), __entry->client, __entry->context,
		  __entry->job, __entry->error)
);

TRACE_EVENT(fxq_reset,
	TP_PROTO(const struct fxq_device *fdev, unsigned int runs, int error),
	TP_ARGS(fdev, runs, error),
	TP_STRUCT__entry(
		__string(device, dev_name(fdev->drm.dev))
		__field(unsigned int, runs)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->runs = runs;
		__entry->error = error;
	),
	TP_printk("%s runs=%u error=%d", __get_str(device), __entry->runs,
		  __entry->error)
);

DECLARE_EVENT_CLASS(fxq_mapping,
	TP_PROTO(const struct fxq_ctx *ctx, u64 va, u64 size),
	TP_ARGS(ctx, va, size),
	TP_STRUCT__entry(
		__string(device, dev_name(ctx->fdev->drm.dev))
		__field(u64, va)
		__field(u64, size)
		__field(u32, context)
	),
	TP_fast_assign(
		__assign_str(device);
		__entry->va = va;
		__entry->size = size;
		__entry->context = ctx->hw;
	),
	TP_printk("%s context=%u va=%#llx size=%#llx", __get_str(device),
		  __entry->context, __entry->va, __entry->size)
);

DEFINE_EVENT(fxq_mapping, fxq_map,
	TP_PROTO(const struct fxq_ctx *ctx, u64 va, u64 size),
	TP_ARGS(ctx, va, size));

DEFINE_EVENT(fxq_mapping, fxq_unmap,
	TP_PROTO(const struct fxq_ctx *ctx, u64 va, u64 size),
	TP_ARGS(ctx, va, size));

#endif /* FXQ_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE fxq_trace
#include <trace/define_trace.h>
