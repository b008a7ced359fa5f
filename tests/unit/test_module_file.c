// SPDX-License-Identifier: MIT
/*
 * test_module_file.c - graph modules in files: float, prepared, converted
 *
 * What comes back prints the same, computes the same bits, and goes on: it is
 * calibrated further, converted to the same integers, trained to the same
 * weights. What no file can hold is not saved.
 */
#include "module_file_kit.h"

static void assert_same_bits(struct fx_module *a, struct fx_module *b, fxv x)
{
	fxv y = fx_call(a, x), z = fx_call(b, x);

	if (fx_error(y) || fx_error(z))
		fail_msg("%s", fx_error(y) ? fx_error(y) : fx_error(z));
	assert_int_equal(fx_data(y)->dtype, fx_data(z)->dtype);
	assert_int_equal(fxq_tensor_bytes(fx_data(y)),
			 fxq_tensor_bytes(fx_data(z)));
	assert_memory_equal(fx_data(y)->data, fx_data(z)->data,
			    fxq_tensor_bytes(fx_data(y)));
	fx_release(y);
	fx_release(z);
}

/* @gm from its file: prints and computes the same, and saves to the same. */
static struct fx_module *back(struct fx_module *gm, fxv x,
			      const struct fx_load_options *options)
{
	struct bytes first, second;
	struct fx_module *again;

	if (gm->error)
		fail_msg("%s", gm->error);
	first = saved(gm);
	again = loaded(&first, options);
	assert_same_print(gm, again);
	second = saved(again);
	assert_int_equal(first.size, second.size);
	assert_memory_equal(first.data, second.data, first.size);
	assert_same_bits(gm, again, x);
	bytes_free(&first);
	bytes_free(&second);
	return again;
}

/* Calibrated here and there, in part before the file and in part behind it. */
static void calibrate_across(const struct golden_quant_net *net,
			     struct fx_module *gm, fxv x)
{
	struct fx_module *again, *here, *there, *last;

	again = back(gm, x, NULL);
	for (uint32_t seed = 7; seed < 9; seed++) {
		run(gm, net, seed);
		run(again, net, seed);
	}
	here = convert_fx(gm);
	there = convert_fx(again);
	if (here->error || there->error)
		fail_msg("%s: %s", net->name,
			 here->error ? here->error : there->error);
	assert_same_print(here, there);
	assert_same_bits(here, there, x);
	last = back(here, x, NULL);
	fx_module_put(last);
	fx_module_put(there);
	fx_module_put(here);
	fx_module_put(again);
}

static void every_stage_comes_back(void **state)
{
	for (size_t i = 0; i < N_NETS; i++) {
		struct fx_module *model = fx_eval(nets[i]->model());
		fxv x = fx_gen_of(42, 1, nets[i]->dims);
		struct fx_module *gm, *again;
		struct fx_module_qconfig q = qconfig_of(i % 3, false);

		fx_module_fill(model, 1000);
		gm = traced(fx_module_get(model));
		again = back(gm, x, NULL);
		fx_module_put(again);
		fx_module_put(gm);
		gm = fuse_fx(model);
		again = back(gm, x, NULL);
		fx_module_put(again);
		fx_module_put(gm);
		gm = prepare_calibration_fx(model,
					    fx_qconfig_dict({ "", NULL, &q }));
		run(gm, nets[i], 5);
		calibrate_across(nets[i], gm, x);
		fx_module_put(gm);
		fx_module_put(model);
		fx_qconfig_put(&q);
		fx_release(x);
	}
}

static void a_model_in_training_comes_back(void **state)
{
	for (size_t i = 0; i < N_NETS; i++) {
		struct fx_module *model = fx_train(nets[i]->model()), *gm;
		fxv x = fx_gen_of(42, 1, nets[i]->dims);
		struct fx_module_qconfig q = qconfig_of(i % 3, true);

		fx_module_fill(model, 1000);
		gm = prepare_qat_fx(model, fx_qconfig_dict({ "", NULL, &q }));
		set_fake_quantize(gm, FX_CALIBRATION);
		run(gm, nets[i], 5);
		set_fake_quantize(gm, FX_QAT);
		run(gm, nets[i], 6);
		calibrate_across(nets[i], fx_eval(gm), x);
		set_fake_quantize(gm, FX_VALIDATION);
		calibrate_across(nets[i], gm, x);
		fx_module_put(gm);
		fx_module_put(model);
		fx_qconfig_put(&q);
		fx_release(x);
	}
}

/* The two projections are one matrix. */
static void tie(struct fx_module *gm)
{
	struct fx_module *a = fx_module_at(gm, "a");
	struct fx_module *fc = fx_module_at(gm, "gate.fc");

	for (size_t i = 0; i < fc->n_members; i++) {
		if (strcmp(fc->members[i].name, "weight"))
			continue;
		value_drop(fc->members[i].value);
		fc->members[i].value =
			value_get(module_member(a, "weight")->value);
	}
}

static void code_of_a_program_is_found_by_name(void **state)
{
	struct fx_module *gm = traced(fx_eval(User())), *again;
	fxv x = fx_gen(3, 1, 2, 3, 4, 4);

	tie(gm);
	again = back(gm, x, &program);
	assert_ptr_equal(again->class, fx_module_class(User));
	assert_ptr_equal(fx_module_at(again, "inner")->class,
			 fx_module_class(Inner));
	assert_ptr_equal(fx_module_at(again, "a"), fx_module_at(again, "again"));
	assert_ptr_equal(fx_module_tensor(again, "a.weight")->data,
			 fx_module_tensor(again, "gate.fc.weight")->data);
	assert_ptr_not_equal(fx_module_tensor(again, "a.weight")->data,
			     fx_module_tensor(gm, "a.weight")->data);
	assert_string_equal(fx_member(again, "word").s, "max");
	assert_int_equal(fx_tuple_count(fx_member(again, "sizes")), 3);
	fx_release(x);
	fx_module_put(again);
	fx_module_put(gm);
}

static void code_that_is_not_there_is_asked_for(void **state)
{
	struct fx_module *gm = traced(fx_eval(User())), *again;
	struct bytes b = saved(gm);
	struct fx_load_options some = program;

	refused(&b, NULL, -ENOENT, "net.fxg: node 'halve' calls 'halve', a wrapped function of a program: load it with the function, or with the plugin that has it");
	some.classes = NULL;
	refused(&b, &some, -ENOENT, "net.fxg: node 'gate' calls 'gate', whose class Gate is a program's: load it with the class, or with the plugin that has it");
	some.classes = (const struct fx_class *const[]){
		fx_module_class(Gate), NULL };
	refused(&b, &some, -ENOENT, "net.fxg: node '_post' calls a method of class User, which is a program's: load it with the class, or with the plugin that has it");
	again = loaded(&b, &program);
	fx_module_put(again);
	fx_module_put(gm);
	bytes_free(&b);
}

/* Without their classes, containers are told by their names. */
static void what_is_traced_through_needs_no_class(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain())), *again, *p, *q;
	struct fx_module_qconfig qconfig = qconfig_of(0, false);
	const struct fx_qconfig_item *dict = fx_qconfig_dict(
		{ "", NULL, &qconfig }, { "module_type", "Inner", NULL });
	fxv x = fx_gen(3, 1, 2, 3, 4, 4);

	again = back(gm, x, NULL);
	assert_string_equal(again->class->name, "Plain");
	assert_string_equal(fx_module_at(again, "inner")->class->name, "Inner");
	p = prepare_calibration_fx(gm, dict);
	q = prepare_calibration_fx(again, dict);
	assert_same_print(p, q);
	assert_same_bits(p, q, x);
	fx_module_put(again);
	again = back(q, x, NULL);
	fx_module_put(q);
	fx_module_put(p);
	fx_module_put(again);
	fx_module_put(gm);
	fx_qconfig_put(&qconfig);
	fx_release(x);
}

static size_t count_operators(const struct fx_module *gm)
{
	size_t count = 0;

	fx_for_each_node(n, gm->graph)
		count += node_is_operator(n);
	return count;
}

/* What comes back from prepared becomes the integers that it would have. */
static void operators_come_back(void **state)
{
	struct fx_module_qconfig q = get_default_qconfig();
	struct fx_module *m = imported(), *gm, *again, *a, *b;
	fxv x = fx_gen(42, 1, 1, 6, 5, 5);
	struct bytes one, other;

	assert_int_equal(count_operators(m), 3);
	again = back(m, x, NULL);
	assert_int_equal(count_operators(again), 3);
	fx_module_put(again);
	gm = prepare_calibration_fx(m, fx_qconfig_dict({ "", NULL, &q }));
	fx_drop(fx_call(gm, x));
	again = back(gm, x, NULL);
	a = convert_fx(gm);
	b = convert_fx(again);
	fx_module_put(back(b, x, NULL));
	one = saved(a);
	other = saved(b);
	assert_int_equal(one.size, other.size);
	assert_memory_equal(one.data, other.data, one.size);
	bytes_free(&one);
	bytes_free(&other);
	fx_module_put(a);
	fx_module_put(b);
	fx_module_put(again);
	fx_module_put(gm);
	fx_module_put(m);
	fx_qconfig_put(&q);
	fx_release(x);
}

static void not_saved(struct fx_module *gm, int want, const char *sentence)
{
	assert_int_equal(fx_save(gm, "x.fxg", error, sizeof(error)), want);
	assert_string_equal(error, sentence);
}

static void what_no_file_can_hold_is_not_saved(void **state)
{
	struct fx_module *gm = traced(fx_eval(Plain()));
	struct fx_module *model = fx_eval(Plain());
	struct fx_node *n = fx_graph_first(gm->graph);

	not_saved(model, -EINVAL, "x.fxg: a Plain has no graph; make a graph module of it, or save its parameters with fx_save_state()");
	fx_module_put(model);
	while (n->opcode != FX_CALL_MODULE)
		n = n->next;
	n->target = "list.0";
	not_saved(gm, -EINVAL, "x.fxg: node 'inner_conv' calls a module that is not at 'list.0'; put it there with fx_module_replace()");
	n->target = "inner.conv";
	fx_add_attribute(gm, "odd.name", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: no path leads to 'odd.name': a name is not empty and has no dot; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "inner", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: two members are called 'inner'; rename one");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "text", fx_of_str("\xff"));
	not_saved(gm, -ENOTSUP, "x.fxg: 'text' is no tensor, number, text in UTF-8 or tuple of them; take it out of the module");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "\xff", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: '\xff' has text that is no UTF-8; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	fx_add_attribute(gm, "_constants", fx_of_int(1));
	not_saved(gm, -EINVAL, "x.fxg: a member is called '_constants', as the graph's own tensors are; rename it");
	fx_module_put(gm);
	gm = traced(fx_eval(Plain()));
	n = fx_graph_first(gm->graph);
	while (n->opcode != FX_CALL_FUNCTION)
		n = n->next;
	n->target = "multiply";
	not_saved(gm, -ENOTSUP, "x.fxg: node 'mul' calls 'multiply', which is no function of nn_table.h; save the functional graph with fx_graph_save()");
	assert_int_equal(fx_save_check(gm, "x.fxg", error, sizeof(error)),
			 -ENOTSUP);
	assert_string_equal(error, "x.fxg: node 'mul' calls 'multiply', which is no function of nn_table.h; save the functional graph with fx_graph_save()");
	fx_module_put(gm);
	gm = imported();
	assert_int_equal(fx_save_check(gm, "x.fxg", error, sizeof(error)), 0);
	assert_int_equal(access("x.fxg", F_OK), -1);
	n = fx_graph_first(gm->graph);
	while (strcmp(n->name, "gather"))
		n = n->next;
	n->args[1] = fx_arg_int(1);
	not_saved(gm, -ENOTSUP, "x.fxg: node 'gather': fxq.gather takes tensors, and argument 1 is none; save the functional graph with fx_graph_save()");
	fx_module_put(gm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_stage_comes_back),
		cmocka_unit_test(a_model_in_training_comes_back),
		cmocka_unit_test(code_of_a_program_is_found_by_name),
		cmocka_unit_test(code_that_is_not_there_is_asked_for),
		cmocka_unit_test(what_is_traced_through_needs_no_class),
		cmocka_unit_test(what_no_file_can_hold_is_not_saved),
		cmocka_unit_test(operators_come_back),
	};

	return cmocka_run_group_tests_name("module_file", tests, NULL, NULL);
}
