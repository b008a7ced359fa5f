// SPDX-License-Identifier: MIT
/*
 * value.c - values, the scopes that own them, and errors that are values
 *
 * A forward opens a scope; what is made while it runs is put on the scope's
 * list. When it returns, its result moves to the scope outside (or to nobody:
 * then the program owns it) and the rest is freed. So a temporary lives as long
 * as anything could name it, and no forward contains a free.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

_Thread_local struct context context;

void *must_alloc(size_t bytes)
{
	void *p = calloc(1, bytes ? bytes : 1);

	if (!p)
		abort();
	return p;
}

char *must_print(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		abort();
	va_end(args);
	return text;
}

int refuse(char *error, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(error, FXQ_ERROR_MAX, fmt, args);
	va_end(args);
	return -EINVAL;
}

static bool has_items(fxv v)
{
	return v.kind == FX_VALUE_TUPLE || v.kind == FX_VALUE_LIST ||
	       v.kind == FX_VALUE_SLICE || v.kind == FX_VALUE_DICT;
}

static bool is_object(fxv v)
{
	return v.kind == FX_VALUE_TENSOR || v.kind == FX_VALUE_POISON ||
	       has_items(v);
}

/* Every object begins with its struct object. */
static struct object *object_of(fxv v)
{
	return is_object(v) ? (struct object *)v.tensor : NULL;
}

static void link_object(struct object *o, struct scope *s)
{
	o->scope = s;
	o->prev = NULL;
	o->next = s ? s->objects : NULL;
	if (o->next)
		o->next->prev = o;
	if (s)
		s->objects = o;
}

static void unlink_object(struct object *o)
{
	if (!o->scope)
		return;
	if (o->next)
		o->next->prev = o->prev;
	if (o->prev)
		o->prev->next = o->next;
	else
		o->scope->objects = o->next;
	o->scope = NULL;
}

static void *object_new(enum fx_value_kind kind, size_t bytes)
{
	struct object *o = must_alloc(bytes);

	o->kind = kind;
	o->refs = 1;
	link_object(o, context.scope);
	return o;
}

static void object_free(struct object *o)
{
	if (o->kind == FX_VALUE_TENSOR && !((struct fx_tensor *)o)->view)
		fxq_tensor_free(&((struct fx_tensor *)o)->t);
	free(o);
}

/* The items of a tuple; none of anything else. */
static size_t items_of(fxv v, const fxv **ret_items)
{
	if (!has_items(v))
		return 0;
	*ret_items = v.tuple->items;
	return v.tuple->n;
}

void scope_open(struct scope *s)
{
	*s = (struct scope){ .parent = context.scope };
	context.scope = s;
}

/* Moves what belongs to @from outwards; what does not gains a reference. */
static void move_out(fxv v, struct scope *from, struct scope *to)
{
	struct object *o = object_of(v);
	const fxv *items;
	size_t n = items_of(v, &items);

	if (!o)
		return;

	if (o->scope == from && from) {
		unlink_object(o);
		link_object(o, to);
	} else if (!o->scope && !to) {
		o->refs++;
	} else {
		o->shared = true;
	}
	for (size_t i = 0; i < n; i++)
		move_out(items[i], from, to);
}

fxv scope_close(struct scope *s, fxv result)
{
	struct object *o, *next;

	if (s->error) {
		result = (fxv){ .kind = FX_VALUE_POISON, .error = s->error };
		if (s->parent && !s->parent->error)
			s->parent->error = s->error;
	}

	move_out(result, s, s->parent);
	context.scope = s->parent;
	for (o = s->objects; o; o = next) {
		next = o->next;
		object_free(o);
	}
	return result;
}

fxv value_keep(fxv v)
{
	struct object *o = object_of(v);
	const fxv *items;
	size_t n = items_of(v, &items);

	if (o)
		unlink_object(o);
	for (size_t i = 0; i < n; i++)
		value_keep(items[i]);
	return v;
}

fxv value_get(fxv v)
{
	move_out(v, NULL, NULL);
	return v;
}

fxv value_share(fxv v)
{
	struct object *o = object_of(v);
	const fxv *items;
	size_t n = items_of(v, &items);

	if (o)
		o->shared = true;
	for (size_t i = 0; i < n; i++)
		value_share(items[i]);
	return v;
}

static void drop_object(struct object *o)
{
	if (--o->refs)
		return;
	unlink_object(o);
	object_free(o);
}

void value_drop(fxv v)
{
	struct object *o = object_of(v);
	const fxv *items;
	size_t n = items_of(v, &items);

	for (size_t i = 0; i < n; i++)
		value_drop(items[i]);
	if (o)
		drop_object(o);
}

void fx_drop(fxv v)
{
	struct object *o = object_of(v);

	/* Inside a forward, what lives outside of it is not its to release. */
	if (!o || o->scope != context.scope)
		return;
	/* The first error waits for the forward's end as well. */
	if (o->scope && (o->shared || o->kind == FX_VALUE_POISON))
		return;

	/* In a scope a tuple's items are on its list as well. */
	if (o->scope)
		drop_object(o);
	else
		value_drop(v);
}

fxv tensor_value(const struct fxq_tensor *t)
{
	fxv v = { .kind = FX_VALUE_TENSOR };

	v.tensor = object_new(FX_VALUE_TENSOR, sizeof(*v.tensor));
	v.tensor->t = *t;
	return v;
}

fxv fx_view_of(const struct fxq_tensor *t)
{
	fxv v = tensor_value(t);

	v.tensor->view = true;
	return v;
}

size_t args_count(const fxv *args)
{
	size_t n = 0;

	while (args[n].kind != FX_VALUE_END)
		n++;
	return n;
}

fxv fx_tuple_of(enum fx_value_kind kind, const fxv *items)
{
	size_t n = args_count(items);
	fxv v = { .kind = kind };

	v.tuple = object_new(kind, sizeof(*v.tuple) + n * sizeof(*items));
	v.tuple->n = n;
	memcpy(v.tuple->items, items, n * sizeof(*items));
	return v;
}

fxv fx_slice_of(const fxv *items)
{
	size_t n = args_count(items);
	fxv all[4] = { fx_none, fx_none, fx_none, FX_END };

	if (!n || n > 3)
		return fx_poison(NULL, -EINVAL, "a slice of %zu numbers; it has one to three",
				 n);
	if (n == 1)
		all[1] = items[0];
	else
		memcpy(all, items, n * sizeof(*items));
	return fx_tuple_of(FX_VALUE_SLICE, all);
}

const struct fxq_tensor *fx_data(fxv v)
{
	return v.kind == FX_VALUE_TENSOR ? &v.tensor->t : NULL;
}

size_t fx_tuple_count(fxv v)
{
	const fxv *items;

	if (!has_items(v))
		return 1;
	return items_of(v, &items);
}

fxv fx_tuple_item(fxv v, size_t i)
{
	if (!has_items(v))
		return i ? fx_none : v;
	return i < v.tuple->n ? v.tuple->items[i] : fx_none;
}

static const fxv *poison_in(const fxv *v)
{
	const fxv *items, *found;
	size_t n = items_of(*v, &items);

	if (v->kind == FX_VALUE_POISON)
		return v;
	for (size_t i = 0; i < n; i++) {
		found = poison_in(&items[i]);
		if (found)
			return found;
	}
	return NULL;
}

const fxv *find_poison(const fxv *args)
{
	const fxv *found = NULL;

	for (; !found && args->kind != FX_VALUE_END; args++)
		found = poison_in(args);
	return found;
}

static bool has_node(fxv v)
{
	const fxv *items;
	size_t n = items_of(v, &items);

	if (v.kind == FX_VALUE_NODE)
		return true;
	for (size_t i = 0; i < n; i++)
		if (has_node(items[i]))
			return true;
	return false;
}

bool any_node(const fxv *args)
{
	for (; args->kind != FX_VALUE_END; args++)
		if (has_node(*args))
			return true;
	return false;
}

/* "net.c:31: fx_relu(x): the sentence", as much of it as is known. */
static char *error_text(const struct fx_loc *at, const char *sentence)
{
	if (!at || !at->file)
		return must_print("%s", sentence);
	if (!at->expr)
		return must_print("%s:%d: %s", at->file, at->line, sentence);
	return must_print("%s:%d: %s: %s", at->file, at->line, at->expr,
			  sentence);
}

static fxv poison(const struct fx_loc *at, int err, const char *class,
		  const char *fmt, va_list args)
{
	fxv v = { .kind = FX_VALUE_POISON };
	char *sentence, *text;

	if (vasprintf(&sentence, fmt, args) < 0)
		abort();

	text = error_text(at, sentence);
	v.error = object_new(FX_VALUE_POISON,
			     sizeof(*v.error) + strlen(text) + 1);
	v.error->err = err < 0 ? err : -EINVAL;
	v.error->class = class;
	v.error->sentence = strlen(text) - strlen(sentence);
	strcpy(v.error->text, text);
	if (context.scope && !context.scope->error)
		context.scope->error = v.error;
	free(text);
	free(sentence);
	return v;
}

fxv fx_poison(const struct fx_loc *at, int err, const char *fmt, ...)
{
	va_list args;
	fxv v;

	va_start(args, fmt);
	v = poison(at, err, RUNTIME_ERROR, fmt, args);
	va_end(args);
	return v;
}

fxv raise_error(const struct fx_loc *at, const char *class, const char *fmt, ...)
{
	va_list args;
	fxv v;

	va_start(args, fmt);
	v = poison(at, -EINVAL, class, fmt, args);
	va_end(args);
	return v;
}

const char *fx_error(fxv v)
{
	const fxv *poison = poison_in(&v);

	return poison ? poison->error->text : NULL;
}

const char *fx_error_class(fxv v)
{
	const fxv *poison = poison_in(&v);

	return poison ? poison->error->class : NULL;
}

const char *error_sentence(fxv v)
{
	const fxv *poison = poison_in(&v);

	return poison ? poison->error->text + poison->error->sentence : NULL;
}

int value_err(fxv v)
{
	const fxv *poison = poison_in(&v);

	return poison ? poison->error->err : 0;
}

bool arg_scalar(const struct fx_arg *a, fxv *ret)
{
	switch (a->kind) {
	case FX_ARG_NONE:
		*ret = fx_none;
		return true;
	case FX_ARG_BOOL:
		*ret = fx_of_bool(a->b);
		return true;
	case FX_ARG_INT:
		*ret = fx_of_int(a->i);
		return true;
	case FX_ARG_FLOAT:
		*ret = fx_of_float(a->f);
		return true;
	case FX_ARG_STR:
		*ret = fx_of_str(a->s);
		return true;
	case FX_ARG_NAME:
		*ret = (fxv){ .kind = FX_VALUE_NAME, .s = a->s };
		return true;
	default:
		return false;
	}
}
