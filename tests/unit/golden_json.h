/* SPDX-License-Identifier: MIT */
/*
 * golden_json.h - the files of tests/golden/quant
 */
#ifndef GOLDEN_JSON_H
#define GOLDEN_JSON_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

static inline json_t *load(const char *name)
{
	char path[512];
	json_t *root;

	snprintf(path, sizeof(path), "%s/%s", GOLDEN_QUANT, name);
	root = json_load_file(path, 0, NULL);
	assert_non_null(root);
	return root;
}

static inline const char *text(json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static inline int64_t integer(json_t *o, const char *key)
{
	return json_integer_value(json_object_get(o, key));
}

#endif /* GOLDEN_JSON_H */
