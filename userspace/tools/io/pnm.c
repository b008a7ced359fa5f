// SPDX-License-Identifier: MIT
/*
 * pnm.c - PGM and PPM, the binary kinds
 */
#include <errno.h>

#include "io.h"

struct cursor {
	const uint8_t *at, *end;
};

/* A number after white space and comments; -1 if there is none. */
static int64_t take_number(struct cursor *c)
{
	int64_t v = 0;
	bool comment = false;

	for (; c->at < c->end; c->at++) {
		if (*c->at == '#')
			comment = true;
		else if (*c->at == '\n')
			comment = false;
		else if (!comment && *c->at != ' ' && *c->at != '\t' &&
			 *c->at != '\r')
			break;
	}
	if (c->at == c->end || *c->at < '0' || *c->at > '9')
		return -1;
	for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
		v = v * 10 + (*c->at - '0');
		if (v > UINT32_MAX)
			return -1;
	}
	return v;
}

int pnm_parse(const char *name, const void *data, size_t size,
	      struct picture *ret)
{
	struct cursor c = { (const uint8_t *)data + 2,
			    (const uint8_t *)data + size };
	uint32_t channels = ((const uint8_t *)data)[1] == '6' ? 3 : 1;
	int64_t width = take_number(&c), height = take_number(&c);
	int64_t max = take_number(&c);
	struct picture p;
	uint64_t n;
	int err;

	if (width < 1 || height < 1 || max < 1 || max > 65535 ||
	    c.at == c.end)
		return io_fail(-EINVAL,
			       "%s: the header of this PPM or PGM is damaged",
			       name);
	c.at++;				/* the one white space after max */
	err = picture_alloc(name, &p, width, height, channels);
	if (err)
		return err;
	n = (uint64_t)width * height * channels;
	if ((uint64_t)(c.end - c.at) < n * (max > 255 ? 2 : 1)) {
		picture_free(&p);
		return io_fail(-EINVAL, "%s: this picture is cut short", name);
	}
	for (uint64_t i = 0; i < n; i++) {
		uint32_t v = *c.at++;

		if (max > 255)
			v = v << 8 | *c.at++;
		if (v > max)
			v = max;
		p.pixels[i] = (v * 255 + max / 2) / max;
	}
	*ret = p;
	return 0;
}
