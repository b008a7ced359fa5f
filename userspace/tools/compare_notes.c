// SPDX-License-Identifier: MIT
/*
 * compare_notes.c - what a look at the graphs tells, before anything is run
 *
 * How values are quantized, what could not be fused, what is left to the CPU,
 * and which modules are called more than once: sentences, the same in text, in
 * JSON and on the page.
 */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

__attribute__((format(printf, 3, 4)))
static void note(struct notes *to, const char *kind, const char *format, ...)
{
	struct note *list = realloc(to->list, (to->n + 1) * sizeof(*list));
	va_list args;
	char *text;

	if (!list)
		return;
	to->list = list;
	va_start(args, format);
	if (vasprintf(&text, format, args) >= 0)
		list[to->n++] = (struct note){ kind, text };
	va_end(args);
}

/* One qconfig for all, or where the scales come from. */
static void note_qconfig(struct notes *to, const struct build *b,
			 const struct options *o)
{
	static const char *const observers[] = {
#define X(id, name) [FX_OBSERVER_##id] = name,
		FX_OBSERVERS(X)
#undef X
	};
	const struct fx_qconfig q = options_qconfig(o);

	if (o->scales)
		note(to, "qconfig", "activations int8 with the scales of %s",
		     plain(o->scales));
	else if (fx_scales_given(b->graph))
		note(to, "qconfig", "activations int8 with the scales that the model brings");
	else
		note(to, "qconfig", "activations int8 with a scale each, by observer %s; weights int8 with a scale for %s",
		     observers[q.observer],
		     q.per_tensor_weights ? "each tensor" :
					    "each output channel");
}

/* From @n on, how many nodes are like it; 0 if one before it is. */
static unsigned int count_alike(const struct fx_node *n,
				bool (*alike)(const struct fx_node *a,
					      const struct fx_node *b))
{
	unsigned int count = 0;

	for (const struct fx_node *p = n->prev; p; p = p->prev)
		if (alike(n, p))
			return 0;
	for (const struct fx_node *p = n; p; p = p->next)
		count += alike(n, p);
	return count;
}

static bool same_class(const struct fx_node *a, const struct fx_node *b)
{
	return a->module && b->module && a->module->class == b->module->class;
}

static bool same_module(const struct fx_node *a, const struct fx_node *b)
{
	return a->module && a->module == b->module;
}

/* The observers of a prepared graph, each class once. */
static void note_observers(struct notes *to, const struct fx_graph *g)
{
	static const char name[] = "activation_post_process";

	fx_for_each_node(n, g) {
		unsigned int values = 0;

		if (!strncmp(n->target, name, strlen(name)))
			values = count_alike(n, same_class);
		if (values)
			note(to, "qconfig", "%u values by %s", values,
			     plain(n->module->class->name));
	}
}

/* A table behind a layer that others read too cannot be part of it. */
static void note_unfused(struct notes *to, const struct fx_graph *g)
{
	fx_for_each_node(n, g) {
		const struct fx_node *in = fx_node_in(n, 0);

		if (!in || (!fx_node_is(n, "qlut") && !fx_node_is(n, "qrequant")))
			continue;
		if (fx_node_is(in, "qconv2d") || fx_node_is(in, "qlinear"))
			note(to, "not fused", "%s, a pass of its own over %s, which %u nodes read",
			     plain(n->name), plain(in->name), in->n_users);
	}
}

static void note_cpu(struct notes *to, const struct fx_graph *g)
{
	fx_for_each_node(n, g)
		if (n->place == FX_PLACE_CPU && n->reason &&
		    n->opcode == FX_CALL_FUNCTION)
			note(to, "on the CPU", "%s: %s", plain(n->name),
			     plain(n->reason));
}

/* What is observed for one call of a module says nothing of the next. */
static void note_shared(struct notes *to, const struct fx_graph *g)
{
	fx_for_each_node(n, g) {
		unsigned int calls = count_alike(n, same_module);

		if (calls > 1)
			note(to, "shared", "module %s is called %u times, each with a scale of its own",
			     plain(n->target), calls);
	}
}

struct notes compare_notes(const struct model *m, const struct build *b,
			   const struct options *o)
{
	struct notes notes = { 0 };

	if (is_prepared(m->module))
		note_observers(&notes, m->module->graph);
	else
		note_qconfig(&notes, b, o);
	note_unfused(&notes, b->converted);
	note_cpu(&notes, b->converted);
	if (m->traced)
		note_shared(&notes, m->traced);
	return notes;
}

void notes_free(struct notes *notes)
{
	for (size_t i = 0; i < notes->n; i++)
		free(notes->list[i].text);
	free(notes->list);
	*notes = (struct notes){ 0 };
}
