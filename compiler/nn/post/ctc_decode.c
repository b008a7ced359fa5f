// SPDX-License-Identifier: MIT
/*
 * ctc_decode.c - the symbols that a recurrent or attention network spells
 *
 * Of each step the best symbol; repeats count once, and "blank" stands between
 * symbols and where there is none.
 */
#include "rows.h"

static int read_steps(struct fxq_call *call, int64_t *steps, int64_t *symbols,
		      int64_t *blank)
{
	const struct fxq_tensor *x = &call->in[0];
	int ret;

	if (call->n_in != 1)
		return kern_refuse(call, -EINVAL,
				   "%u inputs are given, 1 is needed",
				   call->n_in);
	ret = need_floats(call, 0, -1);
	if (ret)
		return ret;
	*symbols = x->rank < 2 ? 0 : x->dims[x->rank - 1];
	*steps = x->rank < 2 ? 0 : x->dims[x->rank - 2];
	if (*symbols < 1 || !x->data ||
	    fxq_tensor_count(x) != *steps * *symbols)
		return kern_refuse(call, -EINVAL,
				   "its input must be (1, time, symbols)");
	return read_int(call, "blank", 0, 0, *symbols - 1, blank);
}

static int64_t best_of(const float *x, int64_t n)
{
	int64_t best = 0;

	for (int64_t i = 1; i < n; i++)
		if (x[i] > x[best] || x[best] != x[best])
			best = i;
	return best;
}

static int eval_ctc_decode(struct fxq_call *call)
{
	int64_t steps = 0, symbols = 0, blank = 0, last = -1, n = 0, max;
	const float *x = call->in[0].data;
	int64_t *found;
	int ret;

	ret = read_steps(call, &steps, &symbols, &blank);
	if (ret)
		return ret;

	found = calloc((size_t)steps + 1, sizeof(*found));
	if (!found)
		return kern_refuse(call, -ENOMEM, "no memory for the symbols");
	max = rows_at_most(call, FXQ_DTYPE_I64, 0, steps);
	for (int64_t t = 0; t < steps && n < max; t++) {
		int64_t best = best_of(x + t * symbols, symbols);

		if (best != last && best != blank)
			found[n++] = best;
		last = best;
	}
	ret = result_rows(call, FXQ_DTYPE_I64, n, 0);
	if (!ret)
		memcpy(call->out[0].data, found, (size_t)n * sizeof(*found));
	free(found);
	return ret;
}

const struct fxq_function fxq_builtin_ctc_decode = {
	"ctc_decode", NULL, eval_ctc_decode,
};
