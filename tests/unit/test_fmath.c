// SPDX-License-Identifier: MIT
/*
 * The elementary functions against libm's, which errs by less than one unit in
 * the last place of the long double that is asked for here. The bound is the
 * one that fmath.h promises.
 */
#include "kernel_call.h"

#include "nn/kernels/fmath.h"

#define STEPS	20000

struct function {
	const char *name;
	double (*own)(double x);
	long double (*libm)(long double x);
	double lo, hi;
	double bound;
};

/* The inline ones need an address. */
#define OWN(f) static double own_##f(double x) { return fm_##f(x); }
OWN(exp) OWN(expm1) OWN(log) OWN(log1p) OWN(tanh) OWN(erf) OWN(erfc)
OWN(sigmoid) OWN(softplus)

static long double sigmoidl(long double x)
{
	return 1 / (1 + expl(-x));
}

static long double softplusl(long double x)
{
	return x > 0 ? x + log1pl(expl(-x)) : log1pl(expl(x));
}

static const struct function functions[] = {
	{ "exp", own_exp, expl, -700, 709, 1e-15 },
	{ "exp", own_exp, expl, -1, 1, 1e-15 },
	{ "expm1", own_expm1, expm1l, -40, 700, 1e-15 },
	{ "expm1", own_expm1, expm1l, -1, 1, 1e-15 },
	{ "log", own_log, logl, 1e-300, 1e300, 1e-15 },
	{ "log", own_log, logl, 0.5, 2, 1e-15 },
	{ "log1p", own_log1p, log1pl, -0.99, 100, 1e-15 },
	{ "tanh", own_tanh, tanhl, -30, 30, 1e-15 },
	{ "erf", own_erf, erfl, -7, 7, 1e-15 },
	/* e^(-x²) of a rounded x² */
	{ "erfc", own_erfc, erfcl, -5, 26, 26 * 26 * 2.3e-16 },
	{ "sigmoid", own_sigmoid, sigmoidl, -100, 100, 1e-15 },
	{ "softplus", own_softplus, softplusl, -100, 100, 1e-15 },
	{ "sin", fm_sin, sinl, -100, 100, 1e-15 },
	{ "sin", fm_sin, sinl, -1e9, 1e9, 1e-15 },
	{ "sin", fm_sin, sinl, 1e17, 1e18, 1e-15 },
	{ "cos", fm_cos, cosl, -1e6, 1e6, 1e-15 },
	{ "tan", fm_tan, tanl, -1000, 1000, 1e-15 },
	{ "asin", fm_asin, asinl, -1, 1, 1e-15 },
	{ "acos", fm_acos, acosl, -1, 1, 1e-15 },
	{ "atan", fm_atan, atanl, -100, 100, 1e-15 },
	{ "sinh", fm_sinh, sinhl, -709, 709, 1e-15 },
	{ "cosh", fm_cosh, coshl, -709, 709, 1e-15 },
	{ "asinh", fm_asinh, asinhl, -100, 100, 1e-15 },
	{ "acosh", fm_acosh, acoshl, 1, 100, 1e-15 },
	{ "atanh", fm_atanh, atanhl, -1, 1, 1e-15 },
};

static void check(const struct function *f, double x)
{
	long double want = f->libm(x);
	double got = f->own(x);

	if (!(fabsl(got - want) <= (long double)f->bound * fabsl(want)))
		fail_msg("%s(%.17g) is %.17g, not %.17Lg", f->name, x, got,
			 want);
}

static void functions_keep_their_bounds(void **state)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++) {
		const struct function *f = &functions[i];
		double width = f->hi - f->lo;

		for (int s = 1; s < STEPS; s++) {
			check(f, f->lo + width * s / STEPS);
			/* Small arguments, by powers. */
			if (f->lo < 0 && f->hi > 0)
				check(f, f->hi * exp2(-s * 60.0 / STEPS));
		}
	}
}

/* For these, bits of 2/π far behind the point decide. */
static void sine_reduces_the_largest_arguments(void **state)
{
	static const double large[] = { 0x1p120, 0x1.fffffep127, 0x1p1000,
					1.7e308 };

	for (size_t i = 0; i < sizeof(large) / sizeof(*large); i++) {
		assert_true(fabs(fm_sin(large[i]) - (double)sinl(large[i])) <
			    1e-15);
		assert_true(fabs(fm_cos(-large[i]) - (double)cosl(large[i])) <
			    1e-15);
	}
}

static void ends_of_the_ranges_are_exact(void **state)
{
	assert_true(fm_exp(-INFINITY) == 0);
	assert_true(fm_exp(INFINITY) == INFINITY);
	assert_true(fm_exp(0) == 1);
	assert_true((float)fm_exp_negative(-INFINITY) == 0);
	for (double x = 0; x > -700; x -= 0x1.234p-4)
		assert_true(fm_exp_negative(x) == fm_exp(x));
	assert_true(fm_log(0) == -INFINITY);
	assert_true(fm_log(1) == 0);
	assert_true(fm_log(INFINITY) == INFINITY);
	assert_true(isnan(fm_log(-1)));
	assert_true(fm_log1p(-1) == -INFINITY);
	assert_true(fm_tanh(INFINITY) == 1);
	assert_true(fm_tanh(-INFINITY) == -1);
	assert_true(signbit(fm_tanh(-0.0)));
	assert_true(fm_erf(INFINITY) == 1);
	assert_true(fm_erfc(INFINITY) < 1e-300);
	assert_true(fm_sigmoid(-INFINITY) == 0);
	assert_true(fm_softplus(-INFINITY) == 0);
	assert_true(fm_softplus(INFINITY) == INFINITY);
	assert_true(isnan(fm_sin(INFINITY)));
	assert_true(isnan(fm_asin(1.5)));
	assert_true(isnan(fm_acosh(0.5)));
	assert_true(fm_atanh(1) == INFINITY);
}

static void nan_stays_nan(void **state)
{
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (!isnan(functions[i].own(NAN)))
			fail_msg("%s of NaN", functions[i].name);
	assert_true(isnan(fm_pow(NAN, 2)));
}

/* C's table of special cases, for all pairs of these. */
static void pow_is_as_in_c(void **state)
{
	static const double v[] = { 0.0, -0.0, 1, -1, 2, -2, 0.5, -0.5, 3, -3,
				    2.5, INFINITY, -INFINITY, NAN };
	const size_t n = sizeof(v) / sizeof(*v);

	for (size_t i = 0; i < n * n; i++) {
		double x = v[i / n], y = v[i % n];
		double got = fm_pow(x, y), want = pow(x, y);

		if (isnan(want) ? !isnan(got) :
		    isinf(want) || want == 0 ?
		    got != want || signbit(got) != signbit(want) :
		    !(fabs(got - want) <= 4e-15 * fabs(want)))
			fail_msg("pow(%g, %g) is %g, not %g", x, y, got, want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_keep_their_bounds),
		cmocka_unit_test(sine_reduces_the_largest_arguments),
		cmocka_unit_test(ends_of_the_ranges_are_exact),
		cmocka_unit_test(nan_stays_nan),
		cmocka_unit_test(pow_is_as_in_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
