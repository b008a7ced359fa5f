// SPDX-License-Identifier: MIT
/*
 * ioctl.c - runs the first device step of an image, by ioctls alone
 *
 *	ioctl net.fxq [/dev/accel/accel0] < inputs > outputs
 *
 * No libfxq: an image is an ELF file that libelf reads, the device is what
 * drm/fxq_accel.h says. Inputs and outputs are bytes of the step's tensors, in
 * the order of its bindings. It says on standard error what the run took.
 */
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <gelf.h>
#include <xf86drm.h>

#include <drm/fxq_accel.h>
#include <fxq/fxq_image.h>

static int dev;

/* What the image says of the step. */
static struct {
	Elf_Data *weights, *stream;
	const struct fxq_image_step *step;
	const struct fxq_image_binding *bindings;
	const struct fxq_image_tensor *tensors;
	uint64_t n_tensors;
} net;

/* A region's buffer, as the CPU sees it; NULL for scratch. */
struct buffer {
	uint32_t handle;
	uint64_t size;
	uint8_t *mem;
};

/* drmIoctl() calls again after a signal; whatever else fails ends us. */
static void call(unsigned long request, void *args, const char *name)
{
	if (drmIoctl(dev, request, args))
		err(1, "%s", name);
}
#define CALL(name, args)	call(DRM_IOCTL_##name, args, #name)

/* The image */

static Elf_Data *section(Elf *elf, const char *name)
{
	Elf_Scn *scn = NULL;
	size_t strings;
	GElf_Shdr head;

	if (elf_getshdrstrndx(elf, &strings))
		errx(1, "no image: %s", elf_errmsg(-1));
	while ((scn = elf_nextscn(elf, scn))) {
		const char *is = gelf_getshdr(scn, &head) ?
			elf_strptr(elf, strings, head.sh_name) : NULL;

		if (is && !strcmp(is, name))
			return elf_rawdata(scn, NULL);
	}
	errx(1, "the image has no section %s", name);
}

/* Offsets and numbers in a file are anybody's: each is looked at once. */
static void read_image(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf = elf_version(EV_CURRENT) ? elf_begin(fd, ELF_C_READ, NULL) :
					     NULL;
	Elf_Data *steps, *bindings, *tensors;
	char name[32];
	uint64_t i, n;

	if (fd < 0 || !elf)
		errx(1, "%s cannot be read", path);
	steps = section(elf, FXQ_SECTION_STEPS);
	bindings = section(elf, FXQ_SECTION_BINDINGS);
	tensors = section(elf, FXQ_SECTION_TENSORS);
	n = steps->d_size / sizeof(*net.step);
	net.step = steps->d_buf;
	for (i = 0; i < n && net.step->kind != FXQ_STEP_DEVICE; i++)
		net.step++;
	if (i == n)
		errx(1, "%s: all of it runs on the CPU", path);
	if ((uint64_t)net.step->first_binding + net.step->n_bindings >
	    bindings->d_size / sizeof(*net.bindings))
		errx(1, "%s: step %u has bindings that are not there", path,
		     (unsigned int)i);
	net.bindings = bindings->d_buf;
	net.bindings += net.step->first_binding;
	net.tensors = tensors->d_buf;
	net.n_tensors = tensors->d_size / sizeof(*net.tensors);
	snprintf(name, sizeof(name), FXQ_SECTION_STREAM "%u", (unsigned int)i);
	net.stream = section(elf, name);
	net.weights = section(elf, FXQ_SECTION_WEIGHTS);
}

/* The device */

static struct buffer make_buffer(uint64_t size, uint32_t flags)
{
	struct drm_fxq_bo_create bo = { .size = size, .flags = flags };
	struct drm_fxq_bo_mmap_offset at = { 0 };
	struct buffer b = { .size = size };

	CALL(FXQ_BO_CREATE, &bo);
	b.handle = at.handle = bo.handle;
	if (flags & DRM_FXQ_BO_NO_MMAP)
		return b;
	CALL(FXQ_BO_MMAP_OFFSET, &at);
	b.mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, dev,
		     at.offset);
	if (b.mem == MAP_FAILED)
		err(1, "mmap");
	return b;
}

/* The buffer of a binding, filled if the device reads it. */
static struct buffer bind(const struct fxq_image_binding *b)
{
	struct buffer to;

	if (b->offset || b->region >= DRM_FXQ_MAX_REGIONS)
		errx(1, "this example takes one tensor a region");
	if (b->kind == FXQ_BIND_WEIGHTS) {
		to = make_buffer(net.weights->d_size,
				 DRM_FXQ_BO_DEVICE_READ_ONLY);
		memcpy(to.mem, net.weights->d_buf, to.size);
		return to;
	}
	if (b->kind == FXQ_BIND_SCRATCH)
		return make_buffer(net.step->scratch_bytes, DRM_FXQ_BO_NO_MMAP);
	if (b->tensor >= net.n_tensors)
		errx(1, "there is no tensor %u", b->tensor);
	to = make_buffer(net.tensors[b->tensor].bytes, 0);
	if (b->kind == FXQ_BIND_INPUT &&
	    fread(to.mem, 1, to.size, stdin) != to.size)
		errx(1, "input %u takes %llu bytes and there are fewer",
		     b->tensor, (unsigned long long)to.size);
	return to;
}

/* The kernel copies the stream, checks it once, and says what is wrong. */
static uint32_t make_stream(void)
{
	struct drm_fxq_stream_create stream = {
		.descs = (uintptr_t)net.stream->d_buf,
		.count = net.stream->d_size / DRM_FXQ_DESC_BYTES,
	};

	if (drmIoctl(dev, DRM_IOCTL_FXQ_STREAM_CREATE, &stream))
		err(1, "descriptor %u, cause %u", stream.index, stream.cause);
	return stream.stream;
}

/* Queues one run, and sleeps until the point that it signals. */
static void run(uint32_t ctx, uint32_t job)
{
	struct drm_fxq_sync done = { .point = 1 };
	struct drm_fxq_submit submit = {
		.ctx = ctx,
		.jobs = (uintptr_t)&job,
		.job_count = 1,
		.signals = (uintptr_t)&done,
		.signal_count = 1,
		.sync_stride = sizeof(done),
	};
	struct drm_fxq_job_query ended = { .job = job };

	if (drmSyncobjCreate(dev, 0, &done.handle))
		err(1, "a syncobj");
	CALL(FXQ_SUBMIT, &submit);
	if (drmSyncobjTimelineWait(dev, &done.handle, (uint64_t *)&done.point,
				   1, INT64_MAX, 0, NULL))
		err(1, "waiting for the run");
	CALL(FXQ_JOB_QUERY, &ended);
	if (ended.status) {
		struct drm_fxq_ctx_query why = { .ctx = ctx };

		CALL(FXQ_CTX_QUERY, &why);
		errx(1, "descriptor %u of layer %u failed, cause %u: %s",
		     why.fault_index, why.fault_tag, why.fault_cause,
		     strerror(-ended.status));
	}
	fprintf(stderr, "%llu cycles\n", (unsigned long long)ended.cycles);
}

int main(int argc, char **argv)
{
	struct drm_fxq_region regions[DRM_FXQ_MAX_REGIONS] = { 0 };
	struct buffer buffers[DRM_FXQ_MAX_REGIONS];
	struct drm_fxq_ctx_create ctx = { 0 };
	struct drm_fxq_job_create job = {
		.regions = (uintptr_t)regions,
		.region_count = DRM_FXQ_MAX_REGIONS,
		.region_stride = sizeof(regions[0]),
	};
	const char *path = argc > 2 ? argv[2] : "/dev/accel/accel0";

	if (argc < 2 || argc > 3)
		errx(2, "usage: ioctl net.fxq [/dev/accel/accel0] < inputs > outputs");
	read_image(argv[1]);
	dev = open(path, O_RDWR | O_CLOEXEC);
	if (dev < 0)
		err(1, "%s (is fxq.ko loaded, and this user in the group render?)",
		    path);

	if (net.step->n_bindings > DRM_FXQ_MAX_REGIONS)
		errx(1, "this example takes one tensor a region");
	for (uint32_t i = 0; i < net.step->n_bindings; i++) {
		const struct fxq_image_binding *b = &net.bindings[i];

		buffers[i] = bind(b);
		regions[b->region] = (struct drm_fxq_region){
			.handle = buffers[i].handle,
			.size = (buffers[i].size + DRM_FXQ_REGION_ALIGN - 1) &
				-(uint64_t)DRM_FXQ_REGION_ALIGN,
		};
	}
	CALL(FXQ_CTX_CREATE, &ctx);
	job.ctx = ctx.ctx;
	job.stream = make_stream();
	CALL(FXQ_JOB_CREATE, &job);
	run(ctx.ctx, job.job);

	for (uint32_t i = 0; i < net.step->n_bindings; i++)
		if (net.bindings[i].kind == FXQ_BIND_OUTPUT)
			fwrite(buffers[i].mem, 1, buffers[i].size, stdout);
	return fflush(stdout) ? 1 : 0;		/* the kernel cleans up */
}
