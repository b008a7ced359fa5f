/* SPDX-License-Identifier: MIT */
/*
 * icd.h - the OpenCL driver: its objects, and what each file offers
 *
 *	platform -> device -> context -> queue -> event
 *	                         |-> mem, program -> kernel
 *
 * Entry points are named as the specification names them; the loader reaches
 * them through the table in dispatch.c and none of them is exported. Memory is
 * the host's, one copy for all devices of a context: libfxq brings it to the
 * device that runs a kernel. Each queue has threads that carry its commands out.
 *
 * A program counts its references to an object, and is told that count; the
 * driver has references of its own on top, so that releases may come in any
 * order. A context's lock protects its queues and events, and is never held
 * while a command runs or a callback is called.
 */
#ifndef FXQ_OPENCL_ICD_H
#define FXQ_OPENCL_ICD_H

#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_0_APIS
#define CL_USE_DEPRECATED_OPENCL_1_1_APIS
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#define CL_USE_DEPRECATED_OPENCL_2_0_APIS
#define CL_USE_DEPRECATED_OPENCL_2_1_APIS
#define CL_USE_DEPRECATED_OPENCL_2_2_APIS
#define CL_ENABLE_BETA_EXTENSIONS	/* command buffers */
#include <CL/cl.h>
#include <CL/cl_ext.h>
#include <CL/cl_icd.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fxq.h>

#define ALIGN_BYTES	64	/* of memory objects, and of sub-buffers in them */
#define WORK_DIMENSIONS	3
#define DEVICES_MAX	64

/* object.c */

enum kind {
	KIND_PLATFORM = 0x66785100,
	KIND_DEVICE,
	KIND_CONTEXT,
	KIND_QUEUE,
	KIND_MEM,
	KIND_PROGRAM,
	KIND_KERNEL,
	KIND_EVENT,
	KIND_SEMAPHORE,
	KIND_COMMAND_BUFFER,
};

/*
 * struct object - what each handle points to
 * @dispatch, @dispatch_data: the loader's: our table, and its own
 * @handles: references that the program holds; with none left, its handle is
 *	     invalid
 * @refs: our own; all that the program holds count as one
 * @destroy: after the last
 */
struct object {
	const cl_icd_dispatch *dispatch;
	void *dispatch_data;
	enum kind kind;
	atomic_uint handles, refs;
	void (*destroy)(struct object *object);
};

/* @size zeroed bytes that begin with an object, which the program holds once. */
void *object_create(enum kind kind, size_t size,
		    void (*destroy)(struct object *object));
void *object_get(void *object);
void object_put(void *object);		/* accepts NULL */
/* Is it a handle to an object of ours, of that kind, that the program holds? */
bool object_is(const void *handle, enum kind kind);
/* What clRetain…() and clRelease…() do; @invalid is for what is no @kind. */
cl_int object_retain(void *handle, enum kind kind, cl_int invalid);
cl_int object_release(void *handle, enum kind kind, cl_int invalid);

/*
 * What clGet…Info() ends with: @bytes at @from to the caller's memory and size.
 * CL_INVALID_VALUE if there is memory, but not enough.
 */
cl_int answer(const void *from, size_t bytes, size_t room, void *to,
	      size_t *ret_bytes);
cl_int answer_text(const char *text, size_t room, void *to, size_t *ret_bytes);
#define ANSWER(type, value)						\
	answer(&(type){ value }, sizeof(type), param_value_size,	\
	       param_value, param_value_size_ret)

/* For functions that return a handle: writes @err, if asked, and returns NULL. */
void *fail(cl_int *errcode_ret, cl_int err);

/*
 * struct callback - a function of the program's that is called once
 * @object: that it is told of
 * @fn: by its owner's type
 */
struct callback {
	struct callback *next;
	void *object;
	void (*fn)(void);
	void *user_data;
	cl_int when;		/* event: the status it waits for */
	cl_int status;		/* event: the status that came */
};

struct callback *callback_new(void (*fn)(void), void *user_data);

/* dispatch.c */

#ifdef CL_KHR_EXTERNAL_SEMAPHORE_SYNC_FD_EXTENSION_VERSION
#define REIMPORT_FUNCTION(X)	X(clReImportSemaphoreSyncFdKHR)
#else
#define REIMPORT_FUNCTION(X)
#endif

/* X(function), found by name alone */
#define EXTENSION_FUNCTIONS(X)						\
	X(clCreateSemaphoreWithPropertiesKHR) X(clRetainSemaphoreKHR)	\
	X(clReleaseSemaphoreKHR) X(clGetSemaphoreInfoKHR)		\
	X(clEnqueueWaitSemaphoresKHR) X(clEnqueueSignalSemaphoresKHR)	\
	X(clGetSemaphoreHandleForTypeKHR) REIMPORT_FUNCTION(X)		\
	X(clEnqueueAcquireExternalMemObjectsKHR)			\
	X(clEnqueueReleaseExternalMemObjectsKHR)			\
	X(clCreateCommandQueueWithPropertiesKHR)			\
	X(clCreateCommandBufferKHR) X(clRetainCommandBufferKHR)		\
	X(clReleaseCommandBufferKHR) X(clFinalizeCommandBufferKHR)	\
	X(clEnqueueCommandBufferKHR) X(clCommandBarrierWithWaitListKHR)	\
	X(clCommandCopyBufferKHR) X(clCommandCopyBufferRectKHR)		\
	X(clCommandCopyBufferToImageKHR) X(clCommandCopyImageKHR)	\
	X(clCommandCopyImageToBufferKHR) X(clCommandFillBufferKHR)	\
	X(clCommandFillImageKHR) X(clCommandNDRangeKernelKHR)		\
	X(clGetCommandBufferInfoKHR)

extern const cl_icd_dispatch dispatch_table;
/* The address of an extension's function; NULL. */
void *extension_function(const char *name);

/* platform.c */

struct _cl_platform_id {
	struct object base;
};

extern struct _cl_platform_id platform;

/* The names in @extensions as an array of names with versions; how many. */
size_t name_versions(const char *names, char separator, cl_name_version *to,
		     size_t max);
extern const char platform_extensions[];

/* device.c */

/*
 * struct _cl_device_id - a device of libfxq's, open while a context uses it
 * @lock: protects what follows
 * @users: contexts, and whoever looks at it
 * @known: caps, address and version have been read
 */
struct _cl_device_id {
	struct object base;
	char name[64];
	pthread_mutex_t lock;
	struct fxq_device *fxq;
	unsigned int users;
	bool known;
	struct fxq_device_caps caps;
	char address[64], driver_version[64];
};

/* All of this computer's; the list is made at the first call. */
cl_uint device_list(cl_device_id to[DEVICES_MAX]);
bool device_is(cl_device_id device);
int device_open(cl_device_id device);
void device_close(cl_device_id device);
/* Reads who it is, for which it is opened once. False: it does not open. */
bool device_know(cl_device_id device);
/* Those that a call names, each valid; 0, or an error. */
cl_int device_check_list(cl_uint n, const cl_device_id *devices);
cl_ulong clock_ns(void);

/* context.c */

struct _cl_context {
	struct object base;
	cl_uint n_devices;
	cl_device_id *devices;
	cl_context_properties *properties;
	size_t n_properties;
	void (CL_CALLBACK *notify)(const char *, const void *, size_t, void *);
	void *notify_data;
	pthread_mutex_t lock;
	pthread_cond_t changed;	/* the status of an event */
	struct callback *destructors;
};

bool context_is(cl_context context);
bool context_has(cl_context context, cl_device_id device);
/* Tells the program in words why a command failed, if it wants to know. */
void context_tell(cl_context context, const char *why);

/* crew.c */

/* Threads that carry out commands. */
struct crew;

int crew_create(unsigned int n, struct crew **ret_crew);
/* @event has nothing to wait for; the crew runs its command and ends it. */
void crew_give(struct crew *crew, cl_event event);
/* When no command is left. A thread of some crew may do it, even its own. */
void crew_dismiss(struct crew *crew);

/* queue.c */

#define QUEUE_THREADS	4	/* of an out-of-order queue */

/*
 * struct _cl_command_queue
 * @list, @n_list: properties as they were given
 * @active: events of commands that have not ended, oldest first
 * @barrier: of the last barrier, while it is active
 * @enqueued: commands so far
 */
struct _cl_command_queue {
	struct object base;
	cl_context context;
	cl_device_id device;
	cl_command_queue_properties properties;
	cl_queue_properties *list;
	size_t n_list;
	struct crew *crew;
	/* context lock */
	struct _cl_event *active, *active_last, *barrier;
	cl_ulong enqueued;
};

bool queue_is(cl_command_queue queue);
static inline bool queue_in_order(cl_command_queue queue)
{
	return !(queue->properties & CL_QUEUE_OUT_OF_ORDER_EXEC_MODE_ENABLE);
}
/* With the context's lock: @event is the last of its queue, or is no more. */
void queue_append(cl_command_queue queue, cl_event event);
void queue_remove(cl_command_queue queue, cl_event event);

/* event.c */

/*
 * struct command - what a queue's thread does; begins each kind of command
 * @run: CL_SUCCESS, or the error that the event ends with; NULL: nothing, the
 *	 command is only there to be waited for
 * @destroy: releases what it holds, and itself
 */
struct command {
	cl_int (*run)(struct command *command, cl_command_queue queue);
	void (*destroy)(struct command *command);
};

/*
 * struct link - an event that waits for another
 * @next: of those that wait for the same
 * @strict: an error of the other is its own
 */
struct link {
	struct link *next;
	struct _cl_event *event;
	bool strict;
};

/*
 * struct _cl_event
 * @queue: NULL for a user event
 * @links: one for each event that it may wait for
 * @status: CL_QUEUED ... CL_COMPLETE, or an error
 * @time: of CL_PROFILING_COMMAND_QUEUED ... _COMPLETE
 * @waits: for that many events, and for enqueue() to be done with it
 * @error: of one of them
 * @number: of the command in its queue
 * @followers: links of those that wait for it
 * @next: crew: to be run; event.c: has ended
 */
struct _cl_event {
	struct object base;
	cl_context context;
	cl_command_queue queue;
	cl_command_type type;
	struct command *command;
	struct link *links;
	/* context lock */
	cl_int status;
	cl_ulong time[5];
	unsigned int waits, n_links;
	cl_int error;
	cl_ulong number;
	struct link *followers;
	struct callback *callbacks;
	struct _cl_event *active_previous, *active_next, *next;
};

bool event_is(cl_event event);
/* One that waits, at first for nothing but event_start(). */
cl_event event_create(cl_context context, cl_command_queue queue,
		      cl_command_type type);
/* With the context's lock; there is a link left. Nothing if @first has ended. */
void event_follow(cl_event event, cl_event first, bool strict);
/* When it follows all that it is to follow. */
void event_start(cl_event event);
/* Its status becomes @status, with all that follows from that. */
void event_advance(cl_event event, cl_int status);
/* Until it has ended; its last status. */
cl_int event_wait(cl_event event);
/* What the command holds is released as soon as it has run. */
void event_drop_command(cl_event event);

/* enqueue.c */

struct wait_list {
	cl_uint n;
	const cl_event *events;
};

/* The queue and wait list that a call came with. */
cl_int enqueue_check(cl_command_queue queue, struct wait_list waits);
/*
 * Puts @command, which it takes over in any case, into @queue. @ret_event NULL:
 * nobody wants it. With @blocking, returns when the command has ended, and how.
 */
cl_int enqueue(cl_command_queue queue, cl_command_type type,
	       struct command *command, struct wait_list waits, bool blocking,
	       cl_event *ret_event);
#define ENQUEUE(queue, type, command, blocking)				\
	enqueue(queue, type, &(command)->base,				\
		(struct wait_list){ num_events_in_wait_list,		\
				    event_wait_list }, blocking, event)
#define ENQUEUE_CHECK(queue)						\
	enqueue_check(queue, (struct wait_list){ num_events_in_wait_list,	\
						 event_wait_list })

/* buffer.c */

/* What clEnqueueMapBuffer() gave out, once for each time. */
struct mapping {
	struct mapping *next;
	void *at;
};

/*
 * struct _cl_mem - a buffer
 * @data: its bytes; of a sub-buffer, in its parent's
 * @owned: they were allocated for it
 * @dma_buf: they are mapped from this file; -1
 * @mappings: in force; protected by the context's lock, as @destructors is
 */
struct _cl_mem {
	struct object base;
	cl_context context;
	cl_mem parent;
	size_t offset, size;
	cl_mem_flags flags;
	void *host_ptr;
	uint8_t *data;
	bool owned;
	int dma_buf;
	cl_mem_properties *properties;
	size_t n_properties;
	struct mapping *mappings;
	struct callback *destructors;
};

bool mem_is(cl_mem mem);
/* Is [offset, offset + bytes) in it? */
bool mem_holds(cl_mem mem, size_t offset, size_t bytes);
/* Is it one, and of the queue's context? CL_SUCCESS, or the error. */
cl_int mem_check(cl_mem mem, cl_command_queue queue);
bool mem_overlaps(cl_mem a, size_t a_offset, size_t a_bytes,
		  cl_mem b, size_t b_offset, size_t b_bytes);

/* transfer.c, rect.c */

/*
 * What copies in queues and in command buffers are made of: checked, made into
 * a command, and left to the caller to enqueue.
 */
cl_int copy_command(cl_command_queue queue, cl_mem from, cl_mem to,
		    size_t from_offset, size_t to_offset, size_t bytes,
		    struct command **ret_command);
cl_int fill_command(cl_command_queue queue, cl_mem to, const void *pattern,
		    size_t pattern_bytes, size_t offset, size_t bytes,
		    struct command **ret_command);

/* Boxes of bytes in linear memory; a pitch of 0 stands for no gap. */
struct rect {
	const size_t *from_origin, *to_origin, *region;
	size_t from_row_pitch, from_slice_pitch, to_row_pitch, to_slice_pitch;
};

cl_int copy_rect_command(cl_command_queue queue, cl_mem from, cl_mem to,
			 const struct rect *rect, struct command **ret_command);

/* graph.c */

struct builtin;

/*
 * struct argument - of a kernel
 * @bytes: a buffer: at least that many, for each work item; a number: its size
 * @is_buffer: else it is a number
 * @is_output: written, not read
 * @is_constant: a buffer that a built-in kernel is compiled with
 */
struct argument {
	const char *name, *type;
	size_t bytes;
	bool is_buffer, is_output, is_constant;
};

/*
 * struct graph - a kernel of a program: a compiled network, or one of ours
 * @own: memory for @args and their names, or NULL
 * @image: the network; NULL: it is built in
 * @n_in: arguments that are the network's inputs; its outputs follow
 * @loaded: by device of the program, once built for it
 */
struct graph {
	const char *name;
	const struct argument *args;
	cl_uint n_args;
	struct argument *own;
	char *own_name;
	struct fxq_image *image;
	uint32_t n_in;
	const struct builtin *builtin;
	struct fxq_program **loaded;
};

/* What the image says of itself; takes @image over. @name NULL: its own. */
cl_int graph_of_image(struct graph *graph, struct fxq_image *image,
		      const char *name);
void graph_finish(struct graph *graph, cl_uint n_devices);
/* One run: the @item-th input and output in each of @mems. */
cl_int graph_run(const struct graph *graph, struct fxq_program *program,
		 const cl_mem *mems, size_t item);

/* program.c */

enum program_form {
	PROGRAM_SOURCE,
	PROGRAM_BINARY,
	PROGRAM_BUILTIN,
	PROGRAM_DEFINED,	/* networks that were compiled from a model */
};

/*
 * struct _cl_program
 * @bytes, @n_bytes: source or image
 * @kernels: that exist: then it is not built again
 * @lock: protects what follows, and graph.loaded
 * @status, @logs: by device: CL_BUILD_NONE, _SUCCESS, _ERROR
 */
struct _cl_program {
	struct object base;
	cl_context context;
	enum program_form form;
	cl_uint n_devices;
	cl_device_id *devices;
	char *bytes;
	size_t n_bytes;
	struct graph *graphs;
	cl_uint n_graphs;
	atomic_uint kernels;
	pthread_mutex_t lock;
	cl_build_status *status;
	char **logs;
	char *options;
};

bool program_is(cl_program program);
/* With room for @n_graphs, all empty, and nothing built. */
cl_program program_create(cl_context context, enum program_form form,
			  cl_uint n_devices, const cl_device_id *devices,
			  cl_uint n_graphs);
/* The devices that a new program names: all in @context. */
cl_int program_check_devices(cl_context context, cl_uint n,
			     const cl_device_id *devices);
/* Which of the program's devices it is; -1. */
int program_device(cl_program program, cl_device_id device);
/* Can it be run on the @i-th of its devices; -1: on any? */
bool program_built(cl_program program, int i);

/* kernel.c */

/*
 * struct value - what an argument is set to
 */
struct value {
	bool set;
	cl_mem mem;		/* NULL: none given, or a number */
	uint32_t number;
};

struct _cl_kernel {
	struct object base;
	cl_program program;
	const struct graph *graph;
	struct jit *jit;	/* of a built-in kernel */
	pthread_mutex_t lock;	/* of values */
	struct value *values;
};

bool kernel_is(cl_kernel kernel);

/* launch.c */

struct range {
	cl_uint dimensions;
	const size_t *offset, *global, *local;
};

/* As copy_command(): a launch of @kernel with what its arguments are now. */
cl_int launch_command(cl_command_queue queue, cl_kernel kernel,
		      const struct range *range, struct command **ret_command);

/*
 * struct launch - a kernel that is to run
 * @first, @count: work items, by dimension
 * @mems: of buffer arguments, else NULL
 * @why: it fails, in words
 */
struct launch {
	struct command base;
	cl_kernel kernel;
	const struct graph *graph;
	struct fxq_program *loaded;
	size_t first[WORK_DIMENSIONS], count[WORK_DIMENSIONS];
	struct value *values;
	cl_mem *mems;
	char why[FXQ_ERROR_MAX];
};

/* builtin.c */

struct fx_graph;

/*
 * struct builtin - a kernel that we bring
 * @sizes: how many bytes of each buffer a launch needs; or the error, if its
 *	   numbers and work items do not go together
 * @graph: the integer network that it is, made in an empty graph. Its inputs
 *	   and outputs are the buffers that are not constant. 0 or -errno
 */
struct builtin {
	const char *name;
	const struct argument *args;
	cl_uint n_args;
	cl_int (*sizes)(const struct launch *launch, size_t *bytes);
	int (*graph)(const struct launch *launch, struct fx_graph *graph);
};

extern const char *const builtin_names;	/* separated by ";" */
const struct builtin *builtin_find(const char *name, size_t length);
/* Do numbers, buffers and work items go together? */
cl_int builtin_check(const struct launch *launch);

/* builtin_graph.c: what each is made of */
int graph_of_copy(const struct launch *launch, struct fx_graph *graph);
int graph_of_add(const struct launch *launch, struct fx_graph *graph);
int graph_of_mul(const struct launch *launch, struct fx_graph *graph);
int graph_of_maxpool(const struct launch *launch, struct fx_graph *graph);
int graph_of_conv(const struct launch *launch, struct fx_graph *graph);
int graph_of_dense(const struct launch *launch, struct fx_graph *graph);

/* jit.c */

/*
 * A kernel's networks, each compiled for a device, sizes and constants; the
 * last few are kept.
 */
struct jit;

struct jit *jit_create(void);		/* NULL: no memory */
void jit_destroy(struct jit *jit);	/* accepts NULL */
cl_int jit_run(struct jit *jit, struct launch *launch, cl_device_id device);

#endif /* FXQ_OPENCL_ICD_H */
