/* SPDX-License-Identifier: MIT */
/*
 * verbs_kit.h - a model to try the verbs on, and what is asked of what they make
 */
#ifndef TEST_VERBS_KIT_H
#define TEST_VERBS_KIT_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/quantize_fx.h>

static inline struct fx_module *filled(struct fx_module *m)
{
	fx_module_fill(m, 1000);
	return fx_eval(m);
}

static inline void assert_body(struct fx_module *gm, const char *body)
{
	char *code;

	if (gm->error)
		fail_msg("%s", gm->error);
	code = fx_graph_code(gm->graph);
	assert_string_equal(strstr(code, "def forward"), body);
	free(code);
}

static inline void assert_line(struct fx_module *gm, const char *line)
{
	char *code;

	if (gm->error)
		fail_msg("%s", gm->error);
	code = fx_graph_code(gm->graph);
	assert_non_null(strstr(code, line));
	free(code);
}

/* The two give the same answer to the same input, but for rounding. */
static inline void assert_near(struct fx_module *a, struct fx_module *b, float within)
{
	fxv x = fx_gen(42, 1, 2, 4, 6, 6);
	fxv y = fx_call(a, x), z = fx_call(b, x);

	if (fx_error(y) || fx_error(z))
		fail_msg("%s", fx_error(y) ? fx_error(y) : fx_error(z));
	assert_int_equal(fxq_tensor_count(fx_data(y)),
			 fxq_tensor_count(fx_data(z)));
	for (int64_t i = 0; i < fxq_tensor_count(fx_data(y)); i++)
		assert_true(fabsf(((float *)fx_data(y)->data)[i] -
				  ((float *)fx_data(z)->data)[i]) <= within);
	fx_release(x);
	fx_release(y);
	fx_release(z);
}

/* A block with everything that is fused. */
FX_MODULE(Block,
	  module(c1, Conv2d(4, 4, 3, .padding = 1)),
	  module(b1, BatchNorm2d(4)),
	  module(c2, Conv2d(4, 4, 3, .padding = 1)),
	  module(b2, BatchNorm2d(4)),
	  module(relu, ReLU()),
	  module(last, Conv2d(4, 4, 1)))

FX_FORWARD(Block, x)
{
	fxv y = fx_relu6(fx_call(self->b1, fx_call(self->c1, x)));

	y = fx_call(self->b2, fx_call(self->c2, y));
	y = fx_call(self->relu, fx_add(y, x));
	return fx_call(self->last, y);
}

/* The same three modules twice; and once without what follows. */
FX_MODULE(Again,
	  module(block, Sequential(Conv2d(4, 4, 1), BatchNorm2d(4), ReLU())),
	  module(bare, Conv2d(4, 4, 1)))

FX_FORWARD(Again, x)
{
	x = fx_call(self->block, fx_call(self->block, x));
	x = fx_relu(fx_call(self->bare, x));
	return fx_call(self->bare, x);
}

static inline const char *class_at(struct fx_module *m, const char *path)
{
	return fx_module_at(m, path)->class->name;
}

static inline struct fx_module_qconfig any_qconfig(void)
{
	return QConfig(MinMaxObserver(),
		       PerChannelMinMaxObserver(.dtype = "qint8",
				.qscheme = "per_channel_symmetric"));
}

static inline void assert_refused(struct fx_module *gm, const char *why)
{
	if (!gm->error || !strstr(gm->error, why))
		fail_msg("\"%s\" does not say \"%s\"",
			 gm->error ? gm->error : "", why);
	fx_module_put(gm);
}

/* It takes an input and returns no error. */
static inline void assert_runs(struct fx_module *gm)
{
	fxv x = fx_gen(42, 1, 2, 4, 6, 6), y = fx_call(gm, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	fx_release(x);
	fx_release(y);
}

#define MOST_OBSERVERS	16

/* The step of what observer @i of @gm has seen; 0 if there is none. */
static inline float step_of(struct fx_module *gm, int i)
{
	struct fx_module *observer;
	struct fx_qparams q;
	char name[40];
	float step;

	snprintf(name, sizeof(name), "activation_post_process_%d", i);
	observer = fx_module_at(gm, name);
	if (!observer)
		return 0;
	assert_int_equal(fx_calculate_qparams(observer, &q), 0);
	step = q.scale[0];
	fx_qparams_free(&q);
	return step;
}

/*
 * @converted, which was prepared as @gm, is @model but for rounding: up to three
 * values on the way are off by half a step, and what follows makes at most @times
 * of it: one if weights sum up to about one, two of a product with the input.
 */
static inline void assert_rounded(struct fx_module *model, struct fx_module *gm,
				  struct fx_module *converted, float times)
{
	float widest = 0;

	for (int i = 0; i < MOST_OBSERVERS; i++)
		widest = fmaxf(widest, step_of(gm, i));
	assert_near(model, converted, times * 1.5f * widest);
}

#endif /* TEST_VERBS_KIT_H */
