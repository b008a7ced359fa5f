// SPDX-License-Identifier: MIT
/*
 * calibrate.c - runs a float graph on real data and remembers the ranges
 *
 * Each float value of the graph has an observer, found by the node's name;
 * scales may instead come from a file, which then decides. Tuning needs the
 * data three times: for how far channels reach, after which they are equalized;
 * for the ranges and for the windows that weights are rounded for; and for what
 * rounding shifts.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "quant_priv.h"

/*
 * struct entry - what is known of one value
 * @name: the node's, in the graph's arena
 * @fixed: loaded, not observed
 * @reach, @channels: how far each channel is from 0
 * @windows: of the layers that take it, while calibration is tuned
 */
struct entry {
	const char *name;
	struct observer *observer;
	bool fixed;
	struct qparams q;
	float *reach;
	int64_t channels;
	struct moments **windows;
	size_t n_windows;
};

struct fx_calibration {
	struct fx_graph *g;
	struct fx_qconfig qconfig;
	struct entry *entries;
	size_t n;
	uint64_t batches;
	bool tuned;
	struct simulation *simulation;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name,
		      ((const struct entry *)b)->name);
}

static struct entry *entry_of(const struct fx_calibration *cal,
			      const char *name)
{
	struct entry key = { .name = name };

	return bsearch(&key, cal->entries, cal->n, sizeof(key), by_name);
}

static struct entry entry_new(const struct fx_node *n)
{
	struct entry e = { .name = n->name };

	if (n->n_out == 1 && is_float(n) && is_given(n)) {
		e.fixed = true;
		e.q = qparams_of_node(n);
	}
	return e;
}

/*
 * With attention, the extremes as ranges lose most where calibration happens to
 * catch a few values far from the rest; see Documentation/accuracy.rst. A layer
 * norm is how it shows. Other networks keep the extremes.
 */
static enum fx_observer choose_observer(const struct fx_graph *g,
					const struct fx_qconfig *qconfig)
{
	if (qconfig->observer != FX_OBSERVER_AUTO)
		return qconfig->observer;
	fx_for_each_node(n, g)
		if (qconfig->tune && fx_node_is(n, "layer_norm"))
			return FX_OBSERVER_MSE;
	return FX_OBSERVER_MIN_MAX;
}

int fx_calibration_begin(struct fx_graph *g, const struct fx_qconfig *qconfig,
			 struct fx_calibration **ret_cal)
{
	struct fx_calibration *cal = calloc(1, sizeof(*cal));
	size_t n = 0;

	if (!cal)
		return -ENOMEM;
	fx_for_each_node(count, g)
		n++;
	cal->entries = calloc(n ? n : 1, sizeof(*cal->entries));
	if (!cal->entries) {
		free(cal);
		return -ENOMEM;
	}
	cal->g = g;
	cal->qconfig = *qconfig;
	fx_for_each_node(node, g)
		if (node->opcode != FX_OUTPUT && !fx_node_is_const(node))
			cal->entries[cal->n++] = entry_new(node);
	if (fx_scales_given(g))
		cal->qconfig.tune = false;
	cal->qconfig.observer = choose_observer(g, &cal->qconfig);
	qsort(cal->entries, cal->n, sizeof(*cal->entries), by_name);
	*ret_cal = cal;
	return 0;
}

static void measure_channels(struct entry *e, const struct fxq_tensor *t)
{
	const float *x = t->data;
	int64_t n = channels_of(t), inner = 1, count = fxq_tensor_count(t);

	for (uint32_t i = (uint32_t)channel_axis(t) + 1; i < t->rank; i++)
		inner *= t->dims[i];
	if (!e->reach) {
		e->channels = n;
		e->reach = calloc((size_t)n + 1, sizeof(*e->reach));
		if (!e->reach)
			abort();
	}
	for (int64_t i = 0; i < count && n == e->channels; i += inner) {
		float *reach = &e->reach[i / inner % n];

		for (int64_t j = i; j < i + inner; j++)
			*reach = fabsf(x[j]) > *reach ? fabsf(x[j]) : *reach;
	}
}

static int observe(struct fx_node *n, int out_index, struct fxq_tensor *value,
		   void *ctx)
{
	struct fx_calibration *cal = ctx;
	struct entry *e = n->data;

	if (!e || out_index || value->dtype != FXQ_DTYPE_F32)
		return 0;
	if (!e->observer)
		e->observer = observer_new(&cal->qconfig);
	observer_feed(e->observer, value->data, fxq_tensor_count(value));
	if (cal->qconfig.tune && !cal->tuned && value->rank)
		measure_channels(e, value);
	for (size_t i = 0; i < e->n_windows; i++)
		moments_feed(e->windows[i], value);
	return 0;
}

int run_observed(struct fx_graph *g, fx_observe_fn see, void *ctx,
		 const struct fxq_tensor *in, size_t n_in, int threads)
{
	struct fxq_self self = { .training = 0 };
	struct fx_run run = { .threads = threads, .self = &self,
			      .observe = see, .ctx = ctx };
	struct fx_node *output = fx_graph_output(g);
	struct fxq_tensor out[64];
	size_t n_out = 0;
	int ret;

	if (!output)
		return fx_graph_fail(g, -EINVAL, "the graph has no output");
	for (size_t i = 0; i < output->n_args; i++) {
		const struct fx_arg *a = &output->args[i];

		n_out += a->kind == FX_ARG_NODE ? 1 : a->count;
	}
	if (n_out > 64)
		return fx_graph_fail(g, -E2BIG,
				     "the graph has %zu outputs, at most 64 are calibrated",
				     n_out);
	ret = fx_graph_run(g, &run, in, n_in, out, n_out);
	for (size_t i = 0; !ret && i < n_out; i++)
		fxq_tensor_free(&out[i]);
	return ret;
}

int fx_calibration_feed(struct fx_calibration *cal, const struct fxq_tensor *in,
			size_t n_in, int threads)
{
	int ret;

	if (cal->simulation) {
		ret = simulation_feed(cal->simulation, in, n_in, threads);
	} else {
		fx_for_each_node(n, cal->g)
			n->data = entry_of(cal, n->name);
		ret = run_observed(cal->g, observe, cal, in, n_in, threads);
	}
	cal->batches += !ret;
	return ret;
}

uint64_t fx_calibration_batches(const struct fx_calibration *cal)
{
	return cal->batches;
}

static void forget(struct entry *e)
{
	observer_free(e->observer);
	free(e->reach);
	for (size_t i = 0; i < e->n_windows; i++)
		moments_free(e->windows[i]);
	free(e->windows);
	*e = (struct entry){ .name = e->name };
}

static void add_window(struct entry *e, struct moments *m)
{
	struct moments **more = realloc(e->windows, (e->n_windows + 1) *
					sizeof(*more));

	if (!more)
		abort();
	more[e->n_windows++] = m;
	e->windows = more;
}

/* Channels are known: equalizes them, and asks for ranges and windows anew. */
static void refine(struct fx_calibration *cal)
{
	uint64_t batches = cal->batches;

	equalize(cal->g, cal);
	for (size_t i = 0; i < cal->n; i++)
		forget(&cal->entries[i]);
	fx_for_each_node(n, cal->g) {
		struct moments *m = batches ? moments_new(n, batches) : NULL;

		if (m)
			add_window(entry_of(cal, fx_node_in(n, 0)->name), m);
	}
	cal->tuned = true;
}

/*
 * Ranges and weights are known: asks what they shift. Where the conversion
 * fails, it will once more and say why.
 */
static bool simulate(struct fx_calibration *cal)
{
	struct fx_graph *q;

	if (!cal->batches || fx_convert(cal->g, cal, &cal->qconfig, &q))
		return false;
	cal->simulation = simulation_new(cal->g, cal->batches);
	fx_graph_free(q);
	return true;
}

bool fx_calibration_tune(struct fx_calibration *cal)
{
	if (!cal->qconfig.tune || cal->simulation)
		return false;
	if (!cal->tuned)
		refine(cal);
	else if (!simulate(cal))
		return false;
	cal->batches = 0;
	return true;
}

const struct simulation *
calibration_simulation(const struct fx_calibration *cal)
{
	return cal->simulation;
}

const float *calibration_reach(const struct fx_calibration *cal,
			       const struct fx_node *n)
{
	const struct entry *e = entry_of(cal, n->name);

	return e && e->reach && e->channels == channels_of(type_of(n)) ?
	       e->reach : NULL;
}

const struct moments *calibration_moments(const struct fx_calibration *cal,
					  const struct fx_node *n)
{
	const struct entry *e = entry_of(cal, fx_node_in(n, 0)->name);

	for (size_t i = 0; e && i < e->n_windows; i++)
		if (e->windows[i]->layer == n)
			return e->windows[i];
	return NULL;
}

int calibration_range(const struct fx_calibration *cal,
		      const struct fx_node *n, struct range *ret_range)
{
	struct entry *e = entry_of(cal, n->name);

	if (!e || !observer_seen(e->observer))
		return -ENOENT;
	*ret_range = observer_range(e->observer);
	return 0;
}

int calibration_fixed(const struct fx_calibration *cal,
		      const struct fx_node *n, float *ret_scale,
		      int *ret_zero_point)
{
	struct entry *e = entry_of(cal, n->name);

	if (!e || !e->fixed)
		return -ENOENT;
	*ret_scale = e->q.scale;
	*ret_zero_point = e->q.zero_point;
	return 0;
}

int fx_calibration_save(const struct fx_calibration *cal, const char *path)
{
	json_t *root = json_object();
	int ret = 0;

	for (size_t i = 0; i < cal->n; i++) {
		const struct entry *e = &cal->entries[i];
		struct qparams q = e->q;

		if (!e->fixed) {
			if (!observer_seen(e->observer))
				continue;
			q = affine_qparams(observer_range(e->observer));
		}
		json_object_set_new(root, e->name,
				    json_pack("{s:f, s:i}", "scale",
					      (double)q.scale, "zero_point",
					      q.zero_point));
	}
	if (json_dump_file(root, path, JSON_INDENT(1) | JSON_REAL_PRECISION(9)))
		ret = fx_graph_fail(cal->g, -EIO, "%s: cannot write the scales",
				    path);
	json_decref(root);
	return ret;
}

int fx_calibration_load(struct fx_calibration *cal, const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(path, 0, &error), *value;
	const char *name;
	int ret = 0;

	if (!root)
		return fx_graph_fail(cal->g, -EINVAL, "%s:%d: %s", path,
				     error.line, error.text);
	json_object_foreach(root, name, value) {
		struct entry *e = entry_of(cal, name);
		double scale;
		int zero;

		if (!e) {
			ret = fx_graph_fail(cal->g, -EINVAL,
					    "%s: the model has no value named '%s': were the scales saved from another model?",
					    path, name);
			break;
		}
		if (json_unpack(value, "{s:F, s:i}", "scale", &scale,
				"zero_point", &zero) ||
		    !scale_ok((float)scale) || zero < -128 || zero > 127) {
			ret = fx_graph_fail(cal->g, -EINVAL,
					    "%s: '%s' needs a scale above 0 and a zero_point of -128 to 127",
					    path, name);
			break;
		}
		e->fixed = true;
		e->q = (struct qparams){ (float)scale, zero };
	}
	json_decref(root);
	return ret;
}

void fx_calibration_free(struct fx_calibration *cal)
{
	if (!cal)
		return;
	for (size_t i = 0; i < cal->n; i++)
		forget(&cal->entries[i]);
	free(cal->entries);
	simulation_free(cal->simulation);
	free(cal);
}
