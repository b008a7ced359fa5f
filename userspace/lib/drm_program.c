// SPDX-License-Identifier: MIT
/*
 * drm_program.c - programs on a device node of fxq.ko
 *
 * All that is costly is done once: weights are copied into a buffer that the
 * device only reads, each device step's stream is handed over and checked, and
 * each slot has a prepared job for each step. A run is then one SUBMIT that
 * names a job, and signals the next point of the program's timeline; runs of a
 * context end in order, so the timeline tells which have.
 *
 * A context that faulted or hung is banned. The next submission finds that out,
 * waits for what the old one still had, and prepares the jobs again in a new
 * one; streams and buffers stay.
 *
 * A program that is one thread's may have a ring. Its runs are then entries of
 * that, handed over together, and their completions say all that the timeline
 * and JOB_QUERY else do.
 */
#include <stdlib.h>
#include <string.h>
#include <xf86drm.h>

#include "device_drm.h"
#include "drm_ring.h"
#include "program.h"

/*
 * struct drm_program
 * @ctx: 0: there is none, after a ban
 * @timeline: syncobj
 * @point: of the last run submitted
 * @ended: of the last run that is known to have ended
 * @gone: the device went while somebody waited for it, or the ring did
 * @ring: NULL: it has none
 * @banned: a completion said that @ctx runs nothing more
 * @stream: of each step, 0 if it is the CPU's
 * @job: of each step of each slot
 */
struct drm_program {
	uint32_t ctx, timeline;
	uint64_t point, ended;
	bool gone, banned;
	struct drm_ring *ring;
	struct queue queue;
	struct memory weights, scratch;
	uint32_t *stream;
	uint32_t *job;
};

static uint32_t *job_of(const struct fxq_program *p, uint32_t slot,
			uint32_t step)
{
	const struct drm_program *own = p->own;

	return &own->job[slot * program_steps(p) + step];
}

/* Loading */

static int fail_limit(const struct fxq_program *p, const char *what, int err)
{
	if (err == -ENOSPC)
		return fxq_fail(err, "%s has no room for the %s of another program; unload one, or ask for fewer slots",
				p->dev->info.name, what);
	if (err == -ENODEV || err == -EIO)
		return fxq_fail(err, "%s", device_trouble(p->dev, err));
	return fxq_fail(err, "%s does not take the %s of a program: %s",
			p->dev->info.name, what, strerror(-err));
}

static int create_buffers(struct fxq_program *p)
{
	struct drm_program *own = p->own;
	int ret = 0;

	own->weights.size = p->image->n[SECTION_WEIGHTS];
	if (own->weights.size) {
		ret = drm_bo_create(p->dev, &own->weights,
				    DRM_FXQ_BO_DEVICE_READ_ONLY);
		if (ret)
			return fail_limit(p, "weights", ret);
		memcpy(own->weights.mem, p->image->weights, own->weights.size);
	}
	own->scratch.size = p->scratch_bytes;
	if (own->scratch.size)
		ret = drm_bo_create(p->dev, &own->scratch, DRM_FXQ_BO_NO_MMAP);
	return ret ? fail_limit(p, "scratch region", ret) : 0;
}

static int create_stream(struct fxq_program *p, uint32_t step)
{
	struct drm_program *own = p->own;
	struct drm_fxq_stream_create stream = {
		.descs = (uintptr_t)p->image->stream[step],
		.count = p->image->n_stream[step],
	};
	int ret = drm_call(p->dev, DRM_IOCTL_FXQ_STREAM_CREATE, &stream);

	own->stream[step] = stream.stream;
	if (ret == -EINVAL && stream.cause)
		return fxq_fail(ret, "layer %s: %s refuses descriptor %u of step %u: %s",
				image_layer(p->image, step), p->dev->info.name,
				stream.index, step,
				fxq_cause_text(stream.cause));
	return ret ? fail_limit(p, "streams", ret) : 0;
}

static struct drm_fxq_region region(const struct fxq_program *p,
				    const struct slot *slot,
				    const struct region_plan *r)
{
	const struct drm_program *own = p->own;
	struct drm_fxq_region to = {
		.size = fxq_align(r->bytes, FXQ_LINE_BYTES),
	};

	if (!r->bytes)			/* unbound, or no weights at all */
		return to;
	if (r->kind == FXQ_BIND_WEIGHTS) {
		to.handle = own->weights.handle;
	} else if (r->kind == FXQ_BIND_SCRATCH) {
		to.handle = own->scratch.handle;
	} else {
		to.handle = slot->memory.handle;
		to.offset = r->offset;
	}
	return to;
}

static int create_job(const struct fxq_program *p, uint32_t slot, uint32_t step)
{
	const struct drm_program *own = p->own;
	const struct step_plan *plan = &p->plans[step];
	struct drm_fxq_region regions[FXQ_MAX_REGIONS];
	struct drm_fxq_job_create job = {
		.ctx = own->ctx,
		.stream = own->stream[step],
		.regions = (uintptr_t)regions,
		.region_count = plan->n_regions,
		.region_stride = sizeof(regions[0]),
	};
	int ret;

	for (uint32_t r = 0; r < plan->n_regions; r++)
		regions[r] = region(p, &p->slots[slot], &plan->regions[r]);
	ret = drm_call(p->dev, DRM_IOCTL_FXQ_JOB_CREATE, &job);
	*job_of(p, slot, step) = job.job;
	return ret;
}

static void destroy_context(struct fxq_program *p)
{
	struct drm_program *own = p->own;
	struct drm_fxq_ctx_destroy ctx = { .ctx = own->ctx };

	if (own->ctx)
		drm_call(p->dev, DRM_IOCTL_FXQ_CTX_DESTROY, &ctx);
	own->ctx = 0;
}

/* A context with all jobs in it; without one if that fails. */
static int create_context(struct fxq_program *p)
{
	struct drm_program *own = p->own;
	struct drm_fxq_ctx_create ctx = { 0 };
	int ret = drm_call(p->dev, DRM_IOCTL_FXQ_CTX_CREATE, &ctx);

	if (ret)
		return ret;
	own->ctx = ctx.ctx;
	for (uint32_t i = 0; i < program_steps(p) && !ret; i++)
		for (uint32_t k = 0; own->stream[i] && k < p->config.slots &&
				     !ret; k++)
			ret = create_job(p, k, i);
	if (ret)
		destroy_context(p);
	return ret;
}

int drm_load(struct fxq_program *p)
{
	struct drm_program *own = calloc(1, sizeof(*own));
	uint64_t n_steps = program_steps(p);
	int ret;

	if (!own)
		return fxq_fail_memory("a program");
	p->own = own;
	p->queue = &own->queue;
	own->stream = calloc(n_steps, sizeof(*own->stream));
	own->job = calloc(n_steps * p->config.slots, sizeof(*own->job));
	if (!own->stream || !own->job)
		return fxq_fail_memory("a program");
	if (drmSyncobjCreate(to_drm(p->dev)->fd, 0, &own->timeline))
		return fail_limit(p, "timeline", -errno);
	ret = create_buffers(p);
	for (uint32_t i = 0; i < n_steps && !ret; i++)
		if (p->image->steps[i].kind == FXQ_STEP_DEVICE)
			ret = create_stream(p, i);
	if (ret)
		return ret;
	ret = create_context(p);
	return ret ? fail_limit(p, "jobs", ret) : 0;
}

void drm_unload(struct fxq_program *p)
{
	struct drm_program *own = p->own;

	ring_close(own->ring);
	destroy_context(p);
	for (uint32_t i = 0; own->stream && i < program_steps(p); i++) {
		struct drm_fxq_stream_destroy stream = {
			.stream = own->stream[i],
		};

		if (stream.stream)
			drm_call(p->dev, DRM_IOCTL_FXQ_STREAM_DESTROY, &stream);
	}
	drm_bo_destroy(p->dev, &own->weights);
	drm_bo_destroy(p->dev, &own->scratch);
	if (own->timeline && !device_is_inherited(p->dev))
		drmSyncobjDestroy(to_drm(p->dev)->fd, own->timeline);
	free(own->stream);
	free(own->job);
	free(own);
}

/* Running */

static int submit_job(struct fxq_program *p, uint32_t job)
{
	struct drm_program *own = p->own;
	struct drm_fxq_sync signal = {
		.handle = own->timeline,
		.point = own->point + 1,
	};
	struct drm_fxq_submit submit = {
		.ctx = own->ctx,
		.flags = DRM_FXQ_SUBMIT_NONBLOCK,
		.jobs = (uintptr_t)&job,
		.signals = (uintptr_t)&signal,
		.job_count = 1,
		.signal_count = 1,
		.sync_stride = sizeof(signal),
	};
	int ret = drm_call(p->dev, DRM_IOCTL_FXQ_SUBMIT, &submit);

	if (!ret)
		own->point++;
	return ret;
}

/* Prepares a run; its completion tells if the context was banned meanwhile. */
static int prepare_run(struct slot *slot)
{
	struct fxq_program *p = slot->prog;
	struct drm_program *own = p->own;
	uint32_t k = slot - p->slots;
	int ret;

	if (own->gone)
		return -ENODEV;
	if (own->banned) {
		if (own->queue.running)
			return -EBUSY;
		destroy_context(p);
		ret = create_context(p);
		if (ret)
			return ret;
		own->banned = false;
	}
	ring_run(own->ring, *job_of(p, k, slot->step), slot->link, k);
	/* Should it come again, it comes alone. */
	slot->link = false;
	slot->run = ++own->point;
	return 0;
}

int drm_submit(struct slot *slot)
{
	struct fxq_program *p = slot->prog;
	struct drm_program *own = p->own;
	uint32_t k = slot - p->slots;
	int ret = -ECANCELED;

	if (own->ring)
		return prepare_run(slot);
	if (own->ctx)
		ret = submit_job(p, *job_of(p, k, slot->step));
	if (ret == -ECANCELED) {
		if (own->queue.running)
			return -EBUSY;
		destroy_context(p);
		ret = create_context(p);
		if (!ret)
			ret = submit_job(p, *job_of(p, k, slot->step));
	}
	if (!ret)
		slot->run = own->point;
	return ret;
}

/* For libdrm, which takes the end of a wait, and signed. */
static int64_t deadline_of(uint64_t timeout_ns)
{
	uint64_t end;

	if (!timeout_ns)
		return 0;
	if (__builtin_add_overflow(now_ns(), timeout_ns, &end) ||
	    end > INT64_MAX)
		return INT64_MAX;
	return end;
}

/* Has more than the run that was waited for ended? */
static uint64_t last_ended(struct fxq_program *p, uint64_t run)
{
	struct drm_program *own = p->own;
	uint64_t point;

	p->dev->calls++;
	if (drmSyncobjQuery(to_drm(p->dev)->fd, &own->timeline, &point, 1))
		return run;
	return point > run ? point : run;
}

/* Without a timeout there is nothing to ask the kernel for. */
static int wait_ring(struct fxq_program *p, uint64_t timeout_ns)
{
	struct drm_program *own = p->own;

	if (timeout_ns)
		drm_ring_enter(p, 1, timeout_ns);
	return own->gone || ring_ready(own->ring);
}

int drm_wait(struct fxq_program *p, uint64_t run, uint64_t timeout_ns)
{
	struct drm_program *own = p->own;
	int ret;

	if (own->ring)
		return wait_ring(p, timeout_ns);
	p->dev->calls++;
	ret = drmSyncobjTimelineWait(to_drm(p->dev)->fd, &own->timeline, &run,
				     1, deadline_of(timeout_ns), 0, NULL);
	if (ret == -ETIME)
		return 0;
	own->gone = ret < 0;
	own->ended = run;
	return 1;
}

/* Which descriptor is to blame, if it is this run's. */
static void read_fault(struct fxq_program *p, uint32_t job, struct run_end *end)
{
	const struct drm_program *own = p->own;
	struct drm_fxq_ctx_query ctx = { .ctx = own->ctx };

	if (drm_call(p->dev, DRM_IOCTL_FXQ_CTX_QUERY, &ctx) ||
	    ctx.fault_job != job)
		return;
	end->cause = ctx.fault_cause;
	end->index = ctx.fault_index;
	end->tag = ctx.fault_tag;
}

static struct run_end end_of(const struct slot *slot)
{
	struct fxq_program *p = slot->prog;
	struct drm_fxq_job_query job = {
		.job = *job_of(p, slot - p->slots, slot->step),
	};
	struct run_end end = { 0 };

	end.error = drm_call(p->dev, DRM_IOCTL_FXQ_JOB_QUERY, &job);
	if (end.error)
		return end;
	end.error = job.status;
	end.cycles = job.cycles;
	if (end.error == -EIO || end.error == -ETIME)
		read_fault(p, job.job, &end);
	return end;
}

/* What the completion of a run says, and CTX_QUERY of a fault. */
static struct run_end end_in_ring(const struct slot *slot,
				  const struct ring_end *got)
{
	struct fxq_program *p = slot->prog;
	struct drm_program *own = p->own;
	struct run_end end = { .error = got->result, .cycles = got->cycles };

	if (!end.error)
		return end;
	if (slot->link_error)
		end.error = slot->link_error;
	else
		own->banned = true;
	if (end.error == -EIO || end.error == -ETIME)
		read_fault(p, *job_of(p, slot - p->slots, slot->step), &end);
	return end;
}

static void collect_ring(struct fxq_program *p)
{
	struct drm_program *own = p->own;
	struct ring_end got;
	struct run_end end;

	while (ring_take(own->ring, &got)) {
		if (got.cookie >= p->config.slots) {
			own->queue.file_ended(own->queue.files, got.cookie,
					      got.result);
			continue;
		}
		end = end_in_ring(&p->slots[got.cookie], &got);
		device_run_ended(&p->slots[got.cookie], &end);
	}
}

void drm_collect(struct fxq_program *p)
{
	struct drm_program *own = p->own;
	struct queue *q = &own->queue;
	struct slot *slot;

	if (own->ring && !own->gone) {
		collect_ring(p);
		return;
	}
	if (q->running && q->running->next && !own->gone)
		own->ended = last_ended(p, own->ended);
	while ((slot = q->running) && (own->gone || slot->run <= own->ended)) {
		struct run_end end = { .error = -ENODEV };

		if (!own->gone)
			end = end_of(slot);
		device_run_ended(slot, &end);
	}
}

/* Rings */

int drm_ring_open(struct fxq_program *p, uint32_t entries)
{
	struct drm_program *own = p->own;

	if (!to_drm(p->dev)->uring)
		return -EOPNOTSUPP;
	return ring_open(to_drm(p->dev)->fd, entries, &own->ring);
}

bool drm_ring_links(const struct fxq_program *p)
{
	const struct drm_program *own = p->own;

	return !own->gone && !own->banned && !own->queue.pending;
}

void drm_ring_file(struct fxq_program *p, const struct file_part *f, bool link,
		   uint64_t cookie)
{
	struct drm_program *own = p->own;

	/* Nobody would take it, and there is room for so many. */
	if (!own->gone)
		ring_file(own->ring, f, link, cookie);
}

/* The kernel has no memory for more, until something has ended. */
static bool is_full(int error)
{
	return error == -EAGAIN || error == -EBUSY;
}

/* What is prepared stays so, and the next call may get on. */
static bool is_passing(int error)
{
	return is_full(error) || error == -ETIME || error == -EINTR;
}

int drm_ring_enter(struct fxq_program *p, uint32_t n, uint64_t timeout_ns)
{
	struct drm_program *own = p->own;
	int ret;

	if (own->gone)
		return -ENODEV;
	ret = ring_enter(own->ring, n, timeout_ns);
	p->dev->calls += ret != 0;
	if (n && is_full(ret)) {
		ret = ring_wait(own->ring, timeout_ns);
		p->dev->calls++;
	}
	if (ret >= 0 || is_passing(ret))
		return 0;
	own->gone = true;
	return ret;
}
