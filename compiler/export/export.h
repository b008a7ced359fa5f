/* SPDX-License-Identifier: MIT */
/*
 * export.h - what the files of the ONNX exporter share
 *
 * A functional float graph is written node by node. Most operators go the way
 * that the importer's table shows, backwards; tables here have those that ONNX
 * spells otherwise. Everything is made in an arena that goes when the model
 * has been packed.
 */
#ifndef FXQ_EXPORT_H
#define FXQ_EXPORT_H

#include <errno.h>
#include <string.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#include "import/import.h"

#define EXPORT_OPSET	17	/* the first with LayerNormalization */
#define EXPORT_IR	8

/*
 * struct exporter
 * @arena: an empty graph, for its memory
 * @graph: so far
 */
struct exporter {
	struct fx_graph *g, *arena;
	Onnx__GraphProto *graph;
};

/* proto.c: messages. Names and arrays live as long as the arena. */

void *ex_alloc(struct exporter *e, size_t bytes);
const char *ex_printf(struct exporter *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* A new node of the model, named for @n's layer, without inputs and outputs. */
Onnx__NodeProto *ex_node(struct exporter *e, const struct fx_node *n,
			 const char *op_type);
/* Adds the value called @name; NULL: that this one is absent. */
void ex_in(struct exporter *e, Onnx__NodeProto *p, const char *name);
/* Absent inputs at the end are left out. */
void ex_trim(Onnx__NodeProto *p);
/* Makes @name an output of @p, and returns it. */
const char *ex_out(struct exporter *e, Onnx__NodeProto *p, const char *name);
void ex_int(struct exporter *e, Onnx__NodeProto *p, const char *name,
	    int64_t v);
void ex_float(struct exporter *e, Onnx__NodeProto *p, const char *name,
	      double v);
void ex_str(struct exporter *e, Onnx__NodeProto *p, const char *name,
	    const char *v);
void ex_ints(struct exporter *e, Onnx__NodeProto *p, const char *name,
	     const int64_t *v, size_t n);
void ex_tensor(struct exporter *e, Onnx__NodeProto *p, const char *name,
	       const struct fxq_tensor *t);
/* Initializers: of a tensor whose data stay, of integers, of one number. */
const char *ex_const(struct exporter *e, const char *name,
		     const struct fxq_tensor *t);
const char *ex_const_ints(struct exporter *e, const char *name,
			  const int64_t *v, size_t n);
const char *ex_const_int(struct exporter *e, const char *name, int64_t v);
const char *ex_const_float(struct exporter *e, const char *name, double v);
/* A value with its type, for the lists of inputs and outputs. */
Onnx__ValueInfoProto *ex_value_info(struct exporter *e, const char *name,
				    const struct fxq_tensor *t);

/* model.c */

/* The name of @n's value, if it has but one; NULL: there is no @n. */
const char *ex_name(const struct fx_node *n);
/* A name that is @n's value's with @what behind it. */
const char *ex_part(struct exporter *e, const struct fx_node *n,
		    const char *what);
/* The integers of kwarg @name, and behind them a 0; how many in *ret_count. */
const int64_t *ex_list(struct exporter *e, const struct fx_node *n,
		       const char *name, size_t *ret_count);
/* A node on @n's inputs whose output is @n's value. */
Onnx__NodeProto *ex_whole(struct exporter *e, const struct fx_node *n,
			  const char *op_type);
/*
 * One operator of several that make @n's value, on @a, and @b if it is not NULL;
 * returns @out, the name of what it makes.
 */
const char *ex_step(struct exporter *e, const struct fx_node *n,
		    const char *op_type, const char *a, const char *b,
		    const char *out);
/* Records a failure that names @n; returns @err. */
int ex_fail(struct exporter *e, const struct fx_node *n, int err,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* layers.c, shapes.c, functions.c: operators that the importer's table lacks */

typedef int (*export_fn)(struct exporter *e, struct fx_node *n);

struct ex_special {
	const char *name;		/* NULL: the end */
	export_fn export;
};

extern const struct ex_special ex_layers[], ex_shapes[], ex_functions[];

#endif
