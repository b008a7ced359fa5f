// SPDX-License-Identifier: MIT
/*
 * plan.c - what is decided when a program is loaded
 *
 * Each step on the CPU gets its function. Each tensor gets a home: tensors
 * that share a region stand in it side by side, others have a piece of the
 * slot's memory to themselves, to which any region may point. A tensor that
 * shares two regions lives in the first and is copied to the second. What only
 * the CPU touches, coming from the caller or going there, has no home: it is
 * read and written in the caller's memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

#define SLOT_BYTES_MAX	(1ull << 38)

/* Room for @bytes in the memory of a slot. */
static uint64_t take(struct fxq_program *p, uint64_t bytes)
{
	uint64_t at = p->slot_bytes;

	if (at <= SLOT_BYTES_MAX)
		p->slot_bytes += fxq_align(bytes, FXQ_LINE_BYTES);
	return at;
}

static int bind_wrapped(const struct fxq_program *p, uint32_t i,
			struct bound *fn)
{
	const struct fxq_image *image = p->image;
	const char *name = image_string(image, image->steps[i].name);
	char builtin[160];

	if (!function_find(name, fn))
		return 0;
	function_list_builtin(builtin, sizeof(builtin));
	return fxq_fail(-ENOENT,
			"layer %s calls the function %s, which is bound to nothing: register it in the program with fxq_register_function(), load a plugin that has it (fxq-run --plugin x.so), or use a built-in one (%s)",
			image_layer(image, i), fxq_quote(name), builtin);
}

static int bind_operator(const struct fxq_program *p, uint32_t i,
			 struct bound *fn)
{
	const struct fxq_image *image = p->image;
	const char *name = image_string(image, image->steps[i].name);

	if (!operator_find(name, fn))
		return 0;
	return fxq_fail(-ENOENT,
			"layer %s needs the CPU operator %s, which this library (%s) does not have; compile the model again with this version",
			image_layer(image, i), fxq_quote(name),
			FXQ_LIB_VERSION);
}

/* How many tensors the function returns to this step. */
static int64_t results(const struct fxq_program *p,
		       const struct fxq_image_step *s, const struct bound *fn)
{
	const struct fxq_attr *a = p->image->decoded + s->first_attr;

	if (fn->n_out >= 0)
		return fn->n_out;
	for (uint32_t i = 0; i < s->n_attrs; i++)
		if (a[i].type == FXQ_ATTR_INT && !strcmp(a[i].name, "n_out"))
			return a[i].i;
	return s->n_out;
}

static int check_arity(const struct fxq_program *p, uint32_t i,
		       const struct bound *fn)
{
	const struct fxq_image *image = p->image;
	const struct fxq_image_step *s = &image->steps[i];
	const char *name = fxq_quote(image_string(image, s->name));

	if (s->n_in < (uint32_t)fn->min_in ||
	    (fn->max_in >= 0 && s->n_in > (uint32_t)fn->max_in) ||
	    s->n_out != results(p, s, fn))
		return image_bad(image,
				 "layer %s calls %s with %u inputs and %u outputs, which it does not take",
				 image_layer(image, i), name, s->n_in,
				 s->n_out);
	for (int k = 0; k < fn->min_in; k++)
		if (image->args[s->first_in + k] == FXQ_ARG_ABSENT)
			return image_bad(image,
					 "layer %s calls %s without input %d, which it needs",
					 image_layer(image, i), name, k);
	return 0;
}

static int bind_function(struct fxq_program *p, uint32_t i)
{
	const struct fxq_image_step *s = &p->image->steps[i];
	struct bound *fn = &p->plans[i].fn;
	int ret;

	if (s->kind == FXQ_STEP_DEVICE)
		return 0;
	ret = s->kind == FXQ_STEP_WRAPPED ? bind_wrapped(p, i, fn) :
					    bind_operator(p, i, fn);
	if (ret)
		return ret;
	if (s->n_in + s->n_out > p->max_args)
		p->max_args = s->n_in + s->n_out;
	return check_arity(p, i, fn);
}

/* How many tensors stand in region @r of step @s; one may be off its start. */
static uint32_t sharers(const struct fxq_program *p,
			const struct fxq_image_step *s, uint32_t r)
{
	const struct fxq_image_binding *b =
		p->image->bindings + s->first_binding;
	uint32_t n = 0;

	for (uint32_t i = 0; i < s->n_bindings; i++)
		if (b[i].region == r && b[i].kind >= FXQ_BIND_INPUT)
			n += b[i].offset ? 2 : 1;
	return n;
}

/* Kind and size of each region of a device step. */
static void plan_sizes(struct fxq_program *p, uint32_t i)
{
	const struct fxq_image *image = p->image;
	const struct fxq_image_step *s = &image->steps[i];
	const struct fxq_image_binding *b = image->bindings + s->first_binding;
	struct step_plan *plan = &p->plans[i];

	for (uint32_t k = 0; k < s->n_bindings; k++) {
		struct region_plan *r = &plan->regions[b[k].region];
		uint64_t bytes = b[k].offset;

		if (b[k].kind == FXQ_BIND_WEIGHTS)
			bytes += image->n[SECTION_WEIGHTS];
		else if (b[k].kind == FXQ_BIND_SCRATCH)
			bytes += s->scratch_bytes;
		else
			bytes += image->tensors[b[k].tensor].bytes;
		r->kind = b[k].kind;
		if (bytes > r->bytes)
			r->bytes = bytes;
		if (b[k].region >= plan->n_regions)
			plan->n_regions = b[k].region + 1;
	}
	if (s->scratch_bytes > p->scratch_bytes)
		p->scratch_bytes = s->scratch_bytes;
}

/* Regions that several tensors share become one piece of memory. */
static int plan_shared(struct fxq_program *p, uint32_t i)
{
	const struct fxq_image_step *s = &p->image->steps[i];
	const struct fxq_image_binding *b =
		p->image->bindings + s->first_binding;
	struct step_plan *plan = &p->plans[i];
	bool shared[FXQ_MAX_REGIONS];

	plan->copies = calloc(s->n_bindings + 1, sizeof(*plan->copies));
	if (!plan->copies)
		return fxq_fail_memory("a program");
	for (uint32_t r = 0; r < FXQ_MAX_REGIONS; r++) {
		shared[r] = sharers(p, s, r) > 1;
		if (shared[r])
			plan->regions[r].offset =
				take(p, plan->regions[r].bytes);
	}
	for (uint32_t k = 0; k < s->n_bindings; k++) {
		uint64_t at;

		if (b[k].kind < FXQ_BIND_INPUT || !shared[b[k].region])
			continue;
		at = plan->regions[b[k].region].offset + b[k].offset;
		if (p->home[b[k].tensor] == NO_PLACE)
			p->home[b[k].tensor] = at;
		else
			plan->copies[plan->n_copies++] =
				(struct copy_plan){ b[k].tensor, at };
	}
	return 0;
}

/* The others point to where their only tensor lives. */
static void plan_single(struct fxq_program *p, uint32_t i)
{
	const struct fxq_image_step *s = &p->image->steps[i];
	const struct fxq_image_binding *b =
		p->image->bindings + s->first_binding;
	struct step_plan *plan = &p->plans[i];

	for (uint32_t k = 0; k < s->n_bindings; k++) {
		uint32_t tensor = b[k].tensor;

		if (b[k].kind < FXQ_BIND_INPUT ||
		    sharers(p, s, b[k].region) > 1)
			continue;
		if (p->home[tensor] == NO_PLACE)
			p->home[tensor] =
				take(p, p->image->tensors[tensor].bytes);
		plan->regions[b[k].region].offset = p->home[tensor];
	}
}

/*
 * Homes for what steps on the CPU write, unless it is an output of the
 * network (once): that is written to the caller's memory.
 */
static int plan_rest(struct fxq_program *p)
{
	const struct fxq_image *image = p->image;
	const struct fxq_image_header *h = image->header;
	uint64_t n = image->n[SECTION_TENSORS];
	uint8_t *outputs = calloc(n + 1, 1);

	if (!outputs)
		return fxq_fail_memory("a program");
	for (uint32_t k = 0; k < h->n_outputs; k++) {
		uint8_t *times = &outputs[image->args[h->first_output + k]];

		*times += *times < 2;
	}
	for (uint32_t i = 0; i < program_steps(p); i++) {
		const struct fxq_image_step *s = &image->steps[i];

		for (uint32_t k = 0; k < s->n_out; k++) {
			uint32_t tensor = image->args[s->first_out + k];

			if (p->home[tensor] == NO_PLACE &&
			    outputs[tensor] != 1)
				p->home[tensor] =
					take(p, image->tensors[tensor].bytes);
		}
	}
	free(outputs);
	return 0;
}

static int plan_homes(struct fxq_program *p)
{
	uint32_t i;
	int ret = 0;

	for (i = 0; i < program_steps(p) && !ret; i++) {
		if (p->image->steps[i].kind != FXQ_STEP_DEVICE)
			continue;
		p->plans[i].regions = calloc(FXQ_MAX_REGIONS,
					     sizeof(struct region_plan));
		if (!p->plans[i].regions)
			return fxq_fail_memory("a program");
		plan_sizes(p, i);
		ret = plan_shared(p, i);
	}
	for (i = 0; i < program_steps(p) && !ret; i++)
		if (p->image->steps[i].kind == FXQ_STEP_DEVICE)
			plan_single(p, i);
	if (!ret)
		ret = plan_rest(p);
	if (!ret && p->slot_bytes > SLOT_BYTES_MAX)
		ret = image_bad(p->image, "its tensors take more memory than a device can address");
	return ret;
}

int plan_program(struct fxq_program *p)
{
	const struct fxq_image *image = p->image;
	uint64_t n = image->n[SECTION_TENSORS];
	int ret = 0;

	p->plans = calloc(program_steps(p) + 1ull, sizeof(*p->plans));
	p->home = malloc((n + 1) * sizeof(*p->home));
	p->types = calloc(n + 1, sizeof(*p->types));
	p->dynamic = calloc(n + 1, sizeof(*p->dynamic));
	if (!p->plans || !p->home || !p->types || !p->dynamic)
		return fxq_fail_memory("a program");

	for (uint32_t t = 0; t < n; t++) {
		p->home[t] = NO_PLACE;
		p->types[t] = image_type(image, t);
		if (image->tensors[t].flags & FXQ_TENSOR_DYNAMIC)
			p->dynamic[p->n_dynamic++] = t;
	}
	for (uint32_t i = 0; i < program_steps(p) && !ret; i++)
		ret = bind_function(p, i);
	return ret ? ret : plan_homes(p);
}

void plan_free(struct fxq_program *p)
{
	for (uint32_t i = 0; p->plans && i < program_steps(p); i++) {
		free(p->plans[i].regions);
		free(p->plans[i].copies);
	}
	free(p->plans);
	free(p->home);
	free(p->types);
	free(p->dynamic);
}
