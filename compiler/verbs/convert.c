// SPDX-License-Identifier: MIT
/*
 * convert.c - integers where prepare put observers
 *
 * Each observer becomes a quantize and a dequantize, each layer one whose
 * weights are those of an integer layer. That is the reference model: floats
 * between quantizations. Then what stands between a dequantize and a quantize
 * is computed on integers, as far as there are operators (lower.c).
 */
#include <errno.h>
#include <stdlib.h>

#include "verbs.h"

/*
 * struct convert
 * @prepared: what prepare left
 */
struct convert {
	struct fx_module *gm, *prepared;
	const struct fx_backend *backend;
};

static bool is_configured(const struct convert *cv, const struct fx_node *n)
{
	return is_prepared(cv->prepared, n);
}

static const struct fx_node *first_user(const struct fx_node *n)
{
	for (const struct fx_node *user = n->next; user; user = user->next)
		if (fx_node_uses(user, n))
			return user;
	return NULL;
}

/* The names of torch's: for the module that gives, or else takes, the value. */
static char *qparam_path(const struct convert *cv, const struct fx_node *call,
			 const char *what)
{
	const struct fx_node *in = fx_node_in(call, 0), *user;
	const char *scope = in->scope, *kind = "";
	char *path, *prefix;
	unsigned int i = 0;

	if (!is_configured(cv, in)) {
		user = first_user(call);
		scope = user ? user->scope : "";
		kind = "_input";
	}
	prefix = must_print("%s%s%s", scope ? scope : "", kind, what);
	for (char *c = prefix; *c; c++)
		*c = *c == '.' ? '_' : *c;
	path = must_print("%s%u", prefix, i);
	while (module_member(cv->gm, path)) {
		free(path);
		path = must_print("%s%u", prefix, ++i);
	}
	free(prefix);
	return path;
}

/* A new buffer of the root, and the node that reads it. */
static struct fx_arg qparam_node(struct convert *cv, const struct fx_node *call,
				 const char *what, const struct fxq_tensor *t)
{
	char *path = qparam_path(cv, call, what);
	struct fx_node *n;

	fx_add_buffer(cv->gm, path, fx_copy_of(t));
	n = fx_graph_node(cv->gm->graph, FX_GET_ATTR, path, NULL, NULL, 0,
			  NULL, 0);
	free(path);
	return fx_arg_node(n);
}

static struct fx_arg dtype_arg(struct fx_graph *g, enum fx_qdtype dtype)
{
	static const char *const names[] = {
#define X(id, name, least, most) [FX_##id] = "torch." name,
		FX_QDTYPES(X)
#undef X
	};

	return (struct fx_arg){ .kind = FX_ARG_NAME,
				.s = fx_graph_strdup(g, names[dtype]) };
}

/* quantize_per_tensor and dequantize in the place of observer @call. */
static void write_quantize(struct convert *cv, struct fx_node *call,
			   const struct fx_qparams *q)
{
	int64_t z = q->zero_point[0];
	const struct fxq_tensor scale = { .dtype = FXQ_DTYPE_F32,
					  .data = q->scale };
	const struct fxq_tensor zero = { .dtype = FXQ_DTYPE_I64, .data = &z };
	struct fx_graph *g = cv->gm->graph;
	struct fx_arg args[4] = { fx_arg_node(fx_node_in(call, 0)) };
	struct fx_node *n;

	fx_insert_before(call);
	args[1] = qparam_node(cv, call, "_scale_", &scale);
	args[2] = qparam_node(cv, call, "_zero_point_", &zero);
	args[3] = dtype_arg(g, q->dtype);
	n = fx_graph_node(g, FX_CALL_FUNCTION, "quantize_per_tensor",
			  &fx_function_quantize_per_tensor.shown, args, 4,
			  NULL, 0);
	n->loc = call->loc;
	args[0] = fx_arg_node(n);
	n = fx_graph_node(g, FX_CALL_METHOD, "dequantize", NULL, args, 1, NULL,
			  0);
	n->loc = call->loc;
	fx_graph_set_insert_point(g, NULL);
	fx_node_replace_uses(call, n);
	fx_node_erase(call);
}

static int convert_observer(struct convert *cv, struct fx_node *call)
{
	const struct fx_node *in = fx_node_in(call, 0);
	struct fx_qparams q;
	int err;

	err = fx_calculate_qparams(call->module, &q);
	if (err == -ENODATA)
		return module_fail(cv->gm, err, "%s, behind '%s', has seen no data: run the prepared model on some first",
				   call->target, in->name);
	if (err)
		return module_fail(cv->gm, err, "%s, behind '%s': %s",
				   call->target, in->name, q.error);
	if (q.dtype == FX_QINT16 || q.n != 1)
		err = module_fail(cv->gm, -EINVAL, "'%s': values have one scale and 8 bits when they are converted; observe this one as qint8 or quint8, per tensor (qint16 is for fake quantization)",
				  in->name);
	else
		write_quantize(cv, call, &q);
	fx_qparams_free(&q);
	return err;
}

/* Around @reference, which is taken over, what it is fused with. */
static struct fx_module *fused_reference(const struct fx_module *like,
					 struct fx_module *reference,
					 unsigned int parts)
{
	const struct fx_class *base = layer_class_of(reference)->base;
	struct fx_module *m;

	if (!parts)
		return reference;
	m = layer_new(layer_class(LAYER_FUSED, base, parts), like);
	fx_add_module(m, "0", reference);
	if (parts & FX_PART_ACT)
		fx_add_module(m, "1", parts & FX_PART_RELU ? ReLU() : ReLU6());
	return m;
}

/* The layer as a float one of its own, and what it is fused with. */
static struct fx_module *float_layer(const struct fx_module *m,
				     unsigned int *ret_parts)
{
	const struct layer_class *class = layer_class_of(m);
	const struct fx_module *bn;

	*ret_parts = class ? class->parts & ~FX_PART_BN : 0;
	if (!class)
		return fx_module_copy(m);
	if (class->kind == LAYER_QAT)
		return float_of_qat(m);
	bn = class->parts & FX_PART_BN ? m->members[1].module : NULL;
	return bn ? fold_batch_norm(m->members[0].module, bn) :
		    fx_module_copy(m->members[0].module);
}

static int convert_layer(struct convert *cv, struct fx_node *n,
			 struct fx_module *observer)
{
	const struct fx_member *own = module_member(n->module,
						    "weight_fake_quant");
	struct fx_module *layer, *reference;
	unsigned int parts;

	/* For another call of it. */
	if (is_converted(n->module))
		return 0;
	layer = float_layer(n->module, &parts);
	reference = make_reference(cv->gm, layer, own ? own->module : observer);
	fx_module_put(layer);
	if (!reference)
		return -EINVAL;
	root_swap(cv->gm, n->module,
		  fused_reference(n->module, reference, parts));
	return 0;
}

static int convert_nodes(struct convert *cv)
{
	int err = 0;

	fx_for_each_node(n, cv->gm->graph) {
		const struct fx_member *note;

		note = module_member(cv->prepared, n->name);
		if (node_is_observer(n))
			err = convert_observer(cv, n);
		else if (note && note->module)
			err = convert_layer(cv, n, note->module);
		if (err)
			return err;
	}
	return 0;
}

/* What the graph does not read any more. */
static bool is_read(const struct fx_module *gm, const struct fx_member *member)
{
	size_t len = strlen(member->name);

	fx_for_each_node(n, gm->graph)
		if ((n->opcode == FX_GET_ATTR || n->opcode == FX_CALL_MODULE) &&
		    !strncmp(n->target, member->name, len) &&
		    (!n->target[len] || n->target[len] == '.'))
			return true;
	return false;
}

static bool is_from_prepare(const struct fx_member *member)
{
	if (member->module)
		return fx_is_observer(member->module) ||
		       member->module->class == &fx_class_Prepared;
	return member->kind == FX_MEMBER_BUFFER &&
	       (strstr(member->name, "_scale_") ||
		strstr(member->name, "_zero_point_"));
}

/* Observers, and the numbers of quantizations that are gone. */
static void tidy(struct fx_module *gm)
{
	for (size_t i = gm->n_members; i-- > 0; )
		if (is_from_prepare(&gm->members[i]) &&
		    !is_read(gm, &gm->members[i]))
			fx_module_remove(gm, gm->members[i].name);
}

static void lower(struct convert *cv, char **ret_notes)
{
	struct lowering l = { .gm = cv->gm, .backend = cv->backend,
			      .prepared = cv->prepared };
	size_t size;

	if (ret_notes) {
		l.notes = open_memstream(ret_notes, &size);
		if (!l.notes)
			abort();
	}
	lower_graph(&l);
	if (l.notes)
		fclose(l.notes);
}

struct fx_module *fx_convert_fx(struct fx_module *model,
				const struct fx_verb_options *options)
{
	struct convert cv = { .gm = fx_module_copy(model) };
	const char *name;

	if (cv.gm->error)
		return cv.gm;
	cv.prepared = fx_module_at(cv.gm, PREPARED);
	if (!cv.prepared || !cv.gm->graph)
		return root_fail(cv.gm, "convert_fx takes what prepare_calibration_fx or prepare_qat_fx made");
	name = fx_member(cv.prepared, "_backend").s;
	cv.backend = options->backend ? options->backend : backend_named(name);
	if (!cv.backend)
		return root_fail(cv.gm, "the model was prepared for the backend '%s', which is a program's own: give it to convert_fx as .backend",
				 name);
	if (convert_nodes(&cv))
		return cv.gm;
	root_renew(cv.gm);
	fx_graph_eliminate_dead_code(cv.gm->graph);
	if (!options->is_reference && check_limits(cv.gm, cv.prepared))
		return cv.gm;
	if (!options->is_reference)
		lower(&cv, options->ret_notes);
	fx_graph_eliminate_dead_code(cv.gm->graph);
	tidy(cv.gm);
	return cv.gm;
}
