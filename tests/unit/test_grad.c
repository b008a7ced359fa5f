// SPDX-License-Identifier: MIT
/*
 * Every gradient against central differences of its operator's definition.
 *
 * The kernels are there twice: as they are, over float, and in test_grad64
 * over double, where a relative error of 1e-5 tells right from wrong. The
 * float build also compares each operator's kernel with the definition, so
 * that the gradients are those of what really runs. An operator with a
 * gradient and without a case fails.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "grad_cases.h"
#include "nn/grad/real.h"
#include "nn/ops.h"

#ifdef GRAD_F64
#define TOLERANCE	1e-5
#define FLOOR		1e-3	/* what is smaller is compared as if it was this */
#else
#define TOLERANCE	1e-4
#define FLOOR		1
#endif

#define STEP		1e-5	/* of the differences */
#define MAX_OUT		3

/*
 * struct trial - one case at work
 * @forward: its operator's call, reals as float32, without data
 * @x, @y: inputs and results in double, which the definition works on
 * @dy: gradient of each result, @call: what the kernel is given, of real
 */
struct trial {
	const struct grad_case *c;
	const struct fx_op *op;
	struct fxq_call forward;
	struct fxq_tensor types[CASE_MAX_IN], out_types[MAX_OUT];
	struct fxq_tensor x[CASE_MAX_IN], y[MAX_OUT], dy[MAX_OUT];
	struct fxq_tensor in[CASE_MAX_IN + 2 * MAX_OUT], dx[CASE_MAX_IN];
	struct fxq_call call;
};

static double next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return (*state >> 8) * 0x1p-24;
}

static double get(const struct fxq_tensor *t, int64_t i)
{
	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		return ((const float *)t->data)[i];
	case FXQ_DTYPE_F64:
		return ((const double *)t->data)[i];
	case FXQ_DTYPE_I64:
		return (double)((const int64_t *)t->data)[i];
	default:
		return ((const uint8_t *)t->data)[i];
	}
}

static void set(const struct fxq_tensor *t, int64_t i, double v)
{
	switch (t->dtype) {
	case FXQ_DTYPE_F32:
		((float *)t->data)[i] = (float)v;
		break;
	case FXQ_DTYPE_F64:
		((double *)t->data)[i] = v;
		break;
	case FXQ_DTYPE_I64:
		((int64_t *)t->data)[i] = (int64_t)v;
		break;
	default:
		((uint8_t *)t->data)[i] = (uint8_t)v;
	}
}

/* A tensor like @type, but of @dtype if that is one of reals. */
static struct fxq_tensor make(const struct fxq_tensor *type, uint32_t dtype)
{
	struct fxq_tensor t = *type;

	t.data = NULL;
	if (t.dtype == FXQ_DTYPE_F32 || t.dtype == FXQ_DTYPE_F64)
		t.dtype = dtype;
	if (t.dtype != FXQ_DTYPE_NONE)
		assert_int_equal(fxq_tensor_alloc(&t), 0);
	return t;
}

static struct fxq_tensor convert(const struct fxq_tensor *from, uint32_t dtype)
{
	struct fxq_tensor t = make(from, dtype);

	for (int64_t i = 0; t.data && i < fxq_tensor_count(&t); i++)
		set(&t, i, get(from, i));
	return t;
}

static bool is_real(const struct fxq_tensor *t)
{
	return t->dtype == FXQ_DTYPE_F32 || t->dtype == FXQ_DTYPE_F64;
}

/* Numbers that a float holds exactly, so that both builds see the same. */
static void make_inputs(struct trial *t, uint32_t *state)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < CASE_MAX_IN; i++) {
		const struct grad_input *in = &t->c->in[i];
		struct fxq_tensor type = fxq_tensor_type(in->dtype, in->rank,
							 in->dims);

		t->types[i] = type;
		if (in->dtype == FXQ_DTYPE_NONE)
			continue;
		n = i + 1;
		t->x[i] = make(&type, FXQ_DTYPE_F64);
		for (int64_t k = 0; k < fxq_tensor_count(&type); k++) {
			double v = in->lo + next_random(state) *
				   (in->hi - in->lo);

			set(&t->x[i], k, is_real(&type) ? (double)(float)v :
							  rint(v));
		}
		if (!is_real(&type))
			t->types[i].data = t->x[i].data;
	}
	t->forward.n_in = n;
}

static void open_trial(struct trial *t, const struct grad_case *c)
{
	uint32_t state = 20261129, n_attrs = 0;

	memset(t, 0, sizeof(*t));
	t->c = c;
	t->op = fx_op_find(c->op);
	assert_non_null(t->op);
	assert_non_null(t->op->grad);
	make_inputs(t, &state);
	while (n_attrs < CASE_MAX_ATTRS && c->attrs[n_attrs].name)
		n_attrs++;
	t->forward.in = t->types;
	t->forward.out = t->out_types;
	t->forward.attrs = c->attrs;
	t->forward.n_attrs = n_attrs;
	t->forward.n_out = c->n_out ? c->n_out : 1;
	t->forward.threads = 1;
	if (t->op->fn.infer(&t->forward))
		fail_msg("%s: %s", c->op, t->forward.error);

	for (uint32_t i = 0; i < t->forward.n_out; i++) {
		t->y[i] = make(&t->out_types[i], FXQ_DTYPE_F64);
		if (!is_real(&t->y[i]))
			continue;
		t->dy[i] = make(&t->out_types[i], FXQ_DTYPE_F64);
		for (int64_t k = 0; k < fxq_tensor_count(&t->dy[i]); k++)
			set(&t->dy[i], k,
			    (float)(next_random(&state) * 2 - 1));
	}
}

static void close_trial(struct trial *t)
{
	for (uint32_t i = 0; i < CASE_MAX_IN; i++) {
		fxq_tensor_free(&t->x[i]);
		fxq_tensor_free(&t->dx[i]);
	}
	for (uint32_t i = 0; i < MAX_OUT; i++) {
		fxq_tensor_free(&t->y[i]);
		fxq_tensor_free(&t->dy[i]);
	}
	for (uint32_t i = 0; i < CASE_MAX_IN + 2 * MAX_OUT; i++)
		fxq_tensor_free(&t->in[i]);
}

/* What the definition makes of the inputs as they are now. */
static void define(struct trial *t)
{
	struct fxq_call call = t->forward;

	call.in = t->x;
	call.out = t->y;
	t->c->define(&call);
}

/* Σ dy · y */
static double loss(struct trial *t)
{
	double sum = 0;

	define(t);
	for (uint32_t i = 0; i < t->forward.n_out; i++)
		for (int64_t k = 0; t->dy[i].data &&
		     k < fxq_tensor_count(&t->y[i]); k++)
			sum += get(&t->dy[i], k) * get(&t->y[i], k);
	return sum;
}

/* The gradient call: inputs, results, gradients, over real. */
static void make_call(struct trial *t)
{
	uint32_t n_in = t->forward.n_in, n_out = t->forward.n_out;

	define(t);
	for (uint32_t i = 0; i < n_in; i++) {
		t->in[i] = convert(&t->x[i], REAL_DTYPE);
		if (is_real(&t->x[i]))
			t->dx[i] = make(&t->x[i], REAL_DTYPE);
	}
	for (uint32_t i = 0; i < n_out; i++) {
		t->in[n_in + i] = convert(&t->y[i], REAL_DTYPE);
		t->in[n_in + n_out + i] = convert(&t->dy[i], REAL_DTYPE);
	}
	t->call = t->forward;
	t->call.in = t->in;
	t->call.out = t->dx;
	t->call.n_in = n_in + 2 * n_out;
	t->call.n_out = n_in;
}

/* Gradients overwrite whatever was there. */
static void run_grad(struct trial *t)
{
	for (uint32_t i = 0; i < t->call.n_out; i++)
		if (t->dx[i].data)
			memset(t->dx[i].data, 0xff,
			       fxq_tensor_bytes(&t->dx[i]));
	if (t->op->grad(&t->call))
		fail_msg("%s: %s", t->c->op, t->call.error);
}

static void expect_near(const struct trial *t, const char *what, uint32_t input,
			int64_t i, double got, double want, double tolerance)
{
	double size = fmax(fmax(fabs(got), fabs(want)), FLOOR);

	if (!(fabs(got - want) <= tolerance * size))
		fail_msg("%s, case %td: %s %u, element %lld is %.9g, not %.9g",
			 t->c->op, t->c - grad_cases, what, input,
			 (long long)i, got, want);
}

static double central_difference(struct trial *t, uint32_t input, int64_t i)
{
	double v = get(&t->x[input], i), h = STEP * fmax(1, fabs(v));
	double above, below;

	set(&t->x[input], i, v + h);
	above = loss(t);
	set(&t->x[input], i, v - h);
	below = loss(t);
	set(&t->x[input], i, v);
	return (above - below) / (2 * h);
}

static void check_differences(struct trial *t)
{
	run_grad(t);
	for (uint32_t i = 0; i < t->call.n_out; i++)
		for (int64_t k = 0; t->dx[i].data &&
		     k < fxq_tensor_count(&t->dx[i]); k++)
			expect_near(t, "gradient", i, k, get(&t->dx[i], k),
				    central_difference(t, i, k), TOLERANCE);
}

static void test_differences(void **state)
{
	for (size_t i = 0; i < GRAD_CASES; i++) {
		struct trial t;

		open_trial(&t, &grad_cases[i]);
		make_call(&t);
		check_differences(&t);
		close_trial(&t);
	}
}

/* Several threads compute the same, and each gradient can be had alone. */
static void test_alone(void **state)
{
	for (size_t i = 0; i < GRAD_CASES; i++) {
		struct fxq_tensor all[CASE_MAX_IN];
		struct trial t;

		open_trial(&t, &grad_cases[i]);
		make_call(&t);
		run_grad(&t);
		memcpy(all, t.dx, sizeof(all));
		t.call.threads = 3;
		for (uint32_t k = 0; k < t.call.n_out; k++) {
			memset(t.dx, 0, sizeof(t.dx));
			if (!all[k].data)
				continue;
			t.dx[k] = make(&all[k], REAL_DTYPE);
			run_grad(&t);
			for (int64_t e = 0; e < fxq_tensor_count(&all[k]); e++)
				expect_near(&t, "alone, input", k, e,
					    get(&t.dx[k], e), get(&all[k], e),
					    TOLERANCE);
			fxq_tensor_free(&t.dx[k]);
		}
		memcpy(t.dx, all, sizeof(all));
		close_trial(&t);
	}
}

/* Of several results only one is used, or of any none. */
static void test_unused(void **state)
{
	for (size_t i = 0; i < GRAD_CASES; i++) {
		struct fxq_tensor dy[MAX_OUT];
		struct trial t;

		open_trial(&t, &grad_cases[i]);
		memcpy(dy, t.dy, sizeof(dy));
		for (uint32_t only = 0; only <= t.forward.n_out; only++) {
			if (t.forward.n_out == 1 && only == 0)
				continue;
			memset(t.dy, 0, sizeof(t.dy));
			if (only < t.forward.n_out)
				t.dy[only] = dy[only];
			make_call(&t);
			check_differences(&t);
			for (uint32_t k = 0; k < t.call.n_in; k++)
				fxq_tensor_free(&t.in[k]);
			for (uint32_t k = 0; k < t.call.n_out; k++)
				fxq_tensor_free(&t.dx[k]);
		}
		memcpy(t.dy, dy, sizeof(dy));
		close_trial(&t);
	}
}

/* The operators that run are those of the definitions. */
static void check_kernel(struct trial *t)
{
	struct fxq_call call = t->forward;
	struct fxq_tensor in[CASE_MAX_IN] = { 0 }, out[MAX_OUT] = { 0 };

	define(t);
	for (uint32_t i = 0; i < call.n_in; i++)
		in[i] = convert(&t->x[i], FXQ_DTYPE_F32);
	call.in = in;
	call.out = out;
	if (fx_op_run(t->op, &call))
		fail_msg("%s: %s", t->c->op, call.error);
	for (uint32_t i = 0; i < call.n_out; i++) {
		for (int64_t k = 0; k < fxq_tensor_count(&out[i]); k++)
			expect_near(t, "result", i, k, get(&out[i], k),
				    get(&t->y[i], k), 1e-5);
		fxq_tensor_free(&out[i]);
	}
	for (uint32_t i = 0; i < call.n_in; i++)
		fxq_tensor_free(&in[i]);
}

static void test_kernels(void **state)
{
	for (size_t i = 0; i < GRAD_CASES; i++) {
		struct trial t;

		if (REAL_DTYPE != FXQ_DTYPE_F32 || grad_cases[i].is_random)
			continue;
		open_trial(&t, &grad_cases[i]);
		check_kernel(&t);
		close_trial(&t);
	}
}

/* The case of @op, as a call that is sound until a test has spoilt it. */
static void open_call(struct trial *t, const char *op)
{
	for (size_t i = 0; i < GRAD_CASES; i++)
		if (!strcmp(grad_cases[i].op, op)) {
			open_trial(t, &grad_cases[i]);
			make_call(t);
			return;
		}
	fail_msg("there is no case of %s", op);
}

static void expect_refusal(struct trial *t, int err, const char *sentence)
{
	assert_int_equal(t->op->grad(&t->call), err);
	assert_string_equal(t->call.error, sentence);
	close_trial(t);
}

static void test_refusals(void **state)
{
	struct trial t;

	open_call(&t, "relu");
	t.call.n_in = 2;
	expect_refusal(&t, -EINVAL, "2 tensors are no inputs, results and their gradients for 1 inputs");
	open_call(&t, "relu");
	t.in[1].dims[0] = 3;
	expect_refusal(&t, -EINVAL, "result 0 does not have the inferred type");
	open_call(&t, "relu");
	t.in[2].rank = 1;
	expect_refusal(&t, -EINVAL, "the gradient of result 0 is not like the result");
	open_call(&t, "relu");
	t.dx[0].dtype = FXQ_DTYPE_I32;
	expect_refusal(&t, -EINVAL, "the gradient of input 0 is not like the input");
	open_call(&t, "relu");
	fxq_tensor_free(&t.in[1]);
	expect_refusal(&t, -EINVAL, "tensor 1 has no data");
	open_call(&t, "conv2d");
	t.in[1].dims[1] = 5;
	expect_refusal(&t, -EINVAL, "the weight is for 5 input channels, the input has 2 in 1 groups");
	open_call(&t, "cross_entropy");
	((int64_t *)t.in[1].data)[2] = 4;
	expect_refusal(&t, -EINVAL, "element 2 is of class 4, the logits have 4");
}

/* Operators that only training has, refusing what they are asked for. */
static void expect_parameter(const char *op, struct fxq_attr attr,
			     const char *sentence)
{
	struct trial t;

	open_call(&t, op);
	t.forward.attrs = &attr;
	t.forward.n_attrs = 1;
	assert_int_equal(t.op->fn.infer(&t.forward), -EINVAL);
	assert_string_equal(t.forward.error, sentence);
	close_trial(&t);
}

static void test_parameters(void **state)
{
	struct trial t;

	expect_parameter("mse_loss", (struct fxq_attr)STR("reduction", "max"),
			 "reduction is \"max\", not \"mean\", \"sum\" or \"none\"");
	expect_parameter("dropout_train", (struct fxq_attr)FLOAT("p", 1.5),
			 "p is 1.5, not from 0 to 1");
	expect_parameter("cross_entropy",
			 (struct fxq_attr)FLOAT("label_smoothing", -1),
			 "label_smoothing is -1, not from 0 to 1");

	open_call(&t, "cross_entropy");
	t.types[1].dims[0] = 4;
	assert_int_equal(t.op->fn.infer(&t.forward), -EINVAL);
	assert_string_equal(t.forward.error, "the classes do not have the logits' shape without dimension 1");
	close_trial(&t);
}

/* About as many as asked for are dropped; the seed decides which. */
static void test_dropout(void **state)
{
	const struct fx_op *op = fx_op_find("dropout_train");
	const int64_t dims[] = { 100, 100 };
	struct fxq_tensor x = fxq_tensor_type(FXQ_DTYPE_F32, 2, dims);
	struct fxq_attr attrs[] = { FLOAT("p", 0.2), INT("seed", 7) };
	struct fxq_tensor out[3][2] = { 0 };
	struct fxq_call call = {
		.n_in = 1, .in = &x, .n_out = 2, .attrs = attrs, .n_attrs = 2,
	};
	int64_t kept = 0, same = 0;

	/* The kernel is over real, and this is about what it is over float. */
	if (REAL_DTYPE != FXQ_DTYPE_F32)
		return;
	assert_int_equal(fxq_tensor_alloc(&x), 0);
	for (int64_t i = 0; i < 10000; i++)
		set(&x, i, 1 + (double)i);
	for (int run = 0; run < 3; run++) {
		attrs[1].i = run == 2 ? 8 : 7;
		call.out = out[run];
		assert_int_equal(fx_op_run(op, &call), 0);
	}

	for (int64_t i = 0; i < 10000; i++) {
		double mask = get(&out[0][1], i);

		assert_true(get(&out[0][0], i) ==
			    (mask ? (float)(get(&x, i) / 0.8) : 0));
		assert_true(mask == get(&out[1][1], i));
		same += mask == get(&out[2][1], i);
		kept += mask != 0;
	}
	assert_in_range(kept, 7850, 8150);
	assert_in_range(same, 6600, 7000);	/* 0.8² + 0.2² = 0.68 */
	for (int i = 0; i < 6; i++)
		fxq_tensor_free(&out[i / 2][i % 2]);
	fxq_tensor_free(&x);
}

static void expect_case(const char *name)
{
#define X(op) #op,
	static const char *const straight[] = { FX_GRADS_STRAIGHT(X) };
#undef X
	const struct fx_op *op = fx_op_find(name);

	for (size_t i = 0; i < sizeof(straight) / sizeof(*straight); i++)
		if (!strcmp(straight[i], name))
			return;

	assert_non_null(op);
	for (size_t i = 0; op->grad && i < GRAD_CASES; i++)
		if (!strcmp(grad_cases[i].op, name))
			return;
	if (op->grad)
		fail_msg("no case tries the gradient of %s", name);
}

static void test_every_gradient_has_a_case(void **state)
{
#define X(name, ...) expect_case(#name);
	FX_OPS(X)
#undef X
}

/* The cases as JSON, one a line, for whoever knows gradients as well. */
static void print_tensor(const char *before, const struct fxq_tensor *t)
{
	if (!t->data) {
		printf("%snull", before);
		return;
	}
	printf("%s{\"dtype\": \"%s\", \"dims\": [", before,
	       fxq_dtype_name(t->dtype));
	for (uint32_t d = 0; d < t->rank; d++)
		printf("%s%lld", d ? ", " : "", (long long)t->dims[d]);
	printf("], \"data\": [");
	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		printf("%s%.17g", i ? ", " : "", get(t, i));
	printf("]}");
}

static void print_tensors(const char *name, const struct fxq_tensor *t,
			  uint32_t n)
{
	printf(", \"%s\": [", name);
	for (uint32_t i = 0; i < n; i++)
		print_tensor(i ? ", " : "", &t[i]);
	printf("]");
}

static void print_attr(const char *before, const struct fxq_attr *a)
{
	printf("%s\"%s\": ", before, a->name);
	if (a->type == FXQ_ATTR_INT)
		printf("%lld", (long long)a->i);
	else if (a->type == FXQ_ATTR_FLOAT)
		printf("%.17g", a->f);
	else if (a->type == FXQ_ATTR_STRING)
		printf("\"%s\"", a->s);
	else
		for (uint32_t i = 0; i < a->count; i++)
			printf("%s%lld", i ? ", " : "[",
			       (long long)a->ints[i]);
	if (a->type == FXQ_ATTR_INTS)
		printf("]");
}

static void print_case(const struct grad_case *c)
{
	struct trial t;

	open_trial(&t, c);
	make_call(&t);
	run_grad(&t);
	printf("{\"op\": \"%s\", \"attrs\": {", c->op);
	for (uint32_t i = 0; i < t.forward.n_attrs; i++)
		print_attr(i ? ", " : "", &t.forward.attrs[i]);
	printf("}");
	print_tensors("in", t.x, t.forward.n_in);
	print_tensors("out", t.y, t.forward.n_out);
	print_tensors("dy", t.dy, t.forward.n_out);
	print_tensors("dx", t.dx, t.forward.n_in);
	printf("}\n");
	close_trial(&t);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_gradient_has_a_case),
		cmocka_unit_test(test_kernels),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_unused),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_dropout),
	};

	if (argc > 1 && !strcmp(argv[1], "print")) {
		for (size_t i = 0; i < GRAD_CASES; i++)
			print_case(&grad_cases[i]);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
