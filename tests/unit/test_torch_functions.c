// SPDX-License-Identifier: MIT
/*
 * test_torch_functions.c - functions and methods as torch has them
 *
 * Each is called three ways: on tensors, by a graph that was traced, and by the
 * functional graph that becomes of it; all give the same bits. How a graph shows
 * it is what torch 1.13 prints. Some answers are written out; those of the
 * operators themselves have tests of their own.
 */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/trace.h>

/* CASE(name, the line of the graph's code, what is returned of x and y) */
#define CASE(name, code, ...)						\
	FX_MODULE(name, attribute(none, fx_none))			\
	FX_FORWARD(name, x, y)						\
	{								\
		(void)self;						\
		(void)y;						\
		return __VA_ARGS__;					\
	}
#define CASES								\
	CASE(Exp, "exp = torch.exp(x)", fx_exp(x))			\
	CASE(Log, "log = torch.log(x)", fx_log(x))			\
	CASE(Sqrt, "sqrt = torch.sqrt(x)", fx_sqrt(x))			\
	CASE(Reciprocal, "reciprocal = torch.reciprocal(x)",		\
	     fx_reciprocal(x))						\
	CASE(Abs, "abs_1 = torch.abs(x)", fx_abs(x))			\
	CASE(Sign, "sign = torch.sign(x)", fx_sign(x))			\
	CASE(Floor, "floor = torch.floor(x)", fx_floor(x))		\
	CASE(Ceil, "ceil = torch.ceil(x)", fx_ceil(x))			\
	CASE(Round, "round_1 = torch.round(x)", fx_round(x))		\
	CASE(Sin, "sin = torch.sin(x)", fx_sin(x))			\
	CASE(Cos, "cos = torch.cos(x)", fx_cos(x))			\
	CASE(Erf, "erf = torch.erf(x)", fx_erf(x))			\
	CASE(Elu, "elu = torch.nn.functional.elu(x, alpha = 0.5, inplace = False)", \
	     fx_elu(x, 0.5))						\
	CASE(Selu, "selu = torch.nn.functional.selu(x, inplace = False)", \
	     fx_selu(x))						\
	CASE(Mish, "mish = torch.nn.functional.mish(x, inplace = False)", \
	     fx_mish(x))						\
	CASE(Hardtanh, "hardtanh = torch.nn.functional.hardtanh(x, min_val = -0.5, max_val = 1.0, inplace = False)", \
	     fx_hardtanh(x, .min_val = -0.5))				\
	CASE(Softplus, "softplus = torch._C._nn.softplus(x)",		\
	     fx_softplus(x))						\
	CASE(Softsign, "softsign = torch.nn.functional.softsign(x)",	\
	     fx_softsign(x))						\
	CASE(LogSoftmax, "log_softmax = torch.nn.functional.log_softmax(x, dim = 1, _stacklevel = 3, dtype = None)", \
	     fx_log_softmax(x, .dim = 1))				\
	CASE(Minimum, "minimum = torch.minimum(x, y)", fx_minimum(x, y)) \
	CASE(Maximum, "maximum = torch.maximum(x, y)", fx_maximum(x, y)) \
	CASE(Where, "where = torch.where(gt, x, y)",			\
	     fx_where(fx_gt(x, 0), x, y))				\
	CASE(Bmm, "bmm = torch.bmm(view, view_1)",			\
	     fx_bmm(fx_method(x, view, 2, 3, 4), fx_method(y, view, 2, 4, 3))) \
	CASE(Sum, "sum_1 = torch.sum(x, 1, keepdim = True)",		\
	     fx_sum(x, fx_of_int(1), .keepdim = true))			\
	CASE(Mean, "mean = torch.mean(x, dim = (2, 3))",		\
	     fx_mean(x, .dim = fx_tuple(2, 3)))				\
	CASE(MeanAll, "mean = torch.mean(x)", fx_mean(x))		\
	CASE(Amax, "amax = torch.amax(x, 1)", fx_amax(x, fx_of_int(1)))	\
	CASE(Amin, "amin = torch.amin(x, 1)", fx_amin(x, fx_of_int(1)))	\
	CASE(Reshape, "reshape = torch.reshape(x, (4, -1))",		\
	     fx_reshape(x, fx_tuple(4, -1)))				\
	CASE(Permute, "permute = torch.permute(x, (0, 2, 3, 1))",	\
	     fx_permute(x, fx_tuple(0, 2, 3, 1)))			\
	CASE(Transpose, "transpose = torch.transpose(x, 1, -1)",	\
	     fx_transpose(x, 1, -1))					\
	CASE(Squeeze, "squeeze = torch.squeeze(x, 0)", fx_squeeze(x, 0)) \
	CASE(SqueezeAll, "squeeze = torch.squeeze(x)", fx_squeeze(x))	\
	CASE(Unsqueeze, "unsqueeze = torch.unsqueeze(x, -1)",		\
	     fx_unsqueeze(x, -1))					\
	CASE(Stack, "stack = torch.stack([x, y], dim = -1)",		\
	     fx_stack(fx_list(x, y), .dim = -1))			\
	CASE(Chunk, "chunk = torch.chunk(x, 2, dim = 3)",		\
	     fx_getitem(fx_chunk(x, 2, .dim = 3), 1))			\
	CASE(Pad, "pad = torch.nn.functional.pad(x, (1, 2, 0, 3))",	\
	     fx_pad(x, fx_tuple(1, 2, 0, 3)))				\
	CASE(PadEdge, "pad = torch.nn.functional.pad(x, (1, 1, 2, 0), mode = 'replicate')", \
	     fx_pad(x, fx_tuple(1, 1, 2, 0), .mode = "replicate"))	\
	CASE(PadValue, "pad = torch.nn.functional.pad(x, (1, 1), value = 0.5)", \
	     fx_pad(x, fx_tuple(1, 1), .value = 0.5))			\
	CASE(PixelShuffle, "pixel_shuffle = torch.pixel_shuffle(view, 2)", \
	     fx_pixel_shuffle(fx_method(x, view, 1, 4, 3, 2), 2))	\
	CASE(XTranspose, "transpose = x.transpose(1, 2)",		\
	     fx_method(x, transpose, 1, 2))				\
	CASE(XT, "t = view.t()", fx_method(fx_method(x, view, 4, 6), t)) \
	CASE(XReshape, "reshape = x.reshape(2, -1)",			\
	     fx_method(x, reshape, 2, -1))				\
	CASE(XContiguous, "contiguous = x.contiguous()",		\
	     fx_method(x, contiguous))					\
	CASE(XClone, "clone = x.clone()", fx_method(x, clone))		\
	CASE(XDetach, "detach = x.detach()", fx_method(x, detach))	\
	CASE(XSqueeze, "squeeze = x.squeeze(0)", fx_method(x, squeeze, 0)) \
	CASE(XUnsqueeze, "unsqueeze = x.unsqueeze(1)",			\
	     fx_method(x, unsqueeze, 1))				\
	CASE(XExpand, "expand = x.expand(3, -1, -1, -1)",		\
	     fx_method(x, expand, 3, -1, -1, -1))			\
	CASE(XRepeat, "repeat = x.repeat(2, 1, 1, 3)",			\
	     fx_method(x, repeat, 2, 1, 1, 3))				\
	CASE(XSoftmax, "softmax = x.softmax(dim = 1)",			\
	     fx_method(x, softmax, .dim = 1))				\
	CASE(XLogSoftmax, "log_softmax = x.log_softmax(dim = 1)",	\
	     fx_method(x, log_softmax, .dim = 1))			\
	CASE(XArgmax, "argmax = x.argmax(dim = 1)",			\
	     fx_method(x, argmax, .dim = 1))				\
	CASE(XSigmoid, "sigmoid = x.sigmoid()", fx_method(x, sigmoid))	\
	CASE(XTanh, "tanh = x.tanh()", fx_method(x, tanh))		\
	CASE(XExp, "exp = x.exp()", fx_method(x, exp))			\
	CASE(XLog, "log = x.log()", fx_method(x, log))			\
	CASE(XSqrt, "sqrt = x.sqrt()", fx_method(x, sqrt))		\
	CASE(XAbs, "abs_1 = x.abs()", fx_method(x, abs))		\
	CASE(XAmin, "amin = x.amin(1)", fx_method(x, amin, fx_of_int(1))) \
	CASE(XClamp, "clamp = x.clamp(0.0, 1.0)",			\
	     fx_method(x, clamp, 0, 1))
CASES
#undef CASE

struct text {
	struct fx_module *(*model)(void);
	const char *code;
};

static const struct text cases[] = {
#define CASE(name, code, ...)	{ name, code },
	CASES
#undef CASE
};

static fxv x_of_case(void)
{
	return fx_gen(1, 3, 1, 2, 3, 4);
}

static fxv y_of_case(void)
{
	return fx_gen(2, 3, 1, 2, 3, 4);
}

static void assert_same(const struct text *c, const struct fxq_tensor *a,
			const struct fxq_tensor *b)
{
	if (a->rank != b->rank ||
	    memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims)) ||
	    memcmp(a->data, b->data, fxq_tensor_bytes(a)))
		fail_msg("%s: other bits", c->code);
}

static void assert_line(const struct text *c, struct fx_graph *g)
{
	char *code = fx_graph_code(g), *line = strstr(code, c->code);

	if (!line || (line[strlen(c->code)] != '\n' &&
		      line[strlen(c->code)] != ';'))
		fail_msg("'%s' is not a line of%s", c->code, code);
	free(code);
}

static void a_call_is_the_same_everywhere(void **state)
{
	const struct text *c = *state;
	struct fx_tracer tracer = QuantizationTracer(NULL, NULL);
	fxv x = x_of_case(), y = y_of_case(), eager, traced;
	struct fx_module *m = fx_eval(c->model()), *gm;
	struct fxq_tensor in[2] = { *fx_data(x), *fx_data(y) }, out;
	struct fx_graph *g, *functional;

	eager = fx_call(m, x, y);
	if (fx_error(eager))
		fail_msg("%s", fx_error(eager));
	if (fx_trace(m, &tracer, &g))
		fail_msg("%s", tracer.error);
	assert_line(c, g);
	if (fx_functionalize(g, m, &functional))
		fail_msg("%s", fx_graph_error(g));
	if (fx_graph_run(functional, NULL, in, 2, &out, 1))
		fail_msg("%s", fx_graph_error(functional));
	assert_same(c, fx_data(eager), &out);

	gm = fx_graph_module(m, g);
	traced = fx_call(gm, x, y);
	if (fx_error(traced))
		fail_msg("%s", fx_error(traced));
	assert_same(c, fx_data(eager), fx_data(traced));

	fxq_tensor_free(&out);
	fx_release(x);
	fx_release(y);
	fx_release(eager);
	fx_release(traced);
	fx_graph_free(functional);
	fx_module_put(gm);
	fx_module_put(m);
}

#define FLOATS(...)	(const float[]){ __VA_ARGS__ },			\
	sizeof((const float[]){ __VA_ARGS__ }) / sizeof(float)

static void assert_floats(fxv v, const float *wanted, size_t n)
{
	if (fx_error(v))
		fail_msg("%s", fx_error(v));
	assert_int_equal(fxq_tensor_count(fx_data(v)), n);
	for (size_t i = 0; i < n; i++)
		assert_true(((const float *)fx_data(v)->data)[i] == wanted[i]);
}

/* By torch's own words, written out; in a forward, which frees what it made. */
FX_MODULE(Moved, attribute(none, fx_none))
FX_FORWARD(Moved, x)
{
	fxv m = fx_method(x, view, 2, 3);

	(void)self;
	assert_floats(fx_method(m, t), FLOATS(1, 4, 2, 5, 3, 6));
	assert_floats(fx_transpose(m, 0, 1), FLOATS(1, 4, 2, 5, 3, 6));
	assert_floats(fx_transpose(m, 1, 1), FLOATS(1, 2, 3, 4, 5, 6));
	assert_floats(fx_pad(m, fx_tuple(1, 0)),
		      FLOATS(0, 1, 2, 3, 0, 4, 5, 6));
	assert_floats(fx_pad(m, fx_tuple(0, 0, 1, 0), .value = 9),
		      FLOATS(9, 9, 9, 1, 2, 3, 4, 5, 6));
	assert_floats(fx_pad(m, fx_tuple(2, 1), .mode = "circular"),
		      FLOATS(2, 3, 1, 2, 3, 1, 5, 6, 4, 5, 6, 4));
	assert_floats(fx_pad(m, fx_tuple(1, 1), .mode = "reflect"),
		      FLOATS(2, 1, 2, 3, 2, 5, 4, 5, 6, 5));
	assert_floats(fx_stack(fx_list(x, x), .dim = -1),
		      FLOATS(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6));
	assert_floats(fx_method(x, repeat, 2),
		      FLOATS(1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6));
	assert_floats(fx_round(fx_tensor(0.5, 1.5, -2.5)), FLOATS(0, 2, -2));
	m = fx_method(fx_tensor(1, 2, 3, 4, 5, 6, 7, 8), view, 1, 4, 1, 2);
	assert_floats(fx_pixel_shuffle(m, 2), FLOATS(1, 3, 2, 4, 5, 7, 6, 8));
	return fx_none;
}

static void elements_go_where_torch_puts_them(void **state)
{
	struct fx_module *m = Moved();
	fxv x = fx_tensor(1, 2, 3, 4, 5, 6), y = fx_call(m, x);

	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

static void assert_refused(fxv v, const char *words)
{
	if (!fx_error(v) || !strstr(fx_error(v), words))
		fail_msg("'%s' instead of '%s'", fx_error(v), words);
}

FX_MODULE(Wrong, attribute(none, fx_none))
FX_FORWARD(Wrong, x)
{
	(void)self;
	assert_refused(fx_transpose(x, 0, 2), "dimension");
	assert_refused(fx_transpose(x, -3, 0), "dimension");
	assert_refused(fx_pad(x, fx_tuple(1, 2, 3)), "two for each dimension");
	assert_refused(fx_pad(x, fx_tuple(1, 1, 1, 1, 1, 1)), "dimension");
	assert_refused(fx_pad(x, fx_tuple(1, 1), .mode = "mirror"), "mirror");
	assert_refused(fx_stack(fx_list(), .dim = 0), "a list of 1 to");
	assert_refused(fx_stack(fx_list(x, fx_zeros(3, 2))), "");
	assert_refused(fx_permute(x, fx_tuple(0)), "permutation");
	assert_refused(fx_permute(x, fx_tuple(0, 0)), "twice");
	assert_refused(fx_method(x, permute), "permutation");
	assert_refused(fx_squeeze(x, 0), "cannot be dropped");
	assert_refused(fx_softplus(x, .beta = 2), "default");
	assert_refused(fx_sum(x, fx_of_bool(true)), "fx_of_int()");
	assert_refused(fx_reshape(x, fx_tuple(2, 1.5)), "fx_of_int()");
	return fx_none;
}

static void wrong_arguments_are_refused(void **state)
{
	struct fx_module *m = Wrong();
	fxv x = fx_gen(1, 1, 2, 3), y = fx_call(m, x);

	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

#define N_CASES	(sizeof(cases) / sizeof(*cases))

int main(void)
{
	struct CMUnitTest tests[N_CASES + 2];

	for (size_t i = 0; i < N_CASES; i++)
		tests[i] = (struct CMUnitTest){
			cases[i].code, a_call_is_the_same_everywhere, NULL,
			NULL, (void *)&cases[i] };
	tests[N_CASES] = (struct CMUnitTest)
		cmocka_unit_test(elements_go_where_torch_puts_them);
	tests[N_CASES + 1] = (struct CMUnitTest)
		cmocka_unit_test(wrong_arguments_are_refused);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
