// SPDX-License-Identifier: MIT
/*
 * wrap.c - wrapped functions: called in a model, and called by a program
 *
 * In a model the public name records one node, or runs the body. A graph that
 * was compiled calls the body through fxq_call.h instead: host tensors become
 * values, `self` an object whose training flag is the program's, and the
 * results are copied out. The body cannot tell the difference.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nn_priv.h"

fxv wrapped_run(const struct fx_wrapped *w, struct fx_module *self,
		const fxv *args)
{
	const struct fx_loc *outer = context.at;
	char error[FXQ_ERROR_MAX];
	fxv all[MAX_ARGS], result;
	struct scope scope;

	if (args_complete(&w->method, args, all, error))
		return fx_poison(&w->at, -EINVAL, "%s", error);

	context.at = &w->at;
	scope_open(&scope);
	result = scope_close(&scope, w->body(self, all));
	context.at = outer;
	return result;
}

fxv fx_wrapped_call(const struct fx_wrapped *w, struct fx_module *self,
		    const fxv *args)
{
	const fxv *poison = find_poison(args);

	if (poison)
		return *poison;
	if (any_node(args))
		return trace_wrapped(w, self, args);
	return wrapped_run(w, self, args);
}

/* Called through fxq_call.h */

static fxv attr_value(const struct fxq_attr *attr)
{
	fxv items[MAX_ARGS + 1];
	uint32_t n = attr->count < MAX_ARGS ? attr->count : MAX_ARGS;

	switch (attr->type) {
	case FXQ_ATTR_INT:
		return fx_of_int(attr->i);
	case FXQ_ATTR_FLOAT:
		return fx_of_float(attr->f);
	case FXQ_ATTR_STRING:
		return fx_of_str(attr->s);
	case FXQ_ATTR_INTS:
	case FXQ_ATTR_FLOATS:
		break;
	default:
		return fx_none;
	}

	for (uint32_t i = 0; i < n; i++)
		items[i] = attr->type == FXQ_ATTR_INTS ?
			   fx_of_int(attr->ints[i]) :
			   fx_of_float(attr->floats[i]);
	items[n] = (fxv)FX_END;
	return fx_tuple_of(FX_VALUE_TUPLE, items);
}

/*
 * struct callee - what is called
 * @self: whether it has one, which is argument 0
 * @n_own: tensors before the arguments, which are the callee's own
 */
struct callee {
	const char *name;
	const struct fx_param *params;
	bool self;
	uint32_t n_own;
};

/* A parameter by its name, or "argN" by its place, self being place 0. */
static const struct fxq_attr *attr_of_param(const struct callee *callee,
					    const struct fxq_call *call,
					    size_t i)
{
	const struct fxq_attr *attr;
	char name[24];

	attr = fxq_call_attr(call, callee->params[i].name);
	if (attr)
		return attr;
	snprintf(name, sizeof(name), "arg%zu", i + callee->self);
	return fxq_call_attr(call, name);
}

/* Attributes by their names; tensors, in order, are what has none. */
static int collect_args(const struct callee *callee, struct fxq_call *call,
			fxv args[MAX_ARGS])
{
	uint32_t next = callee->n_own;
	size_t i;

	for (i = 0; callee->params[i].name && i < MAX_ARGS - 1; i++) {
		const struct fxq_attr *attr = attr_of_param(callee, call, i);

		if (attr)
			args[i] = attr_value(attr);
		else if (next == call->n_in)
			args[i] = fx_default;
		else if (call->in[next].dtype == FXQ_DTYPE_NONE)
			args[i] = fx_none, next++;
		else
			args[i] = fx_view_of(&call->in[next++]);
	}
	args[i] = (fxv)FX_END;
	if (next != call->n_in)
		return refuse(call->error, "%s takes %u tensors; %u were given",
			      callee->name, next - callee->n_own,
			      call->n_in - callee->n_own);
	return 0;
}

/*
 * The self of one call: the members of the model that was registered with the
 * function, if one was; the attributes and the training flag of the program.
 */
static struct fx_module *self_new(const struct fx_wrapped *w,
				  const struct fxq_self *self)
{
	const struct fx_module *model = self ? self->user : NULL;
	uint32_t n_attrs = self ? self->n_attrs : 0;
	struct fx_module *m;

	if (!w->class)
		return NULL;

	m = must_alloc(w->class->size);
	if (model)
		memcpy(m, model, w->class->size);
	else
		m->class = w->class;
	m->training = self && self->training;
	for (uint32_t i = 0; i < n_attrs; i++)
		w->class->set(m, self->attrs[i].name,
			      attr_value(&self->attrs[i]));
	return m;
}

/*
 * Result @i to the caller: into its memory if it has some, which says how many
 * bytes there are, not of what type.
 */
static int put_result(struct fxq_call *call, uint32_t i, fxv v)
{
	struct fxq_tensor *out = &call->out[i];
	const struct fxq_tensor *t = fx_data(v);
	size_t room = out->data ? fxq_tensor_bytes(out) : 0;
	void *data = out->data;

	if (!t)
		return refuse(call->error, "result %u is no tensor", i);
	if (data && fxq_tensor_bytes(t) > room) {
		refuse(call->error, "result %u has %zu bytes; %zu were declared as its maximum",
		       i, fxq_tensor_bytes(t), room);
		return -ENOSPC;
	}

	out->dtype = t->dtype;
	out->rank = t->rank;
	memcpy(out->dims, t->dims, sizeof(out->dims));
	if (!data && fxq_tensor_alloc(out)) {
		refuse(call->error, "no memory for result %u", i);
		return -ENOMEM;
	}
	memcpy(out->data, t->data, fxq_tensor_bytes(t));
	return 0;
}

static int put_results(const char *name, struct fxq_call *call, fxv result)
{
	const char *error = fx_error(result);
	int ret = 0;

	if (error) {
		refuse(call->error, "%s", error);
		return value_err(result);
	}
	if (fx_tuple_count(result) != call->n_out)
		return refuse(call->error, "%s returns %zu results; %u are wanted",
			      name, fx_tuple_count(result), call->n_out);

	for (uint32_t i = 0; !ret && i < call->n_out; i++)
		ret = put_result(call, i, fx_tuple_item(result, i));
	return ret;
}

int fx_wrapped_eval(const struct fx_wrapped *w, struct fxq_call *call)
{
	const struct callee callee = { w->function.name, w->method.params,
				       w->class != NULL, 0 };
	struct context outer = context;
	struct fx_module *self;
	fxv args[MAX_ARGS];
	struct scope scope;
	int ret;

	context = (struct context){ 0 };
	scope_open(&scope);
	self = self_new(w, call->self);
	ret = collect_args(&callee, call, args);
	if (!ret)
		ret = put_results(callee.name, call,
				  wrapped_run(w, self, args));
	fx_drop(scope_close(&scope, fx_none));
	free(self);
	context = outer;
	return ret;
}

/* A wrapped module called through fxq_call.h: its tensors are inputs too */

/*
 * struct restore - tensors of a new instance, which are those of the call
 * @next: the input that the next one is
 */
struct restore {
	struct fxq_call *call;
	uint32_t next;
};

static int restore_tensor(const char *key, enum fx_member_kind kind,
			  struct fxq_tensor *t, void *ctx)
{
	struct restore *r = ctx;
	const struct fxq_tensor *from = &r->call->in[r->next++];

	if (r->next > r->call->n_in || from->dtype != t->dtype ||
	    fxq_tensor_bytes(from) != fxq_tensor_bytes(t))
		return refuse(r->call->error, "'%s' is not among its tensors", key);
	memcpy(t->data, from->data, fxq_tensor_bytes(t));
	return 0;
}

static struct fx_module *instance_new(const struct fx_class *class,
				      struct restore *r)
{
	const struct fxq_self *self = r->call->self;
	const struct fx_loc at = { .file = "", .expr = class->name };
	struct fx_module *m = fx_construct(class, &at, NULL, "");

	if (fx_module_each_tensor(m, restore_tensor, r)) {
		fx_module_put(m);
		return NULL;
	}
	if (self && self->training)
		fx_train(m);
	else
		fx_eval(m);
	for (uint32_t i = 0; self && i < self->n_attrs; i++)
		class->set(m, self->attrs[i].name, attr_value(&self->attrs[i]));
	return m;
}

int fx_module_eval(const struct fx_class *class, struct fxq_call *call)
{
	struct callee callee = { class->name, class->method->params, true, 0 };
	struct restore restore = { .call = call };
	struct context outer = context;
	struct fx_module *self;
	fxv args[MAX_ARGS];
	struct scope scope;
	int ret = -EINVAL;

	context = (struct context){ 0 };
	scope_open(&scope);
	self = instance_new(class, &restore);
	callee.n_own = restore.next;
	if (self)
		ret = collect_args(&callee, call, args);
	if (!ret)
		ret = put_results(callee.name, call, fx_call_at(NULL, self, args));
	fx_drop(scope_close(&scope, fx_none));
	fx_module_put(self);
	context = outer;
	return ret;
}
