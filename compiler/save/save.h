/* SPDX-License-Identifier: MIT */
/*
 * save.h - what the readers and writers of .fxg files share
 */
#ifndef FXQ_SAVE_H
#define FXQ_SAVE_H

#include <locale.h>

#include <jansson.h>

#include <fxq/graph_file.h>

#include "files/files.h"
#include "nn/nn_priv.h"

/* Keys of arguments of several values. */
static const char *const graph_sequences[] = {
	[FX_ARG_TUPLE] = "tuple",
	[FX_ARG_LIST] = "list",
	[FX_ARG_SLICE] = "slice",
	[FX_ARG_DICT] = "dict",
};

/* A constant of a graph that has modules is the tensor of this name and its own. */
#define CONSTANTS	"_constants"

/* graph_save.c */

json_t *json_float(double f);
/* A node without its types; other nodes are their numbers, in node->data. */
json_t *json_node(const struct fx_node *n);
json_t *json_types(const struct fx_node *n);

/* graph_load.c */

#define DEPTH_MAX	8	/* of tuples in tuples */

/* struct made - a module of a file; @name: of its class, if that is not known */
struct made {
	struct fx_module *module;
	const char *name;
	size_t paths;
	unsigned int depth;
};

/*
 * struct loader
 * @gm: the root; NULL: the graph is functional
 * @known: what of a program nodes and modules may name
 * @made: the modules; @taken: for each tensor, the value that it became
 * @nodes: those that have been made, by number
 * @now: the name of the one that is being made
 */
struct loader {
	const char *file;
	struct fx_graph *g;
	struct tensors *tensors;
	struct fx_module *gm;
	const struct known *known;
	struct made *made;
	size_t n_made;
	fxv *taken;
	struct fx_node **nodes;
	size_t n;
	const char *now;
};

int bad_node(const struct loader *l, const char *what);
/* Numbers in files have a point, whatever the program's locale has. */
static inline locale_t c_locale(void)
{
	/* The C library keeps this one: it is there, and is not freed. */
	return newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The finite or infinite number that { "float": @from } is. */
bool json_is_float(json_t *from, double *ret);
struct callee;
/* The operator called @name, which fxq may not have. */
int find_operator(const struct loader *l, const char *name,
		  struct callee *ret);
/* The nodes of @graph, whose version has been looked at, and lint. */
int load_nodes(struct loader *l, json_t *graph);
/* What a file of saved graphs says; the caller decrefs *ret_graph. */
int read_note(const char *file, const struct tensors *t, json_t **ret_graph,
	      int *ret_version);
int bad_version(const char *file, int version);

/* module_node.c: nodes that call what a graph module has */

/* struct callee - what a node calls, or the operator that it shows */
struct callee {
	const struct fx_op *op;
	struct fx_module *module;
	const struct fxq_function *wrapped;
};

int find_callee(const struct loader *l, json_t *from, enum fx_opcode opcode,
		const char *target, struct callee *ret);
/* Does @n call what it calls with what that takes? */
int check_call(const struct loader *l, const struct fx_node *n);
/*
 * Does @n, an operator itself, take the tensors that it needs, and no more of
 * them and of parameters than a call has? @error[FXQ_ERROR_MAX] says what is
 * wrong.
 */
bool operator_fits(const struct fx_node *n, char *error);
/* "Net._post_process", or "nms" of a function; malloced. */
char *wrapped_name(const struct fxq_function *fn);

/*
 * module_load.c: modules, children before parents; the last is the root. The
 * caller puts l->made[], of which there are l->n_made on failure as well.
 */
int load_modules(struct loader *l, json_t *modules);
/* How the class of @m is called in the file. */
const char *class_name(const struct loader *l, const struct fx_module *m);

/* module_value.c: in the scope that is open; false if @from is no value */

bool read_value(const struct loader *l, json_t *from, fxv *ret);

/* known.c: classes and functions by name */

struct known;
struct known *known_new(const struct fx_load_options *options);
void known_free(struct known *k);
/* fxq's own, or one of a program's; NULL if there is none. */
const struct fx_class *known_class(const struct known *k, const char *name);
const struct fxq_function *known_function(const struct known *k,
					  const char *name);
/* Was it made by FX_MODULE? */
bool class_is_users(const struct known *k, const struct fx_class *class);

/* forever.c: what modules point to and do not own */

/* The strings in options and attributes of @m. */
void texts_for_ever(struct fx_module *m);
/*
 * A class called @name that only holds others. As a root's, whose graph is @g,
 * its arguments are the placeholders; @g may be NULL.
 */
const struct fx_class *container_class(const char *name,
				       const struct fx_graph *g);
extern const struct fx_class unnamed_container;

#endif /* FXQ_SAVE_H */
