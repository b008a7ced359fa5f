// SPDX-License-Identifier: MIT
/*
 * qparams.c - what a module quantizes to, and from ranges to scales
 *
 * Every observer ends here, whatever way it found its range: the formulas are
 * torch's, in float32 and in torch's order, so that scales are equal to the
 * bit.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/fxq_arith.h>

#include "observe.h"

static const struct {
	const char *name;
	int least, most;
} dtypes[] = {
#define X(id, name, least, most) { name, least, most },
	FX_QDTYPES(X)
#undef X
};

static const struct {
	const char *name;
	bool per_channel, symmetric;
} qschemes[] = {
#define X(id, name, per_channel, symmetric) { name, per_channel, symmetric },
	FX_QSCHEMES(X)
#undef X
};

/* torch's name of it, with or without "torch." */
static const char *option_str(const struct fx_module *m, const char *name)
{
	fxv v = module_option(m, name);

	if (v.kind != FX_VALUE_STR && v.kind != FX_VALUE_NAME)
		return "None";
	return strncmp(v.s, "torch.", 6) ? v.s : v.s + 6;
}

static int read_dtype(const struct fx_module *m, struct target *t, char *error)
{
	const char *name = option_str(m, "dtype");

	for (t->dtype = 0; t->dtype < FX_QDTYPE_COUNT; t->dtype++)
		if (!strcmp(dtypes[t->dtype].name, name))
			return 0;
	return refuse(error, "dtype '%s' is none of quint8, qint8, qint16",
		      name);
}

static int read_qscheme(const struct fx_module *m, struct target *t,
			char *error)
{
	const char *name = option_str(m, "qscheme");

	for (t->qscheme = 0; t->qscheme < FX_QSCHEME_COUNT; t->qscheme++) {
		if (strcmp(qschemes[t->qscheme].name, name))
			continue;
		t->per_channel = qschemes[t->qscheme].per_channel;
		t->symmetric = qschemes[t->qscheme].symmetric;
		return 0;
	}
	return refuse(error, "qscheme '%s' is none of per_tensor_affine, per_tensor_symmetric, per_channel_affine, per_channel_symmetric",
		      name);
}

/* Half of the integers, as reduce_range leaves them: rounded down. */
static int half(int q)
{
	return (q - (q & 1)) / 2;
}

static int read_range(const struct fx_module *m, struct target *t, char *error)
{
	int64_t least = dtypes[t->dtype].least, most = dtypes[t->dtype].most;
	fxv min = module_option(m, "quant_min");
	fxv max = module_option(m, "quant_max");

	if (fx_is_none(min) != fx_is_none(max))
		return refuse(error, "quant_min and quant_max are given together or not at all");
	t->custom_range = !fx_is_none(min);
	if (t->custom_range) {
		if (fx_int(min) < least || fx_int(max) > most)
			return refuse(error, "quant_min %lld to quant_max %lld leave %s, which is %lld to %lld",
				      (long long)fx_int(min),
				      (long long)fx_int(max),
				      dtypes[t->dtype].name, (long long)least,
				      (long long)most);
		least = fx_int(min);
		most = fx_int(max);
	}
	if (least > 0 || most < 0 || least >= most)
		return refuse(error, "quant_min %lld to quant_max %lld: quant_min is less than quant_max, and 0 lies between them",
			      (long long)least, (long long)most);

	t->quant_min = (int)least;
	t->quant_max = (int)most;
	if (fx_truth(module_option(m, "reduce_range"))) {
		t->quant_min = half(t->quant_min);
		t->quant_max = half(t->quant_max);
	}
	return 0;
}

int target_of(const struct fx_module *m, struct target *ret, char *error)
{
	const struct fx_member *eps = module_member(m, "eps");
	double least = module_float(m, "eps");
	int err;

	*ret = (struct target){
		.eps = eps ? *(float *)eps->value.tensor->t.data : (float)least,
		.power_of_two = fx_truth(module_option(m, "power_of_two")),
	};
	err = read_dtype(m, ret, error);
	if (!err)
		err = read_qscheme(m, ret, error);
	if (!err)
		err = read_range(m, ret, error);
	if (!err && (!isnormal(ret->eps) || ret->eps < 0))
		err = refuse(error, "eps %g is no scale: it is above 0, finite, and normal in float32",
			     ret->eps);
	return err;
}

int target_init(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct target t;

	if (target_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	fx_add_buffer(m, "eps", fx_tensor(t.eps));
	return 0;
}

int target_per_tensor(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct target t;

	if (target_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	if (t.per_channel)
		return module_fail(m, -EINVAL, "its qscheme is per_tensor_affine or per_tensor_symmetric");
	return 0;
}

/* The least power of two that is not below @s. */
static float power_of_two(float s)
{
	int exponent;
	float f = frexpf(s, &exponent);

	return f == 0.5f ? s : ldexpf(1, exponent);
}

static float bounded(const struct target *t, float s)
{
	s = s > t->eps ? s : t->eps;
	return t->power_of_two ? power_of_two(s) : s;
}

/*
 * Where 0 is, symmetric. Of integers that are all positive it is the middle:
 * the upper one of two, 128 of 256, and in a range that was asked for the lower
 * one, as torch has it. (torch keeps 128 under reduce_range, where 127 is the
 * most.)
 */
static int32_t middle(const struct target *t)
{
	if (t->dtype != FX_QUINT8)
		return 0;
	return half(t->quant_min + t->quant_max + !t->custom_range);
}

void target_fit(const struct target *t, struct range r, float *ret_scale,
		int32_t *ret_zero_point)
{
	float steps = (float)(t->quant_max - t->quant_min);
	float min = r.min < 0 ? r.min : 0, max = r.max > 0 ? r.max : 0;
	float z;

	if (t->symmetric) {
		*ret_scale = bounded(t, (-min > max ? -min : max) /
					(steps / 2));
		*ret_zero_point = middle(t);
		return;
	}

	*ret_scale = bounded(t, (max - min) / steps);
	z = (float)t->quant_min - fxq_rne(min / *ret_scale);
	z = z < (float)t->quant_min ? (float)t->quant_min : z;
	z = z > (float)t->quant_max ? (float)t->quant_max : z;
	*ret_zero_point = (int32_t)z;
}

int qparams_refuse(struct fx_module *m, struct fx_qparams *ret, int err,
		   const char *fmt, ...)
{
	int n = snprintf(ret->error, sizeof(ret->error), "%s: ",
			 m->class->name);
	va_list args;

	va_start(args, fmt);
	vsnprintf(ret->error + n, sizeof(ret->error) - n, fmt, args);
	va_end(args);
	fx_qparams_free(ret);
	return err;
}

int qparams_fit(struct fx_module *m, const struct range *r, int64_t n,
		struct fx_qparams *ret)
{
	char error[FXQ_ERROR_MAX];
	struct target t;

	if (target_of(m, &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (!n || r[0].min > r[0].max)
		return qparams_refuse(m, ret, -ENODATA, "no data has passed through it: run the model on some first");

	ret->n = n;
	ret->scale = must_alloc(n * sizeof(*ret->scale));
	ret->zero_point = must_alloc(n * sizeof(*ret->zero_point));
	ret->ch_axis = t.per_channel ? (int)module_int(m, "ch_axis") : -1;
	ret->quant_min = t.quant_min;
	ret->quant_max = t.quant_max;
	ret->dtype = t.dtype;
	ret->qscheme = t.qscheme;
	for (int64_t i = 0; i < n; i++) {
		target_fit(&t, r[i], &ret->scale[i], &ret->zero_point[i]);
		if (!isfinite(ret->scale[i]))
			return qparams_refuse(m, ret, -EINVAL, "no float32 scale holds values from %g to %g",
					      r[i].min, r[i].max);
	}
	return 0;
}

int fx_calculate_qparams(struct fx_module *observer, struct fx_qparams *ret)
{
	*ret = (struct fx_qparams){ 0 };
	if (observer->error) {
		snprintf(ret->error, sizeof(ret->error), "%s", observer->error);
		return -EINVAL;
	}
	if (!fx_is_observer(observer))
		return qparams_refuse(observer, ret, -EINVAL, "not an observer; it has no scale to tell");
	return observer->class->qparams(observer, ret);
}

void fx_qparams_free(struct fx_qparams *q)
{
	free(q->scale);
	free(q->zero_point);
	q->scale = NULL;
	q->zero_point = NULL;
	q->n = 0;
}

bool fx_is_observer(const struct fx_module *m)
{
	return m->class->qparams;
}
