// SPDX-License-Identifier: MIT
/*
 * prepare.c - observers behind the values that will be quantized
 *
 * Goes through the graph in order, as torch does: the inputs of a step that
 * nothing before has observed get an observer, then its result does. Whoever
 * takes a value that is quantized takes the observer's.
 */
#include <stdlib.h>

#include "observe/observe.h"

#include "verbs.h"

const struct fx_class fx_class_Prepared = {
	.name = "Prepared",
	.flags = FX_CLASS_LEAF | FX_CLASS_HIDDEN,
};

bool is_prepared(const struct fx_module *prepared, const struct fx_node *n)
{
	const struct fx_member *note = module_member(prepared, n->name);

	return note && (note->module || fx_truth(note->value));
}

/*
 * struct prepare
 * @qat: layers are trained with the error of their weights
 * @general: the qconfig of everything
 */
struct prepare {
	struct fx_module *gm;
	bool qat;
	const struct fx_backend *backend;
	const struct fx_module_qconfig *general;
	unsigned int n_observers;
};

static struct place *place_at(const struct fx_node *n)
{
	return n->data;
}

static bool is_quantized(const struct fx_node *n)
{
	return place_at(n)->qconfig != NULL;
}

/* Placeholders stay together. */
static struct fx_node *behind(struct fx_node *n)
{
	while (n->opcode == FX_PLACEHOLDER && n->next &&
	       n->next->opcode == FX_PLACEHOLDER)
		n = n->next;
	return n;
}

/* A call of @observer, which is taken over, on @n. */
static struct fx_node *insert_observer(struct prepare *p, struct fx_node *n,
				       struct fx_module *observer)
{
	struct fx_arg arg = fx_arg_node(n);
	struct fx_graph *g = n->graph;
	struct fx_node *call;
	const char *name;

	do
		name = fx_graph_printf(g, "activation_post_process_%u",
				       p->n_observers++);
	while (fx_module_at(p->gm, name));
	fx_add_module(p->gm, name, observer);

	fx_insert_after(behind(n));
	call = fx_graph_node(g, FX_CALL_MODULE, name, NULL, &arg, 1, NULL, 0);
	fx_graph_set_insert_point(g, NULL);
	call->module = observer;
	call->scope = call->source = call->target;
	call->loc = n->loc;
	call->data = fx_graph_alloc(g, sizeof(struct place));
	return call;
}

/* The integers 0 to 255 stand for 256 equal steps of the operator's range. */
static struct fx_module *range_observer(const double range[2])
{
	double step = (range[1] - range[0]) / 256;

	return FixedQParamsObserver(step, (int64_t)(-range[0] / step));
}

/* What a stub says of its input's scale; NULL if it says nothing. */
static struct fx_module *stub_observer(const struct fx_node *n)
{
	if (!node_is_module(n, "QuantStub") ||
	    fx_is_none(module_option(n->module, "scale")))
		return NULL;
	return FixedQParamsObserver(module_float(n->module, "scale"),
				    .dtype = "qint8");
}

/* What observes the values that a node with this qconfig takes or gives. */
static struct fx_module *observer_for(const struct prepare *p,
				      const struct fx_module_qconfig *qconfig)
{
	const struct fx_module *proto = qconfig->activation;

	if (!proto && p->general)
		proto = p->general->activation;
	return proto ? fx_module_copy(proto) : NULL;
}

/* Inputs */

struct input_walk {
	struct fx_node *list[MAX_ARGS];
	size_t n;
};

static void note_input(struct fx_node *in, void *ctx)
{
	struct input_walk *walk = ctx;

	for (size_t i = 0; i < walk->n; i++)
		if (walk->list[i] == in)
			return;
	if (walk->n < MAX_ARGS)
		walk->list[walk->n++] = in;
}

/* Sizes and parameters are no activations. */
static bool is_activation(const struct fx_node *n)
{
	return n->opcode != FX_GET_ATTR && !node_is_method(n, "size") &&
	       !node_is_function(n, "getattr") &&
	       !node_is_function(n, "floordiv") && !node_is_function(n, "len");
}

static bool observes_alike(const struct fx_module *a, const struct fx_module *b)
{
	return a->class == b->class &&
	       module_option(a, "dtype").s == module_option(b, "dtype").s;
}

/* An observer of @n that is there already, of the kind of @like; or NULL. */
static struct fx_node *existing_observer(struct fx_node *n,
					 const struct fx_module *like)
{
	for (struct fx_node *user = n->next; user; user = user->next)
		if (node_is_observer(user) && fx_node_in(user, 0) == n &&
		    observes_alike(user->module, like))
			return user;
	return NULL;
}

static void observe_input(struct prepare *p, struct fx_node *n,
			  struct fx_node *in)
{
	struct fx_module *observer;
	struct fx_node *call;

	if (node_is_observer(in) || !is_activation(in))
		return;
	observer = stub_observer(in);
	if (!observer)
		observer = observer_for(p, place_at(n)->qconfig);
	if (!observer)
		return;
	call = existing_observer(in, observer);
	if (call)
		fx_module_put(observer);
	else
		call = insert_observer(p, in, observer);
	fx_node_replace_input(n, in, call);
}

static void observe_inputs(struct prepare *p, struct fx_node *n)
{
	struct input_walk walk = { .n = 0 };

	fx_node_visit(n, note_input, &walk);
	for (size_t i = 0; i < walk.n; i++)
		observe_input(p, n, walk.list[i]);
}

/* Results */

/* As terms: x * x has two. */
static size_t count_tensors(const struct fx_node *n)
{
	size_t count = 0;

	for (size_t i = 0; i < n->n_args; i++)
		count += n->args[i].kind == FX_ARG_NODE &&
			 is_activation(n->args[i].node);
	return count;
}

static bool shares(const struct place *p)
{
	if (!p->row)
		return false;
	return p->row->observe == FX_OBSERVE_SHARED ||
	       p->row->observe == FX_OBSERVE_PARTS ||
	       (p->row->observe == FX_OBSERVE_TERMS &&
		count_tensors(p->root) == 1);
}

/* @call observes with @observer from now on. */
static void set_observer(struct prepare *p, struct fx_node *call,
			 struct fx_module *observer)
{
	if (call->module == observer)
		return;
	fx_module_replace(p->gm, call->target, fx_module_get(observer));
	call->module = observer;
}

/* What knows the scale that @n, an observer or fake quantizer, has; or NULL. */
static const struct fx_module *given_by(const struct fx_node *n)
{
	const struct fx_module *m = node_is_observer(n) ? n->module : NULL;

	if (m && is_fake_quantizer(m))
		m = fx_module_at(n->module, "activation_post_process");
	return m && m->class == &fx_class_FixedQParamsObserver ? m : NULL;
}

/* What knows the scale of @n, and alone reads it; or NULL. */
static const struct fx_module *given_behind(const struct fx_node *n)
{
	for (const struct fx_node *user = n->next; user; user = user->next)
		if (given_by(user) && fx_node_in(user, 0) == n)
			return n->n_users == 1 ? given_by(user) : NULL;
	return NULL;
}

static bool same_given(const struct fx_module *a, const struct fx_module *b)
{
	return a && observes_alike(a, b) &&
	       module_float(a, "scale") == module_float(b, "scale") &&
	       module_int(a, "zero_point") == module_int(b, "zero_point");
}

/*
 * Has the model scales for an operator, before or behind it, that are not those
 * which the operator keeps or always has?
 */
static bool is_given_others(const struct place *place)
{
	const struct fx_module *one = NULL;
	struct input_walk walk = { .n = 0 };
	const struct fx_module *given = place->last ?
					given_behind(place->last) : NULL;
	struct fx_module *range;
	size_t others = 0;

	if (given && place->row && place->row->observe == FX_OBSERVE_FIXED) {
		range = range_observer(place->row->range);
		others = !same_given(range, given);
		fx_module_put(range);
		return others;
	}
	if (!shares(place))
		return false;
	fx_node_visit(place->root, note_input, &walk);
	for (size_t i = 0; i < walk.n; i++)
		if (given_by(walk.list[i]))
			one = given_by(walk.list[i]);
	if (!one)
		return given != NULL;
	for (size_t i = 0; i < walk.n; i++)
		others += is_activation(walk.list[i]) &&
			  !same_given(given_by(walk.list[i]), one);
	return others || (given && !same_given(given, one));
}

/* In training they round, as those do that the qconfig puts elsewhere. */
static void round_given(struct prepare *p)
{
	if (!p->general || !p->general->activation ||
	    !is_fake_quantizer(p->general->activation))
		return;
	fx_for_each_node(n, p->gm->graph) {
		struct fx_module *fake;

		if (!given_by(n) || is_fake_quantizer(n->module))
			continue;
		fake = FakeQuantize(fx_module_copy(n->module));
		fake->training = n->module->training;
		set_observer(p, n, fake);
		fx_module_put(fake);
	}
}

/* Convert brings it onto integers, or it stays float between them. */
static void leave_given(struct fx_module *gm)
{
	fx_for_each_node(n, gm->graph) {
		struct place *place = n->data;

		if (place->qconfig && is_given_others(place))
			*place = (struct place){ .left = true };
	}
}

/* All inputs and the result have the first input's observer. */
static bool share_observer(struct prepare *p, const struct fx_node *root,
			   struct fx_node *result)
{
	struct input_walk walk = { .n = 0 };
	struct fx_module *observer;

	fx_node_visit(root, note_input, &walk);
	if (!walk.n || !node_is_observer(walk.list[0]))
		return false;
	observer = walk.list[0]->module;
	for (size_t i = 1; i < walk.n; i++)
		if (node_is_observer(walk.list[i]))
			set_observer(p, walk.list[i], observer);
	set_observer(p, result, observer);
	return true;
}

static void observe_result(struct prepare *p, struct fx_node *n)
{
	const struct place *place = place_at(n);
	struct fx_module *observer;
	struct fx_node *call;

	if (given_behind(n))
		return;
	if (place->row && place->row->observe == FX_OBSERVE_FIXED)
		observer = range_observer(place->row->range);
	else if (place->qconfig->activation)
		observer = fx_module_copy(place->qconfig->activation);
	else
		return;
	call = insert_observer(p, n, observer);
	fx_node_replace_uses(n, call);
	if (shares(place) && !share_observer(p, place->root, call)) {
		fx_node_replace_uses(call, n);
		fx_node_erase(call);
	}
}

/* A layer that has been swapped for another call of it has its own already. */
static void swap_layer(struct prepare *p, const struct fx_node *n,
		       const struct fx_module *weight)
{
	const struct layer_class *class = layer_class_of(n->module);

	if (!class || class->kind != LAYER_QAT)
		root_swap(p->gm, n->module, make_qat(n->module, weight));
}

/* Can its weights be as the qconfig says, and as the model brings them? */
static void check_weights(struct prepare *p, const struct fx_node *n,
			  const struct fx_module *weight)
{
	const struct layer_class *class = layer_class_of(n->module);
	const struct fx_module *layer = class && class->kind == LAYER_FUSED ?
					n->module->members[0].module : n->module;
	struct fx_module *m;

	if (!given_scales(layer))
		return;
	m = observer_of_weights(layer, weight);
	if (m->error)
		root_fail(p->gm, "%s: %s", n->target, m->error);
	fx_module_put(m);
}

/* Convert's member: what is quantized, and what observes weights. */
static void leave_note(struct prepare *p, struct fx_module *prepared,
		       const struct fx_node *n,
		       const struct fx_module_qconfig *qconfig)
{
	bool layer = n->opcode == FX_CALL_MODULE &&
		     is_layer(p->backend, n->module);

	if (layer && is_converted(n->module)) {
		root_fail(p->gm, "%s: its weights are integers already; leave it as it is, { \"module_name\", \"%s\", NULL }, or prepare the model that was converted",
			  n->target, n->target);
		return;
	}
	if (layer)
		check_weights(p, n, qconfig->weight);
	if (layer && p->qat)
		swap_layer(p, n, qconfig->weight);
	if (layer)
		fx_add_module(prepared, n->name,
			      fx_module_copy(qconfig->weight));
	else
		fx_add_attribute(prepared, n->name, fx_of_bool(true));
}

static void leave_notes(struct prepare *p, const struct fx_qconfig_item *dict)
{
	struct fx_module *prepared = layer_new(&fx_class_Prepared, p->gm);

	fx_add_attribute(prepared, "_backend", fx_of_str(p->backend->name));
	fx_for_each_node(n, p->gm->graph) {
		const struct fx_module_qconfig *qconfig = NULL;

		if (n->opcode == FX_CALL_MODULE ||
		    n->opcode == FX_CALL_FUNCTION ||
		    n->opcode == FX_CALL_METHOD)
			qconfig = qconfig_of(dict, p->gm, n);
		if (place_at(n)->left)
			fx_add_attribute(prepared, n->name, fx_of_bool(false));
		else if (qconfig)
			leave_note(p, prepared, n, qconfig);
	}
	fx_module_replace(p->gm, PREPARED, prepared);
}

static void insert_observers(struct prepare *p)
{
	fx_for_each_node(n, p->gm->graph) {
		const struct place *place = place_at(n);

		if (!is_quantized(n))
			continue;
		if (n == place->root)
			observe_inputs(p, n);
		if (n == place->last)
			observe_result(p, n);
	}
}

static const struct fx_module_qconfig *
general_qconfig(const struct fx_qconfig_item *dict)
{
	for (; dict->key; dict++)
		if (!*dict->key)
			return dict->qconfig;
	return NULL;
}

static struct fx_module *prepare(struct fx_module *model,
				 const struct fx_qconfig_item *dict,
				 const struct fx_backend *backend, bool qat)
{
	struct prepare p = { .gm = root_copy(model), .qat = qat,
			     .backend = backend };

	if (p.gm->error)
		return p.gm;
	if (fx_module_at(p.gm, PREPARED))
		return root_fail(p.gm, "the model is prepared already; convert it, or prepare the model it came from");
	if (backend->makes_modules)
		unfold_attention(p.gm);
	fuse_graph(p.gm, backend, !qat);
	if (p.gm->error)
		return p.gm;
	if (qconfig_check(dict, p.gm))
		return p.gm;
	p.general = general_qconfig(dict);
	find_observed(p.gm, backend, dict);
	if (qat)
		round_given(&p);
	leave_given(p.gm);
	leave_notes(&p, dict);
	insert_observers(&p);
	return p.gm;
}

struct fx_module *
fx_prepare_calibration_fx(struct fx_module *model,
			  const struct fx_qconfig_item *qconfig_dict,
			  const struct fx_verb_options *options)
{
	return prepare(model, qconfig_dict, options->backend ?
		       options->backend : &fx_backend_fxq, false);
}

struct fx_module *fx_prepare_qat_fx(struct fx_module *model,
				    const struct fx_qconfig_item *qconfig_dict,
				    const struct fx_verb_options *options)
{
	return prepare(model, qconfig_dict, options->backend ?
		       options->backend : &fx_backend_fxq, true);
}
