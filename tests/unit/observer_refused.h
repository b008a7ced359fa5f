/* SPDX-License-Identifier: MIT */
/*
 * observer_refused.h - an observer or fake quantizer that cannot be what it is told
 */
#ifndef OBSERVER_REFUSED_H
#define OBSERVER_REFUSED_H

/* Takes @m over; whoever calls it is told @why. */
static void refused(struct fx_module *m, const char *why)
{
	fxv x = fx_ones(2, 3), y = fx_call(m, x);

	assert_non_null(fx_error(y));
	if (!strstr(fx_error(y), why))
		fail_msg("\"%s\" does not say \"%s\"", fx_error(y), why);
	fx_release(y);
	fx_release(x);
	fx_module_put(m);
}

#endif /* OBSERVER_REFUSED_H */
