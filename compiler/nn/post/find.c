// SPDX-License-Identifier: MIT
/*
 * find.c - post-processing functions by name
 */
#include <string.h>

#include <fxq/post.h>

static const struct fxq_function *const functions[] = {
#define X(name) &fxq_builtin_##name,
	FX_POST_FUNCTIONS(X)
#undef X
};

const struct fxq_function *fx_post_find(const char *name)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!strcmp(functions[i]->name, name))
			return functions[i];
	return NULL;
}
