// SPDX-License-Identifier: MIT
/*
 * slot.c - the memory of runs
 *
 * A slot is made once and used for one run after another; a run allocates
 * nothing.
 */
#include <stdlib.h>

#include "program.h"

void slot_list_push(struct slot **list, struct slot *slot)
{
	while (*list)
		list = &(*list)->next;
	slot->next = NULL;
	*list = slot;
}

void slot_list_insert(struct slot **list, struct slot *slot)
{
	while (*list && (*list)->number < slot->number)
		list = &(*list)->next;
	slot->next = *list;
	*list = slot;
}

struct slot *slot_list_pop(struct slot **list)
{
	struct slot *slot = *list;

	if (slot)
		*list = slot->next;
	return slot;
}

bool slot_list_remove(struct slot **list, struct slot *slot)
{
	while (*list && *list != slot)
		list = &(*list)->next;
	if (!*list)
		return false;
	*list = slot->next;
	return true;
}

/* Tensors as a run finds them: constants, those with a home, the rest empty. */
static void init_tensors(struct slot *slot)
{
	const struct fxq_program *p = slot->prog;

	for (uint32_t t = 0; t < p->image->n[SECTION_TENSORS]; t++) {
		slot->tensors[t] = p->types[t];
		if (p->home[t] != NO_PLACE)
			slot->tensors[t].data =
				(uint8_t *)slot->memory.mem + p->home[t];
	}
}

static int create_slot(struct fxq_program *p, struct slot *slot)
{
	uint64_t n_tensors = p->image->n[SECTION_TENSORS];
	uint64_t n_steps = program_steps(p);
	int ret = 0;

	slot->prog = p;
	slot->memory.size = p->slot_bytes;
	if (p->slot_bytes)
		ret = device_alloc(p->dev, &slot->memory);
	if (ret == -ENODEV)
		return fxq_fail(ret, "%s", device_trouble(p->dev, ret));
	if (ret)
		return fxq_fail_memory("the tensors of a program; ask for fewer slots");
	slot->tensors = calloc(n_tensors + 1, sizeof(*slot->tensors));
	slot->args = calloc(p->max_args + 1ull, sizeof(*slot->args));
	slot->step_ns = calloc(n_steps + 1, sizeof(*slot->step_ns));
	slot->step_cycles = calloc(n_steps + 1, sizeof(*slot->step_cycles));
	if (!slot->tensors || !slot->args || !slot->step_ns ||
	    !slot->step_cycles)
		return fxq_fail_memory("a program");
	init_tensors(slot);
	return 0;
}

int slots_create(struct fxq_program *p)
{
	int ret = 0;

	p->slots = calloc(p->config.slots, sizeof(*p->slots));
	if (!p->slots)
		return fxq_fail_memory("a program");
	for (uint32_t i = 0; i < p->config.slots && !ret; i++)
		ret = create_slot(p, &p->slots[i]);
	return ret;
}

/* After the device has forgotten their memory. */
void slots_destroy(struct fxq_program *p)
{
	for (uint32_t i = 0; p->slots && i < p->config.slots; i++) {
		struct slot *slot = &p->slots[i];

		device_free(p->dev, &slot->memory);
		free(slot->tensors);
		free(slot->args);
		free(slot->step_ns);
		free(slot->step_cycles);
	}
	free(p->slots);
}
