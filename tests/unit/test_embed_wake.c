// SPDX-License-Identifier: MIT
/*
 * Who makes a run of the embedded driver: the machine, woken by one register or
 * awake already, or whoever waits; and many threads at once.
 */
#include <pthread.h>

#include "embed_kit.h"

/* Registers */

static void idle_machine_costs_one_doorbell(void **state)
{
	struct user *u = *state;
	uint64_t before;
	int i;

	copy(u);
	before = fxq_embed_register_accesses(u->embed);
	for (i = 0; i < 100; i++)
		assert_int_equal(copy(u), FXQ_CAUSE_NONE);
	assert_true(fxq_embed_register_accesses(u->embed) - before <= 100);
}

static void awake_machine_costs_no_register(void **state)
{
	struct user *u = *state, other;
	struct fxq_desc *s = long_stream(400), c[2];
	uint64_t run, before, last = 0;
	int i;

	/* While a long run keeps it awake, jobs and mappings come and go */
	user_init(&other, u->embed);
	copy_stream(c);
	memcpy(other.mem + STREAM, c, sizeof(c));
	assert_int_equal(submit(u, s, 400, &run), 0);
	assert_int_equal(fxq_embed_rearm(u->embed, u->ctx), 0);	/* it woke */
	before = fxq_embed_register_accesses(u->embed);
	for (i = 0; i < 6; i++)
		assert_int_equal(submit(&other, NULL, 2, &last), 0);
	while (await(u).run != last)
		;
	assert_int_equal(fxq_embed_register_accesses(u->embed), before);
	user_finish(&other);
	free(s);
}

/* A copy that nobody has rung for. */
static void submit_lone(struct user *u, uint64_t *run)
{
	const struct fxq_embed_region regions[] = {
		{ u->va, REGION, true }, { u->va + REGION, REGION, true },
	};
	struct fxq_desc s[2];

	memset(u->mem, ++u->mem[REGION - 1], 64);
	copy_stream(s);
	memcpy(u->mem + STREAM, s, sizeof(s));
	assert_int_equal(fxq_embed_submit_lone(u->embed, u->ctx,
					       u->va + STREAM, 2, regions, 2,
					       run), 0);
}

/* Whoever waits makes the run himself: no doorbell, nobody to wake. */
static void lone_run_costs_no_register(void **state)
{
	struct user *u = *state;
	struct fxq_embed_event event;
	uint64_t before, run;
	int i;

	copy(u);
	before = fxq_embed_register_accesses(u->embed);
	for (i = 0; i < 100; i++) {
		submit_lone(u, &run);
		event = await(u);
		assert_int_equal(event.run, run);
		assert_int_equal(event.cause, FXQ_CAUSE_NONE);
		assert_memory_equal(u->mem, u->mem + REGION, 64);
	}
	assert_int_equal(fxq_embed_register_accesses(u->embed), before);
}

/* One who has only so much time, or none, has the machine woken after all. */
static void lone_run_is_made_however_it_is_polled(void **state)
{
	struct user *u = *state;
	struct fxq_embed_event event[2];
	uint64_t first, second;
	int n = 0;

	copy(u);
	submit_lone(u, &first);
	assert_int_equal(fxq_embed_poll(u->embed, event, 1, 10000000000), 1);
	assert_int_equal(event->run, first);
	submit_lone(u, &first);
	while (!fxq_embed_poll(u->embed, event, 1, 0))
		;
	assert_int_equal(event->run, first);

	/* Another is behind it: both are made, by whomever. */
	submit_lone(u, &first);
	submit_lone(u, &second);
	while (n < 2)
		n += fxq_embed_poll(u->embed, event + n, 2 - n, FOREVER);
	assert_int_equal(event[0].run, first);
	assert_int_equal(event[1].run, second);
	assert_int_equal(fxq_embed_stop(u->embed, u->ctx), 0);
}

/* Threads */

struct worker {
	struct user user;
	int rounds;
	int failures;
};

/* Maps, unmaps, stops and starts beside others that do the same. */
static void *churn(void *arg)
{
	struct worker *w = arg;
	uint8_t *mem = pages(PAGE, 4 * PAGE);
	uint64_t va;
	uint32_t ctx;
	int i;

	for (i = 0; i < w->rounds; i++) {
		w->failures += !!fxq_embed_ctx_create(w->user.embed, &ctx);
		w->failures += !!fxq_embed_map(w->user.embed, ctx, mem,
					       4 * PAGE, true, &va);
		w->failures += !!fxq_embed_unmap(w->user.embed, ctx, va);
		w->failures += !!fxq_embed_stop(w->user.embed, ctx);
		fxq_embed_ctx_destroy(w->user.embed, ctx);
	}
	free(mem);
	return NULL;
}

/* Lone runs beside those of others, whose machine just falls asleep or wakes. */
static void *submit_lone_many(void *arg)
{
	struct worker *w = arg;
	struct user *u = &w->user;
	const struct fxq_embed_region regions[] = {
		{ u->va, REGION, true }, { u->va + REGION, REGION, true },
	};
	struct fxq_embed_event event;
	struct fxq_desc s[2];
	uint64_t run;
	int i;

	copy_stream(s);
	memcpy(u->mem + STREAM, s, sizeof(s));
	for (i = 0; i < w->rounds; i++) {
		int (*give)(struct fxq_embed *, uint32_t, uint64_t, uint32_t,
			    const struct fxq_embed_region *, uint32_t,
			    uint64_t *) =
			i % 2 ? fxq_embed_submit : fxq_embed_submit_lone;

		if (give(u->embed, u->ctx, u->va + STREAM, 2, regions, 2,
			 &run) ||
		    fxq_embed_poll(u->embed, &event, 1, FOREVER) != 1)
			w->failures++;
	}
	return NULL;
}

/* One thread, and two, of which each may get the other's event. */
static void lone_runs_miss_no_wake(void **state)
{
	struct worker worker[2] = {
		{ .user = *(struct user *)*state, .rounds = 20000 },
		{ .rounds = 20000 },
	};
	pthread_t thread;

	submit_lone_many(&worker[0]);
	user_init(&worker[1].user, worker[0].user.embed);
	assert_int_equal(pthread_create(&thread, NULL, submit_lone_many,
					&worker[1]), 0);
	submit_lone_many(&worker[0]);
	pthread_join(thread, NULL);
	assert_int_equal(worker[0].failures + worker[1].failures, 0);
	user_finish(&worker[1].user);
}

/* Submits; -EBUSY only says that others were faster. */
static void *submit_many(void *arg)
{
	const struct timespec pause = { .tv_nsec = 20000 };
	struct worker *w = arg;
	int i, ret;

	for (i = 0; i < w->rounds; i++) {
		uint64_t run;

		do {
			ret = submit(&w->user, NULL, 2, &run);
			if (ret == -EBUSY)
				nanosleep(&pause, NULL);
		} while (ret == -EBUSY);
		w->failures += !!ret;
	}
	return NULL;
}

static void threads_may_do_all_at_once(void **state)
{
	struct user *u = *state;
	struct worker worker[4] = { 0 };
	pthread_t thread[4];
	struct fxq_desc s[2];
	int i, left = 2 * 400;

	copy_stream(s);
	for (i = 0; i < 4; i++) {
		user_init(&worker[i].user, u->embed);
		memcpy(worker[i].user.mem + STREAM, s, sizeof(s));
		worker[i].rounds = i < 2 ? 400 : 100;
		pthread_create(&thread[i], NULL, i < 2 ? submit_many : churn,
			       &worker[i]);
	}
	while (left) {
		struct fxq_embed_event event = await(u);

		assert_int_equal(event.cause, FXQ_CAUSE_NONE);
		left--;
	}
	for (i = 0; i < 4; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(worker[i].failures, 0);
		user_finish(&worker[i].user);
	}
}

static void *poll_some(void *arg)
{
	struct worker *w = arg;
	struct fxq_embed_event event;

	while (w->rounds) {
		if (!fxq_embed_poll(w->user.embed, &event, 1, FOREVER))
			w->failures++;
		w->rounds--;
	}
	return NULL;
}

static void several_may_poll(void **state)
{
	struct user *u = *state;
	struct worker worker[3] = { 0 };
	pthread_t thread[3];
	struct fxq_desc s[2];
	uint64_t run;
	int i, ret;

	copy_stream(s);
	memcpy(u->mem + STREAM, s, sizeof(s));
	for (i = 0; i < 3; i++) {
		worker[i].user = *u;
		worker[i].rounds = 200;
		pthread_create(&thread[i], NULL, poll_some, &worker[i]);
	}
	for (i = 0; i < 600; i++) {
		do
			ret = submit(u, NULL, 2, &run);
		while (ret == -EBUSY);
		assert_int_equal(ret, 0);
	}
	for (i = 0; i < 3; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(worker[i].failures, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(idle_machine_costs_one_doorbell),
		TEST(awake_machine_costs_no_register),
		TEST(lone_run_costs_no_register),
		TEST(lone_run_is_made_however_it_is_polled),
		TEST(threads_may_do_all_at_once),
		TEST(several_may_poll),
		TEST(lone_runs_miss_no_wake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
