/* SPDX-License-Identifier: MIT */
/*
 * fxq.h - libfxq: run compiled networks
 *
 * Object by object, in the order a program meets them:
 *
 *	device    something that executes streams; "embedded" is always there
 *	image     a compiled network, a .fxq file, checked whole when opened
 *	function  what runs on the CPU under a name that an image asks for
 *	program   an image made ready on a device
 *	run       one pass of a program over its inputs; several are in flight
 *	buffer    memory that a device likes
 *
 * Functions return 0 or a negative errno unless they say otherwise, and write
 * what they return only on success. fxq_error() then has one sentence for a
 * person. Objects may be used from several threads at once; each is destroyed
 * once, when no call uses it any more. Destroying NULL does nothing. Threads of
 * the library leave signals to the program.
 *
 * A network's own tensors are struct fxq_tensor (fxq_call.h): dense, row-major
 * views of memory that stays the caller's.
 */
#ifndef FXQ_H
#define FXQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq_call.h>
#include <fxq/fxq_image.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fxq_desc;		/* fxq_cmd.h */

/*
 * Why the last call of this thread that failed did so: one sentence without
 * newline, valid until the thread's next failure. "" if none has failed.
 */
const char *fxq_error(void);

/* "0.1.0" */
const char *fxq_version(void);

/* Devices */

struct fxq_device;

/*
 * struct fxq_device_config - zero means the default
 * @threads: embedded: that share the work inside a descriptor; default 1
 * @debug: embedded: report races and reads of unwritten scratchpad
 * @report: told each finding of @debug in a sentence, on a thread of the
 *	    device's or on one that is in fxq_run(); NULL: they go to stderr
 * @profile: embedded: told of each stream that completes, before its run does,
 *	     how many nanoseconds each of its @n descriptors took, on such a
 *	     thread. Descriptors execute one after another from @began on
 *	     (CLOCK_MONOTONIC, in ns), so times add up. NULL: nothing is
 *	     measured
 * @priv: of both
 */
struct fxq_device_config {
	int threads;
	bool debug;
	void (*report)(void *priv, const char *text);
	void (*profile)(void *priv, const struct fxq_desc *stream,
			uint64_t began, const uint64_t *ns, uint32_t n);
	void *priv;
};

struct fxq_device_caps {
	uint32_t spm_bytes;		/* scratchpad */
	uint32_t acc_bytes;		/* accumulators */
	uint32_t max_descriptors;	/* in a stream */
	uint32_t clock_khz;		/* of the cycles that runs report */
	uint32_t macs;			/* multiply-accumulates a cycle */
	uint32_t max_inflight;		/* runs that may be queued */
};

/*
 * struct fxq_device_info - who a device is; pointers are valid until it is
 * closed
 * @name: as fxq_device_name() gives it
 * @address: on its bus, "0000:00:04.0"; "" if it has none
 * @driver, @driver_version: what drives it: the kernel's driver, or "libfxq"
 * @contract: SHA-256 in hexadecimal, as in struct fxq_image_info
 */
struct fxq_device_info {
	const char *name, *address;
	const char *driver, *driver_version;
	const char *contract;
};

/*
 * The name of the @i-th device on this computer, NULL after the last: device
 * nodes of the kernel ("accel0") by number, then "embedded". Valid until the
 * thread asks again.
 */
const char *fxq_device_name(unsigned int i);

/*
 * @name: "accel0", "/dev/accel/accel0", a PCI address such as "0000:00:04.0",
 * or "embedded", the machine model in this process. NULL: the first of
 * fxq_device_name() that opens, which "embedded" always does; it is the one
 * for @config->debug and @config->profile. @config NULL: defaults.
 *
 * -ENODEV: there is none such; -EACCES: this user may not; -EPROTO: its driver
 * follows another contract; -ENOTSUP: debug or profile, on a device without.
 *
 * It is the process's own. A child of fork() opens another: on its parent's,
 * nothing starts or ends any more (-ENODEV), and what is destroyed there stays
 * the parent's.
 */
int fxq_device_open(const char *name, const struct fxq_device_config *config,
		    struct fxq_device **ret_dev);
void fxq_device_info(const struct fxq_device *dev,
		     struct fxq_device_info *ret_info);
void fxq_device_caps(const struct fxq_device *dev,
		     struct fxq_device_caps *ret_caps);
/* After the device's programs and buffers. */
void fxq_device_close(struct fxq_device *dev);

/* Images */

struct fxq_image;

/*
 * Reads and checks an image; nothing of it is trusted. -EBADMSG: it is
 * damaged or not an image; -EPROTO: it was compiled for another contract.
 * The memory is copied and may go afterwards.
 */
int fxq_image_open(const char *path, struct fxq_image **ret_image);
int fxq_image_open_memory(const void *data, size_t size,
			  struct fxq_image **ret_image);
/* Programs made of the image keep what they need. */
void fxq_image_close(struct fxq_image *image);

/*
 * What an image says of itself. All pointers are valid until it is closed.
 * @contract: SHA-256 in hexadecimal of what it was compiled against
 * @cycles: modelled, all device steps together
 * @mx_bound: cycles below which no schedule can come
 */
struct fxq_image_info {
	const char *name, *producer, *contract;
	bool training;
	enum fxq_quantize_rule quantize_rule;
	uint32_t n_inputs, n_outputs;
	uint32_t n_tensors, n_steps, n_tags, n_preprocess, n_self;
	uint64_t macs_device, macs_cpu, mx_bound, cycles;
	uint64_t file_bytes, weight_bytes, const_bytes;
};

void fxq_image_info(const struct fxq_image *image, struct fxq_image_info *ret);

/*
 * @index: in the image's table, as steps name it
 * @type: dtype, rank, dims, scale, zero_point; data of a constant (to read),
 *	  else NULL. With FXQ_TENSOR_DYNAMIC dims are the largest allowed
 */
struct fxq_tensor_info {
	const char *name;
	uint32_t index;
	uint32_t flags;			/* FXQ_TENSOR_* */
	struct fxq_tensor type;
	uint64_t bytes;
};

/* -ENOENT: there is no @i-th. */
int fxq_image_tensor_info(const struct fxq_image *image, uint32_t i,
			  struct fxq_tensor_info *ret);
int fxq_image_input_info(const struct fxq_image *image, uint32_t i,
			 struct fxq_tensor_info *ret);
int fxq_image_output_info(const struct fxq_image *image, uint32_t i,
			  struct fxq_tensor_info *ret);

/*
 * struct fxq_step_info - a step; see struct fxq_image_step
 * @in, @out: tensor indices; FXQ_ARG_ABSENT for an optional input left out
 * @stream, @bindings: of a device step
 */
struct fxq_step_info {
	enum fxq_step_kind kind;
	const char *name, *layer, *reason;
	const uint32_t *in, *out;
	uint32_t n_in, n_out;
	const struct fxq_attr *attrs;
	uint32_t n_attrs;
	bool is_method;
	const struct fxq_desc *stream;
	uint32_t n_descs;
	const struct fxq_image_binding *bindings;
	uint32_t n_bindings;
	uint64_t scratch_bytes, cycles;
};

int fxq_image_step_info(const struct fxq_image *image, uint32_t i,
			struct fxq_step_info *ret);

/* The layer that descriptors with tag @tag belong to, its operator, its MACs. */
struct fxq_tag_info {
	const char *layer, *op;
	uint64_t macs;
};

int fxq_image_tag_info(const struct fxq_image *image, uint32_t tag,
		       struct fxq_tag_info *ret);

/* From a picture to a tensor: see struct fxq_image_preprocess. */
struct fxq_preprocess_info {
	uint32_t input;
	enum fxq_pixel_order order;
	bool nhwc;
	uint32_t width, height, channels;
	float mean[4], std[4];
};

int fxq_image_preprocess_info(const struct fxq_image *image, uint32_t i,
			      struct fxq_preprocess_info *ret);

/* The attributes of `self`: fxq_image_info.n_self of them. */
const struct fxq_attr *fxq_image_self(const struct fxq_image *image);

/* Functions */

/*
 * Makes @fn callable by images loaded from now on, under fn->name, before any
 * built-in function of that name. @fn is copied; @user is what methods see as
 * self->user. -EEXIST if the name is registered already.
 */
int fxq_register_function(const struct fxq_function *fn, void *user);
/* Programs already loaded keep it. -ENOENT. */
int fxq_unregister_function(const char *name);
/*
 * Loads a shared object and registers the functions of its `fxq_plugin`
 * (fxq/plugin.h). It stays for the life of the process.
 */
int fxq_plugin_load(const char *path);

/* Programs */

struct fxq_program;

enum fxq_trace_kind {
	FXQ_TRACE_SUBMIT,	/* a call that starts a run */
	FXQ_TRACE_CPU,		/* a step on the CPU */
	FXQ_TRACE_DEVICE,	/* a device step, from when it was queued */
	FXQ_TRACE_WAIT,		/* a thread waits for the device, or for others */
	FXQ_TRACE_RUN,		/* a run, from submission to completion */
};

/*
 * struct fxq_trace - a part of what a program did, for a timeline
 * @run: number in order of submission, from 0; not of WAIT
 * @slot: whose memory the run had; not of WAIT
 * @step: of CPU and DEVICE
 * @began, @ended: CLOCK_MONOTONIC, in ns
 */
struct fxq_trace {
	enum fxq_trace_kind kind;
	uint32_t slot, step;
	uint64_t run;
	uint64_t began, ended;
};

/*
 * struct fxq_program_config - zero means the default
 * @slots: runs that may be in flight at once; default 4, at most 64
 * @workers: threads that run CPU steps beside those of the callers; default 0
 * @threads: that one CPU step may use; default 1
 * @trace: told of each span when it ends; SUBMIT, CPU and WAIT on the thread
 *	   that they are of. Locks are held: it calls nothing of libfxq
 * @priv: of @trace
 */
struct fxq_program_config {
	uint32_t slots;
	uint32_t workers;
	int threads;
	void (*trace)(void *priv, const struct fxq_trace *span);
	void *priv;
};

/*
 * Makes @image ready on @dev: binds its functions by name, maps weights and
 * streams, allocates memory for each slot. @config NULL: defaults.
 * -ENOENT: a function is bound to nothing.
 */
int fxq_program_load(struct fxq_device *dev, struct fxq_image *image,
		     const struct fxq_program_config *config,
		     struct fxq_program **ret_prog);
/* Runs in flight are waited for; their completions are dropped. */
void fxq_program_unload(struct fxq_program *prog);

/* The mode that wrapped methods see as self->training in runs from now on. */
void fxq_program_train(struct fxq_program *prog, bool training);
void fxq_program_eval(struct fxq_program *prog);	/* train(prog, false) */
bool fxq_program_is_training(const struct fxq_program *prog);

/* Tensors for one run of a program, with memory, ready to be filled. */
struct fxq_io {
	struct fxq_tensor *in, *out;
	uint32_t n_in, n_out;
};

int fxq_io_create(const struct fxq_program *prog, struct fxq_io **ret_io);
void fxq_io_destroy(struct fxq_io *io);

/* Runs */

/*
 * struct fxq_completion - how a run ended; it is the run's fence
 * @user_data: as given to fxq_submit()
 * @result: 0 or a negative errno; then outputs are undefined
 * @cycles: modelled, of the run's device steps
 * @ns: from submission to completion
 * @error: why @result is negative, one sentence; else ""
 */
struct fxq_completion {
	void *user_data;
	int result;
	uint64_t cycles;
	uint64_t ns;
	char error[FXQ_ERROR_MAX];
};

/*
 * Starts a run. @in and @out are one tensor for each input and output of the
 * image; inputs are of the dtype and shape it says, each output's data has
 * room for fxq_tensor_info.bytes. The array @in is copied; the array @out, and
 * all memory that tensors point to, belong to the run until its completion
 * has been polled. No output overlaps another tensor.
 *
 * An input with a larger leading batch is the caller's to cut into runs.
 * CPU steps before the first device step run in this call, the others in
 * fxq_poll() and on the program's workers.
 *
 * -EBUSY: all slots are taken, poll first. -EINVAL: a tensor does not fit.
 */
int fxq_submit(struct fxq_program *prog, const struct fxq_tensor *in,
	       struct fxq_tensor *out, void *user_data);

/*
 * Collects up to @max completions, waiting up to @timeout_ns (0: not at all,
 * UINT64_MAX: without end) for the first, and meanwhile does the CPU steps of
 * runs in flight. Returns how many; 0 when the time is over or nothing is in
 * flight. Completions come in the order in which runs end, which with CPU
 * steps between device steps need not be the order of submission.
 *
 * When a run completes, @out as given to fxq_submit() says what the results
 * are: dtype, scale, and dims, which of FXQ_TENSOR_DYNAMIC outputs are the
 * true ones.
 */
int fxq_poll(struct fxq_program *prog, struct fxq_completion *completions,
	     int max, uint64_t timeout_ns);

/*
 * Submits and waits for this one run, whatever else is in flight; its
 * completion is not seen by fxq_poll(). Waits for a slot when all are taken.
 * The embedded device may use the caller's thread to run on, which takes up to
 * 512 KiB of its stack.
 */
int fxq_run(struct fxq_program *prog, const struct fxq_tensor *in,
	    struct fxq_tensor *out);
/* The same, and tells cycles and time; @ret_completion is always written. */
int fxq_run_timed(struct fxq_program *prog, const struct fxq_tensor *in,
		  struct fxq_tensor *out,
		  struct fxq_completion *ret_completion);

/* Of one step, over all runs since the program was loaded. */
struct fxq_step_stats {
	uint64_t runs;
	uint64_t ns_total, ns_min, ns_max;	/* DEVICE: queue included */
	uint64_t cycles;			/* DEVICE: of the last run */
};

int fxq_program_step_stats(const struct fxq_program *prog, uint32_t step,
			   struct fxq_step_stats *ret);
void fxq_program_reset_stats(struct fxq_program *prog);

/* Buffers */

struct fxq_bo;

/*
 * Page-aligned memory of the device, zeroed. @flags is 0. Any memory may hold
 * tensors of a run.
 */
int fxq_bo_create(struct fxq_device *dev, uint64_t size, uint32_t flags,
		  struct fxq_bo **ret_bo);
void *fxq_bo_map(struct fxq_bo *bo);
uint64_t fxq_bo_size(const struct fxq_bo *bo);
void fxq_bo_destroy(struct fxq_bo *bo);

#ifdef __cplusplus
}
#endif

#endif /* FXQ_H */
