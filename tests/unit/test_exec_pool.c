/* SPDX-License-Identifier: MIT */
/*
 * test_exec_pool.c - the team of threads, and the sums of products
 */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "exec_util.h"

#include "exec/dot.h"

#define MANY	5000

/* The sums of each instruction set, in the order of its table. */
typedef void (*dot_fn)(fxq_tile *acc, const uint8_t *panel, uint32_t pixels,
		       uint32_t k, const int8_t *weights, size_t block_bytes,
		       uint32_t blocks);
typedef void (*taps_fn)(fxq_tile acc, const int8_t *const (*x)[FXQ_TILE],
			const int8_t *weights, uint32_t taps);

#define DECLARE(isa)							\
extern __typeof__(fxq_dot) fxq_dot_##isa;				\
extern __typeof__(fxq_taps) fxq_taps_##isa;

DECLARE(portable)
#if defined(__x86_64__)
DECLARE(avx2)
DECLARE(avxvnni)
DECLARE(avx512)
#endif

static const struct sums {
	const char *name;
	dot_fn dot;
	taps_fn taps;
} sums[] = {
#define X(isa) { #isa, fxq_dot_##isa, fxq_taps_##isa },
	X(portable)
#if defined(__x86_64__)
	X(avx2)
	X(avxvnni)
	X(avx512)
#endif
#undef X
};

struct marks {
	atomic_uchar seen[MANY];
	uint32_t n, grain;
	atomic_int wrong;
};

static void mark(void *arg, uint32_t first, uint32_t last)
{
	struct marks *m = arg;
	uint32_t i;

	if (first % m->grain || first >= last || last > m->n ||
	    (last % m->grain && last != m->n))
		m->wrong++;
	for (i = first; i < last && i < MANY; i++)
		m->seen[i]++;
}

static void check_cover(struct fxq_pool *p, struct marks *m)
{
	uint32_t i;

	memset(m->seen, 0, sizeof(m->seen));
	m->wrong = 0;
	fxq_pool_run(p, m->n, m->grain, mark, m);
	assert_int_equal(m->wrong, 0);
	for (i = 0; i < MANY; i++)
		assert_int_equal(m->seen[i], i < m->n);
}

static void pieces_cover_the_range_once(void **state)
{
	static struct marks m;
	int threads, i;

	for (threads = 1; threads <= 4; threads++) {
		struct fxq_pool *p = fxq_pool_create(threads);

		assert_non_null(p);
		assert_int_equal(fxq_pool_threads(p), threads);
		for (i = 0; i < 100; i++) {
			m.n = i * i % MANY;
			m.grain = i % 9 + 1;
			check_cover(p, &m);
		}
		fxq_pool_destroy(p);
	}
}

/* struct meeting - two pieces, of which the caller's waits for the other */
struct meeting {
	pthread_t caller;
	atomic_bool other_came, other_left, caller_waited_in_vain;
	unsigned int stays_us;
};

static void meet(void *arg, uint32_t first, uint32_t last)
{
	struct meeting *m = arg;
	int ms = 0;

	if (!pthread_equal(pthread_self(), m->caller)) {
		m->other_came = true;
		usleep(m->stays_us);
		m->other_left = true;
		return;
	}
	while (!m->other_came && ms++ < 10000)
		usleep(1000);
	m->caller_waited_in_vain |= !m->other_came;
}

/*
 * The caller is held in its first piece, so a thread that sleeps has to be woken;
 * and that one stays for longer than the caller looks out, so that it sleeps.
 */
static void check_meeting(struct fxq_pool *p, unsigned int stays_us)
{
	struct meeting m = { .caller = pthread_self(), .stays_us = stays_us };

	fxq_pool_run(p, 2, 1, meet, &m);
	assert_false(m.caller_waited_in_vain);
	assert_true(m.other_left);
}

static void sleepers_wake_and_are_waited_for(void **state)
{
	struct fxq_pool *p = fxq_pool_create(2);
	int i;

	assert_non_null(p);
	for (i = 0; i < 20; i++) {
		usleep(2000);
		check_meeting(p, i % 2 ? 5000 : 0);
	}
	fxq_pool_destroy(p);
}

static void unused_pool_is_destroyed(void **state)
{
	fxq_pool_destroy(fxq_pool_create(4));
	fxq_pool_destroy(NULL);
}

/* Sums of @pixels rows of @k, for two output blocks, over noise. */
static void check_dot(struct env *e, dot_fn dot, uint32_t pixels,
		      uint32_t k)
{
	uint8_t panel[FXQ_TILE * FXQ_PANEL_STRIDE];
	static int8_t w[2 * FXQ_PANEL_K * FXQ_BLOCK];
	fxq_tile acc[2] __attribute__((aligned(64)));
	uint32_t b, p, c, i, want, first;

	for (i = 0; i < sizeof(panel); i++)
		panel[i] = chance(e, 2) ? 255 : rnd(e);
	for (i = 0; i < sizeof(w); i++)
		w[i] = chance(e, 2) ? -128 : (int)(rnd(e) & 255) - 128;
	first = rnd(e);
	for (b = 0; b < 2; b++)
		for (p = 0; p < FXQ_TILE; p++)
			for (c = 0; c < FXQ_BLOCK; c++)
				acc[b][p][c] = first + c;
	dot(acc, panel, pixels, k, w, k * FXQ_BLOCK, 2);
	for (b = 0; b < 2; b++) {
		for (p = 0; p < pixels; p++) {
			for (c = 0; c < FXQ_BLOCK; c++) {
				want = first + c;
				for (i = 0; i < k; i++)
					want += panel[p * FXQ_PANEL_STRIDE + i] *
						w[(b * k + i / 4 * 4) * 32 +
						  c * 4 + i % 4];
				assert_int_equal(acc[b][p][c], want);
			}
		}
	}
}

/* The same of one tile of DWCONV. */
static void check_taps(struct env *e, taps_fn fn, uint32_t taps)
{
	static int8_t noise[4096], w[FXQ_TAPS * FXQ_BLOCK];
	const int8_t *at[FXQ_TAPS][FXQ_TILE];
	fxq_tile acc __attribute__((aligned(64)));
	uint32_t i, t, p, c, want;

	for (i = 0; i < sizeof(noise); i++)
		noise[i] = chance(e, 2) ? -128 : (int)(rnd(e) & 255) - 128;
	for (i = 0; i < sizeof(w); i++)
		w[i] = chance(e, 2) ? -128 : (int)(rnd(e) & 255) - 128;
	for (t = 0; t < FXQ_TAPS; t++)
		for (p = 0; p < FXQ_TILE; p++)
			at[t][p] = noise + rnd(e) % (sizeof(noise) - FXQ_BLOCK);
	memset(acc, 0x77, sizeof(acc));
	fn(acc, (const int8_t *const (*)[FXQ_TILE])at, w, taps);
	for (p = 0; p < FXQ_TILE; p++) {
		for (c = 0; c < FXQ_BLOCK; c++) {
			want = 0x77777777;
			for (t = 0; t < taps; t++)
				want += at[t][p][c] * w[t * FXQ_BLOCK + c];
			assert_int_equal(acc[p][c], want);
		}
	}
}

static void check_width(struct env *e, dot_fn dot)
{
	uint32_t pixels;
	int i;

	e->seed = 1;
	for (pixels = 1; pixels <= FXQ_TILE; pixels++) {
		check_dot(e, dot, pixels, FXQ_PANEL_K);
		check_dot(e, dot, pixels, 4);
		for (i = 0; i < 3; i++)
			check_dot(e, dot, pixels, 4 * range(e, 1, 128));
	}
}

static const struct sums *sums_of(const struct fxq_exec_ops *ops)
{
	const struct sums *s = sums;

	while (strcmp(s->name, ops->name))
		s++;
	return s;
}

static void inner_product_of_each_width(void **state)
{
	const struct fxq_exec_ops *ops = NULL;

	while ((ops = fxq_isa_next(ops)))
		check_width(*state, sums_of(ops)->dot);
}

static void sums_over_any_number_of_taps(void **state)
{
	const struct fxq_exec_ops *ops = NULL;
	uint32_t taps;

	while ((ops = fxq_isa_next(ops)))
		for (taps = 1; taps <= FXQ_TAPS; taps++)
			check_taps(*state, sums_of(ops)->taps, taps);
}

/* What runs here can be asked for by name; anything else is refused. */
static void instruction_set_by_name(void **state)
{
	const struct fxq_exec_ops *ops = NULL, *best = NULL;
	char why[200];

	while ((ops = fxq_isa_next(ops))) {
		setenv("FXQ_ISA", ops->name, 1);
		assert_ptr_equal(fxq_isa_choose(why, sizeof(why)), ops);
		best = ops;
	}
	setenv("FXQ_ISA", "", 1);
	assert_ptr_equal(fxq_isa_choose(why, sizeof(why)), best);
	unsetenv("FXQ_ISA");
	assert_ptr_equal(fxq_isa_choose(why, sizeof(why)), best);
	setenv("FXQ_ISA", "avx3", 1);
	assert_null(fxq_isa_choose(why, sizeof(why)));
	assert_non_null(strstr(why, "avx3"));
	assert_non_null(strstr(why, "portable"));
	unsetenv("FXQ_ISA");
}

/* One that is known and missing, if this processor misses any. */
static void instruction_set_of_other_processors(void **state)
{
	const struct fxq_exec_ops *ops;
	char why[200];
	size_t i;

	for (i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		for (ops = fxq_isa_next(NULL); ops; ops = fxq_isa_next(ops))
			if (!strcmp(ops->name, sums[i].name))
				break;
		if (ops)
			continue;
		setenv("FXQ_ISA", sums[i].name, 1);
		assert_null(fxq_isa_choose(why, sizeof(why)));
		assert_non_null(strstr(why, "this processor"));
		unsetenv("FXQ_ISA");
		return;
	}
	skip();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_cover_the_range_once),
		cmocka_unit_test(sleepers_wake_and_are_waited_for),
		cmocka_unit_test(unused_pool_is_destroyed),
		cmocka_unit_test(inner_product_of_each_width),
		cmocka_unit_test(sums_over_any_number_of_taps),
		cmocka_unit_test(instruction_set_by_name),
		cmocka_unit_test(instruction_set_of_other_processors),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
