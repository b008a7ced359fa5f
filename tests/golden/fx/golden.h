/* SPDX-License-Identifier: MIT */
/*
 * golden.h - what each of the networks here exports
 *
 * NAME.txt holds a forward in Python and what torch 1.13 printed while it was
 * traced, or the error that it raised; NAME.c is the same forward in C. It ends
 * with a line that says how the network is called and traced:
 *
 *	GOLDEN(name, Class, fx_call(m, fx_gen(42, 1, 2, 4)), .eval = true)
 *
 * where m is the model, or the graph module or the compiled code that came from
 * it; all three must give the same bits. GOLDEN_TRACE is for what only traces.
 */
#ifndef GOLDEN_FX_H
#define GOLDEN_FX_H

#include <stdio.h>

#include <fxq/trace.h>

/*
 * struct golden_net
 * @call: calls it; NULL if it cannot be run
 * @eval: traced and run in evaluation mode
 * @concrete, @trace_asserts: for the tracer
 */
struct golden_net {
	const char *name;
	struct fx_module *(*model)(void);
	fxv (*call)(struct fx_module *m);
	bool eval;
	const struct fx_param *concrete;
	bool trace_asserts;
};

#define GOLDEN(id, Class, called, ...)					\
	static fxv call_##Class(struct fx_module *m)			\
	{								\
		return called;						\
	}								\
	GOLDEN_NET(id, Class, .call = call_##Class __VA_OPT__(,) __VA_ARGS__)
#define GOLDEN_TRACE(id, Class)	GOLDEN_NET(id, Class, .call = NULL)
#define GOLDEN_NET(id, Class, ...)					\
	extern const struct golden_net golden_##id;			\
	const struct golden_net golden_##id = {				\
		.name = #id, .model = Class, __VA_ARGS__		\
	};

/* X(name) */
#define GOLDEN_NETS(X)				\
	X(b01_residual)			\
	X(b02_concat)			\
	X(b03_depthwise_sequential)	\
	X(b04_shared_twice)		\
	X(b05_functional)		\
	X(b06_nested)			\
	X(b07_method_wrap)		\
	X(b08_function_wrap)		\
	X(b09_builtin_wrap)		\
	X(b10_module_wrap)		\
	X(b11_get_attr)			\
	X(b12_python_bool_false)	\
	X(b12_python_bool_true)		\
	X(b13_getitem_tuple)		\
	X(b14_multi_input)		\
	X(b14_multi_input_concrete)	\
	X(b15_varargs)			\
	X(b16_dict_output)		\
	X(b17_name_collisions)		\
	X(b18_keyword_names)		\
	X(b19_dead_code)		\
	X(b20_multi_use)		\
	X(b21_literals)			\
	X(b22_setitem)			\
	X(b23_unpack_two)		\
	X(b24_assert_traced)		\
	X(e01_proxy_if)			\
	X(e02_proxy_for)		\
	X(e03_proxy_range)		\
	X(e04_proxy_len)		\
	X(e05_proxy_kwunpack)		\
	X(e06_proxy_int)		\
	X(e07_proxy_while)		\
	X(e08_proxy_and)		\
	X(e09_proxy_not)		\
	X(e10_proxy_in)			\
	X(e11_proxy_assert)		\
	X(e12_unregistered_module)	\
	X(e13_bad_arg)			\
	X(seed1_eval)			\
	X(seed1_training)		\
	X(seed2_function_wrap)		\
	X(seed2_method_wrap)

#endif /* GOLDEN_FX_H */
