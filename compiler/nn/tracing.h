/* SPDX-License-Identifier: MIT */
/*
 * tracing.h - what the files of the tracer share
 *
 * trace.c runs a forward and records the calls that it makes; trace_input.c
 * makes the values that the forward gets, trace_record.c the nodes.
 */
#ifndef FXQ_NN_TRACING_H
#define FXQ_NN_TRACING_H

#include "nn_priv.h"

#define NAME_ERROR	"builtins.NameError"
#define NOT_INSTALLED	"module is not installed as a submodule"

/*
 * struct tracing
 * @scope: path of the module whose forward is running
 */
struct tracing {
	struct fx_graph *g;
	struct fx_module *root;
	const char *scope;
	const struct fx_tracer *tracer;
	unsigned int n_constants;
	struct flags *flags;
};

/*
 * struct arguments - of a node being made
 * @err: why one of them could not be; the poison has been made
 */
struct arguments {
	const struct fx_loc *at;
	struct fx_arg args[MAX_ARGS];
	struct fx_kwarg kwargs[MAX_ARGS];
	size_t n_args, n_kwargs;
	int err;
};

/* trace_record.c */

void record_arg(struct arguments *a, fxv v);
void record_kwarg(struct arguments *a, const char *name, fxv v);
/* All of a call, END-terminated: by name behind the first left at its default. */
void record_args(struct arguments *a, const struct fx_param *params,
		 const fxv *args);
/* The node that has them; NULL after an error. */
struct fx_node *trace_record(struct arguments *a, enum fx_opcode opcode,
			     const char *target, const struct fx_op *op);
/* The value of @n; if that is NULL, the poison that the scope has. */
fxv trace_answer(struct fx_node *n);

/* trace_input.c: one value for each argument of the forward of @model */
void trace_inputs(struct fx_module *model, fxv args[MAX_ARGS]);

#endif /* FXQ_NN_TRACING_H */
