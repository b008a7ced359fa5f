// SPDX-License-Identifier: GPL-2.0
/*
 * fxq_util.c - what the tests share: objects in one call each, and streams
 * that do something known
 */
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <time.h>

#include <drm/drm_mode.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/dma-heap.h>
#include <linux/sync_file.h>

#include "fxq_util.h"

#define NODES	64

static void __attribute__((noreturn)) give_up(const char *what, int error)
{
	printf("# %s: %s\n", what, strerror(-error));
	fflush(stdout);
	_exit(1);
}

/* Devices */

static bool is_driver(int fd, const char *driver)
{
	char name[8] = "";
	struct drm_version version = {
		.name = name, .name_len = sizeof(name) - 1,
	};

	return !ioctl(fd, DRM_IOCTL_VERSION, &version) && !strcmp(name, driver);
}

/* The @index-th node that @pattern names and @driver drives. */
static int open_node(const char *pattern, const char *driver,
		     unsigned int index)
{
	char path[32];
	int i, fd;

	for (i = 0; i < NODES; i++) {
		snprintf(path, sizeof(path), pattern, i);
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			return -errno;
		if (is_driver(fd, driver) && !index--)
			return fd;
		close(fd);
	}
	return -ENODEV;
}

/**
 * fxq_open - open a device node
 * @index: which, among those of fxq
 *
 * Return: the file or a negative errno; -ENODEV if there are not so many.
 */
int fxq_open(unsigned int index)
{
	return open_node("/dev/accel/accel%d", "fxq", index);
}

/* Another file of the first device. */
int new_file(void)
{
	int fd = fxq_open(0);

	if (fd < 0)
		give_up("open", fd);
	return fd;
}

/* Calls */

/* ioctl() once: what a signal interrupts is not called again. */
int call(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) < 0 ? -errno : 0;
}

/* The same by a program that knows the structure in another size. */
int call_sized(int fd, unsigned long request, void *arg, size_t size)
{
	request &= ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT);
	return call(fd, request | size << _IOC_SIZESHIFT, arg);
}

/* Buffers */

u32 new_bo(int fd, u64 size, u32 flags)
{
	struct drm_fxq_bo_create args = { .size = size, .flags = flags };
	int ret = call(fd, DRM_IOCTL_FXQ_BO_CREATE, &args);

	if (ret)
		give_up("BO_CREATE", ret);
	return args.handle;
}

void *new_map(int fd, u32 handle, u64 size)
{
	struct drm_fxq_bo_mmap_offset args = { .handle = handle };
	int ret = call(fd, DRM_IOCTL_FXQ_BO_MMAP_OFFSET, &args);
	void *map;

	if (ret)
		give_up("BO_MMAP_OFFSET", ret);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		   args.offset);
	if (map == MAP_FAILED)
		give_up("mmap", -errno);
	return map;
}

int bo_close(int fd, u32 handle)
{
	struct drm_gem_close args = { .handle = handle };

	return call(fd, DRM_IOCTL_GEM_CLOSE, &args);
}

int bo_export(int fd, u32 handle, int *dma_buf)
{
	struct drm_prime_handle args = {
		.handle = handle, .flags = DRM_CLOEXEC | DRM_RDWR, .fd = -1,
	};
	int ret = call(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &args);

	*dma_buf = args.fd;
	return ret;
}

int bo_import(int fd, int dma_buf, u32 *handle)
{
	struct drm_prime_handle args = { .fd = dma_buf };
	int ret = call(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &args);

	*handle = args.handle;
	return ret;
}

u32 new_import(int fd, int dma_buf)
{
	u32 handle;
	int ret = bo_import(fd, dma_buf, &handle);

	if (ret)
		give_up("PRIME_FD_TO_HANDLE", ret);
	return handle;
}

/* A dma-buf of the system heap; -ENOENT: there is none. */
int heap_alloc(size_t size, u32 flags)
{
	struct dma_heap_allocation_data args = {
		.len = size, .fd_flags = flags | O_CLOEXEC,
	};
	int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
	int ret;

	if (heap < 0)
		return -errno;
	ret = call(heap, DMA_HEAP_IOCTL_ALLOC, &args);
	close(heap);
	return ret ? ret : (int)args.fd;
}

/* Descriptors and streams */

static struct fxq_desc desc_dma(u8 opcode, u8 engine, u32 spm, u32 bytes)
{
	struct fxq_desc desc = {
		.opcode = opcode,
		.engine = engine,
		.dma = {
			.spm = spm,
			.n = { bytes / 4, 1, 1, 1 },
			.spm_stride = { 4 },
			.elem = 4,
		},
	};

	return desc;
}

/* @bytes, a multiple of 4, from @offset in a region to the scratchpad. */
struct fxq_desc desc_load(u32 region, u64 offset, u32 spm, u32 bytes)
{
	struct fxq_desc desc = desc_dma(FXQ_OP_LOAD, FXQ_ENGINE_LD, spm, bytes);

	desc.dma.region = region;
	desc.dma.offset = offset;
	desc.dma.mem_stride[0] = 4;
	return desc;
}

struct fxq_desc desc_store(u32 region, u64 offset, u32 spm, u32 bytes)
{
	struct fxq_desc desc = desc_dma(FXQ_OP_STORE, FXQ_ENGINE_ST, spm,
					bytes);

	desc.dma.region = region;
	desc.dma.offset = offset;
	desc.dma.mem_stride[0] = 4;
	return desc;
}

struct fxq_desc desc_fill(u32 spm, u32 bytes, u32 value)
{
	struct fxq_desc desc = desc_dma(FXQ_OP_FILL, FXQ_ENGINE_LD, spm, bytes);

	desc.dma.fill = value;
	return desc;
}

/* Work: 3 x 3 over 48 x 48 pixels of 128 channels, 340 million products. */
struct fxq_desc desc_conv(void)
{
	enum { SIDE = 48, C = 128, PLANE = SIDE * SIDE * 32, MAP = 4 * PLANE };
	const struct fxq_fm in = { .plane = PLANE, .row = SIDE, .c = C };
	struct fxq_desc desc = {
		.opcode = FXQ_OP_CONV,
		.engine = FXQ_ENGINE_MX,
		.flags = FXQ_F_ACC,
		.conv = {
			.in = in, .out = in,
			.weights = 2 * MAP,
			.params = 2 * MAP + 9 * C * C,
			.ih = SIDE, .iw = SIDE, .ic = C,
			.oh = SIDE, .ow = SIDE, .oc = C,
			.groups = 1,
			.kh = 3, .kw = 3, .sh = 1, .sw = 1, .dh = 1, .dw = 1,
			.pad_t = 1, .pad_l = 1,
			.lo = -128, .hi = 127,
		},
	};

	desc.conv.out.addr = MAP;
	return desc;
}

/* The same descriptor once @count of another engine have completed. */
struct fxq_desc desc_after(struct fxq_desc desc, u32 engine, u32 count)
{
	desc.wait[engine] = count;
	return desc;
}

int stream_create(int fd, const struct fxq_desc *desc, u32 count, u32 *stream)
{
	struct drm_fxq_stream_create args = {
		.descs = (uintptr_t)desc, .count = count,
	};
	int ret = call(fd, DRM_IOCTL_FXQ_STREAM_CREATE, &args);

	*stream = args.stream;
	return ret;
}

u32 new_stream(int fd, const struct fxq_desc *desc, u32 count)
{
	u32 stream;
	int ret = stream_create(fd, desc, count, &stream);

	if (ret)
		give_up("STREAM_CREATE", ret);
	return stream;
}

/* Touches no region. */
u32 new_nop(int fd)
{
	struct fxq_desc desc = desc_fill(0, 64, 0);

	return new_stream(fd, &desc, 1);
}

/* Copies @bytes from region 0 to region 1. */
u32 new_copy(int fd, u32 bytes)
{
	struct fxq_desc desc[] = {
		desc_load(0, 0, 0, bytes),
		desc_after(desc_store(1, 0, 0, bytes), FXQ_ENGINE_LD, 1),
	};

	return new_stream(fd, desc, 2);
}

/* @count times desc_conv(): touches no region, and takes time. */
u32 new_long(int fd, u32 count)
{
	struct fxq_desc *desc = calloc(count, sizeof(*desc));
	u32 stream, i;

	if (!desc)
		give_up("calloc", -ENOMEM);
	for (i = 0; i < count; i++)
		desc[i] = desc_conv();
	stream = new_stream(fd, desc, count);
	free(desc);
	return stream;
}

/* Reaches outside the scratchpad, which only the machine finds out. */
u32 new_faulty(int fd)
{
	struct fxq_desc desc[] = {
		desc_fill(0, 64, 0),
		desc_fill(~0u - 63, 64, 0),
	};

	desc[1].tag = 0x7a6;
	return new_stream(fd, desc, 2);
}

/* Contexts and jobs */

int ctx_create(int fd, u32 *ctx)
{
	struct drm_fxq_ctx_create args = { 0 };
	int ret = call(fd, DRM_IOCTL_FXQ_CTX_CREATE, &args);

	*ctx = args.ctx;
	return ret;
}

u32 new_ctx(int fd)
{
	u32 ctx;
	int ret = ctx_create(fd, &ctx);

	if (ret)
		give_up("CTX_CREATE", ret);
	return ctx;
}

int ctx_destroy(int fd, u32 ctx)
{
	struct drm_fxq_ctx_destroy args = { .ctx = ctx };

	return call(fd, DRM_IOCTL_FXQ_CTX_DESTROY, &args);
}

struct drm_fxq_device_info device_info(int fd)
{
	struct drm_fxq_device_info info = { 0 };
	struct drm_fxq_dev_query args = {
		.type = DRM_FXQ_QUERY_DEVICE,
		.size = sizeof(info),
		.pointer = (uintptr_t)&info,
	};
	int ret = call(fd, DRM_IOCTL_FXQ_DEV_QUERY, &args);

	if (ret)
		give_up("DEV_QUERY", ret);
	return info;
}

struct drm_fxq_ctx_query ctx_state(int fd, u32 ctx)
{
	struct drm_fxq_ctx_query args = { .ctx = ctx };
	int ret = call(fd, DRM_IOCTL_FXQ_CTX_QUERY, &args);

	if (ret)
		give_up("CTX_QUERY", ret);
	return args;
}

/* The first @n regions are the first @size bytes of @bos. */
int job_create(int fd, u32 ctx, u32 stream, const u32 *bos, u64 size, u32 n,
	       u32 *job)
{
	struct drm_fxq_region region[DRM_FXQ_MAX_REGIONS] = { 0 };
	struct drm_fxq_job_create args = {
		.ctx = ctx,
		.stream = stream,
		.regions = (uintptr_t)region,
		.region_count = n,
		.region_stride = sizeof(region[0]),
	};
	u32 i;
	int ret;

	for (i = 0; i < n; i++)
		region[i] = (struct drm_fxq_region){
			.handle = bos[i], .size = size,
		};
	ret = call(fd, DRM_IOCTL_FXQ_JOB_CREATE, &args);
	*job = args.job;
	return ret;
}

u32 new_job(int fd, u32 ctx, u32 stream, const u32 *bos, u64 size, u32 n)
{
	u32 job;
	int ret = job_create(fd, ctx, stream, bos, size, n, &job);

	if (ret)
		give_up("JOB_CREATE", ret);
	return job;
}

int job_destroy(int fd, u32 job)
{
	struct drm_fxq_job_destroy args = { .job = job };

	return call(fd, DRM_IOCTL_FXQ_JOB_DESTROY, &args);
}

int job_state(int fd, u32 job, struct drm_fxq_job_query *query)
{
	*query = (struct drm_fxq_job_query){ .job = job };
	return call(fd, DRM_IOCTL_FXQ_JOB_QUERY, query);
}

/* How often it has run; 0 if there is no such job. */
u64 job_runs(int fd, u32 job)
{
	struct drm_fxq_job_query state;

	return job_state(fd, job, &state) ? 0 : state.runs;
}

/* Time */

u64 now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

u32 new_syncobj(int fd)
{
	struct drm_syncobj_create args = { 0 };
	int ret = call(fd, DRM_IOCTL_SYNCOBJ_CREATE, &args);

	if (ret)
		give_up("SYNCOBJ_CREATE", ret);
	return args.handle;
}

/**
 * submit - queue runs of one job
 * @fd: device
 * @ctx: context
 * @job: of the context
 * @count: of runs, up to DRM_FXQ_MAX_SUBMIT
 * @syncobj: signalled after the last; 0: none
 * @point: of @syncobj; 0: it is binary
 *
 * Return: 0 or a negative errno.
 */
int submit(int fd, u32 ctx, u32 job, u32 count, u32 syncobj, u64 point)
{
	struct drm_fxq_sync signal = { .handle = syncobj, .point = point };
	u32 jobs[DRM_FXQ_MAX_SUBMIT], i;
	struct drm_fxq_submit args = {
		.ctx = ctx,
		.jobs = (uintptr_t)jobs,
		.job_count = count,
		.signals = (uintptr_t)&signal,
		.signal_count = !!syncobj,
		.sync_stride = sizeof(signal),
	};

	for (i = 0; i < count && i < DRM_FXQ_MAX_SUBMIT; i++)
		jobs[i] = job;
	return call(fd, DRM_IOCTL_FXQ_SUBMIT, &args);
}

/* The same behind the fence of a binary syncobj. */
int submit_after(int fd, u32 ctx, u32 job, u32 count, u32 before, u32 syncobj)
{
	struct drm_fxq_sync wait = { .handle = before };
	struct drm_fxq_sync signal = { .handle = syncobj };
	u32 jobs[DRM_FXQ_MAX_SUBMIT], i;
	struct drm_fxq_submit args = {
		.ctx = ctx,
		.jobs = (uintptr_t)jobs,
		.job_count = count,
		.waits = (uintptr_t)&wait,
		.wait_count = 1,
		.signals = (uintptr_t)&signal,
		.signal_count = !!syncobj,
		.sync_stride = sizeof(signal),
	};

	for (i = 0; i < count && i < DRM_FXQ_MAX_SUBMIT; i++)
		jobs[i] = job;
	return call(fd, DRM_IOCTL_FXQ_SUBMIT, &args);
}

/* Waits for a point that has a fence; -ETIME after @ms. */
int sync_wait(int fd, u32 syncobj, u64 point, unsigned int ms)
{
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&syncobj,
		.points = (uintptr_t)&point,
		.count_handles = 1,
		.timeout_nsec = (now_ms() + ms) * 1000000,
	};

	return call(fd, DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args);
}

int sync_export(int fd, u32 syncobj)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj, .fd = -1,
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	int ret = call(fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &args);

	return ret ? ret : args.fd;
}

int sync_import(int fd, u32 syncobj, int file)
{
	struct drm_syncobj_handle args = {
		.handle = syncobj, .fd = file,
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};

	return call(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &args);
}

/* What a fence carries: 0, a negative errno, or 1 while it is pending. */
int fence_error(int file)
{
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = {
		.num_fences = 1, .sync_fence_info = (uintptr_t)&fence,
	};
	int ret = call(file, SYNC_IOC_FILE_INFO, &info);

	if (ret)
		give_up("SYNC_IOC_FILE_INFO", ret);
	return info.status == 1 ? 0 : info.status == 0 ? 1 : info.status;
}

/* The same of a binary syncobj. */
int sync_error(int fd, u32 syncobj)
{
	int file = sync_export(fd, syncobj), error;

	if (file < 0)
		give_up("sync_file of a syncobj", file);
	error = fence_error(file);
	close(file);
	return error;
}

/* Is it what a run ends with whose context goes? */
bool was_stopped(int error)
{
	return error == -ECANCELED || error == -ESRCH;
}

/* Runs a job and waits; what its fence carries, or what SUBMIT refused with. */
int run(int fd, u32 ctx, u32 job)
{
	struct drm_syncobj_destroy gone = { .handle = new_syncobj(fd) };
	int ret = submit(fd, ctx, job, 1, gone.handle, 0);

	if (!ret) {
		ret = sync_wait(fd, gone.handle, 0, 20000);
		if (ret)
			give_up("waiting for a run", ret);
		ret = sync_error(fd, gone.handle);
	}
	call(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &gone);
	return ret;
}

/* Does a new file of the first device work? */
bool works(void)
{
	int fd = new_file();
	u32 ctx = new_ctx(fd);
	u32 job = new_job(fd, ctx, new_nop(fd), NULL, 0, 0);
	bool well = !run(fd, ctx, job);

	close(fd);
	return well;
}

/* Fences that the test holds */

/* -ENODEV: there is no vgem. */
int gate_open(struct gate *gate)
{
	struct drm_mode_create_dumb dumb = {
		.width = PAGE / 4, .height = 1, .bpp = 32,
	};
	struct drm_prime_handle export = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int ret;

	gate->fd = open_node("/dev/dri/card%d", "vgem", 0);
	if (gate->fd < 0)
		return gate->fd;
	ret = call(gate->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb);
	export.handle = dumb.handle;
	if (!ret)
		ret = call(gate->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &export);
	gate->bo = dumb.handle;
	gate->dma_buf = export.fd;
	return ret;
}

/* Whoever reads the buffer waits from now on; with @write: or writes it. */
int gate_close(struct gate *gate, bool write)
{
	struct drm_vgem_fence_attach args = {
		.handle = gate->bo, .flags = write ? VGEM_FENCE_WRITE : 0,
	};
	int ret = call(gate->fd, DRM_IOCTL_VGEM_FENCE_ATTACH, &args);

	gate->fence = args.out_fence;
	return ret;
}

/* -ETIMEDOUT: it took so long that the gate opened by itself. */
int gate_release(struct gate *gate)
{
	struct drm_vgem_fence_signal args = { .fence = gate->fence };

	return call(gate->fd, DRM_IOCTL_VGEM_FENCE_SIGNAL, &args);
}

/* Closes the gate; a binary syncobj that is signalled when it is released. */
u32 new_gated(int fd, struct gate *gate)
{
	struct dma_buf_export_sync_file export = { .flags = DMA_BUF_SYNC_RW };
	struct drm_syncobj_handle import = {
		.handle = new_syncobj(fd),
		.flags = DRM_SYNCOBJ_FD_TO_HANDLE_FLAGS_IMPORT_SYNC_FILE,
	};
	int ret = gate_close(gate, true);

	if (!ret)
		ret = call(gate->dma_buf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE,
			   &export);
	import.fd = export.fd;
	if (!ret)
		ret = call(fd, DRM_IOCTL_SYNCOBJ_FD_TO_HANDLE, &import);
	if (ret)
		give_up("a fence of vgem", ret);
	close(export.fd);
	return import.handle;
}

/* A run in the context that does not end before the gate opens. */
int submit_held(int fd, u32 ctx, u32 job, struct gate *gate)
{
	return submit_after(fd, ctx, job, 1, new_gated(fd, gate), 0);
}

/* Faults */

/**
 * control_open - the control port of the first device
 *
 * Return: a file or a negative errno; -ENODEV if there is none.
 */
int control_open(void)
{
	const char *name = getenv("FXQ_CONTROL");
	struct termios mode;
	int port;

	if (!name)
		return -ENODEV;
	port = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (port < 0)
		return -errno;
	if (!tcgetattr(port, &mode)) {
		cfmakeraw(&mode);
		tcsetattr(port, TCSANOW, &mode);
		tcflush(port, TCIOFLUSH);
	}
	return port;
}

/**
 * control - say something to the device
 * @port: of control_open()
 * @format: a line of fxq-emu's, without its end
 *
 * Return: 0 if it said ok, -EINVAL if not, -ETIME if nothing within a second.
 */
int control(int port, const char *format, ...)
{
	struct pollfd poller = { .fd = port, .events = POLLIN };
	char line[256];
	size_t n = 0;
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line) - 1, format, args);
	va_end(args);
	strcat(line, "\n");
	if (write(port, line, strlen(line)) != (ssize_t)strlen(line))
		return -errno;
	while (n < sizeof(line) - 1 && poll(&poller, 1, 1000) == 1 &&
	       read(port, line + n, 1) == 1) {
		if (line[n] == '\n') {
			line[n] = '\0';
			if (!strcmp(line, "ok"))
				return 0;
			printf("# %s\n", line);
			return -EINVAL;
		}
		n++;
	}
	return -ETIME;
}

/* sysfs */

/* Waits until the contexts that were closed have gone, which takes a moment. */
void settle(void)
{
	char before[16] = "", now[16];
	u32 same = 0, i;

	for (i = 0; i < 200 && same < 5; i++) {
		FILE *file = fopen("/sys/module/fxq/refcnt", "r");

		if (!file || !fgets(now, sizeof(now), file))
			now[0] = '\0';
		if (file)
			fclose(file);
		same = strcmp(before, now) ? 0 : same + 1;
		strcpy(before, now);
		usleep(20000);
	}
}

/* The folder of a device node's device; the node may be gone later. */
int device_path(int fd, char *path, size_t size)
{
	char link[64], real[PATH_MAX];
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	snprintf(link, sizeof(link), "/sys/dev/char/%u:%u/device",
		 major(st.st_rdev), minor(st.st_rdev));
	if (!realpath(link, real))
		return -errno;
	return (size_t)snprintf(path, size, "%s", real) < size ? 0 : -E2BIG;
}

int write_file(const char *text, const char *format, ...)
{
	char path[PATH_MAX];
	va_list args;
	int fd, ret;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/**
 * mappings_of - how many mappings of a size the device's contexts have
 * @fd: device
 * @size: bytes
 *
 * Return: their number; NO_NUMBER where debugfs cannot be read.
 */
u32 mappings_of(int fd, u64 size)
{
	char path[PATH_MAX], line[128];
	unsigned long long bytes;
	FILE *file;
	u32 n = 0;

	if (device_path(fd, path, sizeof(path)))
		return NO_NUMBER;
	snprintf(line, sizeof(line), "/sys/kernel/debug/accel%s/mappings",
		 strrchr(path, '/'));
	file = fopen(line, "r");
	if (!file)
		return NO_NUMBER;
	while (fgets(line, sizeof(line), file))
		n += sscanf(line, "%*u %*x %llu", &bytes) == 1 && bytes == size;
	fclose(file);
	return n;
}
