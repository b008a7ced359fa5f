// SPDX-License-Identifier: MIT
/*
 * default_qconfig.c - how this machine quantizes, by the names of its parts
 *
 * Activations are int8 with a zero point and one scale, weights int8 without
 * one, from -127 to 127, with a scale for each output channel.
 */
#include <errno.h>

#include "verbs.h"

#define ACTIVATION	.dtype = "qint8", .qscheme = "per_tensor_affine"

/* X(name, constructor) */
#define OBSERVERS(X)							\
	X(min_max,        MinMaxObserver(ACTIVATION))			\
	X(moving_average, MovingAverageMinMaxObserver(ACTIVATION))	\
	X(histogram,      HistogramObserver(ACTIVATION))		\
	X(percentile,     PercentileObserver(ACTIVATION))		\
	X(kl,             KLObserver(ACTIVATION))			\
	X(mse,            MSEObserver(ACTIVATION))			\
	X(mix,            MixObserver(ACTIVATION))			\
	X(clip,           ClipObserver(ACTIVATION))			\
	X(clip_std,       ClipStdObserver(ACTIVATION))

#define FAKE_QUANTS(X)							\
	X(fake_quant,     FakeQuantize(observer))			\
	X(lsq,            LSQFakeQuantize(observer))			\
	X(pact,           PACTFakeQuantize(observer))

/* A module that says so to whoever is given it. */
static struct fx_module *refuse_name(const char *what, const char *name,
				     const char *names)
{
	struct fx_module *m = Identity();

	module_fail(m, -EINVAL, "get_default_qconfig: %s is one of%s, not '%s'",
		    what, names, name);
	return m;
}

static struct fx_module *observer_called(const char *name)
{
#define X(id, constructor)			\
	if (!strcmp(name, #id))			\
		return constructor;
	OBSERVERS(X)
#undef X
#define X(id, constructor) " " #id
	return refuse_name("activation_observer", name, OBSERVERS(X));
#undef X
}

/* Takes @observer over. */
static struct fx_module *fake_quant_called(const char *name,
					   struct fx_module *observer)
{
	if (!name || observer->error)
		return observer;
#define X(id, constructor)			\
	if (!strcmp(name, #id))			\
		return constructor;
	FAKE_QUANTS(X)
#undef X
	fx_module_put(observer);
#define X(id, constructor) " " #id
	return refuse_name("activation_fake_quant", name, FAKE_QUANTS(X));
#undef X
}

struct fx_module_qconfig
fx_get_default_qconfig(const struct fx_default_qconfig *names)
{
	const char *fake = names->activation_fake_quant;
	const char *observer = names->activation_observer ?
			       names->activation_observer :
			       fake ? "moving_average" : "min_max";
	struct fx_module *weight = PerChannelMinMaxObserver(
		.dtype = "qint8", .qscheme = "per_channel_symmetric",
		.quant_min = -127, .quant_max = 127);

	return QConfig(fake_quant_called(fake, observer_called(observer)),
		       fake ? FakeQuantize(weight) : weight);
}
