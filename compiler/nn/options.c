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

/* The option that @text names, as one number or as a pair. */
static int option_named(const struct fx_option *table, size_t n,
			const char *text, bool *ret_pair)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	for (size_t i = 0; i < n; i++) {
		*ret_pair = table[i].type == FX_OPTION_PAIR &&
			    name_is(table[i].name, text, len, "_hw");
		if (*ret_pair || name_is(table[i].name, text, len, ""))
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

/* Where the pair of option @i stands: after all options, in order. */
static const struct fx_pair *pair_at(const struct fx_option *table, size_t n,
				     size_t i, const void *from)
{
	size_t before = 0;

	for (size_t k = 0; k < i; k++)
		before += table[k].type == FX_OPTION_PAIR;
	return (const struct fx_pair *)slot_at(table, n, from) + before;
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
		       bool pair, const void *from)
{
	const struct fx_pair *hw;

	if (!pair)
		return read_slot(&table[i], slot_at(table, i, from));
	hw = pair_at(table, n, i, from);
	return fx_tuple(fx_of_int(hw->h), fx_of_int(hw->w));
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
	bool pair;
	int i;

	set_defaults(table, n, ret);
	while (*s) {
		const char *end = item_end(s);

		if (*s == '.') {
			i = option_named(table, n, s + 1, &pair);
			if (i < 0 || ret->n_named == MAX_OPTIONS)
				return refuse(error, "no argument is called '%.*s'",
					      (int)(end - s), s);
			ret->named[ret->n_named++] = i;
			ret->values[i] = read_option(table, n, i, pair, from);
		} else if (ret->n_named) {
			return refuse(error, "'%.*s' follows arguments given by name: give it by name too",
				      (int)(end - s), s);
		} else if (ret->n_positional == n) {
			return refuse(error, "'%.*s' is one argument too many",
				      (int)(end - s), s);
		} else {
			i = ret->n_positional++;
			ret->values[i] = read_option(table, n, i, false, from);
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
	bool pair;
	int place;

	set_defaults(table, n, ret);
	if (n_positional > n)
		return refuse(error, "%zu arguments given by position; there are %zu",
			      n_positional, n);
	for (size_t i = 0; i < n_positional; i++)
		ret->values[i] = positional[i];

	for (size_t i = 0; i < n_named; i++) {
		place = option_named(table, n, names[i], &pair);
		if (place < 0 || pair)
			return refuse(error, "no argument is called '%s'",
				      names[i]);
		ret->values[place] = named[i];
	}
	ret->n_positional = n_positional;
	return check_required(table, n, ret, error);
}
