// SPDX-License-Identifier: MIT
/*
 * progress.c - a bar for those who wait
 *
 * It is drawn on standard error, only if that is a terminal, only once two
 * seconds have gone by, and wiped when the work is done.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tool.h"

#define PATIENCE_S	2.0
#define INTERVAL_S	0.1
#define BAR		30

static struct {
	const char *what;
	uint64_t total;
	double begun, drawn;
	bool shown, wanted;
} bar;

void progress_begin(const char *what, uint64_t total)
{
	const char *term = getenv("TERM");

	progress_end();
	bar.what = what;
	bar.total = total;
	bar.begun = now_s();
	bar.wanted = total && isatty(STDERR_FILENO) &&
		     (!term || strcmp(term, "dumb"));
}

/* NO_COLOR asks for no more than plain characters. */
static const char *wipe(void)
{
	return getenv("NO_COLOR") ? "" : "\033[K";
}

void progress_at(uint64_t done)
{
	double now = now_s(), left;
	int full;

	if (!bar.wanted || now - bar.begun < PATIENCE_S ||
	    now - bar.drawn < INTERVAL_S)
		return;
	if (done > bar.total)
		done = bar.total;
	full = done * BAR / bar.total;
	left = done ? (now - bar.begun) * (bar.total - done) / done : 0;
	fprintf(stderr, "\r%s [%.*s%*s] %3" PRIu64 " %%, %.0f s left%s ",
		bar.what, full, "##############################", BAR - full,
		"", done * 100 / bar.total, left, wipe());
	bar.drawn = now;
	bar.shown = true;
}

void progress_end(void)
{
	if (bar.shown)
		fprintf(stderr, "\r%*s\r", 79, "");
	memset(&bar, 0, sizeof(bar));
}
