// SPDX-License-Identifier: MIT
/*
 * weights.c - what observes the weights of a layer
 *
 * A copy of what the qconfig says; but a layer of a graph that was quantized
 * before has the scales of its weights with it, as long as these are whole
 * multiples of them, and so the integers of that graph again.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/forms.h"
#include "observe/observe.h"

#include "verbs.h"

/* Are the weights integers from -128 to 127 times these scales? */
static bool are_multiples(const struct fx_module *layer, const float *scale,
			  int64_t n)
{
	const struct fxq_tensor *w = weight_tensor(layer, "weight");
	uint32_t axis = weights_axis(layer->class);
	int64_t inner = weights_beside(w, axis);

	if (n != 1 && n != w->dims[axis])
		return false;
	for (int64_t i = 0; i < fxq_tensor_count(w); i++)
		if (!form_is_int8(((const float *)w->data)[i],
				  scale[i / inner % n]))
			return false;
	return true;
}

/* Are these integers all from @least to @most? */
static bool stay_within(const struct fx_module *layer, const float *scale,
			int64_t n, int least, int most)
{
	const struct fxq_tensor *w = weight_tensor(layer, "weight");
	int64_t inner = weights_beside(w, weights_axis(layer->class));

	for (int64_t i = 0; i < fxq_tensor_count(w); i++) {
		float q = rintf(((const float *)w->data)[i] /
				scale[i / inner % n]);

		if (q < (float)least || q > (float)most)
			return false;
	}
	return true;
}

static const char *scheme_of(int64_t n)
{
	return n == 1 ? "per_tensor_symmetric" : "per_channel_symmetric";
}

void give_scales(struct fx_module *layer, const struct fx_node *weights)
{
	const struct fx_arg *given = fx_node_kwarg(weights, "scale");
	int64_t n = given ? (int64_t)given->count : 0;
	float *scale = must_alloc((size_t)(n + 1) * sizeof(*scale));
	const char *scheme = scheme_of(n);
	struct fx_module *m;

	for (int64_t i = 0; i < n; i++)
		scale[i] = (float)given->items[i].f;
	if (n && are_multiples(layer, scale, n)) {
		m = GivenScalesObserver(scale, (size_t)n, .qscheme = scheme);
		/* A channel of nothing may have a scale that is none. */
		if (m->error)
			fx_module_put(m);
		else
			fx_add_module(layer, GIVEN_SCALES, m);
	}
	free(scale);
}

const struct fx_module *given_scales(const struct fx_module *layer)
{
	const struct fx_member *member = module_member(layer, GIVEN_SCALES);
	const struct fxq_tensor *scale;

	if (!member || !member->module)
		return NULL;
	scale = weight_tensor(member->module, "scale");
	return scale && fxq_tensor_count(scale) > 0 &&
	       are_multiples(layer, scale->data, fxq_tensor_count(scale)) ?
	       member->module : NULL;
}

/*
 * The scales of @given, with no more integers than @t, what the qconfig asks for,
 * has. A file may say anything else of it: channels lie as the layer has them.
 */
static struct fx_module *narrowed(const struct fx_module *layer,
				  const struct fx_module *given,
				  const struct qtype *t)
{
	const struct fxq_tensor *scale = weight_tensor(given, "scale");
	int least = t->target.quant_min, most = t->target.quant_max;
	int64_t n = fxq_tensor_count(scale);
	const char *scheme = scheme_of(n);
	struct fx_module *m;

	if (most >= INT8_MAX)
		return GivenScalesObserver(scale->data, (size_t)n,
					   .qscheme = scheme);
	m = GivenScalesObserver(scale->data, (size_t)n, .qscheme = scheme,
				.quant_min = least, .quant_max = most);
	if (!m->error &&
	    !stay_within(layer, scale->data, n, least, most))
		module_fail(m, -ERANGE, "weights came as integers that are not all from %d to %d, as the qconfig wants them; give it 8 bits, or remove '" GIVEN_SCALES "' from the layer for new scales",
			    least, most);
	return m;
}

/* @given in the place of what observes in @proto. */
static struct fx_module *observer_with(const struct fx_module *layer,
				       const struct fx_module *given,
				       const struct fx_module *proto)
{
	bool fake = is_fake_quantizer(proto);
	const struct fx_module *inner = fake ?
		module_member(proto, "activation_post_process")->module : proto;
	char error[FXQ_ERROR_MAX];
	struct fx_module *m, *ret;
	struct qtype t;

	if (qtype_of(inner, &t, error))
		return fx_module_copy(proto);
	m = narrowed(layer, given, &t);
	if (!m->error && proto->class == &fx_class_PACTFakeQuantize)
		module_fail(m, -EINVAL, "weights came with scales, and PACTFakeQuantize learns another; give FakeQuantize or LSQFakeQuantize, or remove '" GIVEN_SCALES "' from the layer for new scales");
	if (!fake || m->error)
		return m;
	ret = fx_module_copy(proto);
	fake_quantizer_replace(ret, m);
	return ret;
}

/* ch_axis of an observer, axis of a fake quantizer, and those inside it. */
static void set_axis(struct fx_module *m, int64_t axis)
{
	for (size_t i = 0; i < m->class->n_options; i++)
		if (!strcmp(m->class->options[i].name, "ch_axis") ||
		    !strcmp(m->class->options[i].name, "axis"))
			m->options[i] = fx_of_int(axis);
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			set_axis(m->members[i].module, axis);
}

struct fx_module *observer_of_weights(const struct fx_module *layer,
				      const struct fx_module *observer)
{
	const struct fx_module *given = given_scales(layer);
	struct fx_module *m = given ? observer_with(layer, given, observer) :
				      fx_module_copy(observer);

	if (weights_axis(layer->class))
		set_axis(m, 1);
	return m;
}
