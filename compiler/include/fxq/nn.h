/* SPDX-License-Identifier: MIT */
/*
 * nn.h - models in C: classes, modules, functions
 *
 * A class is a list of members and a forward:
 *
 *	FX_MODULE(Net,
 *		module(conv, Conv2d(3, 8, 3, .padding = 1)),
 *		module(relu, ReLU()))
 *
 *	FX_FORWARD(Net, x)
 *	{
 *		x = fx_call(self->conv, x);
 *		return fx_add(fx_call(self->relu, x), 1);
 *	}
 *
 * FX_MODULE makes the struct Net and its constructor, Net(). A forward is
 * ordinary C on values (value.h); the same one computes when it is called with
 * tensors and writes a graph down when a tracer calls it (trace.h). Arguments
 * of constructors and functions have torch's names, order and defaults, and
 * are given by position or name; nn_table.h lists them all.
 *
 * Names and layouts of parameters are torch's: "conv.weight", OIHW. Initial
 * weights come from fxq's own generator, with the bounds that torch uses.
 */
#ifndef FXQ_NN_H
#define FXQ_NN_H

#include <string.h>

#include <fxq/each.h>
#include <fxq/nn_table.h>
#include <fxq/value.h>

struct fx_class;
struct fx_qparams;		/* observer.h */

enum fx_member_kind {
	FX_MEMBER_MODULE,
	FX_MEMBER_PARAMETER,
	FX_MEMBER_BUFFER,
	FX_MEMBER_ATTRIBUTE,
};

/* A member of a module: a child, or a value it owns. */
struct fx_member {
	enum fx_member_kind kind;
	const char *name;
	struct fx_module *module;	/* of FX_MEMBER_MODULE */
	fxv value;			/* of the others */
};

/*
 * struct fx_module - what every module begins with
 * @training: set by fx_train() and fx_eval(); a forward asks fx_training()
 * @members: in the order in which they were declared
 * @options: what the constructor was given, one for each of the class's
 * @graph: of a graph module, what its forward runs; else NULL
 * @code: of a graph module, compiled code that it runs instead, or NULL
 * @error: why it could not be constructed; whoever calls it gets this error
 */
struct fx_module {
	const struct fx_class *class;
	unsigned int refs;
	bool training;
	size_t n_members;
	struct fx_member *members;
	fxv *options;
	struct fx_graph *graph;
	const struct fx_code *code;
	char *error;
};

/*
 * How an argument is called; @def is its default, or FX_REQUIRED, or FX_VARARGS
 * or FX_KWARGS for one that takes the rest; @annotation its type, or NULL.
 */
struct fx_param {
	const char *name;
	fxv def;
	const char *annotation;
};

/* The arguments of a forward or a wrapped body, up to one without a name. */
struct fx_method {
	const struct fx_param *params;
};

/*
 * An argument of a constructor or function: a row from nn_table.h. In the
 * struct of a list every argument takes eight bytes, or those of an fxv, in
 * order; the pairs, sixteen bytes each, follow.
 */
struct fx_option {
	const char *name;
	int type, attr;
	fxv def;
};

#define FX_CLASS_LEAF		(1u << 0) /* the tracer does not look inside */
#define FX_CLASS_BATCH_NORM	(1u << 1) /* frozen while tracing */
#define FX_CLASS_IDENTITY	(1u << 2) /* outside training, out = in */
#define FX_CLASS_RESIZES	(1u << 3) /* loads vectors of any length */
#define FX_CLASS_HIDDEN		(1u << 4) /* what it holds is no state */
#define FX_CLASS_COMPOSED	(1u << 5) /* its forward looks at no elements */

/*
 * struct fx_class - a kind of module
 * @size: of its struct, which begins with a struct fx_module
 * @op: the operator that it is, or NULL; the operator's inputs are the
 *	forward's argument, then the members that @operands names (None where
 *	one is absent, "*" for every parameter); its parameters are the options
 * @init: makes the members; NULL if there are none
 * @set: gives the struct's field for the member called @name another value, a
 *	module as FX_VALUE_SELF; NULL if the struct has no fields
 * @forward: NULL: what @op computes
 * @wrapped: of FX_WRAP_MODULE: how a compiled program calls the forward, given
 *	the module's tensors before the arguments
 * @qparams: of observers and fake quantizers: fx_calculate_qparams()
 */
struct fx_class {
	const char *name;
	size_t size;
	unsigned int flags;
	const char *op;
	const char *const *operands;
	const struct fx_option *options;
	size_t n_options;
	int (*init)(struct fx_module *m);
	void (*set)(struct fx_module *m, const char *name, fxv value);
	fxv (*forward)(struct fx_module *m, const fxv *args);
	const struct fx_method *method;
	const struct fxq_function *wrapped;
	int (*qparams)(struct fx_module *m, struct fx_qparams *ret);
};

/* What FX_WRAP_MODULE makes, and what it does. */
struct fx_wrapped_module {
	struct fxq_function function;
};
int fx_module_eval(const struct fx_class *class, struct fxq_call *call);

/*
 * struct fx_function - a function or method of tensors: a row from nn_table.h
 * @id: what C calls it: fx_ID(), or fx_method(x, ID)
 * @name: what its nodes are named for
 * @op: the operator that computes it, or NULL
 * @shown: how graphs show it; without a path, as the operator
 */
struct fx_function {
	const char *id, *name, *op;
	int n_tensors, record;
	bool method;
	const struct fx_option *options;
	size_t n_options;
	struct fx_op shown;
};

/*
 * Constructors of the classes of nn_table.h. They never return NULL: a module
 * with wrong arguments is one that gives its error to whoever calls it.
 */

#define Conv2d(...)		FX_CONSTRUCT(Conv2d, __VA_ARGS__)
#define Linear(...)		FX_CONSTRUCT(Linear, __VA_ARGS__)
#define BatchNorm2d(...)	FX_CONSTRUCT(BatchNorm2d, __VA_ARGS__)
#define ReLU(...)		FX_CONSTRUCT(ReLU, __VA_ARGS__)
#define ReLU6(...)		FX_CONSTRUCT(ReLU6, __VA_ARGS__)
#define Sigmoid(...)		FX_CONSTRUCT(Sigmoid, __VA_ARGS__)
#define SiLU(...)		FX_CONSTRUCT(SiLU, __VA_ARGS__)
#define Hardswish(...)		FX_CONSTRUCT(Hardswish, __VA_ARGS__)
#define Softmax(...)		FX_CONSTRUCT(Softmax, __VA_ARGS__)
#define MaxPool2d(...)		FX_CONSTRUCT(MaxPool2d, __VA_ARGS__)
#define AvgPool2d(...)		FX_CONSTRUCT(AvgPool2d, __VA_ARGS__)
#define AdaptiveAvgPool2d(...)	FX_CONSTRUCT(AdaptiveAvgPool2d, __VA_ARGS__)
#define Flatten(...)		FX_CONSTRUCT(Flatten, __VA_ARGS__)
#define Dropout(...)		FX_CONSTRUCT(Dropout, __VA_ARGS__)
#define Identity(...)		FX_CONSTRUCT(Identity, __VA_ARGS__)
#define QuantStub(...)		FX_CONSTRUCT(QuantStub, __VA_ARGS__)
#define DeQuantStub(...)	FX_CONSTRUCT(DeQuantStub, __VA_ARGS__)
#define LSTM(...)		FX_CONSTRUCT(LSTM, __VA_ARGS__)
#define Conv1d(...)		FX_CONSTRUCT(Conv1d, __VA_ARGS__)
#define Conv3d(...)		FX_CONSTRUCT(Conv3d, __VA_ARGS__)
#define ConvTranspose1d(...)	FX_CONSTRUCT(ConvTranspose1d, __VA_ARGS__)
#define ConvTranspose2d(...)	FX_CONSTRUCT(ConvTranspose2d, __VA_ARGS__)
#define BatchNorm1d(...)	FX_CONSTRUCT(BatchNorm1d, __VA_ARGS__)
#define BatchNorm3d(...)	FX_CONSTRUCT(BatchNorm3d, __VA_ARGS__)
#define LayerNorm(...)		FX_CONSTRUCT(LayerNorm, __VA_ARGS__)
#define GroupNorm(...)		FX_CONSTRUCT(GroupNorm, __VA_ARGS__)
#define Embedding(...)		FX_CONSTRUCT(Embedding, __VA_ARGS__)
#define LeakyReLU(...)		FX_CONSTRUCT(LeakyReLU, __VA_ARGS__)
#define PReLU(...)		FX_CONSTRUCT(PReLU, __VA_ARGS__)
#define GELU(...)		FX_CONSTRUCT(GELU, __VA_ARGS__)
#define Hardsigmoid(...)	FX_CONSTRUCT(Hardsigmoid, __VA_ARGS__)
#define Tanh(...)		FX_CONSTRUCT(Tanh, __VA_ARGS__)
#define MaxPool1d(...)		FX_CONSTRUCT(MaxPool1d, __VA_ARGS__)
#define AvgPool1d(...)		FX_CONSTRUCT(AvgPool1d, __VA_ARGS__)
#define AdaptiveAvgPool1d(...)	FX_CONSTRUCT(AdaptiveAvgPool1d, __VA_ARGS__)
#define Upsample(...)		FX_CONSTRUCT(Upsample, __VA_ARGS__)
#define MultiheadAttention(...)	FX_CONSTRUCT(MultiheadAttention, __VA_ARGS__)
#define FloatFunctional(...)	FX_CONSTRUCT(FloatFunctional, __VA_ARGS__)
/* Modules one after another, named 0, 1, 2 … */
#define Sequential(...)		\
	fx_sequential((struct fx_module *[]){ __VA_ARGS__, NULL })
/* The same without a forward; and modules by name, { "cls", Conv2d(…) }, … */
#define ModuleList(...)		\
	fx_module_list((struct fx_module *[]){ __VA_ARGS__, NULL })
#define ModuleDict(...)		\
	fx_module_dict((struct fx_named_module[]){ __VA_ARGS__, { NULL } })
struct fx_named_module {
	const char *name;
	struct fx_module *module;
};

#define FX_CONSTRUCT(id, ...)						\
	fx_construct(&fx_class_##id, FX_HERE(#id "(" #__VA_ARGS__ ")"),	\
		     FX_OPTIONS(id, __VA_ARGS__), #__VA_ARGS__)
#define FX_CLASS_DECLARE(id)	extern const struct fx_class fx_class_##id;
FX_CLASSES(FX_CLASS_DECLARE)
#undef FX_CLASS_DECLARE

/*
 * @options is the struct of the class's options, and @given the text that
 * initialised it: C forgets which members an initialiser named, the text knows.
 */
struct fx_module *fx_construct(const struct fx_class *class,
			       const struct fx_loc *at, const void *options,
			       const char *given);
struct fx_module *fx_sequential(struct fx_module *const *modules);
struct fx_module *fx_module_list(struct fx_module *const *modules);
struct fx_module *fx_module_dict(const struct fx_named_module *modules);

/*
 * FX_MODULE(Class, members…): the struct and the constructor of a class. A
 * member is one of
 *
 *	module(name, constructor)	a child: struct fx_module *name
 *	module_as(name, key, …)		the same, where key is no word of C's
 *	parameter(name, value)		what training changes: fxv name
 *	buffer(name, value)		a tensor that is state: fxv name
 *	attribute(name, value)		anything else: fxv name
 *
 * FX_WRAP_MODULE: the same, and the tracer records a call of it as one node
 * and does not look inside. A compiled program calls its forward on the CPU,
 * with the parameters it had, and is given it as fx_wrapped_function(Class), as
 * a wrapped function (trace.h).
 */
#define FX_MODULE(Class, ...)		\
	FX_MODULE_OF(0, NULL, Class, __VA_ARGS__)
#define FX_WRAP_MODULE(Class, ...)					\
	static const struct fx_class fx_class_##Class;			\
	static int fx_eval_##Class(struct fxq_call *call)		\
	{								\
		return fx_module_eval(&fx_class_##Class, call);		\
	}								\
	static const struct fx_wrapped_module fx_wrapped_##Class = {	\
		.function = { #Class, NULL, fx_eval_##Class },		\
	};								\
	FX_MODULE_OF(FX_CLASS_LEAF, &fx_wrapped_##Class.function, Class,	\
		     __VA_ARGS__)
#define FX_MODULE_OF(traits, function, Class, ...)				\
	struct Class {							\
		struct fx_module module;				\
		FX_EACH(FX_MEMBER_FIELD, __VA_ARGS__)			\
	};								\
	static const struct fx_method fx_forward_##Class;		\
	static fxv fx_forward_call_##Class(struct fx_module *module,	\
					   const fxv *args);		\
	static int fx_init_##Class(struct fx_module *module)		\
	{								\
		struct Class *self = (struct Class *)module;		\
									\
		FX_EACH(FX_MEMBER_INIT, __VA_ARGS__)			\
		(void)self;						\
		return 0;						\
	}								\
	static void fx_set_##Class(struct fx_module *module,		\
				   const char *member, fxv value)	\
	{								\
		struct Class *self = (struct Class *)module;		\
									\
		FX_EACH(FX_MEMBER_SET, __VA_ARGS__)			\
		(void)self, (void)member, (void)value;			\
	}								\
	static const struct fx_class fx_class_##Class = {		\
		.name = #Class,						\
		.size = sizeof(struct Class),				\
		.flags = traits,					\
		.wrapped = function,					\
		.init = fx_init_##Class,				\
		.set = fx_set_##Class,					\
		.forward = fx_forward_call_##Class,			\
		.method = &fx_forward_##Class,				\
	};								\
	__attribute__((unused))						\
	static inline struct fx_module *Class(void)			\
	{								\
		return fx_construct(&fx_class_##Class,			\
				    FX_HERE(#Class "()"), NULL, "");	\
	}

#define FX_MEMBER_FIELD(i, item)		FX_MEMBER_FIELD_##item
#define FX_MEMBER_FIELD_module(name, ...)	struct fx_module *name;
#define FX_MEMBER_FIELD_module_as(name, ...)	struct fx_module *name;
#define FX_MEMBER_FIELD_parameter(name, ...)	fxv name;
#define FX_MEMBER_FIELD_buffer(name, ...)	fxv name;
#define FX_MEMBER_FIELD_attribute(name, ...)	fxv name;
#define FX_MEMBER_INIT(i, item)			FX_MEMBER_INIT_##item
#define FX_MEMBER_INIT_module(name, ...)	\
	self->name = fx_add_module(module, #name, __VA_ARGS__);
#define FX_MEMBER_INIT_module_as(name, key, ...)	\
	self->name = fx_add_module(module, key, __VA_ARGS__);
#define FX_MEMBER_INIT_parameter(name, ...)	\
	self->name = fx_add_parameter(module, #name, __VA_ARGS__);
#define FX_MEMBER_INIT_buffer(name, ...)	\
	self->name = fx_add_buffer(module, #name, __VA_ARGS__);
#define FX_MEMBER_INIT_attribute(name, ...)	\
	self->name = fx_add_attribute(module, #name, fx_value(__VA_ARGS__));
#define FX_MEMBER_SET(i, item)			FX_MEMBER_SET_##item
#define FX_MEMBER_SET_module(name, ...)		\
	FX_MEMBER_SET_module_as(name, #name)
#define FX_MEMBER_SET_module_as(name, key, ...)				\
	if (value.kind == FX_VALUE_SELF && !strcmp(member, key))	\
		self->name = value.module;
#define FX_MEMBER_SET_parameter(name, ...)	FX_MEMBER_SET_attribute(name)
#define FX_MEMBER_SET_buffer(name, ...)		FX_MEMBER_SET_attribute(name)
#define FX_MEMBER_SET_attribute(name, ...)	\
	if (value.kind != FX_VALUE_SELF && !strcmp(member, #name))	\
		self->name = value;

/* Each takes over what it is given, and returns it. */
struct fx_module *fx_add_module(struct fx_module *m, const char *name,
				struct fx_module *child);
fxv fx_add_parameter(struct fx_module *m, const char *name, fxv value);
fxv fx_add_buffer(struct fx_module *m, const char *name, fxv value);
fxv fx_add_attribute(struct fx_module *m, const char *name, fxv value);

/*
 * FX_FORWARD(Class, arguments…) { body }: what calling the module does. In the
 * body each argument is a value, and self the struct of the class. An argument
 * is a name, or (name, default) with an initialiser such as FX_FLOAT(0.5), or
 * (name, default, "type"), where the default of one that must be given is
 * FX_REQUIRED. A class that only holds others says FX_NO_FORWARD(Class).
 */
#define FX_NO_FORWARD(Class)						\
	static const struct fx_method fx_forward_##Class = {		\
		.params = (const struct fx_param[]){			\
			{ NULL, FX_REQUIRED }				\
		},							\
	};								\
	static fxv fx_forward_call_##Class(struct fx_module *module,	\
					   const fxv *args)		\
	{								\
		return fx_poison(NULL, 0, #Class " has no forward");	\
	}
#define FX_FORWARD(Class, ...)						\
	static fxv fx_forward_body_##Class(struct Class *self		\
					   FX_EACH(FX_ARG_DECLARE, __VA_ARGS__)); \
	static fxv fx_forward_call_##Class(struct fx_module *module,	\
					   __attribute__((unused))	\
					   const fxv *args)		\
	{								\
		return fx_forward_body_##Class((struct Class *)module	\
					       FX_EACH(FX_ARG_PASS, __VA_ARGS__)); \
	}								\
	static const struct fx_param fx_forward_params_##Class[] = {	\
		FX_EACH(FX_ARG_ROW, __VA_ARGS__)			\
		{ NULL, FX_REQUIRED }					\
	};								\
	static const struct fx_method fx_forward_##Class = {		\
		.params = fx_forward_params_##Class,			\
	};								\
	static fxv fx_forward_body_##Class(__attribute__((unused))	\
					   struct Class *self		\
					   FX_EACH(FX_ARG_DECLARE, __VA_ARGS__))

#define FX_ARG_DECLARE(i, item)	\
	, __attribute__((unused)) fxv FX_ARG_NAME(item)
#define FX_ARG_PASS(i, item)	, args[i]
#define FX_ARG_ITEM(i, item)	FX_ARG_NAME(item),
#define FX_ARG_ROW(i, item)	\
	{ FX_ARG_STRING(FX_ARG_NAME(item)), FX_ARG_DEFAULT(item) },
#define FX_ARG_STRING(name)	FX_ARG_STRING_OF(name)
#define FX_ARG_STRING_OF(name)	#name
#define FX_ARG_NAME(item)	FX_IF_LIST(item, FX_ARG_FIRST, FX_ARG_BARE)(item)
#define FX_ARG_BARE(name)	name
#define FX_ARG_FIRST(list)	FX_ARG_FIRST_OF list
#define FX_ARG_FIRST_OF(name, ...)	name
#define FX_ARG_DEFAULT(item)	\
	FX_IF_LIST(item, FX_ARG_SECOND, FX_ARG_NONE)(item)
#define FX_ARG_NONE(name)	FX_REQUIRED
#define FX_ARG_SECOND(list)	FX_ARG_SECOND_OF list
#define FX_ARG_SECOND_OF(name, ...)	__VA_ARGS__

/*
 * Calls a module. A model is called the same way: fx_call(model, data). The
 * first argument is a struct fx_module *, the others are values.
 */
#define fx_call(...)	FX_CALL("fx_call(" #__VA_ARGS__ ")", __VA_ARGS__)
#define FX_CALL(text, module, ...)	\
	fx_call_at(FX_HERE(text), module, FX_ARGS(__VA_ARGS__))
fxv fx_call_at(const struct fx_loc *at, struct fx_module *m, const fxv *args);

/* for each child of @m, in order: fx_for_each_child(b, self->blocks) … */
#define fx_for_each_child(child, m)					\
	for (const struct fx_member *m_##child = (m)->members;		\
	     m_##child < (m)->members + (m)->n_members &&		\
	     ((child) = m_##child->module, true);			\
	     m_##child++)

/* Whether the module that runs is being trained: asks, so that a trace knows. */
#define fx_training(self)	\
	fx_training_at(FX_HERE("fx_training(" #self ")"), &(self)->module)
bool fx_training_at(const struct fx_loc *at, const struct fx_module *m);

/*
 * Functions. The tensors come first, then options by position or name:
 * fx_softmax(x, .dim = 1), fx_max_pool2d(x, 2). fx_cat takes a list,
 * fx_cat(fx_list(a, b), .dim = 1); conv2d and linear take fx_none for no bias.
 */

#define fx_conv2d(...)		FX_APPLY(3, conv2d, #__VA_ARGS__, __VA_ARGS__)
#define fx_linear(...)		FX_APPLY(3, linear, #__VA_ARGS__, __VA_ARGS__)
#define fx_conv1d(...)		FX_APPLY(3, conv1d, #__VA_ARGS__, __VA_ARGS__)
#define fx_conv3d(...)		FX_APPLY(3, conv3d, #__VA_ARGS__, __VA_ARGS__)
#define fx_conv_transpose1d(...)	\
	FX_APPLY(3, conv_transpose1d, #__VA_ARGS__, __VA_ARGS__)
#define fx_conv_transpose2d(...)	\
	FX_APPLY(3, conv_transpose2d, #__VA_ARGS__, __VA_ARGS__)
#define fx_leaky_relu(...)	FX_APPLY(1, leaky_relu, #__VA_ARGS__, __VA_ARGS__)
#define fx_prelu(...)		FX_APPLY(2, prelu, #__VA_ARGS__, __VA_ARGS__)
#define fx_gelu(...)		FX_APPLY(1, gelu, #__VA_ARGS__, __VA_ARGS__)
#define fx_hardsigmoid(...)	\
	FX_APPLY(1, hardsigmoid, #__VA_ARGS__, __VA_ARGS__)
#define fx_max_pool1d(...)	FX_APPLY(1, max_pool1d, #__VA_ARGS__, __VA_ARGS__)
#define fx_avg_pool1d(...)	FX_APPLY(1, avg_pool1d, #__VA_ARGS__, __VA_ARGS__)
#define fx_adaptive_avg_pool1d(...)	\
	FX_APPLY(1, adaptive_avg_pool1d, #__VA_ARGS__, __VA_ARGS__)
#define fx_relu(...)		FX_APPLY(1, relu, #__VA_ARGS__, __VA_ARGS__)
#define fx_relu6(...)		FX_APPLY(1, relu6, #__VA_ARGS__, __VA_ARGS__)
#define fx_silu(...)		FX_APPLY(1, silu, #__VA_ARGS__, __VA_ARGS__)
#define fx_hardswish(...)	FX_APPLY(1, hardswish, #__VA_ARGS__, __VA_ARGS__)
#define fx_sigmoid(...)		FX_APPLY(1, sigmoid, #__VA_ARGS__, __VA_ARGS__)
#define fx_tanh(...)		FX_APPLY(1, tanh, #__VA_ARGS__, __VA_ARGS__)
#define fx_neg(...)		FX_APPLY(1, neg, #__VA_ARGS__, __VA_ARGS__)
#define fx_softmax(...)		FX_APPLY(1, softmax, #__VA_ARGS__, __VA_ARGS__)
#define fx_argmax(...)		FX_APPLY(1, argmax, #__VA_ARGS__, __VA_ARGS__)
#define fx_max_pool2d(...)	FX_APPLY(1, max_pool2d, #__VA_ARGS__, __VA_ARGS__)
#define fx_avg_pool2d(...)	FX_APPLY(1, avg_pool2d, #__VA_ARGS__, __VA_ARGS__)
#define fx_adaptive_avg_pool2d(...)	\
	FX_APPLY(1, adaptive_avg_pool2d, #__VA_ARGS__, __VA_ARGS__)
#define fx_flatten(...)		FX_APPLY(1, flatten, #__VA_ARGS__, __VA_ARGS__)
#define fx_cat(...)		FX_APPLY(1, cat, #__VA_ARGS__, __VA_ARGS__)
/* Of values, of which one may be a C number: fx_mul(x, 0.5). */
#define fx_add(...)		FX_APPLY(2, add, #__VA_ARGS__, __VA_ARGS__)
#define fx_sub(...)		FX_APPLY(2, sub, #__VA_ARGS__, __VA_ARGS__)
#define fx_mul(...)		FX_APPLY(2, mul, #__VA_ARGS__, __VA_ARGS__)
#define fx_div(...)		FX_APPLY(2, div, #__VA_ARGS__, __VA_ARGS__)
#define fx_floordiv(...)	FX_APPLY(2, floordiv, #__VA_ARGS__, __VA_ARGS__)
#define fx_pow(...)		FX_APPLY(2, pow, #__VA_ARGS__, __VA_ARGS__)
#define fx_matmul(...)		FX_APPLY(2, matmul, #__VA_ARGS__, __VA_ARGS__)
#define fx_eq(...)		FX_APPLY(2, eq, #__VA_ARGS__, __VA_ARGS__)
#define fx_lt(...)		FX_APPLY(2, lt, #__VA_ARGS__, __VA_ARGS__)
#define fx_le(...)		FX_APPLY(2, le, #__VA_ARGS__, __VA_ARGS__)
#define fx_gt(...)		FX_APPLY(2, gt, #__VA_ARGS__, __VA_ARGS__)
#define fx_ge(...)		FX_APPLY(2, ge, #__VA_ARGS__, __VA_ARGS__)
#define fx_invert(...)		FX_APPLY(1, invert, #__VA_ARGS__, __VA_ARGS__)
#define fx_clamp(...)		FX_APPLY(1, clamp, #__VA_ARGS__, __VA_ARGS__)
#define fx_elu(...)		FX_APPLY(1, elu, #__VA_ARGS__, __VA_ARGS__)
#define fx_selu(...)		FX_APPLY(1, selu, #__VA_ARGS__, __VA_ARGS__)
#define fx_mish(...)		FX_APPLY(1, mish, #__VA_ARGS__, __VA_ARGS__)
#define fx_softplus(...)	FX_APPLY(1, softplus, #__VA_ARGS__, __VA_ARGS__)
#define fx_softsign(...)	FX_APPLY(1, softsign, #__VA_ARGS__, __VA_ARGS__)
#define fx_hardtanh(...)	FX_APPLY(1, hardtanh, #__VA_ARGS__, __VA_ARGS__)
#define fx_log_softmax(...)	\
	FX_APPLY(1, log_softmax, #__VA_ARGS__, __VA_ARGS__)
#define fx_exp(...)		FX_APPLY(1, exp, #__VA_ARGS__, __VA_ARGS__)
#define fx_log(...)		FX_APPLY(1, log, #__VA_ARGS__, __VA_ARGS__)
#define fx_sqrt(...)		FX_APPLY(1, sqrt, #__VA_ARGS__, __VA_ARGS__)
#define fx_reciprocal(...)	\
	FX_APPLY(1, reciprocal, #__VA_ARGS__, __VA_ARGS__)
#define fx_abs(...)		FX_APPLY(1, abs, #__VA_ARGS__, __VA_ARGS__)
#define fx_sign(...)		FX_APPLY(1, sign, #__VA_ARGS__, __VA_ARGS__)
#define fx_floor(...)		FX_APPLY(1, floor, #__VA_ARGS__, __VA_ARGS__)
#define fx_ceil(...)		FX_APPLY(1, ceil, #__VA_ARGS__, __VA_ARGS__)
#define fx_round(...)		FX_APPLY(1, round, #__VA_ARGS__, __VA_ARGS__)
#define fx_sin(...)		FX_APPLY(1, sin, #__VA_ARGS__, __VA_ARGS__)
#define fx_cos(...)		FX_APPLY(1, cos, #__VA_ARGS__, __VA_ARGS__)
#define fx_erf(...)		FX_APPLY(1, erf, #__VA_ARGS__, __VA_ARGS__)
#define fx_minimum(...)		FX_APPLY(2, minimum, #__VA_ARGS__, __VA_ARGS__)
#define fx_maximum(...)		FX_APPLY(2, maximum, #__VA_ARGS__, __VA_ARGS__)
#define fx_where(...)		FX_APPLY(3, where, #__VA_ARGS__, __VA_ARGS__)
#define fx_bmm(...)		FX_APPLY(2, bmm, #__VA_ARGS__, __VA_ARGS__)
#define fx_sum(...)		FX_APPLY(1, sum, #__VA_ARGS__, __VA_ARGS__)
#define fx_mean(...)		FX_APPLY(1, mean, #__VA_ARGS__, __VA_ARGS__)
#define fx_amax(...)		FX_APPLY(1, amax, #__VA_ARGS__, __VA_ARGS__)
#define fx_amin(...)		FX_APPLY(1, amin, #__VA_ARGS__, __VA_ARGS__)
/* What moves elements; a list goes into fx_stack(fx_list(a, b), .dim = 1). */
#define fx_reshape(...)		FX_APPLY(1, reshape, #__VA_ARGS__, __VA_ARGS__)
#define fx_permute(...)		FX_APPLY(1, permute, #__VA_ARGS__, __VA_ARGS__)
#define fx_transpose(...)	\
	FX_APPLY(1, transpose, #__VA_ARGS__, __VA_ARGS__)
#define fx_squeeze(...)		FX_APPLY(1, squeeze, #__VA_ARGS__, __VA_ARGS__)
#define fx_unsqueeze(...)	\
	FX_APPLY(1, unsqueeze, #__VA_ARGS__, __VA_ARGS__)
#define fx_stack(...)		FX_APPLY(1, stack, #__VA_ARGS__, __VA_ARGS__)
#define fx_chunk(...)		FX_APPLY(1, chunk, #__VA_ARGS__, __VA_ARGS__)
#define fx_pad(...)		FX_APPLY(1, pad, #__VA_ARGS__, __VA_ARGS__)
#define fx_pixel_shuffle(...)	\
	FX_APPLY(1, pixel_shuffle, #__VA_ARGS__, __VA_ARGS__)
#define fx_split(...)		FX_APPLY(1, split, #__VA_ARGS__, __VA_ARGS__)
#define fx_interpolate(...)	\
	FX_APPLY(1, interpolate, #__VA_ARGS__, __VA_ARGS__)
/* Losses, averaged over samples: of scores and int64 classes; of two tensors. */
#define fx_cross_entropy(...)	\
	FX_APPLY(2, cross_entropy, #__VA_ARGS__, __VA_ARGS__)
#define fx_mse_loss(...)	FX_APPLY(2, mse_loss, #__VA_ARGS__, __VA_ARGS__)
/*
 * torch.add() and its like, which a graph shows otherwise than + or @; relu of
 * torch.ops.
 */
#define fx_torch_add(...)	FX_APPLY(2, torch_add, #__VA_ARGS__, __VA_ARGS__)
#define fx_torch_mul(...)	FX_APPLY(2, torch_mul, #__VA_ARGS__, __VA_ARGS__)
#define fx_torch_matmul(...)	\
	FX_APPLY(2, torch_matmul, #__VA_ARGS__, __VA_ARGS__)
#define fx_aten_relu(...)	FX_APPLY(1, aten_relu, #__VA_ARGS__, __VA_ARGS__)

/*
 * What a FloatFunctional does: its quantized form observes the result. As in
 * torch, a graph shows the function and a call of activation_post_process; the
 * latter not after a number is added or multiplied with, which torch does not
 * observe either.
 */
#define fx_ff_add(ff, a, b)	\
	FX_FF(ff, add, fx_torch_add(a, b), a, b)
#define fx_ff_mul(ff, a, b)	\
	FX_FF(ff, mul, fx_torch_mul(a, b), a, b)
#define fx_ff_cat(ff, list, ...)	\
	FX_FF(ff, cat, fx_cat(list, __VA_ARGS__), list)
#define fx_ff_add_relu(ff, a, b)	\
	FX_FF(ff, add_relu, fx_relu(fx_torch_add(a, b)), a, b)
#define fx_ff_matmul(ff, a, b)	\
	FX_FF(ff, matmul, fx_torch_matmul(a, b), a, b)
#define fx_ff_add_scalar(ff, a, number)	\
	FX_FF_SCALAR(ff, add_scalar, fx_torch_add(a, number), a, number)
#define fx_ff_mul_scalar(ff, a, number)	\
	FX_FF_SCALAR(ff, mul_scalar, fx_torch_mul(a, number), a, number)
#define FX_FF_SCALAR(ff, name, value, ...)				\
	fx_ff_unobserved(FX_HERE("fx_ff_" #name "(" #ff ", "		\
				 #__VA_ARGS__ ")"), ff, value)
#define FX_FF(ff, name, value, ...)					\
	fx_ff_result(FX_HERE("fx_ff_" #name "(" #ff ", " #__VA_ARGS__ ")"), \
		     ff, value)
fxv fx_ff_result(const struct fx_loc *at, struct fx_module *ff, fxv value);
fxv fx_ff_unobserved(const struct fx_loc *at, struct fx_module *ff, fxv value);

/* torch's of the same names, which graphs that convert makes call. */
#define fx_quantize_per_tensor(...)	\
	FX_APPLY(1, quantize_per_tensor, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_add(...)	\
	FX_APPLY(2, quantized_add, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_add_relu(...)	\
	FX_APPLY(2, quantized_add_relu, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_mul(...)	\
	FX_APPLY(2, quantized_mul, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_mul_relu(...)	\
	FX_APPLY(2, quantized_mul_relu, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_sub(...)	\
	FX_APPLY(2, quantized_sub, #__VA_ARGS__, __VA_ARGS__)
#define fx_quantized_matmul(...)	\
	FX_APPLY(2, quantized_matmul, #__VA_ARGS__, __VA_ARGS__)

/* A method of a tensor: fx_method(x, flatten, 1) is torch's x.flatten(1). */
#define fx_method(x, name, ...)						\
	fx_apply(&fx_function_method_##name,				\
		 FX_HERE("fx_method(" #x ", " #name			\
			 __VA_OPT__(", ") #__VA_ARGS__ ")"),		\
		 FX_ARGS(x), FX_OPTIONS(method_##name, __VA_ARGS__),	\
		 #__VA_ARGS__)
/* x.name of a tensor: its "shape" or "T". */
#define fx_getattr(x, name)						\
	fx_apply(&fx_function_getattr,					\
		 FX_HERE("fx_getattr(" #x ", " #name ")"),		\
		 FX_ARGS(x, fx_of_str(name)), NULL, "")
/* v[i], v[i, j]: integers, slices, fx_none, fx_ellipsis, or the key of a dict */
#define fx_getitem(v, ...)						\
	fx_getitem_at(FX_HERE("fx_getitem(" #v ", " #__VA_ARGS__ ")"),	\
		      v, FX_VALUES(__VA_ARGS__))
fxv fx_getitem_at(const struct fx_loc *at, fxv v, const fxv *index);

#define FX_APPLY(n, id, text, ...)	\
	FX_APPLY##n(id, "fx_" #id "(" text ")", __VA_ARGS__)
#define FX_APPLY1(id, text, a, ...)	\
	FX_APPLY_TO(id, text, FX_ARGS(a), __VA_ARGS__)
#define FX_APPLY2(id, text, a, b, ...)	\
	FX_APPLY_TO(id, text, FX_ARGS(fx_value(a), fx_value(b)), __VA_ARGS__)
#define FX_APPLY3(id, text, a, b, c, ...)	\
	FX_APPLY_TO(id, text, FX_ARGS(a, b, c), __VA_ARGS__)
#define FX_APPLY_TO(id, text, tensors, ...)				\
	fx_apply(&fx_function_##id, FX_HERE(text), tensors,		\
		 FX_OPTIONS(id, __VA_ARGS__), #__VA_ARGS__)
#define FX_FUNCTION_DECLARE(id, ...)	\
	extern const struct fx_function fx_function_##id;
FX_FUNCTIONS(FX_FUNCTION_DECLARE)
FX_SPELLINGS(FX_FUNCTION_DECLARE)
#undef FX_FUNCTION_DECLARE
#define FX_METHOD_DECLARE(id, ...)	\
	extern const struct fx_function fx_function_method_##id;
FX_METHODS(FX_METHOD_DECLARE)
#undef FX_METHOD_DECLARE

fxv fx_apply(const struct fx_function *fn, const struct fx_loc *at,
	     const fxv *tensors, const void *options, const char *given);

/* module.c: modules from outside */

/* A model is freed when its last reference is put; both accept NULL. */
struct fx_module *fx_module_get(struct fx_module *m);
void fx_module_put(struct fx_module *m);
/*
 * A copy that shares no module and no tensor with @m: what stood in two places
 * stands in two places of the copy. A graph is copied with its module.
 */
struct fx_module *fx_module_copy(const struct fx_module *m);
/*
 * Puts @child, which is taken over, in the place of the module at @path below
 * @m, or makes it a new member there. -ENOENT if nothing holds the place.
 */
int fx_module_replace(struct fx_module *m, const char *path,
		      struct fx_module *child);
/* Takes away the member at @path, a module or a value. -ENOENT: there is none. */
int fx_module_remove(struct fx_module *m, const char *path);
/* Sets @training of @m and everything below it; returns @m. */
struct fx_module *fx_train(struct fx_module *m);
struct fx_module *fx_eval(struct fx_module *m);

/* The module at a dotted path ("features.0"), @m itself at ""; or NULL. */
struct fx_module *fx_module_at(struct fx_module *m, const char *path);
/*
 * The parameter, buffer or attribute at a dotted path, or a constant of the
 * graph that @m runs; None if there is none.
 */
fxv fx_member(struct fx_module *m, const char *path);
/* The parameter or buffer called "conv.weight", to read or to write; or NULL. */
struct fxq_tensor *fx_module_tensor(struct fx_module *m, const char *key);

/* Is @n a call of a module of this class? */
static inline bool fx_node_is_module(const struct fx_node *n, const char *class)
{
	return n->module && !strcmp(n->module->class->name, class);
}

/*
 * Calls @fn for each parameter and buffer, with its state-dict key, in the
 * order of torch's state_dict(). A return other than 0 ends the walk with it.
 */
int fx_module_each_tensor(struct fx_module *m,
			  int (*fn)(const char *key, enum fx_member_kind kind,
				    struct fxq_tensor *t, void *ctx),
			  void *ctx);
/* Fills the model with the numbers of fx_gen(), as tests against torch do. */
void fx_module_fill(struct fx_module *m, uint32_t seed);

#endif /* FXQ_NN_H */
