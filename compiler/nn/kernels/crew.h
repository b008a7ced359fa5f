/* SPDX-License-Identifier: MIT */
/*
 * crew.h - threads that stay from one parallel_for() to the next
 *
 * Who runs many short kernels in a row, as training does, keeps a crew for as
 * long: its threads look for work for a while before they sleep, so that the
 * next kernel finds them awake.
 */
#ifndef FXQ_KERNELS_CREW_H
#define FXQ_KERNELS_CREW_H

struct crew;

/* What a member does in a round; @index is 1 or more, the caller being 0. */
typedef void (*crew_fn)(void *ctx, int index);

/*
 * A crew of @threads, of which the caller is one; of PARALLEL_THREADS_MAX, if
 * that is less. NULL if it is fewer than two, or if no thread could be started:
 * the caller is then alone.
 */
struct crew *crew_new(int threads);
void crew_free(struct crew *crew);

/*
 * From here on this thread's parallel_for() runs on @crew, or forks and joins
 * if that is NULL. Returns what it ran on before. A crew serves one thread at a
 * time; in a child of fork() it has no threads, and is passed over.
 */
struct crew *crew_use(struct crew *crew);

/* The crew of this thread, unless it is at work; takes it, for crew_run(). */
struct crew *crew_take(void);

/*
 * Runs @fn in the caller, with index 0, and in those of up to @threads - 1
 * members that come before it is done there; returns when all are done, and
 * gives the crew back.
 */
void crew_run(struct crew *crew, int threads, crew_fn fn, void *ctx);

#endif
