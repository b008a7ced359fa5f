// SPDX-License-Identifier: MIT
/*
 * options.c - the arguments of constructors and functions
 *
 * `Conv2d(3, 8, 3, .padding = 1)` initialises a struct, and C forgets which
 * members an initialiser named: an absent dim and dim 0 look the same, and the
 * order in which they were written is gone, though a trace must print it. So
 * the macro passes the initialiser's text along, and the names, not the values,
 * are taken from it.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "nn_priv.h"

static const char *skip_quoted(const char *s)
{
	char quote = *s++;

	while (*s && *s != quote)
		s += s[0] == '\\' && s[1] ? 2 : 1;
	return *s ? s + 1 : s;
}

/* The comma or the end that follows an item, outside brackets and quotes. */
static const char *item_end(const char *s)
{
	int depth = 0;

	while (*s && (depth || *s != ',')) {
		if (*s == '"' || *s == '\'') {
			s = skip_quoted(s);
			continue;
		}
		depth += *s == '(' || *s == '[' || *s == '{';
		depth -= *s == ')' || *s == ']' || *s == '}';
		s++;
	}
	return s;
}

static bool name_is(const char *name, const char *text, size_t len,
		    const char *suffix)
{
	size_t n = strlen(name);

	return len == n + strlen(suffix) && !strncmp(text, name, n) &&
	       !strncmp(text + n, suffix, len - n);
}

const char *option_suffix(const struct fx_option *option, size_t count)
{
	bool ends = option->type == FX_OPTION_ENDS;

	if (count == 2 && (ends || option->type == FX_OPTION_PAIR))
		return "_hw";
	return count == 4 && ends ? "_tlbr" : NULL;
}

/* How many numbers @text names an option as; 0: it is another. */
static size_t count_named(const struct fx_option *option, const char *text,
			  size_t len)
{
	static const size_t counts[] = { 2, 4 };

	if (name_is(option->name, text, len, ""))
		return 1;
	for (size_t i = 0; i < 2; i++) {
		const char *suffix = option_suffix(option, counts[i]);

		if (suffix && name_is(option->name, text, len, suffix))
			return counts[i];
	}
	return 0;
}

/* The option that @text names, and as how many numbers. */
static int option_named(const struct fx_option *table, size_t n,
			const char *text, size_t *ret_count)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	for (size_t i = 0; i < n; i++) {
		*ret_count = count_named(&table[i], text, len);
		if (*ret_count)
			return i;
	}
	return -1;
}

/* Where option @i stands, or for @i = n what follows them all. */
static const void *slot_at(const struct fx_option *table, size_t i,
			   const void *from)
{
	size_t bytes = 8 * i;

	for (size_t k = 0; k < i; k++)
		if (table[k].type == FX_OPTION_VALUE)
			bytes += sizeof(fxv) - 8;
	return (const char *)from + bytes;
}

/* Where option @i stands as a pair: after all options, in order. */
static const int64_t *pair_at(const struct fx_option *table, size_t n,
			      size_t i, const void *from)
{
	size_t before = 0;

	for (size_t k = 0; k < i; k++)
		before += table[k].type == FX_OPTION_PAIR ? 2 :
			  table[k].type == FX_OPTION_ENDS ? 2 + 4 : 0;
	return (const int64_t *)slot_at(table, n, from) + before;
}

static fxv read_slot(const struct fx_option *option, const void *slot)
{
	switch (option->type) {
	case FX_OPTION_FLOAT:
		return (fxv)FX_FLOAT(*(const double *)slot);
	case FX_OPTION_BOOL:
		return (fxv)FX_BOOL(*(const bool *)slot);
	case FX_OPTION_STR:
		return (fxv)FX_STR(*(const char *const *)slot);
	case FX_OPTION_VALUE:
		return *(const fxv *)slot;
	default:
		return (fxv)FX_INT(*(const int64_t *)slot);
	}
}

static fxv read_option(const struct fx_option *table, size_t n, size_t i,
		       size_t count, const void *from)
{
	const int64_t *v;

	if (count == 1)
		return read_slot(&table[i], slot_at(table, i, from));
	v = pair_at(table, n, i, from);
	if (count == 2)
		return fx_tuple(v[0], v[1]);
	return fx_tuple(v[2], v[3], v[4], v[5]);
}

static void set_defaults(const struct fx_option *table, size_t n,
			 struct options *o)
{
	*o = (struct options){ 0 };
	for (size_t i = 0; i < n; i++)
		o->values[i] = table[i].def;
}

static int check_required(const struct fx_option *table, size_t n,
			  const struct options *o, char *error)
{
	for (size_t i = 0; i < n; i++)
		if (o->values[i].kind == FX_VALUE_DEFAULT)
			return refuse(error, "the argument '%s' is missing",
				      table[i].name);
	return 0;
}

int options_read(const struct fx_option *table, size_t n, const void *from,
		 const char *given, struct options *ret, char *error)
{
	const char *s = given + strspn(given, " ");
	size_t count;
	int i;

	set_defaults(table, n, ret);
	while (*s) {
		const char *end = item_end(s);

		if (*s == '.') {
			i = option_named(table, n, s + 1, &count);
			if (i < 0 || ret->n_named == MAX_OPTIONS)
				return refuse(error, "no argument is called '%.*s'",
					      (int)(end - s), s);
			ret->named[ret->n_named++] = i;
			ret->values[i] = read_option(table, n, i, count, from);
		} else if (ret->n_named) {
			return refuse(error, "'%.*s' follows arguments given by name: give it by name too",
				      (int)(end - s), s);
		} else if (ret->n_positional == n) {
			return refuse(error, "'%.*s' is one argument too many",
				      (int)(end - s), s);
		} else {
			i = ret->n_positional++;
			ret->values[i] = read_option(table, n, i, 1, from);
		}
		s = *end ? end + 1 : end;
		s += strspn(s, " ");
	}
	return check_required(table, n, ret, error);
}

int options_bind(const struct fx_option *table, size_t n, const fxv *positional,
		 size_t n_positional, const char *const *names,
		 const fxv *named, size_t n_named, struct options *ret,
		 char *error)
{
	size_t count;
	int place;

	set_defaults(table, n, ret);
	if (n_positional > n)
		return refuse(error, "%zu arguments given by position; there are %zu",
			      n_positional, n);
	for (size_t i = 0; i < n_positional; i++)
		ret->values[i] = positional[i];

	for (size_t i = 0; i < n_named; i++) {
		place = option_named(table, n, names[i], &count);
		if (place < 0 || count != 1)
			return refuse(error, "no argument is called '%s'",
				      names[i]);
		ret->values[place] = named[i];
	}
	ret->n_positional = n_positional;
	return check_required(table, n, ret, error);
}
