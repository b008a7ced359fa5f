// SPDX-License-Identifier: MIT
/*
 * prepared.c - a model with modules, calibrated by the verbs
 *
 * Observers see the data in this process or in several: a prepared graph that
 * was saved goes on where it was. Then it is written as it is, or on integers.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/quantize_fx.h>

#include "tool.h"

/* Names of the library have underscores; auto is its default. */
static struct fx_module_qconfig qconfig_of(const struct options *o)
{
	static const char *const names[] = {
#define X(id, name) [FX_OBSERVER_##id] = name,
		FX_OBSERVERS(X)
#undef X
	};
	const char *name = o->observer ? names[o->observer] : NULL;
	struct fx_module_qconfig qconfig;
	char text[32] = "";

	for (size_t i = 0; name && name[i] && i < sizeof(text) - 1; i++)
		text[i] = name[i] == '-' ? '_' : name[i];
	qconfig = get_default_qconfig(.activation_observer = name ? text : NULL);
	if (o->percentile == 0)
		return qconfig;
	fx_module_put(qconfig.activation);
	qconfig.activation = PercentileObserver(.percentile = o->percentile,
		.dtype = "qint8", .qscheme = "per_tensor_affine");
	return qconfig;
}

static int prepare(const struct model *m, const struct options *o,
		   struct fx_module **ret)
{
	struct fx_module *model = saved_module(m);
	struct fx_module_qconfig qconfig = qconfig_of(o);

	if (is_prepared(model))
		*ret = fx_module_copy(model);
	else
		*ret = prepare_calibration_fx(model,
			fx_qconfig_dict({ "", NULL, &qconfig }));
	fx_qconfig_put(&qconfig);
	fx_module_put(model);
	if (!(*ret)->error)
		return TOOL_OK;
	complain(TOOL_UNSUPPORTED, "%s: %s", m->name, (*ret)->error);
	fx_module_put(*ret);
	return TOOL_UNSUPPORTED;
}

/* Shows it one sample. */
static int observe(struct fx_module *gm, const struct feed_inputs *in,
		   const struct fxq_tensor *sample)
{
	fxv args[in->n + 1], y;
	int code = TOOL_OK;

	for (size_t i = 0; i < in->n; i++)
		args[i] = fx_view_of(&sample[i]);
	args[in->n] = (fxv)FX_END;
	stdout_away();
	y = fx_call_at(NULL, gm, args);
	stdout_back();
	if (fx_error(y))
		code = complain(TOOL_UNSUPPORTED, "%s", fx_error(y));
	fx_drop(y);
	for (size_t i = 0; i < in->n; i++)
		fx_drop(args[i]);
	return code;
}

static int calibrate(struct fx_module *gm, const struct options *o,
		     const struct feed_inputs *in)
{
	struct fxq_tensor *sample = sample_new(in);
	struct feed *f;
	size_t count;
	int code;

	if (!sample)
		return complain_io(io_fail_memory("calibration"));
	code = feed_open(o->calibrate, in, o->seed, &f);
	if (code)
		goto free_sample;
	count = calibrate_count(o, f);
	progress_begin("calibrating", count);
	for (size_t i = 0; !code && i < count; i++) {
		int err = feed_get(f, calibrate_sample(f, i, count), sample);

		code = err ? complain_io(err) : observe(gm, in, sample);
		progress_at(i + 1);
	}
	progress_end();
	feed_close(f);
free_sample:
	sample_free(sample, in->n);
	return code;
}

static int write_integers(const struct model *m, struct fx_module *gm,
			  const struct feed_inputs *in, const char *path)
{
	struct fx_module *integers = convert_fx(gm);
	int code = integers->error ?
		   complain(TOOL_UNSUPPORTED, "%s: %s", m->name,
			    integers->error) :
		   saved_write(integers, in, path);

	fx_module_put(integers);
	return code;
}

/* Is each option one that the verbs heed? */
static int check_options(const struct model *m, const struct options *o)
{
	if (!o->calibrate && !is_prepared(m->module) && !is_quantized(m->graph))
		return complain(TOOL_USAGE, "calibration data are missing: give --calibrate");
	if (o->scales || o->save_scales)
		return complain(TOOL_USAGE, "%s: a graph with modules keeps its scales itself; leave --scales and --save-scales away",
				m->name);
	if (is_prepared(m->module) && (o->observer || o->percentile != 0))
		return complain(TOOL_USAGE, "%s: it is prepared, and has its observers; leave --observer away, or give the float model",
				m->name);
	return TOOL_OK;
}

int prepared_write(struct model *m, const struct options *o, bool prepared,
		   const char *path)
{
	struct feed_inputs in = { 0 };
	struct fx_module *gm;
	int code;

	if (is_integer(m->graph))
		return complain(TOOL_USAGE, "%s: it is on integers already; give the float model, or the prepared one that it came from",
				m->name);
	code = model_need_module(m);
	if (!code)
		code = check_options(m, o);
	if (!code)
		code = saved_check(m, path);
	if (code)
		return code;
	warn_of_random(o);
	code = prepare(m, o, &gm);
	if (code)
		return code;
	code = feed_inputs_of_graph(m->graph, &o->pictures, &in);
	if (!code && o->calibrate)
		code = calibrate(gm, o, &in);
	if (!code)
		code = prepared ? saved_write(gm, &in, path) :
				  write_integers(m, gm, &in, path);
	feed_inputs_free(&in);
	fx_module_put(gm);
	return code;
}
