// SPDX-License-Identifier: MIT
/*
 * crew.c - the threads behind a queue
 *
 * A crew outlives its queue for as long as one of its threads is still busy
 * with what came of the last command: releasing it may release the queue, the
 * context and all that hangs on them, on that very thread. Nobody can wait for
 * it then, which is why this library stays when it is closed (meson.build).
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "queue.h"

/*
 * struct crew
 * @born: the process that has the threads
 * @refs: threads, and the queue
 * @ready, @ready_last: events whose commands may run
 */
struct crew {
	pid_t born;
	atomic_uint refs;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct _cl_event *ready, *ready_last;
	bool stopping;
	unsigned int n_threads;
	pthread_t threads[];
};

/* Where a loader brings it, too, a thread has it without asking for memory. */
static __thread bool in_crew __attribute__((tls_model("initial-exec")));

static void crew_put(struct crew *crew)
{
	if (atomic_fetch_sub(&crew->refs, 1) > 1)
		return;
	pthread_cond_destroy(&crew->work);
	pthread_mutex_destroy(&crew->lock);
	free(crew);
}

/* The next event; NULL when there will be none. */
static cl_event take(struct crew *crew)
{
	cl_event event;

	pthread_mutex_lock(&crew->lock);
	while (!crew->ready && !crew->stopping)
		pthread_cond_wait(&crew->work, &crew->lock);
	event = crew->ready;
	if (event)
		crew->ready = event->next;
	pthread_mutex_unlock(&crew->lock);
	return event;
}

static void *work(void *arg)
{
	struct crew *crew = arg;
	cl_event event;
	cl_int status;

	in_crew = true;
	while ((event = take(crew))) {
		event_advance(event, CL_RUNNING);
		status = event->command->run(event->command, event->queue);
		event_drop_command(event);
		event_advance(event, status);
	}
	crew_put(crew);
	return NULL;
}

void crew_give(struct crew *crew, cl_event event)
{
	pthread_mutex_lock(&crew->lock);
	event->next = NULL;
	if (crew->ready)
		crew->ready_last->next = event;
	else
		crew->ready = event;
	crew->ready_last = event;
	pthread_cond_signal(&crew->work);
	pthread_mutex_unlock(&crew->lock);
}

void crew_dismiss(struct crew *crew)
{
	/* A child of fork() has no threads to wait for. */
	if (crew->born != getpid())
		return;
	pthread_mutex_lock(&crew->lock);
	crew->stopping = true;
	pthread_cond_broadcast(&crew->work);
	pthread_mutex_unlock(&crew->lock);
	/* Two crews' threads must not wait for each other. */
	for (unsigned int i = 0; i < crew->n_threads; i++)
		if (in_crew)
			pthread_detach(crew->threads[i]);
		else
			pthread_join(crew->threads[i], NULL);
	crew_put(crew);
}

/* Signals are the program's, but for those that a command raises itself. */
static int start(pthread_t *ret_id, struct crew *crew)
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
	ret = pthread_create(ret_id, NULL, work, crew);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return ret;
}

int crew_create(unsigned int n, struct crew **ret_crew)
{
	struct crew *crew = calloc(1, sizeof(*crew) + n * sizeof(pthread_t));
	int ret = 0;

	if (!crew)
		return -1;
	pthread_mutex_init(&crew->lock, NULL);
	pthread_cond_init(&crew->work, NULL);
	atomic_init(&crew->refs, 1);
	crew->born = getpid();
	while (crew->n_threads < n && !ret) {
		atomic_fetch_add(&crew->refs, 1);
		ret = start(&crew->threads[crew->n_threads], crew);
		if (ret)
			atomic_fetch_sub(&crew->refs, 1);
		else
			crew->n_threads++;
	}
	if (!crew->n_threads) {
		crew_put(crew);
		return -1;
	}
	*ret_crew = crew;
	return 0;
}
