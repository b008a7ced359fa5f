/* SPDX-License-Identifier: MIT */
/*
 * function.h - what runs on the CPU, by name
 *
 * Wrapped functions come from three places, asked in this order: registered
 * by the program (a plugin's count as the program's), then the built-in ones.
 */
#ifndef FXQ_LIB_FUNCTION_H
#define FXQ_LIB_FUNCTION_H

#include <fxq/post.h>

#include "priv.h"

/* X(name): functions of libfxq itself, each a fxq_builtin_NAME. */
#define FXQ_BUILTINS(X)	FX_POST_FUNCTIONS(X)

/* X(name): operators of the compiler that are built-in functions, too. */
#define FXQ_BUILTIN_KERNELS(X)	\
	X("softmax")		\
	X("argmax")		\
	X("top_k")

/*
 * struct bound - a function bound to a step
 * @min_in, @max_in, @n_out: what it insists on, see struct fxq_kernel; a
 *			     function of the program's checks for itself, and
 *			     has 0, -1, -1
 */
struct bound {
	fxq_call_fn infer, eval;
	void *user;
	int min_in, max_in, n_out;
};

/* A wrapped function, or an operator of the runtime; -ENOENT if unknown. */
int function_find(const char *name, struct bound *ret);
int operator_find(const char *name, struct bound *ret);

/* "softmax, argmax, ..." for messages, in @text[@size]. */
void function_list_builtin(char *text, size_t size);

#endif /* FXQ_LIB_FUNCTION_H */
