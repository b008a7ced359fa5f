/* SPDX-License-Identifier: MIT */
/*
 * test_exec_dma.c - LOAD and STORE through memory in small pages
 *
 * The region's pages lie in any order in host memory, so that a transfer which
 * takes two neighbours for one piece goes wrong; a page may be missing.
 */
#include <errno.h>

#include "exec_util.h"

#define PAGE		256u
#define PAGES		256u
#define REGION_BYTES	(PAGE * PAGES)
#define REGION		5

/*
 * struct memory - a region
 * @host: where its pages are, page i at @slot[i]
 * @missing: a page that faults, or PAGES
 * @together: pages at neighbouring slots are one piece
 */
struct memory {
	struct fxq_dma_memory mem;
	uint8_t *host;
	uint32_t slot[PAGES];
	uint32_t missing;
	bool together, want_write;
};

static void *memory_at(struct fxq_dma_memory *mem, uint32_t region,
		       uint64_t offset, uint64_t *len, bool write)
{
	struct memory *m = (struct memory *)mem;
	uint64_t page = offset / PAGE, end = page + 1;

	assert_int_equal(region, REGION);
	assert_int_equal(write, m->want_write);
	assert_true(*len > 0 && offset < REGION_BYTES);
	assert_true(*len <= REGION_BYTES - offset);
	if (page == m->missing)
		return NULL;
	while (m->together && end < PAGES && end != m->missing &&
	       m->slot[end] == m->slot[end - 1] + 1)
		end++;
	if (*len > end * PAGE - offset)
		*len = end * PAGE - offset;
	return m->host + m->slot[page] * PAGE + offset % PAGE;
}

static uint8_t *byte_at(struct memory *m, uint64_t offset)
{
	return m->host + m->slot[offset / PAGE] * PAGE + offset % PAGE;
}

static void memory_init(struct env *e, struct memory *m)
{
	uint32_t i, j, t;
	uint32_t shuffles = chance(e, 2) ? 0 : PAGES;

	*m = (struct memory){ .mem = { memory_at }, .missing = PAGES };
	m->host = malloc(REGION_BYTES);
	assert_non_null(m->host);
	m->together = chance(e, 2);
	for (i = 0; i < REGION_BYTES; i++)
		m->host[i] = rnd(e);
	for (i = 0; i < PAGES; i++)
		m->slot[i] = i;
	while (shuffles--) {
		i = rnd(e) % PAGES;
		j = rnd(e) % PAGES;
		t = m->slot[i];
		m->slot[i] = m->slot[j];
		m->slot[j] = t;
	}
}

/* Strides that nest, overlap or run backwards in memory. */
static void random_transfer(struct env *e, struct fxq_desc *d)
{
	static const uint8_t elems[] = { 1, 2, 4 };
	struct fxq_body_dma *b = &d->dma;
	int64_t mem, down = 0, up = 0;
	uint32_t spm;
	int k;

	*d = (struct fxq_desc){ .opcode = chance(e, 2) ? FXQ_OP_STORE :
							 FXQ_OP_LOAD };
	b->region = REGION;
	b->elem = elems[rnd(e) % 3];
	b->spm = 64 * range(e, 0, 9);
	b->spm_skip = range(e, 0, 70);
	mem = spm = b->elem;
	for (k = 0; k < 4; k++) {
		b->n[k] = range(e, 1, k ? 6 : 12);
		if (chance(e, 3))
			spm += range(e, 0, 9);
		if (chance(e, 3))
			mem += range(e, -3, 40);
		b->spm_stride[k] = spm;
		b->mem_stride[k] = chance(e, 6) ? -mem : mem;
		if (chance(e, 12))
			b->mem_stride[k] = 0;
		spm *= b->n[k];
		mem *= b->n[k];
		if (b->mem_stride[k] < 0)
			down += (int64_t)b->mem_stride[k] * (b->n[k] - 1);
		else
			up += (int64_t)b->mem_stride[k] * (b->n[k] - 1);
	}
	assert_true(up - down + 4 < REGION_BYTES);
	b->offset = -down + rnd(e) % (REGION_BYTES - (up - down) - 4);
}

/* Moves what @b fills of the scratchpad to the very end of it. */
static void put_last(struct fxq_body_dma *b)
{
	uint32_t bytes = b->elem, k;

	for (k = 0; k < 4; k++)
		bytes += (b->n[k] - 1) * b->spm_stride[k];
	b->spm = (SPM_BYTES - bytes) & ~63u;
	b->spm_skip = SPM_BYTES - bytes - b->spm;
}

/*
 * Bytes that change places, as between the scratchpad's layout and planes of
 * pixels: the channels of a pixel a byte or two apart, and the pixels of a
 * channel in memory likewise. Few of either, many, and neither many nor few.
 */
static void random_plane(struct env *e, struct fxq_desc *d)
{
	static const uint8_t sizes[] = { 1, 2, 3, 4, 5, 7, 12, 15, 16, 17, 24,
					 32, 33, 48, 61 };
	struct fxq_body_dma *b = &d->dma;
	uint32_t pixels = sizes[rnd(e) % sizeof(sizes)];
	uint32_t lanes = sizes[rnd(e) % sizeof(sizes)];
	uint32_t lane = chance(e, 4) ? 2 : 1, dense = chance(e, 2);
	uint32_t pitch = lanes * lane + (dense ? -lanes * lane % 4 :
					 (uint32_t)range(e, 0, 20));
	uint32_t plane = pixels + (dense ? 0 : range(e, 0, 20)), i;

	*d = (struct fxq_desc){ .opcode = chance(e, 2) ? FXQ_OP_STORE :
							 FXQ_OP_LOAD };
	b->region = REGION;
	b->elem = 1;
	b->spm = 64 * range(e, 0, 9);
	b->spm_skip = range(e, 0, 70);
	i = chance(e, 2);
	b->n[i] = pixels;
	b->mem_stride[i] = 1;
	b->spm_stride[i] = pitch;
	b->n[!i] = lanes;
	b->mem_stride[!i] = plane;
	b->spm_stride[!i] = lane;
	b->n[2] = range(e, 1, 3);
	b->mem_stride[2] = plane * lanes;
	b->spm_stride[2] = pitch * pixels;
	b->n[3] = range(e, 1, 2);
	b->mem_stride[3] = 3 * plane * lanes + range(e, 0, 9);
	b->spm_stride[3] = 3 * pitch * pixels + range(e, 0, 9);
	assert_true(6 * plane * lanes + 9 < REGION_BYTES);
	b->offset = rnd(e) % (REGION_BYTES - 6 * plane * lanes - 9);
	if (chance(e, 3))
		put_last(b);
}

/* The descriptor's own words: for each i3, i2, i1, i0. */
static void transfer(struct env *e, struct memory *m, const struct fxq_desc *d)
{
	const struct fxq_body_dma *b = &d->dma;
	uint32_t total = b->n[0] * b->n[1] * b->n[2] * b->n[3], i, left, k;

	for (i = 0; i < total; i++) {
		uint32_t spm = b->spm + b->spm_skip;
		uint64_t mem = b->offset;

		for (k = 0, left = i; k < 4; left /= b->n[k++]) {
			spm += left % b->n[k] * b->spm_stride[k];
			mem += (int64_t)(left % b->n[k]) * b->mem_stride[k];
		}
		for (k = 0; k < b->elem; k++) {
			if (d->opcode == FXQ_OP_LOAD)
				e->want[spm + k] = *byte_at(m, mem + k);
			else
				*byte_at(m, mem + k) = e->want[spm + k];
		}
	}
}

static void check_legal(struct fxq_desc *d)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	struct fxq_checker k;

	d->engine = fxq_op_engine(d->opcode);
	fxq_checker_init(&k, &caps);
	assert_int_equal(fxq_check_desc(&k, d), FXQ_CAUSE_NONE);
	assert_int_equal(fxq_check_spm(&caps, d), FXQ_CAUSE_NONE);
}

static void transfers_move_every_element_in_order(void **state)
{
	struct env *e = *state;
	uint8_t behind[64];
	uint8_t *before = malloc(REGION_BYTES), *want = malloc(REGION_BYTES);
	struct fxq_desc d;
	struct memory m;
	int i;

	for (i = 0; i < 1200; i++) {
		env_reset(e, i);
		memory_init(e, &m);
		if (i % 2)
			random_transfer(e, &d);
		else
			random_plane(e, &d);
		check_legal(&d);
		m.want_write = d.opcode == FXQ_OP_STORE;

		memcpy(before, m.host, REGION_BYTES);
		begin_expecting(e);
		transfer(e, &m, &d);
		memcpy(want, m.host, REGION_BYTES);
		memcpy(m.host, before, REGION_BYTES);

		memcpy(e->x.spm, e->before, SPM_BYTES);
		memset(e->x.spm + SPM_BYTES, 0x5a, sizeof(behind));
		memset(behind, 0x5a, sizeof(behind));
		assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), 0);
		assert_memory_equal(e->x.spm, e->want, SPM_BYTES);
		assert_memory_equal(e->x.spm + SPM_BYTES, behind,
				    sizeof(behind));
		assert_memory_equal(m.host, want, REGION_BYTES);
		free(m.host);
	}
	free(want);
	free(before);
}

static void missing_page_is_a_fault(void **state)
{
	struct env *e = *state;
	struct fxq_desc d = { .opcode = FXQ_OP_LOAD, .dma = {
		.offset = PAGE - 8, .n = { 16, 1, 1, 1 }, .elem = 1,
		.mem_stride = { 1 }, .spm_stride = { 1 }, .region = REGION } };
	struct memory m;
	uint32_t i;

	env_reset(e, 1);
	memory_init(e, &m);
	check_legal(&d);
	memcpy(e->x.spm, e->before, SPM_BYTES);
	m.missing = 1;
	assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), -EFAULT);
	for (i = 16; i < SPM_BYTES; i++)
		assert_int_equal(e->x.spm[i], e->before[i]);

	m.missing = 2;
	assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), 0);
	free(m.host);
}

/* The same of one that planes of pixels lie in, in part. */
static void missing_page_of_a_plane_is_a_fault(void **state)
{
	struct env *e = *state;
	struct fxq_desc d = { .opcode = FXQ_OP_LOAD, .dma = {
		.n = { 32, 16, 1, 1 }, .elem = 1, .mem_stride = { 1, PAGE / 2 },
		.spm_stride = { 16, 1 }, .region = REGION } };
	struct memory m;

	env_reset(e, 3);
	memory_init(e, &m);
	check_legal(&d);
	for (m.missing = 0; m.missing < 8; m.missing++)
		assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), -EFAULT);
	assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), 0);
	free(m.host);
}

/* A page between two rows that no element touches need not exist. */
static void untouched_pages_may_be_missing(void **state)
{
	struct env *e = *state;
	struct fxq_desc d = { .opcode = FXQ_OP_STORE, .dma = {
		.n = { 8, 2, 1, 1 }, .elem = 4, .mem_stride = { 4, 2 * PAGE },
		.spm_stride = { 4, 32 }, .region = REGION } };
	struct memory m;

	env_reset(e, 2);
	memory_init(e, &m);
	check_legal(&d);
	m.want_write = true;
	m.missing = 1;
	memcpy(e->x.spm, e->before, SPM_BYTES);
	assert_int_equal(fxq_exec_dma(&e->x, &d, &m.mem), 0);
	assert_memory_equal(byte_at(&m, 0), e->before, 32);
	assert_memory_equal(byte_at(&m, 2 * PAGE), e->before + 32, 32);
	free(m.host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfers_move_every_element_in_order),
		cmocka_unit_test(missing_page_is_a_fault),
		cmocka_unit_test(missing_page_of_a_plane_is_a_fault),
		cmocka_unit_test(untouched_pages_may_be_missing),
	};

	return cmocka_run_group_tests(tests, env_create, env_destroy);
}
