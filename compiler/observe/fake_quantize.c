// SPDX-License-Identifier: MIT
/*
 * fake_quantize.c - modules that put the error of quantization into a float
 *
 * Each holds an observer, activation_post_process, which finds scale and zero
 * point while it is enabled. LSQ and PACT then learn: the scale, or the largest
 * value that is kept, is a parameter, and the observer only says where it
 * starts. What is computed is one operator, fake_quantize; options that the
 * constructor copies from the observer are its parameters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "observe.h"

#define OBSERVER	"activation_post_process"

static struct fx_module *observer_of(struct fx_module *m)
{
	return module_member(m, OBSERVER)->module;
}

/* Flags of one byte, as torch keeps them. */

static void add_flag(struct fx_module *m, const char *name, bool on)
{
	uint8_t byte = on;
	struct fxq_tensor t = { .dtype = FXQ_DTYPE_U8, .rank = 1, .dims = { 1 },
				.data = &byte };

	fx_add_buffer(m, name, fx_copy_of(&t));
}

static uint8_t *flag(struct fx_module *m, const char *name)
{
	return module_member(m, name)->value.tensor->t.data;
}

static void add_flags(struct fx_module *m)
{
	add_flag(m, "fake_quant_enabled", true);
	add_flag(m, "observer_enabled", true);
}

static fxv zero_points(int64_t n)
{
	return fx_copy_of(&(struct fxq_tensor){
		.dtype = FXQ_DTYPE_I32, .rank = 1, .dims = { n } });
}

static int32_t *zero_point(struct fx_module *m)
{
	return module_member(m, "zero_point")->value.tensor->t.data;
}

static int init_fake_quantize(struct fx_module *m)
{
	add_flags(m);
	fx_add_buffer(m, "scale", fx_ones(1));
	fx_add_buffer(m, "zero_point", zero_points(1));
	return 0;
}

static int init_lsq(struct fx_module *m)
{
	int64_t n = module_int(m, "channel_len");

	if (n < 1)
		return module_fail(m, -EINVAL, "channel_len is the number of channels, or 1; it is %lld",
				   (long long)n);
	add_flags(m);
	add_flag(m, "initialized", false);
	fx_add_parameter(m, "scale", fx_full(1, n));
	fx_add_buffer(m, "zero_point", zero_points(n));
	return 0;
}

static int init_pact(struct fx_module *m)
{
	double alpha = module_float(m, "alpha");

	if (!(alpha > 0 && alpha < 1e30))
		return module_fail(m, -EINVAL, "alpha %g is no largest value: it is above 0",
				   alpha);
	add_flags(m);
	fx_add_parameter(m, "alpha", fx_full((float)alpha, 1));
	fx_add_buffer(m, "scale", fx_ones(1));
	fx_add_buffer(m, "zero_point", zero_points(1));
	return 0;
}

/* Scale and zero point, of one channel or of as many as were found. */
static void set_qparams(struct fx_module *m, const struct fx_qparams *q)
{
	if (buffer_count(m, "scale") != q->n ||
	    buffer_count(m, "zero_point") != q->n) {
		module_set_tensor(m, "scale", fx_zeros(q->n));
		module_set_tensor(m, "zero_point", zero_points(q->n));
	}
	memcpy(buffer_floats(m, "scale"), q->scale, q->n * sizeof(float));
	memcpy(zero_point(m), q->zero_point, q->n * sizeof(int32_t));
}

/* Shows @x to the observer, and asks it. The caller frees @ret, after success. */
static int ask_observer(struct fx_module *m, fxv x, struct fx_qparams *ret)
{
	int err;

	if (fx_error(fx_call_at(context.at, observer_of(m), FX_ARGS(x))))
		return -EINVAL;
	err = fx_calculate_qparams(observer_of(m), ret);
	if (err)
		fx_poison(context.at, err, "%s", ret->error);
	return err;
}

static int observe(struct fx_module *m, fxv x)
{
	struct fx_qparams q;

	if (ask_observer(m, x, &q))
		return -EINVAL;
	set_qparams(m, &q);
	fx_qparams_free(&q);
	return 0;
}

/* @scale: what the scale was computed as, or None: the member */
static fxv quantize(struct fx_module *m, fxv x, fxv scale)
{
	char error[FXQ_ERROR_MAX];
	struct operation o;

	if (operation_of_module(m, x, &o, error))
		return fx_poison(context.at, -EINVAL, "%s: %s", m->class->name,
				 error);
	if (!fx_is_none(scale))
		o.in[1] = scale;
	return operation_run(context.at, &o);
}

static fxv forward_fake_quantize(struct fx_module *m, const fxv *args)
{
	if (*flag(m, "observer_enabled") && observe(m, args[0]))
		return args[0];
	if (!*flag(m, "fake_quant_enabled"))
		return args[0];
	return quantize(m, args[0], fx_none);
}

/* A step of training may have left the scale below what is one. */
static void keep_above(float *v, int64_t n, float least)
{
	for (int64_t i = 0; i < n; i++)
		v[i] = v[i] > least ? v[i] : least;
}

static float least_scale(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	qtype_of(observer_of(m), &t, error);
	return t.target.eps;
}

/*
 * While it quantizes with a scale that is learned, nothing is observed: a second
 * call would change the scale of the first, whose gradient is still to come. But
 * the first batch that nothing has prepared for is.
 */
static bool learner_observes(struct fx_module *m)
{
	return *flag(m, "observer_enabled") && !*flag(m, "fake_quant_enabled");
}

static fxv forward_lsq(struct fx_module *m, const fxv *args)
{
	bool wanted = *flag(m, "fake_quant_enabled");

	if (learner_observes(m) || (wanted && !*flag(m, "initialized"))) {
		if (observe(m, args[0]))
			return args[0];
		*flag(m, "initialized") = 1;
	}
	if (!wanted)
		return args[0];
	keep_above(buffer_floats(m, "scale"), buffer_count(m, "scale"),
		   least_scale(m));
	return quantize(m, args[0], fx_none);
}

/* How many integers there are from the zero point to the largest. */
static int64_t pact_steps(struct fx_module *m)
{
	return module_int(m, "quant_max") - zero_point(m)[0];
}

static fxv forward_pact(struct fx_module *m, const fxv *args)
{
	float *alpha = buffer_floats(m, "alpha"), steps = pact_steps(m);
	struct fx_qparams q;
	fxv scale;

	if (learner_observes(m)) {
		if (ask_observer(m, args[0], &q))
			return args[0];
		*alpha = (float)(q.quant_max - q.zero_point[0]) * q.scale[0];
		fx_qparams_free(&q);
	}
	keep_above(alpha, 1, least_scale(m) * steps);
	buffer_floats(m, "scale")[0] = *alpha / steps;
	if (!*flag(m, "fake_quant_enabled"))
		return args[0];

	scale = fx_div(module_member(m, "alpha")->value, steps);
	return quantize(m, args[0], scale);
}

/* What the module quantizes with, not what its observer would. */
static int qparams_of_buffers(struct fx_module *m, struct fx_qparams *ret)
{
	int64_t n = buffer_count(m, "scale");
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	if (qtype_of(observer_of(m), &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (buffer_count(m, "zero_point") != n)
		return qparams_refuse(m, ret, -EINVAL, "%lld scales do not go with %lld zero points",
				      (long long)n,
				      (long long)buffer_count(m, "zero_point"));
	*ret = (struct fx_qparams){
		.n = n,
		.scale = must_alloc(n * sizeof(float)),
		.zero_point = must_alloc(n * sizeof(int32_t)),
		.ch_axis = t.per_channel ? (int)module_int(m, "axis") : -1,
		.quant_min = (int)module_int(m, "quant_min"),
		.quant_max = (int)module_int(m, "quant_max"),
		.dtype = t.dtype, .qscheme = t.qscheme,
	};
	memcpy(ret->scale, buffer_floats(m, "scale"), n * sizeof(float));
	memcpy(ret->zero_point, zero_point(m), n * sizeof(int32_t));
	keep_above(ret->scale, n, t.target.eps);
	return 0;
}

static int qparams_fake_quantize(struct fx_module *m, struct fx_qparams *ret)
{
	return fx_calculate_qparams(observer_of(m), ret);
}

static int qparams_lsq(struct fx_module *m, struct fx_qparams *ret)
{
	if (!*flag(m, "initialized"))
		return qparams_fake_quantize(m, ret);
	return qparams_of_buffers(m, ret);
}

static int qparams_pact(struct fx_module *m, struct fx_qparams *ret)
{
	buffer_floats(m, "scale")[0] = buffer_floats(m, "alpha")[0] /
				       (float)pact_steps(m);
	return qparams_of_buffers(m, ret);
}

static bool is_learned(const struct fx_module *m)
{
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].kind == FX_MEMBER_PARAMETER)
			return true;
	return false;
}

/* Construction: the observer, and what follows from it */

static void set_option(struct fx_module *m, const char *name, int64_t value)
{
	for (size_t i = 0; i < m->class->n_options; i++)
		if (!strcmp(m->class->options[i].name, name))
			m->options[i] = fx_of_int(value);
}

/*
 * A PACT range is from 0 to alpha, or from -alpha: as many integers below the
 * zero point as above it.
 */
static int set_pact_range(struct fx_module *m, const struct qtype *t)
{
	if (t->per_channel)
		return module_fail(m, -EINVAL, "alpha is one number; the observer's qscheme is per_tensor_affine or per_tensor_symmetric");
	if (t->target.symmetric)
		set_option(m, "quant_min",
			   2 * t->target.middle - t->target.quant_max);
	return 0;
}

/* The options that are the observer's. */
static int follow_observer(struct fx_module *m, struct fx_module *observer,
			   struct qtype *t)
{
	char error[FXQ_ERROR_MAX];

	if (!fx_is_observer(observer) ||
	    fx_is_none(module_option(observer, "qscheme")))
		return module_fail(m, -EINVAL, "a %s is no observer, and cannot tell a scale",
				   observer->class->name);
	if (m->error)
		return -EINVAL;
	if (qtype_of(observer, t, error))
		return module_fail(m, -EINVAL, "%s: %s", observer->class->name,
				   error);
	if (t->target.power_of_two && is_learned(m))
		return module_fail(m, -EINVAL, "a scale that is learned is no power of two; use FakeQuantize");

	set_option(m, "quant_min", t->target.quant_min);
	set_option(m, "quant_max", t->target.quant_max);
	if (t->per_channel)
		set_option(m, "axis", module_int(observer, "ch_axis"));
	return m->class == &fx_class_PACTFakeQuantize ? set_pact_range(m, t) :
							0;
}

int fake_quantizer_follow(struct fx_module *m)
{
	const struct fx_member *observer = module_member(m, OBSERVER);
	struct qtype t;

	if (!observer || !observer->module)
		return module_fail(m, -EINVAL, "it has no " OBSERVER);
	return follow_observer(m, observer->module, &t);
}

static void take_observer(struct fx_module *m, struct fx_module *observer)
{
	struct fx_qparams q;
	struct qtype t;

	if (follow_observer(m, observer, &t))
		return;
	if (m->class == &fx_class_PACTFakeQuantize) {
		zero_point(m)[0] = t.target.symmetric ? t.target.middle :
							t.target.quant_min;
		return;
	}
	/* One whose scale is fixed can tell at once. */
	if (!fx_calculate_qparams(observer, &q)) {
		set_qparams(m, &q);
		fx_qparams_free(&q);
	}
}

struct fx_module *fx_fake_quantizer(struct fx_module *m,
				    struct fx_module *observer)
{
	fx_add_module(m, OBSERVER, observer);
	if (!observer->error)
		take_observer(m, observer);
	return m;
}

void fake_quantizer_replace(struct fx_module *m, struct fx_module *observer)
{
	fx_module_replace(m, OBSERVER, observer);
	take_observer(m, observer);
}

/* Whole models */

bool is_fake_quantizer(const struct fx_module *m)
{
	return module_member(m, "fake_quant_enabled") &&
	       module_member(m, "observer_enabled");
}

/* Sets the flag called @name of every fake quantizer at or below @m. */
static void set_flags(struct fx_module *m, const char *name, bool on)
{
	if (is_fake_quantizer(m))
		*flag(m, name) = on;
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			set_flags(m->members[i].module, name, on);
}

void fx_enable_observer(struct fx_module *m)
{
	set_flags(m, "observer_enabled", true);
}

void fx_disable_observer(struct fx_module *m)
{
	set_flags(m, "observer_enabled", false);
}

void fx_enable_fake_quant(struct fx_module *m)
{
	set_flags(m, "fake_quant_enabled", true);
}

void fx_disable_fake_quant(struct fx_module *m)
{
	set_flags(m, "fake_quant_enabled", false);
}

/* What is learned is not observed: the observer would undo each step. */
static void stop_learners_observing(struct fx_module *m)
{
	if (is_fake_quantizer(m) && is_learned(m))
		*flag(m, "observer_enabled") = 0;
	for (size_t i = 0; i < m->n_members; i++)
		if (m->members[i].module)
			stop_learners_observing(m->members[i].module);
}

void fx_set_fake_quantize(struct fx_module *m, enum fx_fake_quant_state state)
{
	set_flags(m, "observer_enabled", state != FX_VALIDATION);
	set_flags(m, "fake_quant_enabled", state != FX_CALIBRATION);
	if (state == FX_QAT)
		stop_learners_observing(m);
}

static const char *const scale_zero_point[] = { "scale", "zero_point", NULL };

#define FAKE_QUANTIZE(id, kind, traits)					\
	CLASS(id, .flags = FX_CLASS_LEAF | (traits), .op = "fake_quantize", \
	      .operands = scale_zero_point, .init = init_##kind,	\
	      .forward = forward_##kind, .qparams = qparams_##kind)

FAKE_QUANTIZE(FakeQuantize, fake_quantize, FX_CLASS_RESIZES)
FAKE_QUANTIZE(LSQFakeQuantize, lsq, FX_CLASS_RESIZES)
FAKE_QUANTIZE(PACTFakeQuantize, pact, 0)
