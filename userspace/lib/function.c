// SPDX-License-Identifier: MIT
/*
 * function.c - the registry of functions
 *
 * One list for the process, since a name means the same in every image.
 * Programs copy what they bind, so that the list may change at any time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/table.h"

#include "function.h"

struct entry {
	struct entry *next;
	struct fxq_function fn;
	void *user;
	char name[];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of the list */
static struct entry *entries;

static const struct fxq_function *const builtins[] = {
#define X(name) &fxq_builtin_##name,
	FXQ_BUILTINS(X)
#undef X
	NULL
};

static const char *const builtin_kernels[] = {
#define X(name) name,
	FXQ_BUILTIN_KERNELS(X)
#undef X
	NULL
};

/* The link that points to @name's entry, or to the end; with the lock held. */
static struct entry **find(const char *name)
{
	struct entry **e = &entries;

	while (*e && strcmp((*e)->name, name))
		e = &(*e)->next;
	return e;
}

FXQ_PUBLIC int fxq_register_function(const struct fxq_function *fn, void *user)
{
	struct entry *e, **at;

	if (!fn || !fn->name || !*fn->name || !fn->eval)
		return fxq_fail(-EINVAL,
				"a function needs a name and an eval to be registered");
	e = malloc(sizeof(*e) + strlen(fn->name) + 1);
	if (!e)
		return fxq_fail_memory("a function");
	*e = (struct entry){ .fn = *fn, .user = user };
	strcpy(e->name, fn->name);

	pthread_mutex_lock(&lock);
	at = find(fn->name);
	if (*at) {
		pthread_mutex_unlock(&lock);
		free(e);
		return fxq_fail(-EEXIST,
				"a function called %s is registered already; unregister that one first",
				fxq_quote(fn->name));
	}
	*at = e;
	pthread_mutex_unlock(&lock);
	return 0;
}

FXQ_PUBLIC int fxq_unregister_function(const char *name)
{
	struct entry *e, **at;

	pthread_mutex_lock(&lock);
	at = find(name);
	e = *at;
	if (e)
		*at = e->next;
	pthread_mutex_unlock(&lock);
	if (!e)
		return fxq_fail(-ENOENT, "no function called %s is registered",
				fxq_quote(name));
	free(e);
	return 0;
}

static bool find_registered(const char *name, struct bound *ret)
{
	const struct entry *e;

	pthread_mutex_lock(&lock);
	e = *find(name);
	if (e)
		*ret = (struct bound){ e->fn.infer, e->fn.eval, e->user,
				       0, -1, -1 };
	pthread_mutex_unlock(&lock);
	return e;
}

int operator_find(const char *name, struct bound *ret)
{
	const struct fxq_kernel *k = fxq_kernel_find(name);

	if (!k)
		return -ENOENT;
	*ret = (struct bound){ k->fn.infer, k->fn.eval, NULL,
			       k->min_in, k->max_in, k->n_out };
	return 0;
}

int function_find(const char *name, struct bound *ret)
{
	if (find_registered(name, ret))
		return 0;
	for (size_t i = 0; builtins[i]; i++)
		if (!strcmp(builtins[i]->name, name)) {
			*ret = (struct bound){ builtins[i]->infer,
					       builtins[i]->eval, NULL,
					       0, -1, -1 };
			return 0;
		}
	for (size_t i = 0; builtin_kernels[i]; i++)
		if (!strcmp(builtin_kernels[i], name))
			return operator_find(name, ret);
	return -ENOENT;
}

void function_list_builtin(char *text, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; builtin_kernels[i] && at < size; i++)
		at += snprintf(text + at, size - at, "%s%s", i ? ", " : "",
			       builtin_kernels[i]);
	for (size_t i = 0; builtins[i] && at < size; i++)
		at += snprintf(text + at, size - at, ", %s", builtins[i]->name);
}
