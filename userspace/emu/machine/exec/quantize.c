/* SPDX-License-Identifier: MIT */
/*
 * quantize.c - from finished sums to bytes, for neighbouring pixels
 *
 * Plain loops over 32 lanes say what is computed, and most compilers' vectors
 * are as good as written ones. AVX-512 does two pixels at once, or four of up to
 * 16 lanes: four vectors of 16 numbers narrow into one of 64 bytes, which are
 * neighbours in the scratchpad.
 */
#include <string.h>

#include <fxq/fxq_arith.h>

#include "fm.h"
#include "quantize.h"

#if defined(__AVX512BW__)

#include "quantvec.h"

/* struct consts - what all pixels of a row share, in vectors */
struct consts {
	__m512 m[2], neg[2], most, res_m;
	__m512i zr, zy, lo, hi;
	__m512i lut[4];
};

static void load_consts(const struct fxq_epilogue *e, const struct fxq_lanes *l,
			struct consts *c)
{
	int i;

	for (i = 0; i < 2; i++) {
		c->m[i] = _mm512_loadu_ps(l->m + 16 * i);
		c->neg[i] = _mm512_loadu_ps(l->neg + 16 * i);
	}
	c->most = _mm512_set1_ps((float)(e->hi - e->zy));
	c->res_m = _mm512_set1_ps(e->res_m);
	c->zr = _mm512_set1_epi32(e->zr);
	c->zy = _mm512_set1_epi16((short)e->zy);
	c->lo = _mm512_set1_epi8((char)e->lo);
	c->hi = _mm512_set1_epi8((char)e->hi);
	for (i = 0; i < 4 && e->lut; i++)
		c->lut[i] = _mm512_loadu_si512(e->lut + 64 * i);
}

/* 16 sums, rounded. */
INLINE __m512i round_sums(const struct consts *c, const uint32_t *acc,
			  const uint8_t *res, int half, const enum kind kind)
{
	__m512 v = scale_sums(_mm512_loadu_si512(acc + 16 * half), c->m[half],
			      c->neg[half], kind);
	__m512i r;

	if (res) {
		r = _mm512_cvtepi8_epi32(_mm_loadu_si128(
			(const __m128i *)(res + 16 * half)));
		r = _mm512_sub_epi32(r, c->zr);
		v = _mm512_add_ps(v, _mm512_mul_ps(_mm512_cvtepi32_ps(r),
						   c->res_m));
	}
	return round_scaled(v, c->most, kind);
}

/* A pixel, of 16 bits, with the zero point: quarters of both halves in turn. */
INLINE __m512i narrow(const struct consts *c, const uint32_t *acc,
		      const uint8_t *res, const enum kind kind)
{
	__m512i v = _mm512_packs_epi32(round_sums(c, acc, res, 0, kind),
				       round_sums(c, acc, res, 1, kind));

	return _mm512_adds_epi16(v, c->zy);
}

/* Two pixels' bytes, in order. */
INLINE __m512i two_pixels(const struct consts *c, __m512i first, __m512i second,
			  const enum kind kind)
{
	const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13,
						2, 6, 10, 14, 3, 7, 11, 15);
	__m512i q = _mm512_max_epi8(_mm512_packs_epi16(first, second), c->lo);

	if (kind == PLAIN)
		q = _mm512_min_epi8(q, c->hi);
	if (kind == LUT)
		q = look_up(c->lut, q);
	return _mm512_permutexvar_epi32(order, q);
}

INLINE void quantize(const struct consts *c, uint32_t (*acc)[FXQ_BLOCK],
		     const struct fxq_row *r, uint32_t lanes,
		     const enum kind kind)
{
	__mmask32 mask = lanes == FXQ_BLOCK ? ~0u : (1u << lanes) - 1;
	const uint8_t *res = kind == PLAIN ? NULL : r->res;
	uint8_t *out = r->out;
	__m512i first, q;
	uint32_t p;

	for (p = 0; p + 1 < r->n; p += 2) {
		first = narrow(c, acc[p], res, kind);
		q = two_pixels(c, first, narrow(c, acc[p + 1],
			       res ? res + r->res_pixel : NULL, kind), kind);
		if (lanes == FXQ_BLOCK) {
			_mm512_storeu_si512(out, q);
		} else {
			_mm256_mask_storeu_epi8(out, mask,
						_mm512_castsi512_si256(q));
			_mm256_mask_storeu_epi8(out + r->out_pixel, mask,
				_mm512_extracti64x4_epi64(q, 1));
		}
		out += 2 * r->out_pixel;
		res = res ? res + 2 * r->res_pixel : NULL;
	}
	if (p == r->n)
		return;
	first = narrow(c, acc[p], res, kind);
	q = two_pixels(c, first, first, kind);
	_mm256_mask_storeu_epi8(out, mask, _mm512_castsi512_si256(q));
}

/* The first halves of two pixels, as narrow() gives both of one. */
INLINE __m512i narrow_halves(const struct consts *c, const uint32_t *first,
			     const uint32_t *second, const uint8_t *res,
			     size_t res_pixel, const enum kind kind)
{
	__m512i v = round_sums(c, first, res, 0, kind);
	__m512i w = round_sums(c, second, res ? res + res_pixel : NULL, 0,
			       kind);

	return _mm512_adds_epi16(_mm512_packs_epi32(v, w), c->zy);
}

/* Up to 16 lanes: four pixels fill a vector of bytes. */
INLINE void quantize_halves(const struct consts *c, uint32_t (*acc)[FXQ_BLOCK],
			    const struct fxq_row *r, uint32_t lanes,
			    const enum kind kind)
{
	const uint8_t *res = kind == PLAIN ? NULL : r->res;
	size_t res_pixel = r->res_pixel, out_pixel = r->out_pixel;
	__mmask16 mask = (1u << lanes) - 1;
	uint8_t *out = r->out;
	__m512i a, b, q;
	uint32_t p;

	for (p = 0; p + 4 <= r->n; p += 4, out += 4 * out_pixel) {
		a = narrow_halves(c, acc[p], acc[p + 1], res, res_pixel, kind);
		res = res ? res + 2 * res_pixel : NULL;
		b = narrow_halves(c, acc[p + 2], acc[p + 3], res, res_pixel,
				  kind);
		res = res ? res + 2 * res_pixel : NULL;
		q = two_pixels(c, a, b, kind);
		if (lanes == 16 && out_pixel == 16) {
			_mm512_storeu_si512(out, q);
			continue;
		}
		_mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(q));
		_mm_mask_storeu_epi8(out + out_pixel, mask,
				     _mm512_extracti32x4_epi32(q, 1));
		_mm_mask_storeu_epi8(out + 2 * out_pixel, mask,
				     _mm512_extracti32x4_epi32(q, 2));
		_mm_mask_storeu_epi8(out + 3 * out_pixel, mask,
				     _mm512_extracti32x4_epi32(q, 3));
	}
	for (; p < r->n; p++, out += out_pixel) {
		a = narrow_halves(c, acc[p], acc[p], res, 0, kind);
		res = res ? res + res_pixel : NULL;
		q = two_pixels(c, a, a, kind);
		_mm_mask_storeu_epi8(out, mask, _mm512_castsi512_si128(q));
	}
}

INLINE void quantize_lanes(const struct consts *c, uint32_t (*acc)[FXQ_BLOCK],
			   const struct fxq_row *r, uint32_t lanes,
			   const enum kind kind)
{
	if (lanes <= FXQ_BLOCK / 2)
		quantize_halves(c, acc, r, lanes, kind);
	else
		quantize(c, acc, r, lanes, kind);
}

void fxq_quantize_row(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK],
		      const struct fxq_row *row)
{
	struct consts c;

	load_consts(e, l, &c);
	switch (kind_of(e, l, row->res)) {
	case PLAIN:
		quantize_lanes(&c, acc, row, l->n, PLAIN);
		break;
	case LARGE:
		quantize_lanes(&c, acc, row, l->n, LARGE);
		break;
	case BENT:
		quantize_lanes(&c, acc, row, l->n, BENT);
		break;
	case LUT:
		quantize_lanes(&c, acc, row, l->n, LUT);
		break;
	}
}

#else

static inline void scale(const struct fxq_lanes *l, const int32_t *acc,
			 float *v)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		v[i] = fxq_scale_acc(acc[i], l->m[i], l->neg[i]);
}

static inline void add_residual(const struct fxq_epilogue *e,
				const int8_t *res, float *v)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		v[i] = v[i] + (float)(res[i] - e->zr) * e->res_m;
}

static inline void quantize(const struct fxq_epilogue *e, const float *v,
			    int8_t *q)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		q[i] = fxq_q(v[i], e->zy, e->lo, e->hi);
}

static inline void look_up(const uint8_t *lut, int8_t *q)
{
	int i;

	for (i = 0; i < FXQ_BLOCK; i++)
		q[i] = lut[(uint8_t)q[i] ^ 0x80];
}

/* All 32 lanes are computed, also those that are no channels. */
void fxq_quantize_row(const struct fxq_epilogue *e, const struct fxq_lanes *l,
		      uint32_t (*acc)[FXQ_BLOCK],
		      const struct fxq_row *row)
{
	float v[FXQ_BLOCK] __attribute__((aligned(64)));
	int8_t q[FXQ_BLOCK] __attribute__((aligned(64)));
	uint32_t p;

	for (p = 0; p < row->n; p++) {
		scale(l, (const int32_t *)acc[p], v);
		if (row->res)
			add_residual(e, (const int8_t *)row->res +
				     p * row->res_pixel, v);
		quantize(e, v, q);
		if (e->lut)
			look_up(e->lut, q);
		fm_put(row->out + p * row->out_pixel, q, l->n);
	}
}

#endif
