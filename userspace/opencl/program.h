/* SPDX-License-Identifier: MIT */
/*
 * program.h - what devices run: programs, their kernels and launches
 *
 * A kernel is a network that was compiled before, or one of ours, which is
 * compiled for the sizes and constants of each launch.
 */
#ifndef FXQ_OPENCL_PROGRAM_H
#define FXQ_OPENCL_PROGRAM_H

#include "buffer.h"

#define WORK_DIMENSIONS	3

/* graph.c */

struct builtin;

#define GRAPH_SLOTS	QUEUE_THREADS	/* runs of a network at once */

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
 * struct loaded - a network on a device
 * @row: a launch of many items has several runs in flight
 */
struct loaded {
	struct fxq_program *program;
	atomic_flag row;
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
	struct loaded *loaded;
};

/* What the image says of itself; takes @image over in any case. */
cl_int graph_of_image(struct graph *graph, struct fxq_image *image);
void graph_finish(struct graph *graph, cl_uint n_devices);
/* One run: the @item-th input and output in each of @mems. */
cl_int graph_run(const struct graph *graph, struct fxq_program *program,
		 const cl_mem *mems, size_t item);
/*
 * A run for each of @count items from @first on, several at a time if no other
 * launch does so: the CPU is at one while the device has another. @why: of a
 * failure, in words.
 */
cl_int graph_run_row(const struct graph *graph, struct loaded *loaded,
		     const cl_mem *mems, size_t first, size_t count,
		     char why[FXQ_ERROR_MAX]);

/* program.c */

enum program_form {
	PROGRAM_SOURCE,
	PROGRAM_BINARY,
	PROGRAM_BUILTIN,
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
	cl_mem mem;		/* watched; NULL: none given, or a number */
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
 * @why: it is refused or fails, in words
 */
struct launch {
	struct command base;
	cl_kernel kernel;
	const struct graph *graph;
	struct loaded *loaded;
	size_t first[WORK_DIMENSIONS], count[WORK_DIMENSIONS];
	struct value *values;
	cl_mem *mems;
	char why[FXQ_ERROR_MAX];
};

/* Keeps @code's reason in words: "kernel 'name' @format". Returns @code. */
__attribute__((format(printf, 3, 4)))
cl_int launch_refuse(struct launch *launch, cl_int code, const char *format,
		     ...);
/* Has the @i-th argument's buffer that many bytes? */
cl_int launch_check_room(struct launch *launch, cl_uint i, size_t bytes);

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
cl_int builtin_check(struct launch *launch);

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

#endif /* FXQ_OPENCL_PROGRAM_H */
