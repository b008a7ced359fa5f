/* SPDX-License-Identifier: MIT */
/*
 * threads_kit.h - do a library's threads leave signals to the program?
 */
#ifndef TEST_THREADS_KIT_H
#define TEST_THREADS_KIT_H

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Of thread @name in /proc/self/task; signal N is bit N - 1. */
static inline unsigned long long read_blocked(const char *name)
{
	unsigned long long blocked = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", name);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "SigBlk: %llx", &blocked) == 1)
			break;
	fclose(f);
	return blocked;
}

/* The same, of one that libc has done with starting: till then it blocks all. */
static inline unsigned long long blocked_signals(const char *name)
{
	unsigned long long blocked = read_blocked(name);

	for (int i = 0; i < 10000 && blocked >> (SIGSEGV - 1) & 1; i++) {
		usleep(1000);
		blocked = read_blocked(name);
	}
	return blocked;
}

/* All threads but the first, of which there are @n or more. */
static inline void assert_signals_left(int n)
{
	static const int mine[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGPIPE, SIGALRM,
		SIGTERM, SIGCHLD, SIGWINCH, SIGIO, SIGPROF,
	}, own[] = {
		SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP,
	};
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	int seen = 0;

#ifdef __SANITIZE_THREAD__
	skip();			/* it has a thread of its own */
#endif
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		unsigned long long blocked;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
			continue;
		seen++;
		blocked = blocked_signals(entry->d_name);
		for (size_t i = 0; i < sizeof(mine) / sizeof(*mine); i++)
			assert_true(blocked >> (mine[i] - 1) & 1);
		for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
			assert_false(blocked >> (own[i] - 1) & 1);
	}
	closedir(dir);
	assert_in_range(seen, n, 1000);
}

#endif /* TEST_THREADS_KIT_H */
