/* SPDX-License-Identifier: MIT */
/*
 * trace.h - from a model to a graph, and back to something that runs
 *
 *	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
 *	struct fx_graph *graph;
 *
 *	fx_trace(model, &tracer, &graph);
 *	fx_graph_print_tabular(graph, stdout);
 *	struct fx_module *gm = GraphModuleWithAttr(model, graph);
 *	fxv y = fx_call(gm, data);
 *
 * The tracer calls the model's forward with values that stand for nodes, and
 * each operation writes a node down. Modules of nn_table.h become call_module
 * nodes; classes written with FX_MODULE are traced through, and so are
 * QuantStub and DeQuantStub, which vanish, unless the tracer is told to skip
 * them. What C decides while tracing, such as `if (fx_training(self))`, is
 * decided once: the graph has the branch that was taken. To keep such code
 * whole, wrap it.
 */
#ifndef FXQ_TRACE_H
#define FXQ_TRACE_H

#include <fxq/nn.h>

/*
 * struct fx_tracer
 * @skip_names: Input: paths of modules to record as one call each, whatever
 *		their class; ends with NULL; may be NULL
 * @skip_classes: Input: names of classes, likewise
 * @concrete: Input: arguments of the forward that have this value while it is
 *	      traced; the graph asserts that they have it whenever it runs. Ends
 *	      with a NULL name; may be NULL
 * @trace_asserts: Input: fx_assert() of a traced value is a node, no error
 * @error: Output: why the trace failed, one sentence with file, line and the
 *	   C expression; "" after success
 * @error_class: Output: the class that Python would raise; NULL after success
 * @error_text: Output: where in @error the sentence begins
 */
struct fx_tracer {
	const char *const *skip_names;
	const char *const *skip_classes;
	const struct fx_param *concrete;
	bool trace_asserts;
	char error[1024];
	const char *error_class;
	size_t error_text;
};

#define QuantizationTracer(names, classes)	\
	((struct fx_tracer){ .skip_names = names, .skip_classes = classes })

/*
 * Traces @model. Batch norms are in evaluation mode while their model is
 * traced, and what they were afterwards. The graph is the caller's, and points
 * into the model, which must outlive it. -EINVAL, or the first error's number,
 * if an operation failed, and no graph.
 */
int fx_trace(struct fx_module *model, struct fx_tracer *tracer,
	     struct fx_graph **ret_graph);

/*
 * What flags decided while @model was traced: a line for each reading of one, by
 * fx_training() or fx_truth(), with what the graph would be otherwise,
 *
 *	net.c:31: training read as true; with false the graph would have argmax
 *	instead of softmax; wrap _post_process to keep both
 *
 * on one line. What is to be wrapped is the function that reads the flag; in a
 * forward it is the part that does, as a method of that name. The forward runs
 * once more for each, printing what it prints. @ret_notes is malloced, and
 * empty if no flag was read. Fails as fx_trace() does.
 */
int fx_trace_notes(struct fx_module *model, struct fx_tracer *tracer,
		   char **ret_notes);

/* fx_graph_print_tabular() to stdout. */
void fx_print_tabular(const struct fx_graph *g);

/*
 * A module that runs @graph: the model's members are its own too, and `_self`
 * is the graph module itself, so that a wrapped method sees *its* training
 * flag. It takes the graph over, holds the model, and has fx_call(), fx_train()
 * and fx_eval() as any other; fx_module_put() frees it. Never NULL.
 */
struct fx_module *fx_graph_module(struct fx_module *model,
				  struct fx_graph *graph);
#define GraphModuleWithAttr(model, graph)	fx_graph_module(model, graph)

/*
 * The graph as C: a translation unit that defines `forward` with FX_CODE. It
 * has the lines of fx_graph_code(), and releases a value where that has
 * `x = None`. A name that C has a use for gets a `_` behind it. Malloced.
 */
char *fx_graph_code_c(struct fx_graph *g);

/*
 * FX_CODE(name, arguments…) { body } defines a struct fx_code of that name, which
 * a graph module can run in place of its graph. In the body self is the graph
 * module, a struct fx_module *.
 */
struct fx_code {
	fxv (*forward)(struct fx_module *self, const fxv *args);
	struct fx_method method;
};

#define FX_CODE(name, ...)						\
	static fxv fx_code_##name(struct fx_module *self		\
				  FX_EACH(FX_ARG_DECLARE, __VA_ARGS__)); \
	static fxv fx_code_call_##name(struct fx_module *self,		\
				       __attribute__((unused))		\
				       const fxv *args)			\
	{								\
		return fx_code_##name(self				\
				      FX_EACH(FX_ARG_PASS, __VA_ARGS__)); \
	}								\
	static const struct fx_param fx_code_params_##name[] = {	\
		FX_EACH(FX_ARG_ROW, __VA_ARGS__)			\
		{ NULL, FX_REQUIRED }					\
	};								\
	extern const struct fx_code name;				\
	__attribute__((visibility("default")))				\
	const struct fx_code name = {					\
		fx_code_call_##name, { fx_code_params_##name }		\
	};								\
	static fxv fx_code_##name(__attribute__((unused))		\
				  struct fx_module *self		\
				  FX_EACH(FX_ARG_DECLARE, __VA_ARGS__))

/* From now on @gm runs @code, which must outlive it; NULL: its graph again. */
void fx_set_code(struct fx_module *gm, const struct fx_code *code);

/*
 * What code does that no forward needs: the attribute at a path, which is _self
 * or a module too, as self of a wrapped method; and a call of the wrapped
 * function that the graph of @gm has under this name, self first.
 */
fxv fx_attribute(struct fx_module *gm, const char *path);
#define fx_call_wrapped(gm, name, ...)	\
	fx_call_wrapped_of(gm, name, FX_ARGS(__VA_ARGS__))
fxv fx_call_wrapped_of(struct fx_module *gm, const char *name,
		       const fxv *args);

/*
 * struct fx_interpreter - runs a graph module node by node, and lets a program
 * look at each value or put another in its place
 * @run_node: what @n answers, or NULL: fx_interpret_node(), which it may call
 *	      itself
 * @priv: the program's
 * @gm: the graph module that runs
 * @args, @env, @last, @now: the interpreter's own
 *
 * fx_interpret(&interpreter, gm, x, …) is fx_call(gm, x, …) but for @run_node.
 * fx_interpret_value() is what a node has answered, as long as it is needed.
 */
struct fx_interpreter {
	fxv (*run_node)(struct fx_interpreter *i, struct fx_node *n);
	void *priv;
	struct fx_module *gm;
	const fxv *args;
	fxv *env;
	struct fx_node **last, *now;
};
#define fx_interpret(interpreter, gm, ...)	\
	fx_interpret_args(interpreter, gm, FX_ARGS(__VA_ARGS__))
fxv fx_interpret_args(struct fx_interpreter *i, struct fx_module *gm,
		      const fxv *args);
fxv fx_interpret_node(struct fx_interpreter *i, struct fx_node *n);
fxv fx_interpret_value(struct fx_interpreter *i, const struct fx_node *n);

/* fx_graph_code() of a graph module, and a newline, to stdout. */
void fx_print_code(const struct fx_module *gm);

/*
 * The traced graph @g of @model in functional form (fx.h), as a graph of its
 * own that the caller frees: every module an operator with its parameters as
 * constants, batch norms by their running statistics, dropout and stubs gone.
 * Wrapped functions that have no lowering (lowering.h) stay, as call_method nodes
 * with tensors as args, numbers as kwargs, and node->wrapped. node->source is the
 * module's path. The types of the placeholders are left to the caller. On failure
 * the sentence is in fx_graph_error(@g).
 */
int fx_functionalize(struct fx_graph *g, struct fx_module *model,
		     struct fx_graph **ret_graph);

/*
 * FX_WRAP_METHOD(Class, name, arguments…) { body }
 * FX_WRAP_FUNCTION(name, arguments…) { body }
 *
 * Defines name(self, arguments…) or name(arguments…). Called under the tracer
 * it records one call, of which the body stays whole; called with tensors it
 * runs the body. So control flow, printing and shapes that depend on data are
 * kept as they are written. In a graph module or a compiled program, self is
 * that module or program. Arguments are as in FX_FORWARD; fx_default leaves
 * one at its default, fx_named(value) passes one by name.
 *
 * The wrapped code is also a struct fxq_function, fx_wrapped_function(name), of
 * that name: what a program registers with libfxq and a plugin lists. Its user
 * pointer may be a model of the class, whose members the body then sees; with
 * NULL, self has the training flag and the attributes of the program only.
 */
#define FX_WRAP_METHOD(Class, name, ...)				\
	FX_WRAP(name, &fx_class_##Class, &self->module,			\
		(__attribute__((unused)) struct Class *self		\
		 FX_EACH(FX_ARG_DECLARE, __VA_ARGS__)),			\
		((struct Class *)module FX_EACH(FX_ARG_PASS, __VA_ARGS__)), \
		__VA_ARGS__)

#define FX_WRAP_FUNCTION(name, ...)					\
	FX_WRAP(name, NULL, NULL,					\
		(FX_TAIL(FX_EACH(FX_ARG_DECLARE, __VA_ARGS__))),	\
		(FX_TAIL(FX_EACH(FX_ARG_PASS, __VA_ARGS__))),		\
		__VA_ARGS__)

#define fx_wrapped_function(name)	(&fx_wrapped_##name.function)

#define FX_WRAP(name, class_of, self_module, declared, passed, ...)	\
	static fxv fx_body_##name declared;				\
	static fxv fx_call_##name(__attribute__((unused))		\
				  struct fx_module *module,		\
				  __attribute__((unused))		\
				  const fxv *args)			\
	{								\
		return fx_body_##name passed;				\
	}								\
	static const struct fx_param fx_params_##name[] = {		\
		FX_EACH(FX_ARG_ROW, __VA_ARGS__)			\
		{ NULL, FX_REQUIRED }					\
	};								\
	static int fx_eval_##name(struct fxq_call *call);		\
	static const struct fx_wrapped fx_wrapped_##name = {		\
		.function = { #name, NULL, fx_eval_##name },		\
		.class = class_of,					\
		.body = fx_call_##name,					\
		.method = { fx_params_##name },				\
		.at = { __FILE__, __LINE__, #name, #name },			\
	};								\
	static int fx_eval_##name(struct fxq_call *call)		\
	{								\
		return fx_wrapped_eval(&fx_wrapped_##name, call);	\
	}								\
	__attribute__((unused)) static inline fxv name declared		\
	{								\
		return fx_wrapped_call(&fx_wrapped_##name, self_module,	\
				       (const fxv[]) {			\
			FX_EACH(FX_ARG_ITEM, __VA_ARGS__)		\
			FX_END						\
		});							\
	}								\
	static fxv fx_body_##name declared

/* What is left of a list without its first, here empty, item. */
#define FX_TAIL(...)			FX_TAIL_OF(__VA_ARGS__)
#define FX_TAIL_OF(first, ...)		__VA_ARGS__

/*
 * struct fx_wrapped - a wrapped function or method
 * @function: comes first: node->wrapped of a traced call points to it
 * @class: of the method's self; NULL for a function
 * @body: the code, every argument given
 * @at: where it is defined
 */
struct fx_wrapped {
	struct fxq_function function;
	const struct fx_class *class;
	fxv (*body)(struct fx_module *self, const fxv *args);
	struct fx_method method;
	struct fx_loc at;
};

/* The public name's way in, and the way in through fxq_call.h. */
fxv fx_wrapped_call(const struct fx_wrapped *w, struct fx_module *self,
		    const fxv *args);
int fx_wrapped_eval(const struct fx_wrapped *w, struct fxq_call *call);

#endif /* FXQ_TRACE_H */
