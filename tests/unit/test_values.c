// SPDX-License-Identifier: MIT
/*
 * test_values.c - items, numbers and accessors of values that are not traced
 *
 * Answers and error classes are Python's, worked out by hand; what a traced
 * value answers is test_golden_fx.c's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fxq/trace.h>

/* 0 … n - 1 in these dimensions. */
static fxv counting(const int64_t *dims)
{
	fxv v = fx_full_of(0, dims);

	for (int64_t i = 0; i < fxq_tensor_count(fx_data(v)); i++)
		((float *)fx_data(v)->data)[i] = (float)i;
	return v;
}

static void assert_floats(fxv v, size_t n, const float *wanted)
{
	assert_null(fx_error(v));
	assert_int_equal(fxq_tensor_count(fx_data(v)), n);
	for (size_t i = 0; i < n; i++)
		assert_true(((float *)fx_data(v)->data)[i] == wanted[i]);
}
#define FLOATS(...)	\
	sizeof((float[]){ __VA_ARGS__ }) / sizeof(float), (float[]){ __VA_ARGS__ }

static void assert_raises(fxv v, const char *class, const char *text)
{
	assert_non_null(fx_error(v));
	assert_string_equal(fx_error_class(v), class);
	assert_non_null(strstr(fx_error(v), text));
}

/*
 * Each case is the body of a forward, which returns the first error made in it
 * and frees what it made.
 */
#define CASE(name)							\
	FX_MODULE(name)							\
	FX_FORWARD(name)

static fxv run(struct fx_module *m)
{
	fxv v = fx_call(m);

	fx_module_put(m);
	return v;
}

CASE(Parts)
{
	fxv x = counting(FX_DIMS(2, 3));

	assert_floats(fx_getitem(x, 1), FLOATS(3, 4, 5));
	assert_floats(fx_getitem(x, -1, 0), FLOATS(3));
	assert_int_equal(fx_data(fx_getitem(x, -1, 0))->rank, 0);
	assert_floats(fx_getitem(x, fx_all, 1), FLOATS(1, 4));
	assert_floats(fx_getitem(x, fx_ellipsis, -1), FLOATS(2, 5));
	assert_floats(fx_getitem(x, 0, fx_slice(1, 99)), FLOATS(1, 2));
	assert_floats(fx_getitem(x, 0, fx_slice(-2, fx_none)), FLOATS(1, 2));
	assert_floats(fx_getitem(x, 0, fx_slice(fx_none, fx_none, 2)),
		      FLOATS(0, 2));
	assert_int_equal(fxq_tensor_count(fx_data(fx_getitem(x, fx_slice(2, 1)))),
			 0);
	assert_int_equal(fx_data(fx_getitem(x, fx_none, 0))->rank, 2);
	return fx_none;
}

static void parts_of_a_tensor_are_pythons(void **state)
{
	assert_null(fx_error(run(Parts())));
}

CASE(OutOfBounds) { return fx_getitem(fx_zeros(2, 3), 0, 3); }
CASE(TooMany) { return fx_getitem(fx_zeros(2), 0, 0); }
CASE(Backwards)
{
	return fx_getitem(fx_zeros(4), fx_slice(fx_none, fx_none, -1));
}
CASE(ByString) { return fx_getitem(fx_zeros(2), "x"); }
CASE(FarItem) { return fx_getitem(fx_tuple(1, 2), 2); }
CASE(NoKey) { return fx_getitem(fx_dict("a", 1), "b"); }
CASE(NoItems) { return fx_getitem(fx_value(3), 0); }

static void assert_case(struct fx_module *m, const char *class,
			const char *text)
{
	fxv v = run(m);

	assert_raises(v, class, text);
	fx_release(v);
}

static void wrong_indices_are_refused(void **state)
{
	assert_case(OutOfBounds(), "builtins.IndexError",
		    "index 3 is out of bounds for dimension 1 with size 3");
	assert_case(TooMany(), "builtins.IndexError", "too many indices");
	assert_case(Backwards(), "builtins.ValueError", "must be positive");
	assert_case(ByString(), "builtins.TypeError", "an index is");
	assert_case(FarItem(), "builtins.IndexError", "index 2 out of range");
	assert_case(NoKey(), "builtins.KeyError", "'b'");
	assert_case(NoItems(), "builtins.TypeError", "has no items");
}

CASE(Assignments)
{
	fxv x = fx_zeros(2, 2);

	fx_setitem(x, 0, 7);
	fx_setitem(x, fx_tuple(fx_all, 1), fx_tensor(1, 2));
	assert_floats(x, FLOATS(7, 1, 0, 2));
	return fx_none;
}
CASE(WrongSize)
{
	fx_setitem(fx_zeros(2, 2), 0, fx_tensor(1, 2, 3));
	return fx_none;
}
CASE(TupleItem)
{
	fx_setitem(fx_tuple(1, 2), 0, 3);
	return fx_none;
}

static void items_are_assigned_in_place(void **state)
{
	assert_null(fx_error(run(Assignments())));
	assert_case(WrongSize(), "builtins.RuntimeError", "2 float32 elements");
	assert_case(TupleItem(), "builtins.TypeError", "item assignment");
}

CASE(Numbers)
{
	assert_int_equal(fx_int(fx_floordiv(fx_value(-7), 2)), -4);
	assert_int_equal(fx_int(fx_mul(fx_value(6), 7)), 42);
	assert_true(fx_float(fx_div(fx_value(1), 2)) == 0.5);
	assert_true(fx_truth(fx_eq(fx_value(3), 3.0)));
	assert_false(fx_truth(fx_gt(fx_value(2), 3)));
	return fx_none;
}
CASE(Overflow) { return fx_add(fx_value(INT64_MAX), 1); }
CASE(ByZero) { return fx_div(fx_value(1), 0); }

static void numbers_alone_stay_numbers(void **state)
{
	assert_null(fx_error(run(Numbers())));
	assert_case(Overflow(), "builtins.OverflowError", "64 bits");
	assert_case(ByZero(), "builtins.ZeroDivisionError",
		    "fx_div(fx_value(1), 0): division by zero");
}

CASE(Accessors)
{
	fxv x = counting(FX_DIMS(2, 3)), row, a, b;
	int rows = 0;

	assert_int_equal(fx_int(fx_len(x)), 2);
	assert_int_equal(fx_int(fx_len(fx_dict("a", 1, "b", 2))), 2);
	assert_true(fx_truth(fx_contains(x, 5)));
	assert_false(fx_truth(fx_contains(fx_tuple(1, 2), 3)));
	assert_true(fx_truth(fx_contains(fx_dict("a", 1), "a")));
	assert_true(fx_truth(fx_contains(fx_value("abc"), "bc")));
	assert_false(fx_truth(fx_contains(fx_value("abc"), "x")));
	assert_false(fx_truth(fx_contains(fx_value("abc"), 1)));
	assert_int_equal(fx_tuple_count(fx_range(fx_value(3))), 3);
	for (struct fx_iter i = fx_iter(x); fx_next(&i, &row); rows++)
		assert_int_equal(fx_data(row)->rank, 1);
	assert_int_equal(rows, 2);
	assert_floats(fx_getitem(fx_split(x, INT64_MAX, .dim = 1), 0),
		      FLOATS(0, 1, 2, 3, 4, 5));
	assert_floats(fx_getitem(x, 1, fx_slice(1, fx_none, INT64_MAX)),
		      FLOATS(4));
	fx_unpack(fx_method(x, chunk, 2, .dim = 1), &a, &b);
	assert_floats(a, FLOATS(0, 1, 3, 4));
	assert_floats(b, FLOATS(2, 5));
	assert_int_equal(fx_int(fx_method(x, size, -1)), 3);
	assert_floats(fx_getattr(x, "T"), FLOATS(0, 3, 1, 4, 2, 5));
	fx_assert(fx_eq(fx_len(x), 2), "not raised");
	return fx_none;
}
CASE(WrongAssert)
{
	fx_assert(fx_value(0), "batch must be one");
	return fx_none;
}
CASE(WrongUnpack)
{
	fxv a, b;

	fx_unpack(fx_tuple(1, 2, 3), &a, &b);
	return a;
}
CASE(NoLen) { return fx_len(fx_value(3)); }
CASE(NoMapping) { return fx_kwargs(fx_value(3)); }
CASE(LongRange) { return fx_range(fx_value(1 << 20)); }
CASE(NoAttribute) { return fx_getattr(fx_zeros(1), "shapes"); }
CASE(OnlyTraced) { return fx_method(fx_zeros(1, 1, 2, 2), to); }

static void accessors_answer_as_python(void **state)
{
	assert_null(fx_error(run(Accessors())));
	assert_case(WrongAssert(), "builtins.AssertionError", "must be one");
	assert_case(WrongUnpack(), "builtins.ValueError", "3 values to unpack");
	assert_case(NoLen(), "builtins.TypeError", "no len()");
	assert_case(NoMapping(), "builtins.TypeError", "must be a mapping");
	assert_case(LongRange(), "builtins.ValueError", "at most 64");
	assert_case(NoAttribute(), "builtins.AttributeError", "'shapes'");
	assert_case(OnlyTraced(), "builtins.RuntimeError", "can be traced");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_of_a_tensor_are_pythons),
		cmocka_unit_test(wrong_indices_are_refused),
		cmocka_unit_test(items_are_assigned_in_place),
		cmocka_unit_test(numbers_alone_stay_numbers),
		cmocka_unit_test(accessors_answer_as_python),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
