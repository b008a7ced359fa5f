// SPDX-License-Identifier: MIT
/*
 * image_streams.c - device steps: what a stream does against what it may
 *
 * fxq_check.h reads each stream once and tells which bytes of which region it
 * reads and writes. Here the bindings say how large each region is and
 * whether it is written; the two must agree. The device checks all of it
 * again while it runs; saying it at load names the layer.
 */
#include <string.h>

#include <fxq/fxq_spm.h>

#include "image.h"

#define OFFSET_MAX	(1ull << 38)

/*
 * About ten seconds of the machine, which is what a run may take. A checked
 * descriptor ends, but a million of the longest would take weeks.
 */
#define MACS_MAX	(1ull << 43)
#define MOVED_MAX	(1ull << 38)

/*
 * struct region - what the bindings of a step make of a region
 * @kind: of all its bindings, 0: unbound
 * @bytes: from its start to the end of its last tensor
 */
struct region {
	uint32_t kind;
	uint64_t bytes;
};

/* A device step while it is checked. */
struct step {
	const struct fxq_image *image;
	uint32_t index;
	const struct fxq_image_step *s;
	const struct fxq_image_binding *bindings;
	struct region regions[FXQ_MAX_REGIONS];
};

static int check_binding(const struct step *t, uint32_t b)
{
	const struct fxq_image_binding *bind = &t->bindings[b];
	bool tensor = bind->kind == FXQ_BIND_INPUT ||
		      bind->kind == FXQ_BIND_OUTPUT;
	uint64_t index = t->s->first_binding + (uint64_t)b;
	const char *s = FXQ_SECTION_BINDINGS;

	if (bind->kind < FXQ_BIND_WEIGHTS || bind->kind > FXQ_BIND_OUTPUT)
		return image_bad(t->image, "%s[%llu].kind is %u, which is unknown",
				 s, (unsigned long long)index, bind->kind);
	if (bind->region >= FXQ_MAX_REGIONS)
		return image_bad(t->image, "%s[%llu].region is %u, but there are %d",
				 s, (unsigned long long)index, bind->region,
				 FXQ_MAX_REGIONS);
	if (bind->reserved || (!tensor && (bind->tensor || bind->offset)))
		return image_bad(t->image, "%s[%llu] of kind %u uses fields that are not its own",
				 s, (unsigned long long)index, bind->kind);
	if (bind->offset % FXQ_LINE_BYTES || bind->offset > OFFSET_MAX)
		return image_bad(t->image, "%s[%llu].offset is %llu, not a multiple of %d or too large",
				 s, (unsigned long long)index,
				 (unsigned long long)bind->offset,
				 FXQ_LINE_BYTES);
	return 0;
}

/* The next INPUT or OUTPUT binding must be the step's next tensor. */
static int check_tensor(const struct step *t, uint32_t b, uint32_t *next_in,
			uint32_t *next_out)
{
	const struct fxq_image_binding *bind = &t->bindings[b];
	bool in = bind->kind == FXQ_BIND_INPUT;
	uint32_t *next = in ? next_in : next_out;
	uint32_t first = in ? t->s->first_in : t->s->first_out;
	uint32_t n = in ? t->s->n_in : t->s->n_out;
	const struct fxq_image_tensor *tensor;

	if (*next >= n || t->image->args[first + *next] != bind->tensor)
		return image_bad(t->image,
				 "%s[%u]: binding %u is of tensor %u, which is not %s %u of the step",
				 FXQ_SECTION_STEPS, t->index, b, bind->tensor,
				 in ? "input" : "output", *next);
	++*next;
	tensor = &t->image->tensors[bind->tensor];
	if (tensor->flags || !tensor->bytes)
		return image_bad(t->image,
				 "%s[%u]: binding %u is of tensor %u, which is constant, dynamic or empty and cannot be bound",
				 FXQ_SECTION_STEPS, t->index, b, bind->tensor);
	return 0;
}

/* Bytes of what @bind puts into its region. */
static uint64_t bound_bytes(const struct step *t,
			    const struct fxq_image_binding *bind)
{
	switch (bind->kind) {
	case FXQ_BIND_WEIGHTS:
		return t->image->n[SECTION_WEIGHTS];
	case FXQ_BIND_SCRATCH:
		return t->s->scratch_bytes;
	default:
		return t->image->tensors[bind->tensor].bytes;
	}
}

static int check_disjoint(const struct step *t, uint32_t b)
{
	const struct fxq_image_binding *x = &t->bindings[b];
	uint64_t x_end = x->offset + bound_bytes(t, x);

	for (uint32_t k = 0; k < b; k++) {
		const struct fxq_image_binding *y = &t->bindings[k];

		if (x->region == y->region && x->offset < y->offset +
		    bound_bytes(t, y) && y->offset < x_end)
			return image_bad(t->image,
					 "%s[%u]: bindings %u and %u overlap in region %u at %llu",
					 FXQ_SECTION_STEPS, t->index, k, b,
					 x->region,
					 (unsigned long long)x->offset);
	}
	return 0;
}

/* Adds a binding to its region. */
static int bind_region(struct step *t, uint32_t b)
{
	const struct fxq_image_binding *bind = &t->bindings[b];
	struct region *r = &t->regions[bind->region];
	uint64_t end = bind->offset + bound_bytes(t, bind);

	if (end == bind->offset && bind->kind != FXQ_BIND_WEIGHTS)
		return image_bad(t->image, "%s[%u]: binding %u of region %u is empty",
				 FXQ_SECTION_STEPS, t->index, b, bind->region);
	if (r->kind && r->kind != bind->kind)
		return image_bad(t->image, "%s[%u]: region %u is bound as kind %u and as kind %u",
				 FXQ_SECTION_STEPS, t->index, bind->region,
				 r->kind, bind->kind);
	r->kind = bind->kind;
	if (end > r->bytes)
		r->bytes = end;
	return check_disjoint(t, b);
}

static int check_bindings(struct step *t)
{
	uint32_t next_in = 0, next_out = 0;
	int ret = 0;

	if (t->s->scratch_bytes > OFFSET_MAX)
		return image_bad(t->image, "%s[%u].scratch_bytes is %llu, more than a device can address",
				 FXQ_SECTION_STEPS, t->index,
				 (unsigned long long)t->s->scratch_bytes);
	for (uint32_t b = 0; b < t->s->n_bindings && !ret; b++) {
		ret = check_binding(t, b);
		if (!ret && t->bindings[b].kind >= FXQ_BIND_INPUT)
			ret = check_tensor(t, b, &next_in, &next_out);
		if (!ret)
			ret = bind_region(t, b);
	}
	if (!ret && (next_in != t->s->n_in || next_out != t->s->n_out))
		ret = image_bad(t->image, "%s[%u] has %u inputs and %u outputs, but binds %u and %u",
				FXQ_SECTION_STEPS, t->index, t->s->n_in,
				t->s->n_out, next_in, next_out);
	return ret;
}

static int check_region(const struct step *t, uint32_t r,
			const struct fxq_region_use *use)
{
	const struct region *region = &t->regions[r];
	bool writable = region->kind == FXQ_BIND_SCRATCH ||
			region->kind == FXQ_BIND_OUTPUT;
	uint64_t end = use->read_hi > use->write_hi ? use->read_hi :
		       use->write_hi;

	if (!end)
		return 0;
	if (!region->kind)
		return image_bad(t->image, "stream of layer %s uses region %u, which step %u does not bind",
				 image_layer(t->image, t->index), r, t->index);
	if (use->write_hi && !writable)
		return image_bad(t->image, "stream of layer %s writes region %u, which step %u binds to be read",
				 image_layer(t->image, t->index), r, t->index);
	if (end > region->bytes)
		return image_bad(t->image, "stream of layer %s reaches byte %llu of region %u, which in step %u has %llu",
				 image_layer(t->image, t->index),
				 (unsigned long long)end, r, t->index,
				 (unsigned long long)region->bytes);
	return 0;
}

/* The source operator and the scratchpad side of each descriptor. */
static int check_descs(const struct step *t, const struct fxq_caps *caps)
{
	const struct fxq_desc *stream = t->image->stream[t->index];

	for (uint32_t i = 0; i < t->image->n_stream[t->index]; i++) {
		uint32_t cause = fxq_check_spm(caps, &stream[i]);

		if (cause)
			return image_bad(t->image, "%s%u: descriptor %u (%s): %s",
					 FXQ_SECTION_STREAM, t->index, i,
					 fxq_op_name(stream[i].opcode),
					 fxq_cause_text(cause));
		if (stream[i].tag >= t->image->n[SECTION_TAGS])
			return image_bad(t->image, "%s%u: descriptor %u has tag %u, but %s has %llu",
					 FXQ_SECTION_STREAM, t->index, i,
					 stream[i].tag, FXQ_SECTION_TAGS,
					 (unsigned long long)
					 t->image->n[SECTION_TAGS]);
	}
	return 0;
}

static int check_stream(const struct step *t, const struct fxq_caps *caps)
{
	const struct fxq_desc *stream = t->image->stream[t->index];
	uint32_t index, cause;
	struct fxq_checker k;
	int ret;

	fxq_checker_init(&k, caps);
	cause = fxq_check_stream(&k, stream, t->image->n_stream[t->index],
				 &index);
	if (cause)
		return image_bad(t->image, "%s%u: descriptor %u (%s): %s",
				 FXQ_SECTION_STREAM, t->index, index,
				 t->image->n_stream[t->index] ?
				 fxq_op_name(stream[index].opcode) : "none",
				 fxq_cause_text(cause));
	if (k.summary.macs > MACS_MAX || k.summary.bytes > MOVED_MAX)
		return image_bad(t->image, "stream of layer %s does %llu multiply-accumulates and moves %llu bytes, more than a run may",
				 image_layer(t->image, t->index),
				 (unsigned long long)k.summary.macs,
				 (unsigned long long)k.summary.bytes);
	for (uint32_t r = 0; r < FXQ_MAX_REGIONS; r++) {
		ret = check_region(t, r, &k.summary.region[r]);
		if (ret)
			return ret;
	}
	return check_descs(t, caps);
}

int image_check_streams(const struct fxq_image *image,
			const struct fxq_caps *caps)
{
	for (uint32_t i = 0; i < image->n[SECTION_STEPS]; i++) {
		const struct fxq_image_step *s = &image->steps[i];
		struct step t = { .image = image, .index = i, .s = s };
		int ret;

		if (s->kind != FXQ_STEP_DEVICE)
			continue;
		t.bindings = image->bindings + s->first_binding;
		ret = check_bindings(&t);
		if (!ret)
			ret = check_stream(&t, caps);
		if (ret)
			return ret;
	}
	return 0;
}
