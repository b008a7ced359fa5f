// SPDX-License-Identifier: MIT
/*
 * module_value.c - options and attributes, from a file that nobody vouches for
 *
 * Strings are in the memory of the graph until the file is accepted.
 */
#include <string.h>

#include "save.h"

static bool read_at(const struct loader *l, json_t *from, int depth,
		    fxv *ret);

static bool read_items(const struct loader *l, json_t *from, int kind,
		       int depth, fxv *ret)
{
	fxv items[MAX_ARGS + 1];
	size_t n = json_array_size(from);

	if (!json_is_array(from) || n > MAX_ARGS || depth == DEPTH_MAX ||
	    (kind == FX_ARG_SLICE && n != 3) || (kind == FX_ARG_DICT && n % 2))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!read_at(l, json_array_get(from, i), depth + 1, &items[i]))
			return false;
	items[n] = (fxv)FX_END;
	*ret = fx_tuple_of(FX_VALUE_TUPLE + (kind - FX_ARG_TUPLE), items);
	return true;
}

/* { "float": …}, { "name": …}, { "tuple": … } */
static bool read_tagged(const struct loader *l, json_t *from, int depth,
			fxv *ret)
{
	void *entry = json_object_iter(from);
	const char *tag = entry ? json_object_iter_key(entry) : "";
	json_t *v = entry ? json_object_iter_value(entry) : NULL;
	const char *text = json_string_value(v);

	if (!strcmp(tag, "float")) {
		ret->kind = FX_VALUE_FLOAT;
		return json_is_float(v, &ret->f);
	}
	if (!strcmp(tag, "name")) {
		*ret = (fxv){ .kind = FX_VALUE_NAME, .s = text ?
			      fx_graph_strdup(l->g, text) : NULL };
		return text || json_is_null(v);
	}
	for (int kind = FX_ARG_TUPLE; kind <= FX_ARG_DICT; kind++)
		if (!strcmp(tag, graph_sequences[kind]))
			return read_items(l, v, kind, depth, ret);
	return false;
}

static bool read_at(const struct loader *l, json_t *from, int depth, fxv *ret)
{
	*ret = fx_none;
	switch (from ? json_typeof(from) : JSON_REAL) {
	case JSON_NULL:
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
		*ret = fx_of_bool(json_is_true(from));
		return true;
	case JSON_INTEGER:
		*ret = fx_of_int(json_integer_value(from));
		return true;
	case JSON_STRING:
		*ret = fx_of_str(fx_graph_strdup(l->g,
						 json_string_value(from)));
		return true;
	case JSON_OBJECT:
		return read_tagged(l, from, depth, ret);
	default:
		return false;
	}
}

bool read_value(const struct loader *l, json_t *from, fxv *ret)
{
	return read_at(l, from, 0, ret);
}
