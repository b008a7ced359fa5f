// SPDX-License-Identifier: MIT
/*
 * Calls as a hostile image might make them: random operators, shapes, types
 * and parameters. Each must be refused with a sentence or performed; the
 * sanitizers watch that nothing is read or written beside the tensors.
 */
#include "kernel_call.h"

#define CALLS	40000
#define ROOM	(1 << 20)	/* bytes of a result; larger ones are not run */

static const struct {
	const char *name;
	fxq_call_fn infer, eval;
	int min_in, max_in, n_out;
} ops[] = {
#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	{ #name, infer_##name, eval_##name, min_in, max_in, n_out },
	FX_OPS_NN(X)
#undef X
};

#define N_OPS	(sizeof(ops) / sizeof(*ops))

static const char *const names[] = {
	"stride", "padding", "dilation", "groups", "output_padding",
	"kernel_size", "ceil_mode", "count_include_pad", "storage_order",
	"dim", "axis", "keepdim", "select_last", "eps", "alpha", "beta",
	"bias", "size", "p", "num_groups", "output_size", "sizes", "scales",
	"roi", "mode", "coordinate_transformation_mode", "nearest_mode",
	"exclude_outside", "antialias", "min", "max", "normalized_shape",
	"dims", "approximate", "quant_min", "quant_max",
};

#define N_NAMES	(sizeof(names) / sizeof(*names))

static const int64_t numbers[] = {
	0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 5, 8, -1, -2, 17, 1000, INT32_MAX,
	INT64_MAX, INT64_MIN, 1 << 20,
};

static const double reals[] = { 0, 0.5, 1, 2, -1, 1e-30, 1e30, NAN, 0.3 };

static const char *const words[] = {
	"nearest", "linear", "cubic", "half_pixel", "align_corners", "floor",
	"tf_crop_and_resize", "tanh", "none", "ceil", "", "asymmetric",
};

static uint32_t seed;

static uint32_t below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

#define PICK(array)	(array)[below(sizeof(array) / sizeof(*(array)))]

static void add_attr(struct fxq_attr *a, const char *name, int64_t *ints,
		     double *floats)
{
	*a = (struct fxq_attr){ .name = name, .type = 1 + below(5),
				.count = 1 };
	if (a->type >= FXQ_ATTR_INTS)
		a->count = below(9);
	for (uint32_t i = 0; i < 8; i++) {
		/* Mostly small: what is refused at once tests little. */
		ints[i] = below(4) ? 1 + below(3) : PICK(numbers);
		floats[i] = PICK(reals);
	}
	if (a->type == FXQ_ATTR_INT)
		a->i = ints[0];
	else if (a->type == FXQ_ATTR_FLOAT)
		a->f = floats[0];
	else if (a->type == FXQ_ATTR_STRING)
		a->s = PICK(words);
	else if (a->type == FXQ_ATTR_INTS)
		a->ints = ints;
	else
		a->floats = floats;
}

static void add_input(struct kc *k)
{
	uint32_t rank = below(16) ? 2 + below(4) : below(9);
	int64_t dims[FXQ_MAX_RANK];
	uint8_t *data;
	struct fxq_tensor *t;

	for (uint32_t d = 0; d < rank; d++)
		dims[d] = below(20) ? 1 + below(4) : below(7);
	t = &k->in[k->call.n_in];
	*t = fxq_tensor_type(below(8) ? FXQ_DTYPE_F32 :
			     below(FXQ_DTYPE_COUNT), rank, dims);
	k->call.n_in++;
	if (t->dtype == FXQ_DTYPE_NONE)
		return;

	/* Exactly as large as it is, for the sanitizer to see the end. */
	data = malloc(fxq_tensor_bytes(t) + 1);
	for (size_t i = 0; i < fxq_tensor_bytes(t); i++)
		data[i] = (uint8_t)below(256);
	t->data = realloc(data, fxq_tensor_bytes(t) ? fxq_tensor_bytes(t) : 1);
	k->owned[k->call.n_in - 1] = 1;
}

static int small_enough(const struct kc *k)
{
	for (uint32_t i = 0; i < k->n_out; i++)
		if (fxq_tensor_bytes(&k->out[i]) > ROOM)
			return 0;
	return 1;
}

static int call_at_random(void)
{
	uint32_t op = below(N_OPS);
	int64_t ints[KC_MAX][8];
	double floats[KC_MAX][8];
	struct kc k;
	int ret;

	kc_init(&k, ops[op].n_out < 0 ? 1 + below(3) : (uint32_t)ops[op].n_out);
	k.call.threads = 1 + (int)below(3);
	for (int i = 0; i < ops[op].max_in && i < KC_MAX; i++)
		if (i < ops[op].min_in || below(2))
			add_input(&k);
	while (k.call.n_attrs < KC_MAX && below(5)) {
		uint32_t i = k.call.n_attrs;

		add_attr(&k.attrs[k.call.n_attrs++], names[below(N_NAMES)],
			 ints[i], floats[i]);
	}

	ret = ops[op].infer(&k.call);
	if (ret && !k.call.error[0])
		fail_msg("%s refused without a word", ops[op].name);
	if (!ret && small_enough(&k)) {
		for (uint32_t i = 0; i < k.n_out; i++)
			assert_int_equal(fxq_tensor_alloc(&k.out[i]), 0);
		ret = ops[op].eval(&k.call);
		/* Scales are elements, which infer does not see. */
		if (ret && strcmp(ops[op].name, "fake_quantize"))
			fail_msg("%s: inferred, then refused: %s",
				 ops[op].name, k.call.error);
	}
	kc_done(&k);
	return !ret;
}

static void random_calls_are_refused_or_performed(void **state)
{
	int performed = 0;

	seed = 1;
	for (int i = 0; i < CALLS; i++)
		performed += call_at_random();

	/* Else the test would test refusals alone. */
	assert_true(performed > CALLS / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_calls_are_refused_or_performed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
