// SPDX-License-Identifier: MIT
/*
 * error.c - the last sentence of each thread
 */
#include <stdio.h>
#include <string.h>

#include "priv.h"

#define SENTENCE_MAX	512
#define QUOTES		4

static __thread char sentence[SENTENCE_MAX];
static __thread char quotes[QUOTES][96];
static __thread unsigned int next_quote;

int fxq_fail(int err, const char *fmt, ...)
{
	char text[SENTENCE_MAX];
	va_list args;

	/* The old sentence may be one of the arguments. */
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(sentence, text, sizeof(sentence));
	return err;
}

int fxq_fail_memory(const char *what)
{
	return fxq_fail(-ENOMEM, "no memory left for %s", what);
}

const char *fxq_quote(const char *text)
{
	char *to = quotes[next_quote++ % QUOTES];
	size_t i, max = sizeof(quotes[0]) - 1;

	for (i = 0; text[i] && i < max; i++) {
		bool steers = (unsigned char)text[i] < ' ' || text[i] == 127;

		to[i] = steers ? '?' : text[i];
	}
	to[i] = '\0';
	if (!text[i])
		return to;
	/* Not in the middle of a letter of several bytes. */
	for (i = max - 3; i && (to[i] & 0xc0) == 0x80; i--)
		;
	strcpy(to + i, "...");
	return to;
}

const char *fxq_type_text(const struct fxq_tensor *t)
{
	char *to = quotes[next_quote++ % QUOTES];
	size_t size = sizeof(quotes[0]);
	int n;

	n = snprintf(to, size, "%s%s", fxq_element_name(t->dtype),
		     t->rank ? " " : "");
	for (uint32_t i = 0; i < t->rank && i < FXQ_MAX_RANK; i++)
		if (n > 0 && (size_t)n < size)
			n += snprintf(to + n, size - n, "%s%lld", i ? "x" : "",
				      (long long)t->dims[i]);
	return to;
}

FXQ_PUBLIC const char *fxq_error(void)
{
	return sentence;
}

FXQ_PUBLIC const char *fxq_version(void)
{
	return FXQ_LIB_VERSION;
}
