// SPDX-License-Identifier: MIT
/*
 * default_qconfig.c - how this machine quantizes, by the names of its parts
 *
 * Activations are int8 with a zero point and one scale, weights int8 without
 * one, from -127 to 127, with a scale for each output channel.
 */
#include <errno.h>

#include "verbs.h"

/*
 * struct form - what integers an observer finds a scale for
 * @constant: how fast a moving average moves
 */
struct form {
	const char *qscheme;
	int least, most;
	bool per_channel, power_of_two;
	double constant;
};

#define FORM	.dtype = "qint8", .qscheme = f->qscheme,		\
		.quant_min = f->least, .quant_max = f->most,		\
		.power_of_two = f->power_of_two
#define MOVING	.averaging_constant = f->constant, FORM

/* X(name, constructor) */
#define OBSERVERS(X)							\
	X(min_max,        MinMaxObserver(FORM))				\
	X(moving_average, MovingAverageMinMaxObserver(MOVING))		\
	X(histogram,      HistogramObserver(FORM))			\
	X(percentile,     PercentileObserver(FORM))			\
	X(kl,             KLObserver(FORM))				\
	X(mse,            MSEObserver(FORM))				\
	X(mix,            MixObserver(FORM))				\
	X(clip,           ClipObserver(FORM))				\
	X(clip_std,       ClipStdObserver(FORM))

#define CHANNEL_OBSERVERS(X)						\
	X(min_max,        PerChannelMinMaxObserver(FORM))		\
	X(moving_average, MovingAveragePerChannelMinMaxObserver(MOVING))

#define FAKE_QUANTS(X)							\
	X(fake_quant,     FakeQuantize(observer))			\
	X(lsq,            LSQFakeQuantize(observer))			\
	X(pact,           PACTFakeQuantize(observer))

/* A module that says so to whoever is given it. */
static struct fx_module *refuse_name(const char *what, const char *kind,
				     const char *name, const char *names)
{
	struct fx_module *m = Identity();

	module_fail(m, -EINVAL, "get_default_qconfig: %s_%s is one of%s, not '%s'",
		    what, kind, names, name);
	return m;
}

#define IF_CALLED(id, constructor)		\
	if (!strcmp(name, #id))			\
		return constructor;
#define NAME_OF(id, constructor) " " #id

static struct fx_module *observer_called(const char *what, const char *name,
					 const struct form *f)
{
	if (f->per_channel) {
		CHANNEL_OBSERVERS(IF_CALLED)
		return refuse_name(what, "observer", name,
				   CHANNEL_OBSERVERS(NAME_OF)
				   " (the others need per_tensor)");
	}
	OBSERVERS(IF_CALLED)
	return refuse_name(what, "observer", name, OBSERVERS(NAME_OF));
}

/* Takes @observer over. */
static struct fx_module *fake_quant_called(const char *what, const char *name,
					   struct fx_module *observer)
{
	if (!name || observer->error)
		return observer;
	FAKE_QUANTS(IF_CALLED)
	fx_module_put(observer);
	return refuse_name(what, "fake_quant", name, FAKE_QUANTS(NAME_OF));
}

static struct fx_module *weight_of(const struct fx_default_qconfig *names,
				   const char *observer, const char *fake)
{
	int bits = names->weight_bits ? names->weight_bits : 8;
	struct form f = {
		.qscheme = names->per_tensor ? "per_tensor_symmetric" :
					       "per_channel_symmetric",
		.per_channel = !names->per_tensor,
		.power_of_two = names->power_of_two,
		.constant = 1,
	};
	struct fx_module *m;

	if (bits < 2 || bits > 8) {
		m = Identity();
		module_fail(m, -EINVAL, "get_default_qconfig: weight_bits is from 2 to 8, not %d",
			    bits);
		return m;
	}
	f.most = (1 << (bits - 1)) - 1;
	f.least = -f.most;
	m = observer_called("weight", observer, &f);
	return fake_quant_called("weight", fake, m);
}

struct fx_module_qconfig
fx_get_default_qconfig(const struct fx_default_qconfig *names)
{
	const char *fake = names->activation_fake_quant;
	const char *weight_fake = names->weight_fake_quant ?
				  names->weight_fake_quant :
				  fake ? "fake_quant" : NULL;
	/* A PACT range that is affine begins with 0. */
	const struct form f = {
		.qscheme = fake && !strcmp(fake, "pact") ?
			   "per_tensor_symmetric" : "per_tensor_affine",
		.least = -128, .most = 127,
		.power_of_two = names->power_of_two, .constant = 0.01,
	};
	struct fx_module *activation;

	activation = observer_called("activation",
				     names->activation_observer ?
				     names->activation_observer :
				     fake ? "moving_average" : "min_max", &f);
	return QConfig(fake_quant_called("activation", fake, activation),
		       weight_of(names, names->weight_observer ?
				 names->weight_observer :
				 weight_fake ? "moving_average" : "min_max",
				 weight_fake));
}
