// SPDX-License-Identifier: MIT
/*
 * known.c - classes and wrapped functions, by the names that files have
 *
 * fxq's own come first. A program's are those it gives; one instance of each
 * class shows which classes are inside.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/observer.h>

#include "save.h"
#include "verbs/saved.h"

struct known {
	const struct fx_class **classes;
	size_t n;
	const struct fxq_function *const *functions;
};

static const struct fx_class *const observers[] = {
#define X(id)	&fx_class_##id,
	FX_OBSERVER_CLASSES(X)
#undef X
};

static const struct fx_class *own_class(const char *name)
{
	const struct fx_class *class = class_named(name);

	for (size_t i = 0; !class && i < sizeof(observers) /
					 sizeof(*observers); i++)
		if (!strcmp(observers[i]->name, name))
			class = observers[i];
	return class ? class : saved_class_named(name);
}

bool class_is_users(const struct known *k, const struct fx_class *class)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->classes[i] == class)
			return true;
	return false;
}

static void add_classes(struct known *k, const struct fx_module *m)
{
	if (!own_class(m->class->name) && !class_is_users(k, m->class)) {
		k->classes = realloc(k->classes,
				     (k->n + 1) * sizeof(*k->classes));
		if (!k->classes)
			abort();
		k->classes[k->n++] = m->class;
	}
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			add_classes(k, m->members[i].module);
}

struct known *known_new(const struct fx_load_options *options)
{
	struct known *k = must_alloc(sizeof(*k));

	if (!options)
		return k;
	k->functions = options->functions;
	for (size_t i = 0; options->classes && options->classes[i]; i++) {
		struct fx_module *m = module_make(options->classes[i], NULL,
						  false);

		add_classes(k, m);
		fx_module_put(m);
	}
	return k;
}

void known_free(struct known *k)
{
	free(k->classes);
	free(k);
}

const struct fx_class *known_class(const struct known *k, const char *name)
{
	const struct fx_class *class = own_class(name);

	for (size_t i = 0; !class && i < k->n; i++)
		if (!strcmp(k->classes[i]->name, name))
			class = k->classes[i];
	return class;
}

/* A wrapped class's function is that of its modules, and no fx_wrapped. */
static bool is_of_module(const struct known *k, const struct fxq_function *fn)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->classes[i]->wrapped == fn)
			return true;
	return false;
}

const struct fxq_function *known_function(const struct known *k,
					  const char *name)
{
	for (size_t i = 0; k->functions && k->functions[i]; i++) {
		char *own;
		bool found;

		if (is_of_module(k, k->functions[i]))
			continue;
		own = wrapped_name(k->functions[i]);
		found = !strcmp(own, name);
		free(own);
		if (found)
			return k->functions[i];
	}
	return NULL;
}
