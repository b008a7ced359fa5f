/* SPDX-License-Identifier: MIT */
/*
 * plugin.h - a model, or wrapped functions, in a shared object
 *
 * A model's .c file becomes a plugin by one line,
 *
 *	FXQ_PLUGIN(Net, FXQ_INPUT(1, 3, 64, 64), _post_process)
 *
 * and `fxq-run build net.c`. It exports one object, `fxq_plugin`,
 * from which fxq-run takes the model to trace, and libfxq the functions that
 * an image names. The model may be NULL, FXQ_PLUGIN(NULL, FXQ_INPUT(), nms),
 * for a plugin that has functions only.
 */
#ifndef FXQ_PLUGIN_H
#define FXQ_PLUGIN_H

#include <fxq/each.h>
#include <fxq/fxq_call.h>

struct fx_module;

/* Raised when this struct, fxq_call.h or a struct of nn.h changes its layout. */
#define FXQ_PLUGIN_ABI	3

/*
 * struct fxq_plugin - what `fxq_plugin` in a shared object is
 * @abi: FXQ_PLUGIN_ABI of the headers it was compiled with: look at it first
 * @name: of the model; "NULL" if there is none
 * @model: makes the model, which the caller puts (nn.h); NULL: no model
 * @rank, @dims: the shape of an example input; rank 0: not said
 * @functions: its wrapped functions, up to a NULL
 */
struct fxq_plugin {
	uint32_t abi;
	uint32_t rank;
	const char *name;
	struct fx_module *(*model)(void);
	int64_t dims[FXQ_MAX_RANK];
	const struct fxq_function *const *functions;
};

#define FXQ_PLUGIN_FXQ_INPUT(...)					\
	.rank = sizeof((int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t),	\
	.dims = { __VA_ARGS__ }

/* FXQ_PLUGIN(Class or NULL, FXQ_INPUT(sizes…), wrapped names…) */
#define FXQ_PLUGIN(Class, input, ...)					\
	extern const struct fxq_plugin fxq_plugin;			\
	__attribute__((visibility("default")))				\
	const struct fxq_plugin fxq_plugin = {				\
		.abi = FXQ_PLUGIN_ABI,					\
		.name = #Class,						\
		.model = Class,						\
		FXQ_PLUGIN_##input,					\
		.functions = (const struct fxq_function *const[]){	\
			FX_EACH(FXQ_PLUGIN_FUNCTION, __VA_ARGS__)	\
			NULL						\
		},							\
	};
#define FXQ_PLUGIN_FUNCTION(i, name)	&fx_wrapped_##name.function,

#endif /* FXQ_PLUGIN_H */
