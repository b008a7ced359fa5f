// SPDX-License-Identifier: MIT
/*
 * image_section.c - the sections of an image as they grow
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image_priv.h"

void image_fail(struct fxq_writer *w, int err, const char *fmt, ...)
{
	va_list args;

	if (w->err)
		return;
	w->err = err;
	va_start(args, fmt);
	vsnprintf(w->error, sizeof(w->error), fmt, args);
	va_end(args);
}

void image_fail_memory(struct fxq_writer *w)
{
	image_fail(w, -ENOMEM, "no memory left for the image");
}

void *section_extend(struct fxq_writer *w, struct image_section *s, size_t len)
{
	size_t room = s->room ? s->room : 4096;
	uint8_t *data;

	if (w->err)
		return NULL;
	while (room - s->len < len && room <= SIZE_MAX / 4)
		room *= 2;
	if (room - s->len < len) {
		image_fail_memory(w);
		return NULL;
	}
	if (room != s->room) {
		data = realloc(s->data, room);
		if (!data) {
			image_fail_memory(w);
			return NULL;
		}
		s->data = data;
		s->room = room;
	}
	memset(s->data + s->len, 0, len);
	s->len += len;
	return s->data + s->len - len;
}

void section_append(struct fxq_writer *w, int section, const void *data,
		    size_t len)
{
	void *to = section_extend(w, &w->sections[section], len);

	if (to && len)
		memcpy(to, data, len);
}

uint64_t section_append_aligned(struct fxq_writer *w, int section,
				const void *data, uint64_t len)
{
	struct image_section *s = &w->sections[section];
	uint64_t at;

	section_extend(w, s, -s->len % FXQ_WEIGHTS_ALIGN);
	at = s->len;
	section_append(w, section, data, len);
	return w->err ? 0 : at;
}

uint32_t section_count(const struct fxq_writer *w, int section, size_t size)
{
	return w->sections[section].len / size;
}

struct image_section *section_new(struct fxq_writer *w, const char *name,
				  uint32_t align)
{
	struct image_section *all, *s;

	if (w->err)
		return NULL;
	all = reallocarray(w->sections, w->n_sections + 1, sizeof(*all));
	if (!all) {
		image_fail_memory(w);
		return NULL;
	}
	w->sections = all;
	s = &all[w->n_sections++];
	*s = (struct image_section){ .align = align };
	snprintf(s->name, sizeof(s->name), "%s", name);
	return s;
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	while (*s)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

static void grow_strings(struct fxq_writer *w)
{
	uint32_t room = w->room_strings ? w->room_strings * 2 : 256;
	const char *text = (char *)w->sections[STRINGS].data;
	uint32_t *table = calloc(room, sizeof(*table));

	if (!table) {
		image_fail_memory(w);
		return;
	}
	for (uint32_t i = 0; i < w->room_strings; i++) {
		uint32_t at;

		if (!w->strings[i])
			continue;
		at = hash(text + w->strings[i]) % room;
		while (table[at])
			at = (at + 1) % room;
		table[at] = w->strings[i];
	}
	free(w->strings);
	w->strings = table;
	w->room_strings = room;
}

uint32_t image_string(struct fxq_writer *w, const char *s)
{
	struct image_section *strings = &w->sections[STRINGS];
	uint32_t at;

	if (!s || !*s || w->err)
		return 0;
	if (w->n_strings >= w->room_strings / 2)
		grow_strings(w);
	if (w->err)
		return 0;
	at = hash(s) % w->room_strings;
	while (w->strings[at]) {
		if (!strcmp((char *)strings->data + w->strings[at], s))
			return w->strings[at];
		at = (at + 1) % w->room_strings;
	}
	if (strings->len + strlen(s) >= UINT32_MAX) {
		image_fail(w, -EOVERFLOW, "the image has more than 4 GiB of names");
		return 0;
	}
	w->strings[at] = strings->len;
	w->n_strings++;
	section_append(w, STRINGS, s, strlen(s) + 1);
	return w->strings[at];
}
