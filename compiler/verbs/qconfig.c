// SPDX-License-Identifier: MIT
/*
 * qconfig.c - which module is quantized how
 *
 * Of all items that fit a node the most particular one holds: a path goes
 * before a type, a type before what is said of everything; among paths the
 * longest, among types that of the innermost module.
 */
#include <errno.h>
#include <stdlib.h>

#include "verbs.h"

void fx_qconfig_put(struct fx_module_qconfig *qconfig)
{
	fx_module_put(qconfig->activation);
	fx_module_put(qconfig->weight);
	*qconfig = (struct fx_module_qconfig){ NULL };
}

static bool key_is(const struct fx_qconfig_item *item, const char *key)
{
	return !strcmp(item->key, key);
}

static bool is_type(const struct fx_qconfig_item *item)
{
	return key_is(item, "module_type") || key_is(item, "object_type");
}

/* A fused module is of the type of its layer, too. */
static bool has_type(const struct fx_module *m, const char *type)
{
	const struct layer_class *layer = layer_class_of(m);

	return !strcmp(m->class->name, type) ||
	       (layer && !strcmp(layer->base->name, type));
}

static const struct fx_qconfig_item *
item_of_module(const struct fx_qconfig_item *dict, const struct fx_module *m)
{
	const struct fx_qconfig_item *found = NULL;

	for (; m && dict->key; dict++)
		if (is_type(dict) && has_type(m, dict->name))
			found = dict;
	return found;
}

/* By the name that code shows, or the method's. */
static const struct fx_qconfig_item *
item_of_function(const struct fx_qconfig_item *dict, const struct fx_node *n)
{
	const char *path = n->op ? n->op->path : twin_function(n);
	const struct fx_qconfig_item *found = NULL;

	for (; dict->key; dict++)
		if (key_is(dict, "object_type") &&
		    (!strcmp(dict->name, n->target) ||
		     (path && !strcmp(dict->name, path))))
			found = dict;
	return found;
}

/* Of the innermost module that has one; the root itself comes last. */
static const struct fx_qconfig_item *
item_of_type(const struct fx_qconfig_item *dict, struct fx_module *gm,
	     const struct fx_node *n)
{
	char *path = must_print("%s", n->scope ? n->scope : "");
	const struct fx_qconfig_item *found = NULL;

	if (n->opcode != FX_CALL_MODULE || twin_function(n))
		found = item_of_function(dict, n);
	while (!found && *path) {
		char *dot = strrchr(path, '.');

		found = item_of_module(dict, fx_module_at(gm, path));
		*(dot ? dot : path) = 0;
	}
	free(path);
	return found ? found : item_of_module(dict, gm);
}

static bool is_inside(const char *scope, const char *path)
{
	size_t len = strlen(path);

	return !strncmp(scope, path, len) && (!scope[len] || scope[len] == '.');
}

static const struct fx_qconfig_item *
item_of_name(const struct fx_qconfig_item *dict, const struct fx_node *n)
{
	const struct fx_qconfig_item *found = NULL;

	for (; n->scope && dict->key; dict++)
		if (key_is(dict, "module_name") &&
		    is_inside(n->scope, dict->name) &&
		    (!found || strlen(dict->name) >= strlen(found->name)))
			found = dict;
	return found;
}

const struct fx_module_qconfig *
qconfig_of(const struct fx_qconfig_item *dict, struct fx_module *gm,
	   const struct fx_node *n)
{
	const struct fx_qconfig_item *item = item_of_name(dict, n);

	if (!item)
		item = item_of_type(dict, gm, n);
	for (; !item && dict->key; dict++)
		if (!*dict->key)
			item = dict;
	return item ? item->qconfig : NULL;
}

static int check_observer(struct fx_module *gm, const char *what,
			  struct fx_module *m)
{
	if (m && m->error)
		return module_fail(gm, -EINVAL, "%s", m->error);
	if (m && !fx_is_observer(m))
		return module_fail(gm, -EINVAL, "the %s of a qconfig is a %s: it must be an observer or a fake quantizer",
				   what, m->class->name);
	return 0;
}

static int check_qconfig(struct fx_module *gm,
			 const struct fx_module_qconfig *qconfig)
{
	if (qconfig && !qconfig->weight)
		return module_fail(gm, -EINVAL, "a qconfig has no observer of weights; to leave a module float, give it no qconfig");
	if (!qconfig || check_observer(gm, "activation", qconfig->activation))
		return qconfig ? -EINVAL : 0;
	return check_observer(gm, "weight", qconfig->weight);
}

int qconfig_check(const struct fx_qconfig_item *dict, struct fx_module *gm)
{
	int ret = 0;

	for (; !ret && dict->key; dict++) {
		bool name = key_is(dict, "module_name");

		if (*dict->key && !name && !is_type(dict))
			return module_fail(gm, -EINVAL, "key of qconfig_dict must in {'', 'module_type', 'module_name'}.");
		if (*dict->key && !dict->name)
			return module_fail(gm, -EINVAL, "qconfig_dict: %s: no name is given",
					   dict->key);
		if (name && !fx_module_at(gm, dict->name))
			return module_fail(gm, -EINVAL, "qconfig_dict: the model has no module called '%s'",
					   dict->name);
		ret = check_qconfig(gm, dict->qconfig);
	}
	return ret;
}
