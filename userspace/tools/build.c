// SPDX-License-Identifier: MIT
/*
 * build.c - from a float graph to an image
 *
 * The passes of compile.h in their order, with the data that calibration
 * needs. Data that are random say nothing of the accuracy of the result, so
 * that is said each time.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/image.h>

#include "tool.h"

/* Samples, if no number was given. */
#define RANDOM_COUNT	8
#define DATA_COUNT	512

struct fx_qconfig options_qconfig(const struct options *o)
{
	return (struct fx_qconfig){ .observer = o->observer,
				    .percentile = o->percentile,
				    .int8_ends = o->int8_ends };
}

void warn_of_random(const struct options *o)
{
	if (o->calibrate && !strcmp(o->calibrate, "random"))
		warn("calibrated on random numbers: fit to try things out, not for accuracy");
}

/* Prints @g under the name of the pass that made it. */
static void dump_pass(FILE *dump, const char *pass, const struct fx_graph *g)
{
	if (!dump)
		return;
	fprintf(dump, "# after %s\n", pass);
	fx_graph_dump(g, dump);
}

size_t calibrate_count(const struct options *o, const struct feed *f)
{
	bool random = !strcmp(o->calibrate, "random");
	size_t count = o->calibrate_count ? o->calibrate_count :
		       random ? RANDOM_COUNT : DATA_COUNT;

	return count < feed_count(f) ? count : feed_count(f);
}

size_t calibrate_sample(const struct feed *f, size_t i, size_t count)
{
	size_t n = feed_count(f);

	return n == SIZE_MAX ? i : (size_t)((unsigned __int128)i * n / count);
}

static int feed_all(struct build *b, const struct feed *f, size_t count,
		    int threads)
{
	struct fxq_tensor *sample = sample_new(&b->in);
	int code = TOOL_OK, err;

	if (!sample)
		return complain_io(io_fail_memory("calibration"));
	progress_begin("calibrating", count);
	stdout_away();
	for (size_t i = 0; !code && i < count; i++) {
		err = feed_get(f, calibrate_sample(f, i, count), sample);
		if (err) {
			code = complain_io(err);
			break;
		}
		err = fx_calibration_feed(b->cal, sample, b->in.n, threads);
		if (err)
			code = complain_graph(b->graph, err);
		progress_at(i + 1);
	}
	stdout_back();
	progress_end();
	sample_free(sample, b->in.n);
	return code;
}

/*
 * Random data say nothing that weights could be tuned to, and scales that come
 * from a file, or go to one, are those of the weights as they are.
 */
static bool is_tuned(const struct options *o)
{
	return o->calibrate && strcmp(o->calibrate, "random") && !o->scales &&
	       !o->save_scales;
}

static int calibrate_with_data(struct build *b, const struct options *o)
{
	struct feed *f;
	size_t count;
	int code;

	code = feed_open(o->calibrate, &b->in, o->seed, &f);
	if (code)
		return code;
	count = calibrate_count(o, f);
	b->keep_preprocess = o->pictures.given || feed_has_pictures(f);
	do
		code = feed_all(b, f, count, o->threads);
	while (!code && fx_calibration_tune(b->cal));
	feed_close(f);
	return code;
}

/* Without data there are no scales, unless the model brings them. */
static int calibrate(struct build *b, const struct options *o)
{
	struct fx_qconfig qconfig = options_qconfig(o);
	int code = TOOL_OK, err;

	qconfig.tune = is_tuned(o);

	if (!o->calibrate && !o->scales && !fx_scales_given(b->graph))
		return complain(TOOL_USAGE, "calibration data are missing: give --calibrate with a folder of typical pictures, an npy, npz or idx file; --scales with a saved file; or --calibrate random to try it out");
	err = fx_calibration_begin(b->graph, &qconfig, &b->cal);
	if (err)
		return complain_graph(b->graph, err);
	b->keep_preprocess = o->pictures.given;
	if (o->calibrate)
		code = calibrate_with_data(b, o);
	if (code)
		return code;
	if (o->scales) {
		err = fx_calibration_load(b->cal, o->scales);
		if (err)
			return complain_graph(b->graph, err);
	}
	if (o->save_scales) {
		err = fx_calibration_save(b->cal, o->save_scales);
		if (err)
			return complain(TOOL_OUTPUT, "%s: it cannot be written: %s",
					o->save_scales, strerror(-err));
	}
	return TOOL_OK;
}

/* What wrapped functions between operators answer to the first sample. */
static int learn(const struct build *b, struct fx_graph *g,
		 const struct model *m, const struct options *o)
{
	struct fxq_self self = { .training = m->training };
	const struct fx_run run = { .threads = o->threads, .self = &self };
	struct fxq_tensor *sample = sample_new(&b->in);
	struct feed *f = NULL;
	int code, err = 0;

	code = sample ? feed_open(o->calibrate ? o->calibrate : "random",
				  &b->in, o->seed, &f) :
			complain_io(io_fail_memory("sample"));
	if (!code && feed_get(f, 0, sample))
		code = complain_io(-EIO);
	stdout_away();
	if (!code)
		err = fx_graph_learn(g, &run, sample, b->in.n);
	stdout_back();
	feed_close(f);
	sample_free(sample, b->in.n);
	return err ? complain_graph(g, err) : code;
}

int build_scales(struct model *m, const struct options *o, FILE *dump,
		 struct build *ret)
{
	struct build b = { 0 };
	int code, err;

	if (is_integer(m->graph))
		return complain(TOOL_UNSUPPORTED, "%s: it is on integers already; compile it, or give the model that it came from",
				m->name);
	b.graph = fx_graph_copy(m->graph);
	dump_pass(dump, "import", b.graph);
	code = feed_inputs_of_graph(b.graph, &o->pictures, &b.in);
	if (!code && fx_graph_needs_learning(b.graph))
		code = learn(&b, b.graph, m, o);
	if (code)
		goto free_build;
	err = fx_fuse(b.graph);
	if (err) {
		code = complain_graph(b.graph, err);
		goto free_build;
	}
	dump_pass(dump, "fuse", b.graph);
	code = calibrate(&b, o);
	if (code)
		goto free_build;
	*ret = b;
	return TOOL_OK;

free_build:
	build_free(&b);
	return code;
}

static int convert(struct model *m, const struct options *o, FILE *dump,
		   struct build *b)
{
	const struct fx_qconfig qconfig = options_qconfig(o);
	int code, err;

	code = build_scales(m, o, dump, b);
	if (code)
		return code;
	err = fx_convert(b->graph, b->cal, &qconfig, &b->converted);
	return err ? complain_graph(b->graph, err) : TOOL_OK;
}

/* Its scales are known, and nothing is calibrated. */
static int convert_saved(struct model *m, const struct options *o,
			 struct build *b)
{
	int code;

	if (o->int8_ends)
		return complain(TOOL_USAGE, "%s: it has its integers, and float ends; leave --int8-ends away, or compile the model that it was made of",
				m->name);
	if (o->scales || o->save_scales || o->observer || o->percentile != 0 ||
	    (o->calibrate && strcmp(o->calibrate, "random")))
		return complain(TOOL_USAGE, "%s: it has its scales; leave --calibrate, --observer and --scales away, or calibrate it further by `fxq-run quantize --prepared'",
				m->name);
	b->graph = fx_graph_copy(m->graph);
	b->keep_preprocess = o->pictures.given;
	code = feed_inputs_of_graph(b->graph, &o->pictures, &b->in);
	if (!code)
		code = saved_integers(m, &b->converted);
	if (!code && fx_graph_needs_learning(b->converted))
		code = learn(b, b->converted, m, o);
	if (!code)
		fx_graph_make_room(b->converted);
	return code;
}

int build_graph(struct model *m, const struct options *o, FILE *dump,
		struct build *ret)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	bool saved = is_prepared(m->module) || is_integer(m->graph);
	struct build b = { 0 };
	int code, err;

	code = saved ? convert_saved(m, o, &b) : convert(m, o, dump, &b);
	if (code)
		goto free_build;
	dump_pass(dump, "convert", b.converted);
	err = fx_partition(b.converted, &caps);
	if (err) {
		code = complain_graph(b.converted, err);
		goto free_build;
	}
	dump_pass(dump, "partition", b.converted);
	*ret = b;
	return TOOL_OK;

free_build:
	build_free(&b);
	return code;
}

/* Does what the image takes first come as floats, as pictures do? */
static bool takes_floats(const struct fx_graph *g)
{
	size_t n;
	struct fx_node **in = graph_inputs(g, &n);
	bool floats = in && n && in[0]->out[0].dtype == FXQ_DTYPE_F32;

	free(in);
	return floats;
}

static struct fx_preprocess preprocess_of(const struct build *b)
{
	const struct fxq_preprocess_info *pre = &b->in.pre;
	struct fx_preprocess p = {
		.present = b->in.has_pre && b->keep_preprocess &&
			   takes_floats(b->converted),
		.order = pre->order, .nhwc = pre->nhwc,
		.width = pre->width, .height = pre->height,
		.channels = pre->channels,
	};

	for (int c = 0; c < 4; c++) {
		p.mean[c] = pre->mean[c];
		/* Channels that are not there divide by one. */
		p.std[c] = c < (int)pre->channels ? pre->std[c] : 1;
	}
	return p;
}

int build_image(struct build *b, const struct model *m, bool keep_layers,
		FILE *dump, struct bytes *ret)
{
	const struct fx_lower_options options = {
		.name = m->name,
		.keep_layers = keep_layers,
		.training = m->training,
		.preprocess = preprocess_of(b),
		.dump = dump,
	};
	struct fxq_writer *w;
	void *data;
	int err;

	err = fx_lower(b->converted, &options, &w);
	if (err)
		return complain_graph(b->converted, err);
	err = fxq_writer_finish_memory(w, &data, &ret->size);
	if (err)
		complain(TOOL_OUTPUT, "%s", fxq_writer_error(w));
	else
		ret->data = data;
	fxq_writer_free(w);
	return err ? TOOL_OUTPUT : TOOL_OK;
}

void build_free(struct build *b)
{
	fx_calibration_free(b->cal);
	fx_graph_free(b->converted);
	fx_graph_free(b->graph);
	feed_inputs_free(&b->in);
	*b = (struct build){ 0 };
}
