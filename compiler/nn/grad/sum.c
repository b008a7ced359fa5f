// SPDX-License-Identifier: MIT
/*
 * Sums, see sum.h.
 */
#include "sum.h"

#define CHAINS	16

static double join(const double *chain)
{
	double sum = 0;

	for (int c = 0; c < CHAINS; c++)
		sum += chain[c];
	return sum;
}

FXQ_CLONES
double sum_of(const real *v, int64_t n)
{
	double chain[CHAINS] = { 0 };
	int64_t i = 0;

	for (; i + CHAINS <= n; i += CHAINS)
		for (int c = 0; c < CHAINS; c++)
			chain[c] += v[i + c];
	for (; i < n; i++)
		chain[i % CHAINS] += v[i];
	return join(chain);
}

FXQ_CLONES
double sum_of_products(const real *a, const real *b, int64_t n)
{
	double chain[CHAINS] = { 0 };
	int64_t i = 0;

	for (; i + CHAINS <= n; i += CHAINS)
		for (int c = 0; c < CHAINS; c++)
			chain[c] += (double)a[i + c] * b[i + c];
	for (; i < n; i++)
		chain[i % CHAINS] += (double)a[i] * b[i];
	return join(chain);
}

FXQ_CLONES
double sum_of_squares(const real *v, int64_t n, double from)
{
	double chain[CHAINS] = { 0 };
	int64_t i = 0;

	for (; i + CHAINS <= n; i += CHAINS)
		for (int c = 0; c < CHAINS; c++)
			chain[c] += (v[i + c] - from) * (v[i + c] - from);
	for (; i < n; i++)
		chain[i % CHAINS] += (v[i] - from) * (v[i] - from);
	return join(chain);
}

struct job {
	const real *v;
	real *to;
	int64_t batch, channels, size;
};

static void channel_task(void *ctx, int64_t channel, int thread)
{
	const struct job *j = ctx;
	double sum = 0;

	(void)thread;
	for (int64_t n = 0; n < j->batch; n++)
		sum += sum_of(j->v + (n * j->channels + channel) * j->size,
			      j->size);
	j->to[channel] = (real)sum;
}

void sum_channels(const struct grad *g, const real *v,
		  const struct fxq_tensor *type, real *to)
{
	struct job job = {
		.v = v, .to = to, .batch = type->dims[0],
		.channels = type->dims[1],
		.size = kern_product(type, 2, type->rank),
	};

	if (to)
		parallel_for(grad_threads(g, PARALLEL_ELEMENT *
					     (double)fxq_tensor_count(type)),
			     job.channels, channel_task, &job);
}

/* How far @to moves with each dimension of @type; 0: it was broadcast. */
static void find_steps(const struct fxq_tensor *type,
		       const struct fxq_tensor *to, int64_t *step)
{
	uint32_t lead = type->rank - to->rank;
	int64_t size = 1;

	for (uint32_t d = type->rank; d-- > 0;) {
		int64_t n = d < lead ? 1 : to->dims[d - lead];

		step[d] = n == 1 ? 0 : size;
		size *= n;
	}
}

static void add_rows(const real *v, const struct fxq_tensor *type,
		     const int64_t *step, double *sum)
{
	uint32_t last = type->rank - 1;
	int64_t n = type->dims[last], at[FXQ_MAX_RANK] = { 0 };
	int64_t rows = kern_product(type, 0, last), place = 0;

	for (int64_t r = 0; r < rows; r++, v += n) {
		if (step[last])
			for (int64_t i = 0; i < n; i++)
				sum[place + i] += v[i];
		else
			sum[place] += sum_of(v, n);

		for (uint32_t d = last; d-- > 0;) {
			place += step[d];
			if (++at[d] < type->dims[d])
				break;
			place -= step[d] * type->dims[d];
			at[d] = 0;
		}
	}
}

int sum_to(const real *v, const struct fxq_tensor *type, real *to,
	   const struct fxq_tensor *to_type)
{
	int64_t n = fxq_tensor_count(to_type), step[FXQ_MAX_RANK];
	double *sum;

	if (n == fxq_tensor_count(type)) {
		memcpy(to, v, n * sizeof(*to));
		return 0;
	}

	sum = calloc(n + 1, sizeof(*sum));
	if (!sum)
		return -ENOMEM;
	find_steps(type, to_type, step);
	if (fxq_tensor_count(type))
		add_rows(v, type, step, sum);
	for (int64_t i = 0; i < n; i++)
		to[i] = (real)sum[i];
	free(sum);
	return 0;
}
