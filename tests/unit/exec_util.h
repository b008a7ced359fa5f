/* SPDX-License-Identifier: MIT */
/*
 * exec_util.h - what the tests of the machine's operators share
 *
 * A test fills the scratchpad with noise, lays out its tensors with maps that
 * are larger than the boxes in them, writes what arithmetic.md says into a
 * copy, and compares the whole scratchpad afterwards: a byte beside the result
 * that changed is as wrong as a wrong result. Each descriptor runs with every
 * instruction set that this processor has, on one thread, on several, and with
 * denormals flushed. Layout and rounding are written here a second time, from
 * the documents.
 */
#ifndef EXEC_UTIL_H
#define EXEC_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include <fxq/fxq_spm.h>

#include "exec.h"

#define SPM_BYTES	(1u << 20)
#define ACC_BYTES	(64u << 10)

/*
 * struct env - a scratchpad, and the one that is expected
 * @used: bytes given out by place() and reserve()
 */
struct env {
	struct fxq_exec x;
	struct fxq_pool *one, *many;
	uint8_t *before, *want;
	uint32_t used;
	uint64_t seed;
};

static inline uint32_t rnd(struct env *e)
{
	e->seed = e->seed * 6364136223846793005ull + 1442695040888963407ull;
	return e->seed >> 33;
}

/* A number in [lo, hi]. */
static inline int range(struct env *e, int lo, int hi)
{
	return lo + (int)(rnd(e) % (uint32_t)(hi - lo + 1));
}

static inline int chance(struct env *e, int one_in)
{
	return rnd(e) % one_in == 0;
}

/* A multiplier of about 2^-@shift. */
static inline uint32_t scale_bits(struct env *e, int shift)
{
	float f = ldexpf(1.0f + (float)range(e, 0, 999) / 1000.0f, -shift);
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return bits;
}

static inline float as_float(uint32_t bits)
{
	float f;

	memcpy(&f, &bits, sizeof(f));
	return f;
}

static inline int env_create(void **state)
{
	struct env *e = calloc(1, sizeof(*e));

	if (!e)
		return -1;
	e->x.spm = aligned_alloc(64, SPM_BYTES + 64);
	e->x.acc = aligned_alloc(64, ACC_BYTES);
	e->before = malloc(SPM_BYTES);
	e->want = malloc(SPM_BYTES);
	e->one = fxq_pool_create(1);
	e->many = fxq_pool_create(3);
	e->seed = 1;
	*state = e;
	return e->x.spm && e->x.acc && e->before && e->want && e->one &&
	       e->many ? 0 : -1;
}

static inline int env_destroy(void **state)
{
	struct env *e = *state;

	fxq_pool_destroy(e->many);
	fxq_pool_destroy(e->one);
	free(e->want);
	free(e->before);
	free(e->x.acc);
	free(e->x.spm);
	free(e);
	return 0;
}

static inline void put_u32(struct env *e, uint32_t at, uint32_t v)
{
	memcpy(e->before + at, &v, sizeof(v));
}

/* Begins a round: noise everywhere, nothing placed. */
static inline void env_reset(struct env *e, uint64_t seed)
{
	uint32_t i;

	e->seed = seed * 7919 + 17;
	e->used = 0;
	for (i = 0; i < SPM_BYTES; i += 4)
		put_u32(e, i, rnd(e) << 1 ^ rnd(e));
}

static inline uint32_t reserve(struct env *e, uint32_t bytes)
{
	uint32_t at = e->used;

	e->used += (bytes + 63) / 64 * 64;
	assert_true(e->used <= SPM_BYTES);
	return at;
}

/* Bytes between pixels of the block that holds channel @c of @channels. */
static inline uint32_t pixel_bytes(uint32_t channels, uint32_t c)
{
	uint32_t first = c / 32 * 32;
	uint32_t in_block = channels - first > 32 ? 32 : channels - first;

	return (in_block + 3) / 4 * 4;
}

/* A map with room around a box of h x w x c elements of @elem bytes. */
static inline struct fxq_fm place(struct env *e, uint32_t h, uint32_t w,
				  uint32_t c, uint32_t elem)
{
	struct fxq_fm fm = { 0 };
	uint32_t rows;

	fm.y = chance(e, 2) ? range(e, 0, 3) : 0;
	fm.x = chance(e, 2) ? range(e, 0, 3) : 0;
	fm.row = fm.x + w + (chance(e, 2) ? range(e, 0, 3) : 0);
	rows = fm.y + h + (chance(e, 2) ? 1 : 0);
	fm.c = c + (chance(e, 4) ? range(e, 1, 40) : 0);
	fm.plane = (rows * fm.row * 32 * elem + 63) / 64 * 64;
	if (chance(e, 4))
		fm.plane += 64;
	fm.addr = reserve(e, (c + 31) / 32 * fm.plane);
	return fm;
}

static inline uint32_t where(const struct fxq_fm *fm, uint32_t y, uint32_t x,
			     uint32_t c, uint32_t elem)
{
	return fm->addr + c / 32 * fm->plane +
	       (((fm->y + y) * fm->row + fm->x + x) * pixel_bytes(fm->c, c) +
		c % 32) * elem;
}

/* What the descriptor finds at a place, before it runs. */
static inline int get(const struct env *e, const struct fxq_fm *fm, uint32_t y,
		      uint32_t x, uint32_t c)
{
	return (int8_t)e->before[where(fm, y, x, c, 1)];
}

static inline void expect(struct env *e, const struct fxq_fm *fm, uint32_t y,
			  uint32_t x, uint32_t c, int v)
{
	e->want[where(fm, y, x, c, 1)] = (uint8_t)v;
}

static inline void expect32(struct env *e, const struct fxq_fm *fm, uint32_t y,
			    uint32_t x, uint32_t c, int32_t v)
{
	memcpy(e->want + where(fm, y, x, c, 4), &v, sizeof(v));
}

/* Inputs are in place: what is expected starts out as what is there. */
static inline void begin_expecting(struct env *e)
{
	memcpy(e->want, e->before, SPM_BYTES);
}

/* Q of arithmetic.md: fmaxf() and fminf() prefer the number to a NaN. */
static inline int q(float v, int z, int lo, int hi)
{
	return (int)nearbyintf(fminf(fmaxf(v, (float)(lo - z)),
				     (float)(hi - z))) + z;
}

static inline void random_clamp(struct env *e, int8_t *lo, int8_t *hi)
{
	*lo = chance(e, 2) ? -128 : range(e, -128, 0);
	*hi = chance(e, 2) ? 127 : range(e, 1, 127);
}

/* What the flags of @d ask for beside the sums: a residual, a table. */
static inline void random_operands(struct env *e, struct fxq_desc *d)
{
	struct fxq_body_conv *b = &d->conv;

	if (d->flags & FXQ_F_RESIDUAL) {
		b->res = place(e, b->oh, b->ow, b->oc, 1);
		b->res_m = scale_bits(e, range(e, 0, 3));
		b->zr = range(e, -128, 127);
	}
	if (d->flags & FXQ_F_LUT)
		b->lut = reserve(e, 256);
	b->params = reserve(e, 16 * ((b->oc + 31) / 32 * 32));
}

/*
 * The tables that this processor runs, and one more that only tests have: the
 * operators of avxvnni, encoded for a processor with AVX-512 VNNI.
 */
static inline const struct fxq_exec_ops *next_ops(const struct fxq_exec_ops *ops)
{
#if defined(__x86_64__)
	extern const struct fxq_exec_ops fxq_ops_narrow;

	if (ops == &fxq_ops_narrow)
		return NULL;
	if (ops && !strcmp(ops->name, "avx512"))
		return &fxq_ops_narrow;
#endif
	return fxq_isa_next(ops);
}

static inline void run_stream(struct env *e, const struct fxq_desc *d,
			      uint32_t count, struct fxq_pool *pool)
{
	uint32_t i;

	memcpy(e->x.spm, e->before, SPM_BYTES);
	memset(e->x.spm + SPM_BYTES, 0x5a, 64);
	memset(e->x.acc, 0x33, ACC_BYTES);
	e->x.pool = pool;
	for (i = 0; i < count; i++)
		e->x.ops->fn[d[i].opcode](&e->x, &d[i]);
	if (!memcmp(e->x.spm, e->want, SPM_BYTES))
		return;
	for (i = 0; i < SPM_BYTES; i++)
		if (e->x.spm[i] != e->want[i])
			fail_msg("%s, %s: spm[%#x] is %d, want %d (was %d)",
				 fxq_op_name(d->opcode), e->x.ops->name, i,
				 (int8_t)e->x.spm[i], (int8_t)e->want[i],
				 (int8_t)e->before[i]);
}

static inline void run_each_way(struct env *e, const struct fxq_desc *d,
				uint32_t count)
{
	run_stream(e, d, count, e->one);
	run_stream(e, d, count, e->many);
#if defined(__SSE2__)
	{
		unsigned int csr = _mm_getcsr();

		_mm_setcsr(csr | 0x8040);	/* FTZ and DAZ */
		run_stream(e, d, count, e->one);
		_mm_setcsr(csr);
	}
#endif
}

/* Are the descriptors legal, and do they give what is expected? */
static inline void run_and_compare(struct env *e, struct fxq_desc *d,
				   uint32_t count)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	struct fxq_checker k;
	uint32_t i;

	fxq_checker_init(&k, &caps);
	for (i = 0; i < count; i++) {
		d[i].engine = fxq_op_engine(d[i].opcode);
		assert_string_equal(fxq_cause_text(fxq_check_desc(&k, &d[i])),
				    "completed");
		assert_string_equal(fxq_cause_text(fxq_check_spm(&caps, &d[i])),
				    "completed");
	}
	e->x.ops = NULL;
	while ((e->x.ops = next_ops(e->x.ops)))
		run_each_way(e, d, count);
}

#endif /* EXEC_UTIL_H */
