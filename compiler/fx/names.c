// SPDX-License-Identifier: MIT
/*
 * names.c - node names by torch's rules
 *
 * A node is named for its target: in snake case, with what an identifier may
 * not hold as `_`, and numbered (`relu_1`) while the name is given already or
 * means something to Python. A name once given is never given again, even
 * when its node is erased, so that a name in a message means one node.
 *
 * The search for a free number resumes where the last one for the same
 * candidate ended: a thousand `relu` cost a thousand steps, not a million.
 */
#include <inttypes.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "fx_priv.h"

/*
 * @tried: numbers up to this one are known to be taken for this candidate
 */
struct name {
	const char *text;
	uint64_t tried;
};

/*
 * Python's keywords and built-in functions, and what generated code imports.
 * Candidates are lower case by the time they are looked up, so names with a
 * capital (None, NoneType, ValueError) cannot meet one and are left out.
 * Sorted.
 */
static const char *const illegal[] = {
	"abs", "aiter", "all", "and", "anext", "any", "as", "ascii", "assert",
	"async", "await", "bin", "bool", "break", "breakpoint", "bytearray",
	"bytes", "callable", "chr", "class", "classmethod", "compile",
	"complex", "continue", "copyright", "credits", "def", "del", "delattr",
	"device", "dict", "dir", "divmod", "elif", "else", "enumerate", "eval",
	"except", "exec", "exit", "filter", "finally", "float", "for",
	"format", "from", "frozenset", "fx_pytree", "getattr", "global",
	"globals", "hasattr", "hash", "help", "hex", "id", "if", "import",
	"in", "inf", "input", "int", "is", "isinstance", "issubclass", "iter",
	"lambda", "len", "license", "list", "locals", "map", "max",
	"memoryview", "min", "nan", "next", "nonlocal", "not", "object", "oct",
	"open", "or", "ord", "pass", "pow", "print", "property", "pytree",
	"quit", "raise", "range", "repr", "return", "reversed", "round", "set",
	"setattr", "slice", "sorted", "staticmethod", "str", "sum", "super",
	"torch", "try", "tuple", "type", "vars", "while", "with", "yield",
	"zip",
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static bool is_illegal(const char *name)
{
	return bsearch(name, illegal, sizeof(illegal) / sizeof(*illegal),
		       sizeof(*illegal), compare_names);
}

/*
 * A balanced tree: whoever writes a model's names cannot make looking one up
 * slow.
 */
static int by_text(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->text,
		      ((const struct name *)b)->text);
}

static struct name *find(const struct names *names, const char *text)
{
	const struct name key = { .text = text };
	struct name **found = tfind(&key, &names->tree, by_text);

	return found ? *found : NULL;
}

static struct name *add(struct names *names, const char *text)
{
	size_t size = strlen(text) + 1;
	struct name *name = arena_alloc(names->arena, sizeof(*name), 8);
	char *copy = arena_alloc(names->arena, size, 1);

	memcpy(copy, text, size);
	*name = (struct name){ .text = copy };
	if (!tsearch(name, &names->tree, by_text))
		abort();
	return name;
}

static bool is_word(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_';
}

/* `__call__` is called `call`. */
static void strip_magic(const char **s, size_t *len)
{
	bool magic = *len >= 4 && !strncmp(*s, "__", 2) &&
		     !strncmp(*s + *len - 2, "__", 2);

	if (magic) {
		*s += 2;
		*len -= 4;
	}
}

/*
 * Writes the identifier for @s to @to, which has room for twice its length
 * and 16 more: `CamelCase` gives `camel_case`, `blocks.0/act` `blocks_0_act`.
 */
static void write_identifier(char *to, const char *s, size_t len)
{
	char *start = to;
	bool prev_lower = false, prev_bad = false;

	if (len && s[0] >= '0' && s[0] <= '9')
		*to++ = '_';

	for (size_t i = 0; i < len; i++) {
		bool upper = s[i] >= 'A' && s[i] <= 'Z';

		if (is_word(s[i])) {
			if (upper && prev_lower)
				*to++ = '_';
			*to++ = upper ? s[i] - 'A' + 'a' : s[i];
		} else if (!prev_bad) {
			*to++ = '_';
		}
		prev_bad = !is_word(s[i]);
		prev_lower = s[i] >= 'a' && s[i] <= 'z';
	}
	*to = 0;

	if (to == start)
		strcpy(start, "_unnamed");
}

/*
 * Cuts `_12` off the end of @name and returns 12; 0 and no cut if there is no
 * such end, or one too large to be a number of ours.
 */
static uint64_t cut_number(char *name, bool *ret_cut)
{
	size_t len = strlen(name), start = len;

	while (start > 0 && name[start - 1] >= '0' && name[start - 1] <= '9')
		start--;

	*ret_cut = start > 0 && start < len && name[start - 1] == '_' &&
		   len - start <= 18;
	if (!*ret_cut)
		return 0;

	name[start - 1] = 0;
	return strtoull(name + start, NULL, 10);
}

/* Numbers @base from @num on until nobody has that name. */
static const char *give_numbered(struct names *names, struct name *wanted,
				 const char *base, uint64_t num)
{
	size_t size = strlen(base) + 24;
	char *text = malloc(size);
	struct name *name;

	if (!text)
		abort();

	if (num < wanted->tried)
		num = wanted->tried;
	do
		snprintf(text, size, "%s_%" PRIu64, base, ++num);
	while (find(names, text));

	wanted->tried = num;
	name = add(names, text);
	free(text);
	return name->text;
}

const char *names_give(struct names *names, const char *target)
{
	size_t len = strlen(target), size;
	struct name *wanted;
	char *base, *text;
	const char *given;
	uint64_t num;
	bool numbered;

	strip_magic(&target, &len);
	size = 2 * len + 16;
	base = malloc(2 * size + 24);
	if (!base)
		abort();

	write_identifier(base, target, len);
	num = cut_number(base, &numbered);
	text = base + size;
	strcpy(text, base);
	if (numbered)
		sprintf(text + strlen(text), "_%" PRIu64, num);

	wanted = find(names, text);
	if (!wanted) {
		/* An illegal name is taken too, by nobody. */
		wanted = add(names, text);
		given = is_illegal(text) ? NULL : wanted->text;
	} else {
		given = NULL;
	}
	if (!given)
		given = give_numbered(names, wanted, base, num);
	free(base);
	return given;
}

const char *names_take(struct names *names, const char *name)
{
	struct name *known = find(names, name);

	return known ? known->text : add(names, name)->text;
}

void names_init(struct names *names, struct arena *arena)
{
	*names = (struct names){ .arena = arena };
}

/* The names themselves are the arena's. */
static void keep(void *name)
{
}

void names_finish(struct names *names)
{
	tdestroy(names->tree, keep);
}
