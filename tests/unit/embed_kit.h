/* SPDX-License-Identifier: MIT */
/*
 * embed_kit.h - users of an embedded device, and streams for it
 */
#ifndef TEST_EMBED_KIT_H
#define TEST_EMBED_KIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include <fxq/fxq_check.h>

#include "../../userspace/emu/embed.h"
#include "streams.h"

#define PAGE		4096u
#define REGION		(64u << 10)
#define STREAM		(1u << 19)	/* where a test's stream begins */
#define MEM		(1u << 20)
#define FOREVER		UINT64_MAX

/* One user of a device: a context and memory mapped in it. */
struct user {
	struct fxq_embed *embed;
	uint32_t ctx;
	uint8_t *mem;
	uint64_t va;
};

static inline void *pages(uint64_t align, uint64_t bytes)
{
	void *p = aligned_alloc(align, bytes);

	assert_non_null(p);
	return memset(p, 0, bytes);
}

static inline void user_init(struct user *u, struct fxq_embed *e)
{
	u->embed = e;
	u->mem = pages(PAGE, MEM);
	assert_int_equal(fxq_embed_ctx_create(e, &u->ctx), 0);
	assert_int_equal(fxq_embed_map(e, u->ctx, u->mem, MEM, true, &u->va),
			 0);
}

static inline void user_finish(struct user *u)
{
	fxq_embed_ctx_destroy(u->embed, u->ctx);
	free(u->mem);
}

static inline int setup(void **state)
{
	struct user *u = calloc(1, sizeof(*u));
	struct fxq_embed *e;

	assert_int_equal(fxq_embed_open(NULL, &e), 0);
	user_init(u, e);
	*state = u;
	return 0;
}

static inline int teardown(void **state)
{
	struct user *u = *state;
	struct fxq_embed *e = u->embed;

	user_finish(u);
	fxq_embed_close(e);
	free(u);
	return 0;
}

/* Queues a stream with regions 0 and 1, the first 128 KiB of @u's memory. */
static inline int submit(struct user *u, const struct fxq_desc *stream,
			 uint32_t count, uint64_t *run)
{
	const struct fxq_embed_region regions[] = {
		{ u->va, REGION, true }, { u->va + REGION, REGION, true },
	};

	if (stream)
		memcpy(u->mem + STREAM, stream, count * sizeof(*stream));
	return fxq_embed_submit(u->embed, u->ctx, u->va + STREAM, count,
				regions, 2, run);
}

static inline struct fxq_embed_event await(struct user *u)
{
	struct fxq_embed_event event;

	assert_int_equal(fxq_embed_poll(u->embed, &event, 1, FOREVER), 1);
	return event;
}

/* Copies 64 bytes from region 0 to region 1. */
static inline uint32_t copy_stream(struct fxq_desc *s)
{
	s[0] = load(0, 0, 0, 64);
	s[1] = wait_for(store(1, 0, 0, 64), 1, 0, 0, 0);
	return 2;
}

static inline uint32_t copy(struct user *u)
{
	struct fxq_desc s[2];
	uint64_t run;

	copy_stream(s);
	assert_int_equal(submit(u, s, 2, &run), 0);
	return await(u).cause;
}

/* A stream that keeps the machine busy for a good part of a second. */
static inline struct fxq_desc *long_stream(uint32_t count)
{
	struct fxq_desc *s = calloc(count, sizeof(*s));
	uint32_t i;

	assert_non_null(s);
	for (i = 0; i < count; i++) {
		s[i] = fill(0, 1 << 19, i);
		s[i].dma.spm_stride[0] = 2;
	}
	return s;
}

/* A test that is given a user of a device of its own. */
#define TEST(name)	cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* TEST_EMBED_KIT_H */
