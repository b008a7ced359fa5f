/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_UTIL_H
#define FXQ_UTIL_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/fxq_accel.h>
#include <fxq/fxq_check.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef int32_t s32;
typedef uint64_t u64;

#define PAGE		4096u
#define BAD_POINTER	8ull		/* in the page that nobody maps */
#define NO_NUMBER	0x7fffffffu	/* of no object */

/*
 * A function that begins with new_ makes something or ends the test with a
 * word on what failed; all others give 0 or a negative errno.
 */

/* Devices */
int fxq_open(unsigned int index);
int new_file(void);

/* Calls */
int call(int fd, unsigned long request, void *arg);
int call_sized(int fd, unsigned long request, void *arg, size_t size);

/* Buffers */
u32 new_bo(int fd, u64 size, u32 flags);
void *new_map(int fd, u32 handle, u64 size);
int bo_close(int fd, u32 handle);
int bo_export(int fd, u32 handle, int *dma_buf);
int bo_import(int fd, int dma_buf, u32 *handle);
u32 new_import(int fd, int dma_buf);

#define NO_HEAP		"no /dev/dma_heap/system"
int heap_alloc(size_t size, u32 flags);

/* Descriptors and streams */
struct fxq_desc desc_load(u32 region, u64 offset, u32 spm, u32 bytes);
struct fxq_desc desc_store(u32 region, u64 offset, u32 spm, u32 bytes);
struct fxq_desc desc_fill(u32 spm, u32 bytes, u32 value);
struct fxq_desc desc_conv(void);
struct fxq_desc desc_after(struct fxq_desc desc, u32 engine, u32 count);
int stream_create(int fd, const struct fxq_desc *desc, u32 count, u32 *stream);
u32 new_stream(int fd, const struct fxq_desc *desc, u32 count);
u32 new_nop(int fd);
u32 new_copy(int fd, u32 bytes);
u32 new_long(int fd, u32 count);
u32 new_faulty(int fd);

/* Contexts and jobs */
struct drm_fxq_device_info device_info(int fd);
int ctx_create(int fd, u32 *ctx);
u32 new_ctx(int fd);
int ctx_destroy(int fd, u32 ctx);
struct drm_fxq_ctx_query ctx_state(int fd, u32 ctx);
int job_create(int fd, u32 ctx, u32 stream, const u32 *bos, u64 size, u32 n,
	       u32 *job);
u32 new_job(int fd, u32 ctx, u32 stream, const u32 *bos, u64 size, u32 n);
int job_destroy(int fd, u32 job);
int job_state(int fd, u32 job, struct drm_fxq_job_query *query);
u64 job_runs(int fd, u32 job);

/* Time */
u32 new_syncobj(int fd);
int submit(int fd, u32 ctx, u32 job, u32 count, u32 syncobj, u64 point);
int submit_after(int fd, u32 ctx, u32 job, u32 count, u32 before, u32 syncobj);
int sync_wait(int fd, u32 syncobj, u64 point, unsigned int ms);
int sync_export(int fd, u32 syncobj);
int sync_import(int fd, u32 syncobj, int file);
int fence_error(int file);
int sync_error(int fd, u32 syncobj);
bool was_stopped(int error);
int run(int fd, u32 ctx, u32 job);
bool works(void);
u64 now_ms(void);

/**
 * struct gate - a fence that the test holds, by way of vgem
 * @fd: of vgem
 * @bo: a buffer of vgem's
 * @dma_buf: the same for others
 * @fence: what holds it
 */
struct gate {
	int fd;
	u32 bo;
	int dma_buf;
	u32 fence;
};

#define NO_GATE		"no vgem, whose fences a test can hold"
#define GATE_MS		8000	/* vgem's fences signal by themselves soon after */

int gate_open(struct gate *gate);
int gate_close(struct gate *gate, bool write);
int gate_release(struct gate *gate);
u32 new_gated(int fd, struct gate *gate);
int submit_held(int fd, u32 ctx, u32 job, struct gate *gate);

/* Faults, in devices that fxq-emu makes */
#define NO_CONTROL	"FXQ_CONTROL does not name the control port of fxq-emu"

int control_open(void);
int control(int port, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* sysfs */
void settle(void);
int device_path(int fd, char *path, size_t size);
int write_file(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
u32 mappings_of(int fd, u64 size);

#endif /* FXQ_UTIL_H */
