// SPDX-License-Identifier: MIT
/*
 * test_module_hostile.c - files of graph modules that nobody has saved
 *
 * A file is saved and one thing in it is changed. What no constructor, no verb and
 * no tracer makes is refused, by name.
 */
#include <jansson.h>

#include "module_file_kit.h"

/* The item of @list whose "class" or "name" is @name, or the one with it first. */
static json_t *item_called(json_t *list, const char *name)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item) {
		const char *own = json_string_value(json_is_array(item) ?
			json_array_get(item, 0) :
			json_object_get(item, "class") ?
			json_object_get(item, "class") :
			json_object_get(item, "name"));

		if (own && !strcmp(own, name))
			return item;
	}
	return json_array_get(list, strtoul(name, NULL, 10));
}

/* "modules/Conv2d/options/stride" and what is to stand there; NULL: nothing. */
static void edit(json_t *note, const char *path, const char *value)
{
	json_t *at = note, *new = value ? json_loads(value, JSON_DECODE_ANY,
						     NULL) : NULL;
	char copy[128], *name, *next;

	snprintf(copy, sizeof(copy), "%s", path);
	name = strtok(copy, "/");
	while ((next = strtok(NULL, "/"))) {
		at = json_is_array(at) ? item_called(at, name) :
					 json_object_get(at, name);
		if (!at)
			fail_msg("%s: there is no %s", path, name);
		name = next;
	}
	if (value && !new)
		fail_msg("%s is no JSON", value);
	if (json_is_object(at) && new)
		json_object_set_new(at, name, new);
	else if (json_is_object(at))
		json_object_del(at, name);
	else if (!strcmp(name, "+"))
		json_array_append_new(at, new);
	else if (new)
		json_array_set_new(at, strtoul(name, NULL, 10), new);
	else
		json_array_remove(at, strtoul(name, NULL, 10));
}

struct hostile {
	const char *path, *value;
	int err;
	const char *sentence;
};

static void refused_edited(const struct bytes *b,
			   const struct fx_load_options *options,
			   const struct hostile *h)
{
	char sentence[512];
	struct tensors t;
	struct bytes edited;
	json_t *note;

	assert_int_equal(safetensors_parse("net.fxg", b->data, b->size, &t), 0);
	note = json_loads(t.note, 0, NULL);
	edit(note, h->path, h->value);
	free(t.note);
	t.note = json_dumps(note, JSON_COMPACT);
	assert_int_equal(safetensors_format("net.fxg", &t, &edited), 0);
	snprintf(sentence, sizeof(sentence), "net.fxg: %s", h->sentence);
	refused(&edited, options, h->err, sentence);
	bytes_free(&edited);
	json_decref(note);
	tensors_free(&t);
}

/* Each is refused, and the file as it was is read as before. */
static void all_refused_with(const struct fx_load_options *options,
			     struct fx_module *gm, const struct hostile *list,
			     size_t n)
{
	struct bytes b = saved(gm);
	struct fx_module *again;

	for (size_t i = 0; i < n; i++)
		refused_edited(&b, options, &list[i]);
	again = loaded(&b, options);
	assert_same_print(gm, again);
	fx_module_put(again);
	bytes_free(&b);
}

static void all_refused(struct fx_module *gm, const struct hostile *list,
			size_t n)
{
	all_refused_with(NULL, gm, list, n);
}

#define HOSTILE(...)							\
	((const struct hostile[]){ __VA_ARGS__ }),			\
	sizeof((const struct hostile[]){ __VA_ARGS__ }) /		\
		sizeof(struct hostile)

static void unsound_float_files_are_refused(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain()));

	all_refused(gm, HOSTILE(
		{ "version", "9", -ENOTSUP, "it is of version 9 and this reads 1 to 2; save the graph again" },
		{ "version", "1", -ENOTSUP, "it holds a functional graph; load it with fx_graph_load()" },
		{ "modules", NULL, -EINVAL, "it has no list of modules; save the graph again" },
		{ "modules", "[]", -EINVAL, "it has no list of modules; save the graph again" },
		{ "modules/Conv2d/class", "3", -EINVAL, "module 0 has no class; save the graph again" },
		{ "modules/Conv2d/class", "\"No\\nSuch\"", -EINVAL, "module 0 has no class; save the graph again" },
		{ "modules/Conv2d/class", "\"NoSuch\"", -ENOTSUP, "module 0 is of class 'NoSuch', which fxq does not have; load it with the version that saved it" },
		{ "modules/Conv2d/class", "\"ReLU\"", -EINVAL, "module 0 (ReLU): no argument is called 'in_channels'; save the graph again" },
		{ "modules/Conv2d/options", "[]", -EINVAL, "module 0 (Conv2d): it has no options; save the graph again" },
		{ "modules/Conv2d/options/in_channels", NULL, -EINVAL, "module 0 (Conv2d): the argument 'in_channels' is missing; save the graph again" },
		{ "modules/Conv2d/options/colour", "1", -EINVAL, "module 0 (Conv2d): no argument is called 'colour'; save the graph again" },
		{ "modules/Conv2d/options/stride", "\"x\"", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/stride", "4294967297", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/stride", "{\"tuple\":[1,2,3]}", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/stride", "{\"tuple\":[1,2,3,4]}", -EINVAL, "module 0 (Conv2d): option 'stride' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/padding", "{\"tuple\":[1,2,3]}", -EINVAL, "module 0 (Conv2d): option 'padding' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/padding", "{\"tuple\":[1,2,3,4294967297]}", -EINVAL, "module 0 (Conv2d): option 'padding' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/bias", "1", -EINVAL, "module 0 (Conv2d): option 'bias' is of another type, or out of range; save the graph again" },
		{ "modules/Conv2d/options/out_channels", "0", -EINVAL, "module 0 (Conv2d): channels, groups and kernel_size are at least 1; save the graph again" },
		{ "modules/Conv2d/options/out_channels", "2000000000", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/options/kernel_size", "{\"tuple\":[2000000000,2000000000]}", -EINVAL, "module 0 (Conv2d): weight: no memory for a tensor: Value too large for defined data type; save the graph again" },
		{ "modules/Conv2d/options/groups", "2", -EINVAL, "module 0 (Conv2d): groups must divide in_channels and out_channels; save the graph again" },
		{ "modules/BatchNorm2d/options/eps", "{\"float\":\"nan\"}", -EINVAL, "module 3 (BatchNorm2d): option 'eps' is of another type, or out of range; save the graph again" },
		{ "modules/BatchNorm2d/options/eps", "{\"float\":\"zz\"}", -EINVAL, "module 3 (BatchNorm2d): an option is no value; save the graph again" },
		{ "modules/Conv2d/members", "{}", -EINVAL, "module 0 (Conv2d): it has no list of members; save the graph again" },
		{ "modules/Conv2d/members/0", NULL, -EINVAL, "module 0 (Conv2d): it has no 'weight'; save the graph again" },
		{ "modules/Conv2d/members/0", "[\"weight\",\"parameter\"]", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/0", "\"wei.ght\"", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/0", "\"bias\"", -EINVAL, "module 0 (Conv2d): 'bias' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/1", "\"thing\"", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/1", "\"buffer\"", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/2", "{\"tensor\":\"nothing\"}", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/0/2", "{\"tensor\":\"list.1.bias\"}", -EINVAL, "module 0 (Conv2d): 'weight' is not as its class makes it of these options; save the graph again" },
		{ "modules/Conv2d/members/0/2", "1.5", -EINVAL, "module 0 (Conv2d): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Conv2d/members/+", "[\"more\",\"attribute\",1]", -EINVAL, "module 0 (Conv2d): 'more' is not as its class makes it of these options; save the graph again" },
		{ "modules/BatchNorm2d/members/num_batches_tracked/2", "{\"tensor\":\"list.1.bias\"}", -EINVAL, "module 3 (BatchNorm2d): 'num_batches_tracked' is not as its class makes it of these options; save the graph again" },
		{ "modules/Inner/members/conv/2", "1", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/conv/2", "-1", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/conv/2", "99999999999", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "modules/Inner/members/k/2", "{\"tuple\":[{\"tensor\":\"x\"}]}", -EINVAL, "module 1 (Inner): a member has no name, no kind, or nothing that is there; save the graph again" },
		{ "nodes", "{}", -EINVAL, "it has no list of nodes; save the graph again" },
		{ "nodes/inner_conv/target", "\"inner.none\"", -EINVAL, "node 'inner_conv' calls a module that is not there; save the graph again" },
		{ "nodes/inner_conv/target", "\"inner\"", -ENOENT, "node 'inner_conv' calls 'inner', whose class Inner is a program's: load it with the class, or with the plugin that has it" },
		{ "nodes/inner_conv/args", "[]", -EINVAL, "node 'inner_conv' gives a module no value to look at; save the graph again" },
		{ "nodes/inner_conv/args", "[1]", -EINVAL, "node 'inner_conv' gives a module no value to look at; save the graph again" },
		{ "nodes/inner_conv/args", "[{\"node\":0},{\"node\":0}]", -EINVAL, "node 'inner_conv' calls with more arguments, or fewer, than there are; save the graph again" },
		{ "nodes/inner_conv/kwargs", "{\"y\":1}", -EINVAL, "node 'inner_conv' calls with an argument of an unknown name; save the graph again" },
		{ "nodes/inner_conv/opcode", "\"call_method\"", -ENOTSUP, "node 'inner_conv' calls function 'inner.conv', which fxq does not have" },
		{ "nodes/mul/function", "\"system\"", -ENOTSUP, "node 'mul' calls function 'system', which fxq does not have" },
		{ "nodes/mul/function", "\"add\"", -ENOTSUP, "node 'mul' calls function 'add', which fxq does not have" },
		{ "nodes/mul/args", "[{\"node\":0}]", -EINVAL, "node 'mul' gives a function what it does not take; save the graph again" },
		{ "nodes/mul/args", "[1,2,3]", -EINVAL, "node 'mul' gives a function what it does not take; save the graph again" },
		{ "nodes/mul/wrapped", "\"mul\"", -ENOENT, "node 'mul' calls 'mul', a wrapped function of a program: load it with the function, or with the plugin that has it" },
		{ "nodes/x/args", "[1,2]", -EINVAL, "node 'x' is an input that takes something; save the graph again" },
		{ "nodes/x/out", "[]", -EINVAL, "node 'x' does not say the types of its results; save the graph again" },
		{ "nodes/output", NULL, -EINVAL, "node 'mul' takes what is no node before it; save the graph again" },
		{ "nodes/mul/opcode", "\"get_attr\"", -EINVAL, "node 'mul' reads a member that is not there; save the graph again" },
		{ "nodes/8", NULL, -EINVAL, "its graph has no output; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_operators_are_refused(void **state)
{
	struct fx_module *gm = imported();

	all_refused(gm, HOSTILE(
		{ "nodes/gather/target", "\"fxq.system\"", -ENOTSUP, "node 'gather' is of operator 'system', which fxq does not have" },
		{ "nodes/gather/target", "\"fxq.\"", -ENOTSUP, "node 'gather' is of operator '', which fxq does not have" },
		{ "nodes/gather/target", "\"gather\"", -ENOTSUP, "node 'gather' calls function 'gather', which fxq does not have" },
		{ "nodes/gather/function", "\"gather\"", -ENOTSUP, "node 'gather' calls function 'gather', which fxq does not have" },
		{ "nodes/gather/function", "\"add\"", -ENOTSUP, "node 'gather' calls function 'add', which fxq does not have" },
		{ "nodes/gather/opcode", "\"call_method\"", -ENOTSUP, "node 'gather' calls function 'fxq.gather', which fxq does not have" },
		{ "nodes/gather/wrapped", "\"gather\"", -ENOENT, "node 'gather' calls 'gather', a wrapped function of a program: load it with the function, or with the plugin that has it" },
		{ "nodes/gather/args", "[{\"node\":0}]", -EINVAL, "node 'gather': fxq.gather has 1 arguments, more than it takes, or fewer; save the graph again" },
		{ "nodes/gather/args", "[{\"node\":0},{\"node\":0},{\"node\":0}]", -EINVAL, "node 'gather': fxq.gather has 3 arguments, more than it takes, or fewer; save the graph again" },
		{ "nodes/gather/args/1", "1", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "null", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "{\"list\":[{\"node\":0}]}", -EINVAL, "node 'gather': fxq.gather takes tensors, and argument 1 is none; save the graph again" },
		{ "nodes/gather/args/1", "{\"node\":99}", -EINVAL, "node 'gather' takes what is no node before it; save the graph again" },
		{ "nodes/gather/kwargs", "[]", -EINVAL, "node 'gather' has no keyword arguments, or too many; save the graph again" },
		{ "nodes/gather/kwargs/dim", "null", -EINVAL, "node 'gather': 'dim' is no number, string or list of numbers; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"node\":0}", -EINVAL, "node 'gather': 'dim' is no number, string or list of numbers; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"tuple\":[1,2,3,4,5,6,7,8,9]}", -EINVAL, "node 'gather': 'dim' has 9 numbers; a module's call takes at most 8; save the graph again" },
		{ "nodes/gather/kwargs/dim", "{\"tuple\":[1,\"x\"]}", -EINVAL, "node 'gather': 'dim' is no list of integers or of floats; save the graph again" },
		{ "nodes/split/kwargs/n_out", "0", -EINVAL, "node 'split': n_out = 0 results; 1 to 65536 are possible" },
		{ "nodes/split/kwargs/n_out", "60000", -EINVAL, "node 'split': split has 1 tensors, 2 parameters and 60000 results; a module's call has at most 64, 16 and 4; save the graph again" },
		));
	fx_module_put(gm);
}

FX_MODULE(Grown,
	  module(inner, Inner()),
	  module(list, Sequential(Conv2d(4, 4, 1, .bias = false),
				  BatchNorm2d(4), ReLU())))

FX_FORWARD(Grown, x)
{
	return fx_call(self->list, fx_call(self->inner, x));
}

/* As unsound as these are, they have what the program knows. */
static void unsound_calls_of_a_program_are_refused(void **state)
{
	const struct fx_load_options grown = {
		.classes = (const struct fx_class *const[]){
			fx_module_class(Grown), NULL },
	};
	struct fx_module *gm = traced(fx_eval(User()));

	all_refused_with(&program, gm, HOSTILE(
		{ "nodes/halve/target", "\"double\"", -EINVAL, "node 'halve' calls a wrapped function by another name; save the graph again" },
		{ "nodes/halve/args/+", "1", -EINVAL, "node 'halve' calls with more arguments, or fewer, than there are; save the graph again" },
		{ "nodes/_post/args/0", "{\"node\":0}", -EINVAL, "node '_post' calls a wrapped method without its self; save the graph again" },
		{ "nodes/_post/args", "[]", -EINVAL, "node '_post' calls a wrapped method without its self; save the graph again" },
		));
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	all_refused_with(&grown, gm, HOSTILE(
		{ "modules/Plain/class", "\"Grown\"", -EINVAL, "its graph takes 2 arguments and class Grown 1; save the graph of the class as it is now" },
		));
	fx_add_module(gm, "rest", ModuleDict({ "relu", ReLU() }));
	all_refused(gm, HOSTILE(
		{ "nodes/inner_conv/target", "\"rest\"", -EINVAL, "node 'inner_conv' calls a module that has no forward; save the graph again" },
		));
	fx_module_put(gm);
}

/* What can be saved, and loaded by nobody. */
static void files_without_end_are_refused(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain())), *m = ReLU();
	struct fx_graph *g = fx_graph_new();
	struct bytes b;

	for (int i = 0; i < 65; i++)
		m = Sequential(m);
	fx_add_module(gm, "deep", m);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: module 71 holds modules in modules without end; save the graph again");
	bytes_free(&b);
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	m = ReLU();
	for (int i = 0; i < 20; i++)
		m = Sequential(m, fx_module_get(m));
	fx_add_module(gm, "wide", m);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: module 26 holds modules in modules without end; save the graph again");
	bytes_free(&b);
	fx_module_put(gm);
	for (int i = 0; i < MAX_ARGS; i++)
		fx_graph_placeholder(g, "x", NULL);
	fx_graph_set_output(g, (struct fx_node *[]){ fx_graph_first(g) }, 1);
	m = Plain();
	gm = fx_graph_module(m, g);
	b = saved(gm);
	refused(&b, NULL, -EINVAL, "net.fxg: it takes 64 arguments; at most 63 can be given");
	bytes_free(&b);
	fx_module_put(gm);
	fx_module_put(m);
}

static struct fx_module *net_named(const char *name)
{
	for (size_t i = 0; i < N_NETS; i++)
		if (!strcmp(nets[i]->name, name))
			return nets[i]->model();
	fail();
	return NULL;
}

static struct fx_module *in_training(const char *name, int i)
{
	struct fx_module *model = fx_train(net_named(name)), *gm;
	struct fx_module_qconfig q = qconfig_of(i, true);

	gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &q }));
	for (size_t k = 0; k < N_NETS; k++)
		if (!strcmp(nets[k]->name, name))
			run(gm, nets[k], 1);
	fx_qconfig_put(&q);
	fx_module_put(model);
	return gm;
}

static void unsound_prepared_files_are_refused(void **state)
{
	struct fx_module *gm = in_training("conv_bn_relu", 0);

	all_refused(gm, HOSTILE(
		{ "modules/MovingAverageMinMaxObserver/options/qscheme", "\"x\"", -EINVAL, "module 9 (MovingAverageMinMaxObserver): qscheme 'x' is none of per_tensor_affine, per_tensor_symmetric, per_channel_affine, per_channel_symmetric; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/qscheme", "\"per_channel_affine\"", -EINVAL, "module 9 (MovingAverageMinMaxObserver): its qscheme is per_tensor_affine or per_tensor_symmetric; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/quant_min", "-100000", -EINVAL, "module 9 (MovingAverageMinMaxObserver): quant_min and quant_max are given together or not at all; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/options/averaging_constant", "{\"float\":\"2\"}", -EINVAL, "module 9 (MovingAverageMinMaxObserver): averaging_constant 2 is not between 0 and 1; save the graph again" },
		{ "modules/MovingAverageMinMaxObserver/members/min_val/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 9 (MovingAverageMinMaxObserver): 'min_val' is not as its class makes it of these options; save the graph again" },
		{ "modules/PerChannelMinMaxObserver/options/ch_axis", "-1", -EINVAL, "module 1 (PerChannelMinMaxObserver): ch_axis counts dimensions from 0; -1 is none; save the graph again" },
		{ "modules/PerChannelMinMaxObserver/members/min_val/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 1 (PerChannelMinMaxObserver): 'min_val' is not as its class makes it of these options; save the graph again" },
		{ "modules/FakeQuantize/members/activation_post_process", "[\"activation_post_process\",\"attribute\",1]", -EINVAL, "module 2 (FakeQuantize): 'activation_post_process' is not as its class makes it of these options; save the graph again" },
		{ "modules/FakeQuantize/members/activation_post_process/0", "\"other\"", -EINVAL, "module 2 (FakeQuantize): it has no activation_post_process; save the graph again" },
		{ "modules/FakeQuantize/members/fake_quant_enabled/2", "{\"tensor\":\"conv.weight\"}", -EINVAL, "module 2 (FakeQuantize): 'fake_quant_enabled' is not as its class makes it of these options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"intrinsic.qat.ConvBnSiLU2d\"", -ENOTSUP, "module 3 is of class 'intrinsic.qat.ConvBnSiLU2d', which fxq does not have; load it with the version that saved it" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"Prepared\"", -EINVAL, "module 3 (Prepared): no argument is called 'in_channels'; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"intrinsic.ConvBnReLU2d\"", -EINVAL, "module 3 (intrinsic.ConvBnReLU2d): '0' is no Conv2d; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/class", "\"quantized.Conv2d\"", -EINVAL, "module 3 (quantized.Conv2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/options/out_channels", "5", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/options/out_channels", "0", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): channels, groups and kernel_size are at least 1; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight/2", "{\"tensor\":\"conv.bn.weight\"}", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight/0", "\"weights\"", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/bn/0", "\"norm\"", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bn' is no batch norm of its channels; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/bn/2", "1", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bn' is no batch norm of its channels; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/weight_fake_quant/2", "0", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'weight_fake_quant' is no fake quantizer; save the graph again" },
		{ "modules/intrinsic.qat.ConvBnReLU2d/members/+", "[\"bias\",\"parameter\",{\"tensor\":\"conv.weight\"}]", -EINVAL, "module 3 (intrinsic.qat.ConvBnReLU2d): 'bias' is not as its class makes it of these options; save the graph again" },
		{ "modules/Prepared/members/_backend/2", "1", -EINVAL, "module 8 (Prepared): '_backend' is no name of a backend; save the graph again" },
		{ "modules/Prepared/members/_backend", NULL, -EINVAL, "module 8 (Prepared): '_backend' is no name of a backend; save the graph again" },
		{ "modules/Prepared/members/conv/2", "0", -EINVAL, "module 8 (Prepared): 'conv' is no observer; save the graph again" },
		{ "modules/Prepared/members/conv/0", "\"activation_post_process_0\"", -EINVAL, "node 'activation_post_process_0' has an observer of weights and is no layer; save the graph again" },
		{ "modules/Prepared/class", "\"ReLU\"", -EINVAL, "module 8 (ReLU): '_backend' is not as its class makes it of these options; save the graph again" },
		{ "modules/Prepared/class", "\"Sequential\"", -EINVAL, "its '_prepared' is a Sequential; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_learners_are_refused(void **state)
{
	struct fx_module *gm = in_training("lin", 2);

	all_refused(gm, HOSTILE(
		{ "modules/PACTFakeQuantize/options/alpha", "{\"float\":\"-1\"}", -EINVAL, "module 7 (PACTFakeQuantize): alpha -1 is no largest value: it is above 0; save the graph again" },
		{ "modules/PACTFakeQuantize/members/alpha/2", "{\"tensor\":\"fc.weight\"}", -EINVAL, "module 7 (PACTFakeQuantize): 'alpha' is not as its class makes it of these options; save the graph again" },
		{ "modules/KLObserver/options/bins", "1000000", -EINVAL, "module 6 (KLObserver): bins 1000000: there are 128 to 65536 on each side of 0, an even number; save the graph again" },
		{ "modules/KLObserver/options/bins", "512", -EINVAL, "module 6 (KLObserver): 'histogram' is not as its class makes it of these options; save the graph again" },
		{ "modules/KLObserver/options/power_of_two", "true", -EINVAL, "module 7 (PACTFakeQuantize): a scale that is learned is no power of two; use FakeQuantize; save the graph again" },
		));
	fx_module_put(gm);
}

static void unsound_converted_files_are_refused(void **state)
{
	struct fx_module *gm = in_training("residual", 0), *converted;

	converted = convert_fx(gm);
	if (converted->error)
		fail_msg("%s", converted->error);
	all_refused(converted, HOSTILE(
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "{\"float\":\"-1\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'scale' is no scale; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "1", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'scale' is no scale; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/scale/2", "null", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'zero_point' is no None, as scale is; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/zero_point/2", "1000", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'zero_point' is no zero point of its dtype; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/dtype/2", "{\"name\":\"torch.qint32\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'dtype' is no type of eight bits; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/dtype/2", "{\"name\":null}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'dtype' is no type of eight bits; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/weight/2", "{\"tensor\":\"c1.bias\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/bias/2", "{\"tensor\":\"c1.weight\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'bias' is no bias of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/members/weight_scale/2", "{\"tensor\":\"c1.weight\"}", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight_scale' is no scale of its weights; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/options/kernel_size", "5", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU2d): 'weight' is no weight of its options; save the graph again" },
		{ "modules/intrinsic.quantized.ConvReLU2d/class", "\"intrinsic.quantized.ConvReLU3d\"", -EINVAL, "module 0 (intrinsic.quantized.ConvReLU3d): there are no integers for a Conv3d; save the graph again" },
		));
	fx_module_put(converted);
	fx_module_put(gm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unsound_float_files_are_refused),
		cmocka_unit_test(unsound_operators_are_refused),
		cmocka_unit_test(unsound_calls_of_a_program_are_refused),
		cmocka_unit_test(files_without_end_are_refused),
		cmocka_unit_test(unsound_prepared_files_are_refused),
		cmocka_unit_test(unsound_learners_are_refused),
		cmocka_unit_test(unsound_converted_files_are_refused),
	};

	return cmocka_run_group_tests_name("module_hostile", tests, NULL, NULL);
}
