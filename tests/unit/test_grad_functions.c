// SPDX-License-Identifier: MIT
/*
 * test_grad_functions.c - what moves or selects elements takes gradients back
 *
 * The loss is the mean square of what was moved, so it is quadratic in each
 * element and central differences are its gradient but for float32's rounding:
 * 1e-4 of a loss of about one, over a step of a quarter, is 4e-4. That operators
 * have gradients is for test_grad.c; here each function and method has those of
 * what it comes down to.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/train.h>

#define STEP	0.125f
#define OFF	4e-4f

/* CASE(name, what is done to w, which is (2, 3, 4)) */
#define CASES								\
	CASE(Transpose, fx_transpose(w, 0, 2))				\
	CASE(FromTheEnd, fx_method(w, transpose, -1, 1))		\
	CASE(Permute, fx_permute(w, fx_tuple(2, 0, 1)))			\
	CASE(Turned, fx_method(fx_reshape(w, fx_tuple(4, 6)), t))	\
	CASE(Reshape, fx_method(w, reshape, 4, -1))			\
	CASE(Squeeze, fx_squeeze(fx_unsqueeze(w, 1), 1))		\
	CASE(Expand, fx_method(fx_unsqueeze(w, 0), expand, 3, -1, -1, -1)) \
	CASE(Repeat, fx_method(w, repeat, 2, 1, 3))			\
	CASE(Stack, fx_stack(fx_list(w, fx_relu(w), w), .dim = -1))	\
	CASE(Chunk, fx_getitem(fx_chunk(w, 2, .dim = 2), 1))		\
	CASE(Split, fx_add(fx_getitem(fx_split(w, 2, .dim = -1), 0),	\
			   fx_getitem(fx_split(w, 2, .dim = -1), 1)))	\
	CASE(Item, fx_getitem(w, -1))					\
	CASE(Slice, fx_getitem(w, fx_all, fx_slice(0, 3, 2), fx_slice(1, -1))) \
	CASE(Items, fx_getitem(w, 1, fx_ellipsis, fx_none, fx_slice(-3, fx_none))) \
	CASE(New, fx_getitem(w, fx_none, fx_ellipsis, 2, fx_none))	\
	CASE(Pad, fx_pad(w, fx_tuple(1, 2, 0, 1)))			\
	CASE(Replicate, fx_pad(w, fx_tuple(2, 1), .mode = "replicate"))	\
	CASE(Reflect, fx_pad(w, fx_tuple(3, 2), .mode = "reflect"))	\
	CASE(Circular, fx_pad(w, fx_tuple(1, 2), .mode = "circular"))	\
	CASE(Shuffle, fx_pixel_shuffle(fx_method(w, view, 1, 4, 3, 2), 2)) \
	CASE(Copy, fx_method(fx_method(w, contiguous), clone))		\
	CASE(Where, fx_where(fx_gt(w, 0), w, fx_mul(w, 0.5)))

#define CASE(name, ...)							\
	FX_MODULE(name, parameter(weight, fx_zeros(2, 3, 4)))		\
	FX_FORWARD(name, x)						\
	{								\
		fxv w = self->weight, y = __VA_ARGS__;			\
									\
		(void)x;						\
		return fx_mean(fx_mul(y, y));				\
	}
CASES
#undef CASE

static const struct {
	const char *name;
	struct fx_module *(*model)(void);
} cases[] = {
#define CASE(name, ...)	{ #name, name },
	CASES
#undef CASE
};

static float loss_of(struct fx_module *m, fxv zero)
{
	fxv loss = fx_call(m, zero);
	float v;

	if (fx_error(loss))
		fail_msg("%s", fx_error(loss));
	v = *(float *)fx_data(loss)->data;
	fx_release(loss);
	return v;
}

static void gradients_go_back(void **state)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fx_module *m = fx_train(cases[i].model());
		struct fx_tape *tape = fx_tape_new(m, 1);
		const struct fx_parameter *p;
		fxv zero = fx_zeros(1), loss;
		float *w, *grad;
		size_t n;

		fx_module_fill(m, 11);
		fx_tape_begin(tape);
		loss = fx_call(m, zero);
		if (fx_tape_backward(tape, loss))
			fail_msg("%s: %s", cases[i].name, fx_tape_error(tape));
		p = fx_tape_parameters(tape, &n);
		assert_int_equal(n, 1);
		w = p->value->data;
		grad = p->grad.data;
		for (int64_t k = 0; k < 24; k++) {
			float was = w[k], above, below;

			/* Away from the corner of a relu, and of where(). */
			if (fabsf(was) <= STEP)
				continue;
			w[k] = was + STEP;
			above = loss_of(m, zero);
			w[k] = was - STEP;
			below = loss_of(m, zero);
			w[k] = was;
			if (fabsf((above - below) / (2 * STEP) - grad[k]) > OFF)
				fail_msg("%s, %d: %g is not %g", cases[i].name,
					 (int)k, grad[k],
					 (above - below) / (2 * STEP));
		}
		fx_release(loss);
		fx_release(zero);
		fx_tape_free(tape);
		fx_module_put(m);
	}
}

/* Its three projections are parts of one weight. */
FX_MODULE(Attention, module(attn, MultiheadAttention(8, 2)))
FX_FORWARD(Attention, x)
{
	fxv y = fx_getitem(fx_call(self->attn, x, x, x), 0);

	return fx_mean(fx_mul(y, y));
}

static void every_part_of_attention_learns(void **state)
{
	struct fx_module *m = fx_train(Attention());
	struct fx_tape *tape = fx_tape_new(m, 1);
	const struct fx_parameter *p;
	fxv x = fx_gen(1, 1, 3, 2, 8), loss;
	size_t n;

	fx_module_fill(m, 11);
	fx_tape_begin(tape);
	loss = fx_call(m, x);
	if (fx_tape_backward(tape, loss))
		fail_msg("%s", fx_tape_error(tape));
	p = fx_tape_parameters(tape, &n);
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++) {
		const float *grad = p[i].grad.data;
		int64_t count = fxq_tensor_count(p[i].value), flat = 0;

		if (!grad)
			fail_msg("%s has no gradient", p[i].key);
		for (int64_t k = 0; k < count; k++)
			flat += grad[k] == 0;
		/* A constant added to all keys changes no softmax. */
		assert_true(flat <= (strstr(p[i].key, "in_proj_bias") ? 8 : 0));
	}
	fx_release(loss);
	fx_release(x);
	fx_tape_free(tape);
	fx_module_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_go_back),
		cmocka_unit_test(every_part_of_attention_learns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
