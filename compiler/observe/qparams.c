// SPDX-License-Identifier: MIT
/*
 * qparams.c - what a module quantizes to, and what it tells of it
 *
 * The options of a module become a target, its ranges scales.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static int read_dtype(const struct fx_module *m, struct qtype *t, char *error)
{
	const char *name = option_str(m, "dtype");

	for (t->dtype = 0; t->dtype < FX_QDTYPE_COUNT; t->dtype++)
		if (!strcmp(dtypes[t->dtype].name, name))
			return 0;
	return refuse(error, "dtype '%s' is none of quint8, qint8, qint16",
		      name);
}

static int read_qscheme(const struct fx_module *m, struct qtype *t,
			char *error)
{
	const char *name = option_str(m, "qscheme");

	for (t->qscheme = 0; t->qscheme < FX_QSCHEME_COUNT; t->qscheme++) {
		if (strcmp(qschemes[t->qscheme].name, name))
			continue;
		t->per_channel = qschemes[t->qscheme].per_channel;
		t->target.symmetric = qschemes[t->qscheme].symmetric;
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

static int read_range(const struct fx_module *m, struct qtype *t, char *error)
{
	int64_t least = dtypes[t->dtype].least, most = dtypes[t->dtype].most;
	fxv min = module_option(m, "quant_min");
	fxv max = module_option(m, "quant_max");

	if (fx_is_none(min) != fx_is_none(max))
		return refuse(error, "quant_min and quant_max are given together or not at all");
	if (!fx_is_none(min)) {
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

	t->target.quant_min = (int)least;
	t->target.quant_max = (int)most;
	if (fx_truth(module_option(m, "reduce_range"))) {
		t->target.quant_min = half(t->target.quant_min);
		t->target.quant_max = half(t->target.quant_max);
	}
	return 0;
}

/*
 * Where 0 is, symmetric. Of integers that are all positive it is the middle:
 * the upper one of two, 128 of 256, and in a range that was asked for the lower
 * one, as torch has it. (torch keeps 128 under reduce_range, where 127 is the
 * most.)
 */
static int32_t middle(const struct fx_module *m, const struct qtype *t)
{
	bool given = !fx_is_none(module_option(m, "quant_min"));

	if (t->dtype != FX_QUINT8)
		return 0;
	return half(t->target.quant_min + t->target.quant_max + !given);
}

int qtype_of(const struct fx_module *m, struct qtype *ret, char *error)
{
	const struct fx_member *member = module_member(m, "eps");
	float eps = member ? *(float *)member->value.tensor->t.data :
			     (float)module_float(m, "eps");
	int err;

	*ret = (struct qtype){ .target.eps = eps };
	ret->target.power_of_two = fx_truth(module_option(m, "power_of_two"));
	err = read_dtype(m, ret, error);
	if (!err)
		err = read_qscheme(m, ret, error);
	if (!err)
		err = read_range(m, ret, error);
	if (!err && (!isnormal(eps) || eps < 0))
		err = refuse(error, "eps %g is no scale: it is above 0, finite, and normal in float32",
			     eps);
	ret->target.middle = middle(m, ret);
	return err;
}

int qtype_init(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	if (qtype_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	fx_add_buffer(m, "eps", fx_tensor(t.target.eps));
	return 0;
}

int qtype_per_tensor(struct fx_module *m)
{
	char error[FXQ_ERROR_MAX];
	struct qtype t;

	if (qtype_of(m, &t, error))
		return module_fail(m, -EINVAL, "%s", error);
	if (t.per_channel)
		return module_fail(m, -EINVAL, "its qscheme is per_tensor_affine or per_tensor_symmetric");
	return 0;
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
	struct qtype t;

	if (qtype_of(m, &t, error))
		return qparams_refuse(m, ret, -EINVAL, "%s", error);
	if (!n || r[0].min > r[0].max)
		return qparams_refuse(m, ret, -ENODATA, "no data has passed through it: run the model on some first");

	ret->n = n;
	ret->scale = must_alloc(n * sizeof(*ret->scale));
	ret->zero_point = must_alloc(n * sizeof(*ret->zero_point));
	ret->ch_axis = t.per_channel ? (int)module_int(m, "ch_axis") : -1;
	ret->quant_min = t.target.quant_min;
	ret->quant_max = t.target.quant_max;
	ret->dtype = t.dtype;
	ret->qscheme = t.qscheme;
	for (int64_t i = 0; i < n; i++) {
		target_fit(&t.target, r[i], &ret->scale[i], &ret->zero_point[i]);
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
