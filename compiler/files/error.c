// SPDX-License-Identifier: MIT
/*
 * error.c - the last sentence of each thread
 *
 * What a file says of itself ends up in messages, so bytes that would steer a
 * terminal are replaced here, once for all.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "files.h"

static __thread char sentence[1024];

int io_fail(int err, const char *fmt, ...)
{
	char text[sizeof(sentence)];
	va_list args;

	/* The old sentence may be one of the arguments. */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	memcpy(sentence, text, sizeof(sentence));
	return err;
}

int io_fail_memory(const char *name)
{
	return io_fail(-ENOMEM, "%s: there is not enough memory for it", name);
}

const char *io_error(void)
{
	return sentence;
}
