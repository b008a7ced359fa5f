// SPDX-License-Identifier: MIT
/*
 * peer_model.c - an ONNX model as a graph of names
 *
 * Who makes a value, who reads it, and how it is rounded on the way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

#define REACH	6	/* nodes between an operator and what rounds it */

bool model_parse(void *data, size_t size, struct model *ret, char *why)
{
	*ret = (struct model){ .data = data, .size = size };
	ret->proto = onnx__model_proto__unpack(NULL, size, data);
	if (ret->proto && ret->proto->graph)
		return true;
	snprintf(why, PEER_REASON, "this is no ONNX model");
	model_free(ret);
	return false;
}

bool model_read(const char *path, struct model *ret, char *why)
{
	FILE *f = fopen(path, "r");
	void *data = NULL;
	long size = -1;

	if (f && !fseek(f, 0, SEEK_END) && (size = ftell(f)) >= 0) {
		rewind(f);
		data = malloc((size_t)size + 1);
	}
	if (!data || fread(data, 1, (size_t)size, f) != (size_t)size) {
		snprintf(why, PEER_REASON, "%s: %s", path, strerror(errno));
		free(data);
		data = NULL;
	}
	if (f)
		fclose(f);
	return data && model_parse(data, (size_t)size, ret, why);
}

void model_free(struct model *m)
{
	if (m->proto)
		onnx__model_proto__free_unpacked(m->proto, NULL);
	free(m->data);
	*m = (struct model){ 0 };
}

static bool is(const Onnx__NodeProto *n, const char *op)
{
	return !strcmp(n->op_type, op);
}

const Onnx__NodeProto *model_rounding(const struct model *m, size_t i)
{
	const Onnx__GraphProto *g = m->proto->graph;

	for (size_t k = 0; k < g->n_node; k++)
		if (is(g->node[k], "QuantizeLinear") && !i--)
			return g->node[k];
	return NULL;
}

void *model_with_outputs(struct model *m, size_t *ret_size)
{
	Onnx__GraphProto *g = m->proto->graph;
	Onnx__ValueInfoProto **before = g->output, *all;
	size_t n = g->n_output, k = 0;
	const Onnx__NodeProto *r;
	void *data = NULL;

	while (model_rounding(m, k))
		k++;
	g->output = calloc(n + k + 1, sizeof(*g->output));
	all = calloc(k + 1, sizeof(*all));
	if (g->output && all) {
		memcpy(g->output, before, n * sizeof(*before));
		for (k = 0; (r = model_rounding(m, k)); k++) {
			onnx__value_info_proto__init(&all[k]);
			all[k].name = r->output[0];
			g->output[g->n_output++] = &all[k];
		}
		*ret_size = onnx__model_proto__get_packed_size(m->proto);
		data = malloc(*ret_size + 1);
		if (data)
			onnx__model_proto__pack(m->proto, data);
	}
	free(g->output);
	free(all);
	g->output = before;
	g->n_output = n;
	return data;
}

static const Onnx__TensorProto *constant(const struct model *m,
					 const char *name)
{
	const Onnx__GraphProto *g = m->proto->graph;

	for (size_t i = 0; i < g->n_initializer; i++)
		if (!strcmp(g->initializer[i]->name, name))
			return g->initializer[i];
	return NULL;
}

static bool rounds_so(const struct model *m, const Onnx__NodeProto *n,
		      float scale, int zero_point)
{
	const Onnx__TensorProto *s = constant(m, n->input[1]);
	const Onnx__TensorProto *z = n->n_input > 2 ?
				     constant(m, n->input[2]) : NULL;
	float found = 0;
	int zero = 0;

	if (s && s->raw_data.len == sizeof(found))
		memcpy(&found, s->raw_data.data, sizeof(found));
	else if (s && s->n_float_data)
		found = s->float_data[0];
	if (z && z->raw_data.len)
		zero = z->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8 ?
		       (int8_t)z->raw_data.data[0] : z->raw_data.data[0];
	else if (z && z->n_int32_data)
		zero = z->int32_data[0];
	if (!z || z->data_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8)
		zero -= 128;
	return found == scale && zero == zero_point;
}

static bool reads(const Onnx__NodeProto *n, const char *value)
{
	for (size_t i = 0; i < n->n_input; i++)
		if (!strcmp(n->input[i], value))
			return true;
	return false;
}

static const char *rounded_from(const struct model *m, const char *value,
				float scale, int zero_point, int reach)
{
	const Onnx__GraphProto *g = m->proto->graph;
	const char *found = NULL;

	for (size_t i = 0; i < g->n_node; i++)
		if (is(g->node[i], "QuantizeLinear") &&
		    !strcmp(g->node[i]->input[0], value) &&
		    rounds_so(m, g->node[i], scale, zero_point))
			return g->node[i]->output[0];
	for (size_t i = 0; reach && !found && i < g->n_node; i++) {
		const Onnx__NodeProto *n = g->node[i];

		if (is(n, "QuantizeLinear") || !reads(n, value))
			continue;
		for (size_t k = 0; !found && k < n->n_output; k++)
			found = rounded_from(m, n->output[k], scale,
					     zero_point, reach - 1);
	}
	return found;
}

/* As the importer names a node that has no name. */
static bool is_called(const Onnx__NodeProto *n, size_t i, const char *source)
{
	char name[256];

	if (n->name && *n->name)
		return !strcmp(n->name, source);
	snprintf(name, sizeof(name), "%s_%zu", n->op_type, i);
	return !strcmp(name, source);
}

const char *model_find_rounded(const struct model *m, const char *source,
			       float scale, int zero_point)
{
	const Onnx__GraphProto *g = m->proto->graph;
	const char *found = NULL;

	for (size_t i = 0; !found && i < g->n_node; i++)
		for (size_t k = 0; is_called(g->node[i], i, source) && !found &&
		     k < g->node[i]->n_output; k++)
			found = rounded_from(m, g->node[i]->output[k], scale,
					     zero_point, REACH);
	for (size_t i = 0; !found && i < g->n_input; i++)
		if (!strcmp(g->input[i]->name, source))
			found = rounded_from(m, source, scale, zero_point, 0);
	return found;
}

const char *model_maker(const struct model *m, const char *name)
{
	const Onnx__GraphProto *g = m->proto->graph;

	for (size_t i = 0; i < g->n_node; i++)
		for (size_t k = 0; k < g->node[i]->n_output; k++)
			if (!strcmp(g->node[i]->output[k], name))
				return g->node[i]->op_type;
	return NULL;
}
