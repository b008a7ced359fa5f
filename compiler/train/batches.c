// SPDX-License-Identifier: MIT
/*
 * batches.c - which samples are in a batch, and what is done to them
 *
 * All chance comes from numbers that are hashed: the seed, the epoch, the
 * sample. There is no state to be kept, so a run that resumes in the middle of
 * an epoch sees what it would have seen.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/train.h>

struct fx_batches {
	const struct fx_samples *samples;
	const struct fx_augment *augment;
	size_t size;
	uint64_t seed;
	size_t *order;			/* of epoch @order_of - 1 */
	uint64_t order_of;
	float *sample;
};

/* Chance: a generator for each purpose */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static uint64_t chance_of(uint64_t seed, uint64_t epoch, uint64_t what)
{
	return mix(mix(mix(seed + 1) + epoch + 1) + what + 1);
}

/* 0 to @n - 1, for @n far below 2^32. */
static uint64_t draw(uint64_t *chance, uint64_t n)
{
	*chance += 0x9e3779b97f4a7c15;
	return (mix(*chance) >> 32) * n >> 32;
}

/* Order */

static void shuffle(struct fx_batches *b, uint64_t epoch)
{
	uint64_t chance = chance_of(b->seed, epoch, UINT64_MAX - 1);

	for (size_t i = 0; i < b->samples->n; i++)
		b->order[i] = i;
	for (size_t i = b->samples->n; i > 1; i--) {
		size_t k = draw(&chance, i), last = b->order[i - 1];

		b->order[i - 1] = b->order[k];
		b->order[k] = last;
	}
	b->order_of = epoch + 1;
}

/* Changes */

static float fill_of(const struct fx_augment *a, int64_t channel)
{
	return a->fill[channel < 3 ? channel : 3];
}

/* The window at (@top, @left) of @from with padding around it. */
static void cut_window(const struct fx_batches *b, int64_t top, int64_t left,
		       bool mirrored, float *to)
{
	const struct fx_samples *s = b->samples;
	const float *from = b->sample;

	for (int64_t c = 0; c < s->channels; c++) {
		float fill = fill_of(b->augment, c);

		for (int64_t y = 0; y < s->height; y++) {
			int64_t sy = y + top;

			for (int64_t x = 0; x < s->width; x++) {
				int64_t sx = left + (mirrored ?
						     s->width - 1 - x : x);
				bool in = sy >= 0 && sy < s->height &&
					  sx >= 0 && sx < s->width;

				*to++ = in ? from[sy * s->width + sx] : fill;
			}
		}
		from += s->height * s->width;
	}
}

/* A square around (@cy, @cx), as much of it as is inside. */
static void paint_over(const struct fx_batches *b, int64_t cy, int64_t cx,
		       float *x)
{
	const struct fx_samples *s = b->samples;
	int64_t side = b->augment->cutout;
	int64_t top = cy - side / 2, left = cx - side / 2;

	for (int64_t c = 0; c < s->channels; c++)
		for (int64_t y = top; y < top + side; y++)
			for (int64_t k = left; k < left + side; k++)
				if (y >= 0 && y < s->height && k >= 0 &&
				    k < s->width)
					x[(c * s->height + y) * s->width + k] =
						fill_of(b->augment, c);
}

static int get_sample(struct fx_batches *b, uint64_t epoch, size_t i, float *to)
{
	const struct fx_samples *s = b->samples;
	const struct fx_augment *a = b->augment;
	uint64_t chance = chance_of(b->seed, epoch, i);
	int64_t top, left;
	bool mirrored;
	int ret;

	if (!a)
		return s->get(s->ctx, i, to);
	ret = s->get(s->ctx, i, b->sample);
	if (ret)
		return ret;

	top = (int64_t)draw(&chance, 2 * a->crop + 1) - a->crop;
	left = (int64_t)draw(&chance, 2 * a->crop + 1) - a->crop;
	mirrored = draw(&chance, 2) && a->flip;
	cut_window(b, top, left, mirrored, to);
	if (a->cutout) {
		top = draw(&chance, s->height);
		left = draw(&chance, s->width);
		paint_over(b, top, left, to);
	}
	return 0;
}

struct fx_batches *fx_batches_new(const struct fx_samples *samples,
				  const struct fx_augment *augment, size_t size,
				  uint64_t seed)
{
	size_t one = samples->channels * samples->height * samples->width;
	struct fx_batches *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct fx_batches){ samples, augment, size, seed };
	b->order = calloc(samples->n + 1, sizeof(*b->order));
	b->sample = calloc(one + 1, sizeof(*b->sample));
	if (b->order && b->sample)
		return b;
	fx_batches_free(b);
	return NULL;
}

void fx_batches_free(struct fx_batches *b)
{
	if (!b)
		return;
	free(b->order);
	free(b->sample);
	free(b);
}

size_t fx_batches_count(const struct fx_batches *b)
{
	return b->samples->n / b->size;
}

int fx_batches_get(struct fx_batches *b, uint64_t epoch, size_t i, float *x,
		   int64_t *labels)
{
	const struct fx_samples *s = b->samples;
	size_t one = s->channels * s->height * s->width;
	int ret = 0;

	if (b->order_of != epoch + 1)
		shuffle(b, epoch);
	for (size_t k = 0; !ret && k < b->size; k++) {
		size_t sample = b->order[i * b->size + k];

		labels[k] = s->labels[sample];
		ret = get_sample(b, epoch, sample, x + k * one);
	}
	return ret;
}
