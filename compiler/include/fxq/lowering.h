/* SPDX-License-Identifier: MIT */
/*
 * lowering.h - what the device does in place of a wrapped function
 *
 *	FX_WRAP_FUNCTION(quick_gelu, x)
 *	{
 *		... loops over elements, as the program needs it ...
 *	}
 *
 *	FX_LOWERING(quick_gelu, x)
 *	{
 *		return fx_mul(x, fx_sigmoid(fx_mul(x, 1.702)));
 *	}
 *
 * A traced graph has one call of quick_gelu, and an eager model runs the
 * wrapped body. fuse_fx, prepare_calibration_fx, prepare_qat_fx and
 * fx_functionalize() put what the lowering records in the place of the call, so
 * that it is observed, quantized and compiled as if the model had been written
 * so. What has no lowering stays whole, on the CPU.
 */
#ifndef FXQ_LOWERING_H
#define FXQ_LOWERING_H

#include <fxq/trace.h>

/*
 * struct fx_lowering - of what is wrapped under a name
 * @name: of the wrapped function, method or class
 * @body: records the operators, and returns their value, or a tuple of values of
 *	  which each is taken by its number; NULL: this code stays on the CPU,
 *	  whatever else is registered
 * @params: as many as the wrapped code has; only their number counts
 * @next: the registry's
 */
struct fx_lowering {
	const char *name;
	fxv (*body)(struct fx_module *self, const fxv *args);
	const struct fx_param *params;
	struct fx_lowering *next;
};

/*
 * From now on wrapped code of this name is lowered so, by every thread. The
 * struct belongs to the caller and must last until it is taken out again. Of
 * several the last one counts. Neither can fail.
 */
void fx_register_lowering(struct fx_lowering *lowering);
void fx_unregister_lowering(struct fx_lowering *lowering);

/*
 * FX_LOWERING(name, arguments…) { body }
 *
 * Registers a lowering while the program or plugin it is in is loaded. In the
 * body, self is the struct fx_module * whose method or forward is lowered, NULL
 * for a function; arguments that a call leaves at their defaults have those of
 * the wrapped code. The body sees traced values: it may call modules of self and
 * decide by numbers, but not by elements.
 */
#define FX_LOWERING(name, ...)						\
	static fxv fx_lowered_##name(struct fx_module *self		\
				     FX_EACH(FX_ARG_DECLARE, __VA_ARGS__)); \
	static fxv fx_lower_##name(struct fx_module *self,		\
				   __attribute__((unused))		\
				   const fxv *args)			\
	{								\
		return fx_lowered_##name(self				\
					 FX_EACH(FX_ARG_PASS, __VA_ARGS__)); \
	}								\
	static const struct fx_param fx_lowering_params_##name[] = {	\
		FX_EACH(FX_ARG_ROW, __VA_ARGS__)			\
		{ NULL, FX_REQUIRED }					\
	};								\
	FX_LOWERING_OF(fx_lowering_##name, #name, fx_lower_##name,	\
		       fx_lowering_params_##name)			\
	static fxv fx_lowered_##name(__attribute__((unused))		\
				     struct fx_module *self		\
				     FX_EACH(FX_ARG_DECLARE, __VA_ARGS__))

/*
 * FX_SKIP_COMPILE(name): the wrapped code of this name stays on the CPU, whoever
 * registers a lowering for it.
 */
#define FX_SKIP_COMPILE(name)	\
	FX_LOWERING_OF(fx_skip_compile_##name, #name, NULL, NULL)

#define FX_LOWERING_OF(object, its_name, its_body, its_params)		\
	static struct fx_lowering object = {				\
		.name = its_name,					\
		.body = its_body,					\
		.params = its_params,					\
	};								\
	__attribute__((constructor)) static void object##_load(void)	\
	{								\
		fx_register_lowering(&object);				\
	}								\
	__attribute__((destructor)) static void object##_unload(void)	\
	{								\
		fx_unregister_lowering(&object);			\
	}

#endif /* FXQ_LOWERING_H */
