/* SPDX-License-Identifier: MIT */
/*
 * locale_kit.h - a program whose numbers have a comma
 */
#ifndef TEST_LOCALE_KIT_H
#define TEST_LOCALE_KIT_H

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char comma_folder[32];

/*
 * Such a locale, from a folder of its own, until comma_end(); false if the C
 * library's tool, or what it makes locales from, is not there.
 */
static inline bool comma_begin(void)
{
	char command[256];

	strcpy(comma_folder, "/tmp/fxq-locale-XXXXXX");
	if (!mkdtemp(comma_folder))
		return false;
	snprintf(command, sizeof(command),
		 "localedef -i de_DE -f UTF-8 %s/de_DE.UTF-8 2>/dev/null",
		 comma_folder);
	if (system(command) || setenv("LOCPATH", comma_folder, 1))
		return false;
	return setlocale(LC_ALL, "de_DE.UTF-8") &&
	       !strcmp(localeconv()->decimal_point, ",");
}

/* Whatever comma_begin() said. */
static inline void comma_end(void)
{
	char command[64];

	setlocale(LC_ALL, "C");
	unsetenv("LOCPATH");
	snprintf(command, sizeof(command), "rm -r %s", comma_folder);
	assert_int_equal(system(command), 0);
}

/* Where there is no such locale, nothing is tested. */
static inline void comma_skip(void)
{
	print_message("no locale de_DE can be made: install locales\n");
	skip();
}

#endif /* TEST_LOCALE_KIT_H */
