// SPDX-License-Identifier: MIT
/*
 * post.c - post-processing of known networks, a table row each
 *
 * A row says which functions follow the network, on which of its outputs and
 * with which parameters, and how the network was taught to see pictures.
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/post.h>

#include "post.h"

#define MAX_ARGS	16
#define MAX_KEYS	16

/* Its input is the call before. */
#define LAST		(-1)

/*
 * struct stage - a call
 * @in: which outputs of the network, or LAST; @n_in 0: all of them
 * @defaults: parameters in which the network differs from the function
 */
struct stage {
	const char *function;
	int n_in;
	int in[MAX_ARGS];
	const char *defaults;
};

struct network {
	const char *name, *summary;
	size_t n_outputs;
	struct stage stages[2];
	int order;
	unsigned int white;
	float mean[3], std[3];
};

static const struct network networks[] = {
	{ "blazeface", "faces, MediaPipe's BlazeFace of two scales", 4,
	  { { "anchor_boxes", 4, { 0, 2, 1, 3 } },
	    { "non_max_suppression", 1, { LAST }, "score=0.6,iou=0.3" } },
	  FXQ_PIXEL_RGB, 1, { 0.5f, 0.5f, 0.5f }, { 0.5f, 0.5f, 0.5f } },
	{ "ultraface", "faces, UltraFace", 2,
	  { { "non_max_suppression", 2, { 1, 0 },
	      "score=0.7,iou=0.3,first_class=1" } },
	  FXQ_PIXEL_RGB, 255, { 127, 127, 127 }, { 128, 128, 128 } },
	{ "yunet", "faces, YuNet", 12,
	  { { "yunet_boxes", 9, { 0, 3, 6, 1, 4, 7, 2, 5, 8 } },
	    { "non_max_suppression", 1, { LAST }, "score=0.6,iou=0.3" } },
	  FXQ_PIXEL_BGR, 255, { 0, 0, 0 }, { 1, 1, 1 } },
	{ "fastestdet", "80 classes of things, FastestDet", 1,
	  { { "fastest_boxes", 1, { 0 } },
	    { "non_max_suppression", 1, { LAST }, "score=0.65,iou=0.45" } },
	  FXQ_PIXEL_BGR, 1, { 0, 0, 0 }, { 1, 1, 1 } },
	{ "ppocr-det", "lines of text, PaddleOCR's detector", 1,
	  { { "db_boxes", 1, { 0 } } },
	  FXQ_PIXEL_BGR, 1, { 0.485f, 0.456f, 0.406f },
	  { 0.229f, 0.224f, 0.225f } },
	{ "ppocr-rec", "characters of a line, PaddleOCR's reader", 1,
	  { { "ctc_decode", 1, { 0 } } },
	  FXQ_PIXEL_BGR, 1, { 0.5f, 0.5f, 0.5f }, { 0.5f, 0.5f, 0.5f } },
};

/*
 * struct key - a parameter of a function
 * @type: 'i' a whole number, 'f' a number, 'l' whole numbers with + between;
 *	  'w', 'h' whole numbers, the input's width or height unless given
 */
static const struct key {
	const char *function, *name;
	char type;
} keys[] = {
	{ "anchor_boxes", "size", 'w' },
	{ "anchor_boxes", "strides", 'l' },
	{ "anchor_boxes", "anchors", 'l' },
	{ "yunet_boxes", "width", 'w' },
	{ "yunet_boxes", "height", 'h' },
	{ "yunet_boxes", "strides", 'l' },
	{ "non_max_suppression", "score", 'f' },
	{ "non_max_suppression", "iou", 'f' },
	{ "non_max_suppression", "max", 'i' },
	{ "non_max_suppression", "first_class", 'i' },
	{ "db_boxes", "threshold", 'f' },
	{ "db_boxes", "score", 'f' },
	{ "db_boxes", "unclip", 'f' },
	{ "db_boxes", "min_side", 'i' },
	{ "db_boxes", "max", 'i' },
	{ "ctc_decode", "blank", 'i' },
};

#define COUNT(a)	(sizeof(a) / sizeof(*(a)))

static const struct network *find_network(const char *name)
{
	for (size_t i = 0; i < COUNT(networks); i++)
		if (!strcmp(networks[i].name, name))
			return &networks[i];
	return NULL;
}

void post_list(FILE *to)
{
	for (size_t i = 0; i < COUNT(networks); i++)
		fprintf(to, "%-12s %s\n", networks[i].name,
			networks[i].summary);
}

/* The value of @name in "key=value,key=value"; its length, 0: not there. */
static size_t find_value(const char *text, const char *name,
			 const char **ret)
{
	size_t length = strlen(name);

	for (; text && *text; text += strcspn(text, ","), text += *text == ',')
		if (!strncmp(text, name, length) && text[length] == '=') {
			*ret = text + length + 1;
			return strcspn(*ret, ",");
		}
	return 0;
}

/* Width and height of the picture that the first input of @g is. */
static int64_t side_of_input(const struct fx_graph *g, bool height)
{
	const struct fxq_tensor *t = NULL;
	bool nhwc;

	fx_for_each_node(n, g)
		if (n->opcode == FX_PLACEHOLDER && !t)
			t = &n->out[0];
	if (!t || t->rank != 4)
		return 0;
	nhwc = t->dims[3] <= 4 && t->dims[1] > 4;
	return t->dims[nhwc ? (height ? 1 : 2) : (height ? 2 : 3)];
}

static bool parse_value(struct fx_graph *g, const struct key *k,
			const char *text, size_t length, struct fx_arg *ret)
{
	char *copy = strndup(text, length), *end = copy, *at = copy;
	int64_t v[MAX_ARGS];
	size_t n = 0;

	if (copy && k->type == 'f') {
		*ret = fx_arg_float(strtod(copy, &end));
	} else if (copy) {
		do {
			v[n++] = strtoll(at, &end, 10);
			at = end + 1;
		} while (end >= at - 1 && *end == '+' && n < MAX_ARGS);
		*ret = k->type == 'l' ? fx_arg_ints(g, v, n) :
					fx_arg_int(v[0]);
	}
	if (n > 1 && k->type != 'l')
		end = copy;
	n = copy && end > copy && !*end;
	free(copy);
	return n;
}

/* Parameters of @function: from @spec, else @defaults, else the input. */
static int collect(struct fx_graph *g, const char *function, const char *spec,
		   const char *defaults, struct fx_kwarg *kwargs,
		   size_t *n_kwargs)
{
	*n_kwargs = 0;
	for (size_t i = 0; i < COUNT(keys); i++) {
		const struct key *k = &keys[i];
		struct fx_kwarg *to = &kwargs[*n_kwargs];
		const char *text = NULL;
		size_t length;

		if (strcmp(k->function, function))
			continue;
		length = find_value(spec, k->name, &text);
		if (!text)
			length = find_value(defaults, k->name, &text);
		to->name = k->name;
		if (text && !parse_value(g, k, text, length, &to->value))
			return complain(TOOL_USAGE,
					"--post: '%.*s' is not a value for %s",
					(int)length, text, k->name);
		if (!text && (k->type == 'w' || k->type == 'h')) {
			to->value = fx_arg_int(side_of_input(g, k->type == 'h'));
			text = k->name;
		}
		*n_kwargs += text != NULL;
	}
	return TOOL_OK;
}

/* What @function without shape function returns at most. */
static struct fxq_tensor most_of(const char *function,
				 const struct fx_node *in,
				 const struct fx_kwarg *kwargs, size_t n)
{
	const struct fxq_tensor *x = &in->out[0];
	int64_t rows = strcmp(function, "db_boxes") ? 100 : 256;

	if (!strcmp(function, "ctc_decode"))
		return fxq_tensor_type(FXQ_DTYPE_I64, 1, (int64_t[]){
			x->rank < 2 ? 1 : x->dims[x->rank - 2] });
	for (size_t i = 0; i < n; i++)
		if (!strcmp(kwargs[i].name, "max"))
			rows = kwargs[i].value.i;
	return fxq_tensor_type(FXQ_DTYPE_F32, 2,
			       (int64_t[]){ rows, FX_BOX_COLUMNS });
}

static int append_stage(struct fx_graph *g, const struct stage *s,
			const char *spec, struct fx_node *const *outputs,
			size_t n_outputs, struct fx_node **last)
{
	const struct fxq_function *fn = fx_post_find(s->function);
	size_t n_in = s->n_in ? (size_t)s->n_in : n_outputs, n_kwargs;
	struct fx_kwarg kwargs[MAX_KEYS];
	struct fx_node *in[MAX_ARGS];
	struct fxq_tensor most;
	int code, err;

	for (size_t i = 0; i < n_in; i++)
		in[i] = !s->n_in ? outputs[i] :
			s->in[i] == LAST ? *last : outputs[s->in[i]];
	code = collect(g, s->function, spec, s->defaults, kwargs, &n_kwargs);
	if (code)
		return code;
	most = most_of(s->function, in[0], kwargs, n_kwargs);
	err = fx_append_wrapped(g, fn, in, n_in, kwargs, n_kwargs,
				fn->infer ? NULL : &most, last);
	return err ? complain_graph(g, err) : TOOL_OK;
}

/* Each "key=" of @spec is a parameter of one of the stages. */
static int check_keys(const char *name, const char *spec,
		      const struct stage *stages, size_t n)
{
	for (const char *at = spec; at && *at;
	     at += strcspn(at, ","), at += *at == ',') {
		size_t length = strcspn(at, "=,");
		bool known = false;

		for (size_t i = 0; i < COUNT(keys); i++)
			for (size_t s = 0; s < n; s++)
				known |= !strcmp(keys[i].function,
						 stages[s].function) &&
					 strlen(keys[i].name) == length &&
					 !strncmp(keys[i].name, at, length) &&
					 at[length] == '=';
		if (known)
			continue;
		return complain(TOOL_USAGE,
				"--post %s: '%.*s' is no parameter of it; fxq-run(1) has them all",
				name, (int)length, at);
	}
	return TOOL_OK;
}

static void fill_pictures(const struct network *n, struct pictures *p)
{
	if (p->order < 0)
		p->order = n->order;
	if (!p->n_mean && !p->n_std) {
		memcpy(p->mean, n->mean, sizeof(n->mean));
		memcpy(p->std, n->std, sizeof(n->std));
		p->n_mean = p->n_std = 3;
		p->white = n->white;
	}
	p->given = true;
}

/* A function called on all outputs is a network of one stage. */
static int find_stages(const char *name, size_t n_outputs,
		       const struct network **ret, struct network *plain)
{
	*ret = find_network(name);
	if (*ret && (*ret)->n_outputs != n_outputs)
		return complain(TOOL_USAGE,
				"--post %s: the model has %zu outputs, %zu are expected: is it the network of this name?",
				name, n_outputs, (*ret)->n_outputs);
	if (*ret)
		return TOOL_OK;
	if (!fx_post_find(name)) {
		complain(TOOL_USAGE, "--post %s: not known; there are", name);
		post_list(stderr);
		return TOOL_USAGE;
	}
	*plain = (struct network){ .stages = { { name } } };
	*ret = plain;
	return TOOL_OK;
}

static int append_stages(struct fx_graph *g, const char *name,
			 const char *spec, struct fx_node *const *outputs,
			 size_t n_outputs, struct pictures *pictures)
{
	const struct network *network;
	struct fx_node *last = NULL;
	struct network plain;
	size_t n;
	int code;

	if (n_outputs > MAX_ARGS)
		return complain(TOOL_USAGE,
				"--post %s: %zu outputs, at most %d are taken",
				name, n_outputs, MAX_ARGS);
	code = find_stages(name, n_outputs, &network, &plain);
	if (code)
		return code;
	n = network->stages[1].function ? 2 : 1;
	code = check_keys(name, spec, network->stages, n);
	for (size_t i = 0; !code && i < n; i++)
		code = append_stage(g, &network->stages[i], spec, outputs,
				    n_outputs, &last);
	if (!code && pictures && network != &plain)
		fill_pictures(network, pictures);
	return code;
}

int post_append(struct fx_graph *g, const char *spec,
		struct pictures *pictures)
{
	size_t length = strcspn(spec, ":"), n;
	char *name = strndup(spec, length);
	struct fx_node **outputs = graph_outputs(g, &n);
	int code;

	if (name && outputs)
		code = append_stages(g, name,
				     spec[length] ? spec + length + 1 : NULL,
				     outputs, n, pictures);
	else
		code = complain_io(io_fail_memory(spec));
	free(outputs);
	free(name);
	return code;
}
