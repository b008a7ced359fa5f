/* SPDX-License-Identifier: MIT */
/*
 * graph_file.h - graphs in files: calibrate today, train and compile tomorrow
 *
 * A .fxg file is a safetensors file: its tensors are parameters, state and
 * constants, and its metadata, under "fxq_graph", the rest in JSON. What was
 * saved, loaded and saved again has the same bytes. Files are not trusted: what
 * no constructor and no verb makes is refused.
 *
 * Each function returns 0 or a negative errno; the sentence that explains a
 * failure goes to @error (at most @error_size bytes with the NUL).
 */
#ifndef FXQ_GRAPH_FILE_H
#define FXQ_GRAPH_FILE_H

#include <fxq/trace.h>

/* Raised when a file can say what older readers would misunderstand. */
#define FX_GRAPH_FILE_VERSION	1
#define FX_MODULE_FILE_VERSION	2

/*
 * A graph in functional form (fx.h), float or converted, with the type, scale
 * and zero point of each value. -ENOTSUP: it calls modules or wrapped functions,
 * which are code.
 */
int fx_graph_save(const struct fx_graph *g, const char *path, char *error,
		  size_t error_size);
/* The caller frees *ret_graph, which lint accepts. */
int fx_graph_load(const char *path, struct fx_graph **ret_graph, char *error,
		  size_t error_size);
int fx_graph_load_memory(const char *name, const void *data, size_t size,
			 struct fx_graph **ret_graph, char *error,
			 size_t error_size);

/*
 * A graph module (trace.h), as it was traced or as a verb of quantize_fx.h made
 * it: float, prepared or converted. The file has the graph and every module
 * below the root, once: its class by name, the options it was constructed with,
 * parameters, buffers and attributes; of a prepared one so also what each
 * observer and fake quantizer has seen, learned and is set to, and of what
 * qconfig it is a copy. Operators that fx_module_of_graph() left as they are have
 * their names and parameters there, as in a functional graph. Tensors are called
 * as in a state dict. What it runs instead of its graph (fx_set_code()) is not
 * saved.
 */
int fx_save(struct fx_module *gm, const char *path, char *error,
	    size_t error_size);

/*
 * What fx_save() would say of @gm, and nothing is written: asked before hours of
 * training, not after.
 */
int fx_save_check(struct fx_module *gm, const char *path, char *error,
		  size_t error_size);

/*
 * struct fx_load_options - what of a program a file may name
 * @classes: of FX_MODULE and FX_WRAP_MODULE, fx_module_class(Net), up to a NULL;
 *	     those of modules inside are known with them. May be NULL
 * @functions: wrapped, fx_wrapped_function(name), up to a NULL; may be NULL
 *
 * fxq's own classes need not be given, nor those whose forward was traced
 * through: without the class, such a module is one of the same name that only
 * holds others. What the graph calls, or passes to a wrapped method, is needed.
 */
struct fx_load_options {
	const struct fx_class *const *classes;
	const struct fxq_function *const *functions;
};
#define fx_module_class(Class)	(&fx_class_##Class)

/*
 * The graph module, which runs, trains, is prepared and converted as the one
 * that was saved; fx_module_put() frees it. @options may be NULL. -ENOENT: it
 * calls code that @options does not name; -ENOTSUP: another version, or a
 * functional graph.
 */
int fx_load(const char *path, const struct fx_load_options *options,
	    struct fx_module **ret_gm, char *error, size_t error_size);
int fx_load_memory(const char *name, const void *data, size_t size,
		   const struct fx_load_options *options,
		   struct fx_module **ret_gm, char *error, size_t error_size);

/* Whether @path is a file that fx_load() reads, and not fx_graph_load(). */
bool fx_file_has_module(const char *path);

#endif /* FXQ_GRAPH_FILE_H */
