// SPDX-License-Identifier: MIT
/*
 * hazards.c - what each descriptor has to wait for
 *
 * For each 64-byte line of the scratchpad, and of the memory that a stream
 * both reads and writes, stands who wrote it last and how far each engine has
 * read it. A descriptor waits for the writer of what it reads, and for writer
 * and readers of what it overwrites, unless they are its own engine's. The
 * bytes come from fxq_spm_spans(), as the machine's race check does, so a
 * stream has no race by construction.
 */
#include <errno.h>
#include <stdlib.h>

#include "lower.h"

#define LINE	64

/* Counts are 1 + the index of a descriptor within its engine; 0: nobody. */
struct line {
	uint32_t written[FXQ_ENGINE_COUNT];
	uint32_t read[FXQ_ENGINE_COUNT];
};

struct lines {
	struct line *line;
	uint64_t n;
};

static void wait_for(struct fxq_desc *d, const uint32_t *count)
{
	for (int e = 0; e < FXQ_ENGINE_COUNT; e++)
		if (e != d->engine && count[e] > d->wait[e])
			d->wait[e] = count[e];
}

static void meet(const struct lines *l, uint64_t lo, uint64_t hi,
		 struct fxq_desc *d, bool write)
{
	for (uint64_t i = lo / LINE; i <= (hi - 1) / LINE && i < l->n; i++) {
		wait_for(d, l->line[i].written);
		if (write)
			wait_for(d, l->line[i].read);
	}
}

static void mark(const struct lines *l, uint64_t lo, uint64_t hi,
		 const struct fxq_desc *d, uint32_t count, bool write)
{
	for (uint64_t i = lo / LINE; i <= (hi - 1) / LINE && i < l->n; i++) {
		if (write)
			l->line[i].written[d->engine] = count;
		else
			l->line[i].read[d->engine] = count;
	}
}

/* Both walks over what @d touches: first meet, then mark. */
static void touch_spm(const struct lines *l, struct fxq_desc *d,
		      uint32_t count)
{
	struct fxq_span s[FXQ_MAX_SPANS];
	unsigned int n = fxq_spm_spans(d, s);

	for (unsigned int i = 0; i < n; i++) {
		for (uint64_t k = 0; k < s[i].count; k++) {
			uint64_t lo = s[i].off + k * s[i].stride;

			if (count)
				mark(l, lo, lo + s[i].len, d, count, s[i].write);
			else
				meet(l, lo, lo + s[i].len, d, s[i].write);
		}
	}
}

static void touch_memory(const struct lines *regions, struct fxq_desc *d,
			 uint32_t count)
{
	bool write = d->opcode == FXQ_OP_STORE;
	__u64 lo, hi;

	if ((!write && d->opcode != FXQ_OP_LOAD) ||
	    !fxq_dma_extent(&d->dma, &lo, &hi))
		return;
	if (count)
		mark(&regions[d->dma.region], lo, hi, d, count, write);
	else
		meet(&regions[d->dma.region], lo, hi, d, write);
}

/* Regions that are both read and written need lines; the others do not. */
static int alloc_regions(const struct stream *s, const struct fxq_caps *caps,
			 struct lines *regions)
{
	struct fxq_checker k;

	fxq_checker_init(&k, caps);
	for (uint32_t i = 0; i < s->n; i++)
		fxq_check_desc(&k, &s->d[i]);
	for (int r = 0; r < FXQ_MAX_REGIONS; r++) {
		const struct fxq_region_use *use = &k.summary.region[r];

		if (!use->read_hi || !use->write_hi)
			continue;
		regions[r].n = use->write_hi / LINE + 1;
		regions[r].line = calloc(regions[r].n, sizeof(struct line));
		if (!regions[r].line)
			return -ENOMEM;
	}
	return 0;
}

int stream_hazards(struct stream *s, const struct fxq_caps *caps)
{
	struct lines regions[FXQ_MAX_REGIONS] = { 0 };
	struct lines spm = { .n = caps->spm_bytes / LINE };
	uint32_t count[FXQ_ENGINE_COUNT] = { 0 };
	int ret;

	spm.line = calloc(spm.n, sizeof(struct line));
	ret = spm.line ? alloc_regions(s, caps, regions) : -ENOMEM;
	for (uint32_t i = 0; !ret && i < s->n; i++) {
		struct fxq_desc *d = &s->d[i];

		touch_spm(&spm, d, 0);
		touch_memory(regions, d, 0);
		count[d->engine]++;
		touch_spm(&spm, d, count[d->engine]);
		touch_memory(regions, d, count[d->engine]);
	}
	for (int r = 0; r < FXQ_MAX_REGIONS; r++)
		free(regions[r].line);
	free(spm.line);
	return ret;
}
