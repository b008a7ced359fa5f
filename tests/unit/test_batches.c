// SPDX-License-Identifier: MIT
/*
 * test_batches.c - which samples a batch has, and how they are changed
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fxq/train.h>

#define SIDE	6
#define SAMPLES	50

/* A sample says which it is in every pixel, and where in the picture. */
static int get(void *ctx, size_t i, float *to)
{
	for (int k = 0; k < 2 * SIDE * SIDE; k++)
		to[k] = 1000 * (i + 1) + k;
	return 0;
}

static int64_t labels[SAMPLES];
static const struct fx_samples samples = {
	SAMPLES, 2, SIDE, SIDE, labels, get,
};

static void an_epoch_has_every_sample_once(void **state)
{
	struct fx_batches *b = fx_batches_new(&samples, NULL, 8, 7);
	float x[8][2][SIDE][SIDE];
	size_t first[2][8];
	int64_t y[8];

	for (size_t i = 0; i < SAMPLES; i++)
		labels[i] = i;
	assert_int_equal(fx_batches_count(b), 6);
	for (int epoch = 0; epoch < 2; epoch++) {
		bool seen[SAMPLES] = { 0 };

		for (int i = 0; i < 6; i++) {
			assert_int_equal(fx_batches_get(b, epoch, i,
							&x[0][0][0][0], y), 0);
			for (int k = 0; k < 8; k++) {
				assert_false(seen[y[k]]);
				seen[y[k]] = true;
				assert_true(x[k][0][0][0] == 1000 * (y[k] + 1));
				if (!i)
					first[epoch][k] = y[k];
			}
		}
	}
	assert_memory_not_equal(first[0], first[1], sizeof(first[0]));
	fx_batches_free(b);
}

/* Which window, mirrored or not, a sample is. */
static void find_window(float x[2][SIDE][SIDE], int crop, int *top, int *left,
			bool *mirrored)
{
	for (*top = -crop; *top <= crop; ++*top)
		for (*left = -crop; *left <= crop; ++*left)
			for (int m = 0; m < 2; m++) {
				int good = 0;

				for (int i = 0; i < SIDE * SIDE; i++) {
					int r = i / SIDE, c = i % SIDE;
					int sr = r + *top;
					int sc = *left + (m ? SIDE - 1 - c : c);
					bool in = sr >= 0 && sr < SIDE &&
						  sc >= 0 && sc < SIDE;
					int v = (int)x[0][r][c] % 1000;

					good += in ? v == sr * SIDE + sc &&
						     x[0][r][c] >= 0 :
						x[0][r][c] == -1 &&
						x[1][r][c] == -2;
				}
				*mirrored = m;
				if (good == SIDE * SIDE)
					return;
			}
	fail_msg("a sample is no window of anything");
}

static void samples_are_cut_and_mirrored(void **state)
{
	const struct fx_augment augment = { .crop = 2, .flip = true,
					    .fill = { -1, -2 } };
	struct fx_batches *b = fx_batches_new(&samples, &augment, 10, 7);
	int tops[5] = { 0 }, lefts[5] = { 0 }, mirrors[2] = { 0 };
	float x[10][2][SIDE][SIDE];
	int64_t y[10];

	for (int i = 0; i < 50; i++) {
		fx_batches_get(b, i / 5, i % 5, &x[0][0][0][0], y);
		for (int k = 0; k < 10; k++) {
			int top, left;
			bool mirrored;

			find_window(x[k], 2, &top, &left, &mirrored);
			tops[top + 2]++;
			lefts[left + 2]++;
			mirrors[mirrored]++;
		}
	}
	/* Of 500, 100 each are expected and 250: six deviations either way. */
	for (int i = 0; i < 5; i++) {
		assert_in_range(tops[i], 46, 154);
		assert_in_range(lefts[i], 46, 154);
	}
	assert_in_range(mirrors[0], 183, 317);
	fx_batches_free(b);
}

static void a_square_is_painted_over(void **state)
{
	const struct fx_augment augment = { .cutout = 2, .fill = { -1, -2 } };
	struct fx_batches *b = fx_batches_new(&samples, &augment, 10, 7);
	float x[10][2][SIDE][SIDE];
	int counts[5] = { 0 };
	int64_t y[10];

	for (int i = 0; i < 5; i++) {
		fx_batches_get(b, 0, i, &x[0][0][0][0], y);
		for (int k = 0; k < 10; k++) {
			int painted = 0;

			for (int p = 0; p < SIDE * SIDE; p++)
				painted += (&x[k][0][0][0])[p] == -1;
			assert_in_range(painted, 1, 4);
			counts[painted]++;
		}
	}
	assert_true(counts[4] > 25 && counts[2] > 0);
	fx_batches_free(b);
}

static void any_batch_can_be_had_at_any_time(void **state)
{
	const struct fx_augment augment = { .crop = 2, .flip = true };
	struct fx_batches *b = fx_batches_new(&samples, &augment, 10, 7);
	struct fx_batches *c = fx_batches_new(&samples, &augment, 10, 7);
	struct fx_batches *d = fx_batches_new(&samples, &augment, 10, 8);
	float x[3][10][2][SIDE][SIDE];
	int64_t y[3][10];

	for (int i = 0; i < 8; i++)
		fx_batches_get(b, i / 5, i % 5, &x[0][0][0][0][0], y[0]);
	fx_batches_get(c, 1, 2, &x[1][0][0][0][0], y[1]);
	fx_batches_get(d, 1, 2, &x[2][0][0][0][0], y[2]);
	assert_memory_equal(y[0], y[1], sizeof(y[0]));
	assert_memory_equal(x[0], x[1], sizeof(x[0]));
	assert_memory_not_equal(y[0], y[2], sizeof(y[0]));
	fx_batches_free(b);
	fx_batches_free(c);
	fx_batches_free(d);
}

static int get_nothing(void *ctx, size_t i, float *to)
{
	return -EIO;
}

static void a_source_that_fails_is_heard(void **state)
{
	struct fx_samples broken = samples;
	struct fx_batches *b;
	float x[10 * 2 * SIDE * SIDE];
	int64_t y[10];

	broken.get = get_nothing;
	b = fx_batches_new(&broken, NULL, 10, 7);
	assert_int_equal(fx_batches_get(b, 0, 0, x, y), -EIO);
	fx_batches_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_epoch_has_every_sample_once),
		cmocka_unit_test(samples_are_cut_and_mirrored),
		cmocka_unit_test(a_square_is_painted_over),
		cmocka_unit_test(any_batch_can_be_had_at_any_time),
		cmocka_unit_test(a_source_that_fails_is_heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
