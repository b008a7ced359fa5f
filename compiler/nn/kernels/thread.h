/* SPDX-License-Identifier: MIT */
/*
 * thread.h - starting a thread in somebody else's program
 */
#ifndef FXQ_KERNELS_THREAD_H
#define FXQ_KERNELS_THREAD_H

#include <pthread.h>
#include <signal.h>

/*
 * pthread_create(). The thread leaves signals to the program, whose handlers, or
 * whose sigwait(), may count on threads of its own: it takes those alone that it
 * raises itself.
 */
static inline int thread_start(pthread_t *ret_id, void *(*fn)(void *),
			       void *arg)
{
	static const int own[] = {
		SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP,
	};
	sigset_t others, before;
	int ret;

	sigfillset(&others);
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		sigdelset(&others, own[i]);
	pthread_sigmask(SIG_BLOCK, &others, &before);
	ret = pthread_create(ret_id, NULL, fn, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

#endif
