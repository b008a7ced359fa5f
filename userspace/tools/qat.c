// SPDX-License-Identifier: MIT
/*
 * qat.c - fake quantizers in a model, and integers from it
 */
#include <stdlib.h>
#include <string.h>

#include "train.h"

/* Names of the library have underscores. None is "", which it refuses. */
static const char *with_underscores(char *name)
{
	for (char *c = name; c && *c; c++)
		*c = *c == '-' ? '_' : *c;
	return name ? name : "";
}

void parse_qconfig(struct argp_state *state, char *text,
		   struct fx_default_qconfig *ret)
{
	enum { BITS, PER_TENSOR, POWER, FAKE, WEIGHT_FAKE, OBSERVER,
	       WEIGHT_OBSERVER };
	static char *const tokens[] = {
		"bits", "per-tensor", "power-of-two", "quantizer",
		"weight-quantizer", "observer", "weight-observer", NULL
	};
	char *value;

	while (*text) {
		switch (getsubopt(&text, tokens, &value)) {
		case BITS:
			ret->weight_bits = parse_number(state, "bits",
							value ? value : "", 2, 8);
			break;
		case PER_TENSOR:
			ret->per_tensor = true;
			break;
		case POWER:
			ret->power_of_two = true;
			break;
		case FAKE:
			ret->activation_fake_quant = with_underscores(value);
			break;
		case WEIGHT_FAKE:
			ret->weight_fake_quant = with_underscores(value);
			break;
		case OBSERVER:
			ret->activation_observer = with_underscores(value);
			break;
		case WEIGHT_OBSERVER:
			ret->weight_observer = with_underscores(value);
			break;
		default:
			argp_error(state, "--qconfig knows bits=, per-tensor, power-of-two, quantizer=, weight-quantizer=, observer= and weight-observer=, not '%s'",
				   value);
		}
	}
}

static int note_fake(const char *key, enum fx_member_kind kind,
		     struct fxq_tensor *t, void *ctx)
{
	*(bool *)ctx |= strstr(key, "fake_quant_enabled") != NULL;
	return 0;
}

/* One that was prepared before goes on; without its quantizers it is float. */
static int take_prepared(struct lesson *l)
{
	bool fake = false;

	fx_module_each_tensor(l->model, note_fake, &fake);
	if (!fake)
		return complain(TOOL_UNSUPPORTED, "this model was prepared to be calibrated, and has no fake quantizers to train with; prepare the float model by qat");
	l->original = fx_module_copy(l->model);
	fx_disable_observer(l->original);
	fx_disable_fake_quant(l->original);
	fx_module_get(l->model);
	l->calibrated = true;
	return TOOL_OK;
}

int qat_prepare(struct lesson *l, const struct fx_default_qconfig *names)
{
	struct fx_module_qconfig qconfig = fx_get_default_qconfig(names);
	const char *wrong = qconfig.activation->error ?
			    qconfig.activation->error : qconfig.weight->error;
	int code = TOOL_OK;

	if (is_prepared(l->model)) {
		fx_qconfig_put(&qconfig);
		return take_prepared(l);
	}
	l->original = l->model;
	if (wrong)
		code = complain(TOOL_USAGE, "--qconfig: %s", wrong);
	else
		l->model = prepare_qat_fx(fx_train(l->original),
			fx_qconfig_dict({ "", NULL, &qconfig }));
	fx_qconfig_put(&qconfig);
	if (code || !l->model->error)
		return code;
	code = complain(TOOL_UNSUPPORTED, "%s", l->model->error);
	fx_module_put(l->model);
	l->model = l->original;
	return code;
}

/* What wrapped functions between operators answer to the first sample. */
static int learn(const struct lesson *l, struct fx_graph *g)
{
	struct fxq_self self = { 0 };
	const struct fx_run run = { .threads = l->threads, .self = &self };
	struct fxq_tensor *sample;
	int code = TOOL_OK, err;

	if (!fx_graph_needs_learning(g))
		return TOOL_OK;
	sample = sample_new(l->in);
	if (!sample)
		return complain_io(io_fail_memory("sample"));
	err = feed_get(l->train, 0, sample);
	if (err) {
		code = complain_io(err);
	} else {
		stdout_away();
		err = fx_graph_learn(g, &run, sample, 1);
		stdout_back();
		if (err)
			code = complain_graph(g, err);
	}
	sample_free(sample, 1);
	return code;
}

/* The graph of @integers for inputs of the model, partitioned. */
static int functional(const struct lesson *l, struct fx_module *integers,
		      struct fx_graph **ret)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	int code, err;

	fx_for_each_node(n, integers->graph)
		if (n->opcode == FX_PLACEHOLDER)
			fx_node_set_type(n, &l->in->type[0]);
	err = fx_functionalize(integers->graph, integers, ret);
	if (err)
		return complain_graph(integers->graph, err);
	err = fx_graph_infer(*ret);
	if (err)
		return complain_graph(*ret, err);
	code = learn(l, *ret);
	if (code)
		return code;
	err = fx_partition(*ret, &caps);
	return err ? complain_graph(*ret, err) : TOOL_OK;
}

int qat_image(const struct lesson *l, const struct model *m,
	      struct bytes *ret)
{
	struct fx_module *integers = convert_fx(l->model);
	struct build b = { .in = *l->in, .keep_preprocess = true };
	int code;

	if (integers->error)
		code = complain(TOOL_UNSUPPORTED, "%s", integers->error);
	else
		code = functional(l, integers, &b.converted);
	if (!code)
		code = build_image(&b, m, false, NULL, ret);
	fx_graph_free(b.converted);
	fx_module_put(integers);
	return code;
}

int qat_test(const struct lesson *l, const struct bytes *bytes,
	     struct outcome *ret)
{
	struct fxq_image *image;
	struct answers answers;
	int code;

	if (fxq_image_open_memory(bytes->data, bytes->size, &image))
		return complain(TOOL_DEVICE, "%s", fxq_error());
	code = answers_init(&answers, l->test, l->in, 0);
	if (!code)
		code = answers_of_image(image, "embedded", l->threads,
					&answers);
	if (!code) {
		ret->int8_top1 = percent_right(&answers);
		ret->same = percent_same(answers.answer, ret->float_answers,
					 answers_items(&answers));
	}
	free(answers.answer);
	fxq_image_close(image);
	return code;
}
