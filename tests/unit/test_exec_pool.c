/* SPDX-License-Identifier: MIT */
/*
 * test_exec_pool.c - the team of threads, and the sums of products
 *
 * dot.c is included rather than linked, so that each width of vectors that
 * this processor has is tried, not only the one that is chosen.
 */
#include <stdatomic.h>
#include <unistd.h>

#include "exec_util.h"
#include "exec/dot.c"

#define MANY	5000

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

static void sleepers_wake_for_a_new_job(void **state)
{
	static struct marks m = { .n = MANY, .grain = 1 };
	struct fxq_pool *p = fxq_pool_create(2);
	int i;

	assert_non_null(p);
	for (i = 0; i < 5; i++) {
		usleep(2000);
		check_cover(p, &m);
	}
	fxq_pool_destroy(p);
}

static void unused_pool_is_destroyed(void **state)
{
	fxq_pool_destroy(fxq_pool_create(4));
	fxq_pool_destroy(NULL);
}

/* Sums of @pixels rows of @k, for two output blocks, over noise. */
static void check_dot(struct env *e, fxq_dot_fn dot, uint32_t pixels,
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
static void check_taps(struct env *e, fxq_taps_fn fn, uint32_t taps)
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

static void check_width(struct env *e, fxq_dot_fn dot)
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

static void inner_product_of_each_width(void **state)
{
	check_width(*state, dot_128);
#ifdef FXQ_HAVE_CLONES
	if (__builtin_cpu_supports("avx2"))
		check_width(*state, dot_256);
	if (fxq_inner_portable()->dot == dot_512)
		check_width(*state, dot_512);
#endif
}

static void sums_over_any_number_of_taps(void **state)
{
	uint32_t taps;

	for (taps = 1; taps <= FXQ_TAPS; taps++)
		check_taps(*state, fxq_inner_portable()->taps, taps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_cover_the_range_once),
		cmocka_unit_test(sleepers_wake_for_a_new_job),
		cmocka_unit_test(unused_pool_is_destroyed),
		cmocka_unit_test(inner_product_of_each_width),
		cmocka_unit_test(sums_over_any_number_of_taps),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
