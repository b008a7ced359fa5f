// SPDX-License-Identifier: MIT
/*
 * Gradients of convolutions and transposed convolutions. Both relate a field,
 * read as columns (columns.h), to a side by the weight w:
 *
 *	convolution	side = w · columns(field): x is the field, y the side
 *	transposed	columns(field) = wᵀ · side: x is the side, y the field
 *
 * So dw = side · columnsᵀ for both, with the gradient of y in y's place. What
 * remains of the two is how dx comes about.
 *
 * The batch is cut into as many parts as there are threads; each sums a dw of
 * its own, and these are added in order.
 */
#include "blas.h"
#include "columns.h"
#include "grad.h"
#include "sum.h"

struct scratch {
	real *columns;
	real *dw;
};

/*
 * struct job - the products
 * @m: of the field. @sides: channels of the side in a group
 * @field, @side: x and dy, or dy and x
 * @w, @dw: weights; dw NULL: not wanted
 * @d_field, @d_side: dx is one of them; NULL: the other is, or not wanted
 */
struct job {
	struct columns m;
	int64_t sides;
	const real *field, *side, *w;
	real *dw, *d_field, *d_side;
	int parts;
	struct scratch *scratch;	/* of each part */
};

static struct blas_matrix plain(const real *v, int64_t ld)
{
	return (struct blas_matrix){ .v = v, .ld = ld };
}

static struct blas_matrix across(const real *v, int64_t ld)
{
	return (struct blas_matrix){ .v = v, .ld = ld, .t = true };
}

/* One group of one image: where its parts are. */
struct unit {
	const real *field, *side, *w;
	real *dw, *d_field, *d_side;
};

static struct unit find_unit(const struct job *j, struct scratch *s,
			     int64_t image, int64_t group)
{
	const struct convolution *c = &j->m.c;
	int64_t number = image * c->groups + group;
	int64_t field = number * c->ic * convolution_in_size(c);
	int64_t side = number * j->sides * convolution_out_size(c);
	int64_t w = group * j->sides * j->m.k;

	return (struct unit){
		.field = j->field + field,
		.side = j->side + side,
		.w = j->w + w,
		.dw = s->dw ? s->dw + w : NULL,
		.d_field = j->d_field ? j->d_field + field : NULL,
		.d_side = j->d_side ? j->d_side + side : NULL,
	};
}

/* A side of one channel, as depthwise convolutions have: vectors, no matrix. */
static void add_products(int64_t k, int64_t n, const real *columns,
			 const real *side, real *dw)
{
	for (int64_t i = 0; i < k; i++)
		dw[i] += (real)sum_of_products(columns + i * n, side, n);
}

FXQ_CLONES
static void multiply_each(int64_t k, int64_t n, const real *w,
			  const real *side, real *columns)
{
	for (int64_t i = 0; i < k; i++, columns += n)
		for (int64_t p = 0; p < n; p++)
			columns[p] = w[i] * side[p];
}

/* What columns say of dw and d_side. */
static void from_columns(const struct job *j, const struct unit *u, real *room,
			 int64_t row, int64_t rows)
{
	const struct convolution *c = &j->m.c;
	int64_t size = convolution_out_size(c), at = row * c->out[2];
	int64_t n = rows * c->out[2];
	const real *columns = j->m.is_input ? u->field : room;

	if (!u->dw && !u->d_side)
		return;
	if (!j->m.is_input)
		columns_fill(&j->m, u->field, row, rows, room);
	if (u->dw && j->sides == 1)
		add_products(j->m.k, n, columns, u->side + at, u->dw);
	else if (u->dw)
		blas_multiply(j->sides, j->m.k, n, plain(u->side + at, size),
			      across(columns, n), u->dw, j->m.k, true);
	if (u->d_side)
		blas_multiply(j->sides, n, j->m.k, plain(u->w, j->m.k),
			      plain(columns, n), u->d_side + at, size, false);
}

static void to_field(const struct job *j, const struct unit *u, real *room,
		     int64_t row, int64_t rows)
{
	const struct convolution *c = &j->m.c;
	int64_t size = convolution_out_size(c), n = rows * c->out[2];
	real *columns = j->m.is_input ? u->d_field : room;

	if (!u->d_field)
		return;
	if (j->sides == 1)
		multiply_each(j->m.k, n, u->w, u->side + row * c->out[2],
			      columns);
	else
		blas_multiply(j->m.k, n, j->sides, across(u->w, j->m.k),
			      plain(u->side + row * c->out[2], size), columns,
			      n, false);
	if (!j->m.is_input)
		columns_add(&j->m, columns, row, rows, u->d_field);
}

static void part_task(void *ctx, int64_t part, int thread)
{
	const struct job *j = ctx;
	const struct convolution *c = &j->m.c;
	struct scratch *s = &j->scratch[part];
	int64_t end = grad_cut(c->batch, part + 1, j->parts);
	int64_t all = c->out[0] * c->out[1];

	(void)thread;
	for (int64_t i = grad_cut(c->batch, part, j->parts); i < end; i++)
		for (int64_t g = 0; g < c->groups; g++) {
			struct unit u = find_unit(j, s, i, g);

			for (int64_t row = 0; row < all; row += j->m.strip) {
				int64_t rows = all - row < j->m.strip ?
					       all - row : j->m.strip;

				from_columns(j, &u, s->columns, row, rows);
				to_field(j, &u, s->columns, row, rows);
			}
		}
}

static void free_scratch(struct job *j)
{
	for (int i = 0; j->scratch && i < j->parts; i++) {
		free(j->scratch[i].columns);
		if (j->scratch[i].dw != j->dw)
			free(j->scratch[i].dw);
	}
	free(j->scratch);
}

/* The first part sums where the result is to be. */
static int new_scratch(struct job *j)
{
	int64_t weights = j->m.c.groups * j->sides * j->m.k;

	j->scratch = calloc(j->parts, sizeof(*j->scratch));
	if (!j->scratch)
		return -ENOMEM;
	for (int i = 0; i < j->parts; i++) {
		struct scratch *s = &j->scratch[i];

		s->columns = malloc((j->m.size + 1) * sizeof(real));
		if (!s->columns)
			return -ENOMEM;
		if (!j->dw)
			continue;
		s->dw = i ? calloc(weights, sizeof(real)) : j->dw;
		if (!s->dw)
			return -ENOMEM;
	}
	return 0;
}

static void add_parts(struct job *j)
{
	int64_t weights = j->m.c.groups * j->sides * j->m.k;

	for (int p = 1; j->dw && p < j->parts; p++)
		for (int64_t i = 0; i < weights; i++)
			j->dw[i] += j->scratch[p].dw[i];
}

static int run_products(struct grad *g, struct job *j)
{
	const struct convolution *c = &j->m.c;
	int64_t size = convolution_out_size(c);
	int ret;

	ret = blas_load(&g->call, size > j->m.k ? size : j->m.k);
	if (ret)
		return ret;

	j->parts = grad_threads(g, 2.0 * c->batch * c->groups * j->sides *
				j->m.k * size);
	if (j->parts > c->batch)
		j->parts = (int)(c->batch ? c->batch : 1);
	ret = new_scratch(j);
	if (!ret) {
		parallel_for(j->parts, j->parts, part_task, j);
		add_parts(j);
	}
	free_scratch(j);
	return ret;
}

static int back_conv(struct grad *g, uint32_t nd)
{
	struct job j = {
		.field = grad_in(g, 0), .side = grad_dy(g, 0),
		.w = grad_in(g, 1), .dw = grad_dx_zeroed(g, 1),
		.d_field = grad_dx_zeroed(g, 0),
	};
	struct convolution c;
	int ret;

	ret = convolution_read(&g->call, nd, false, &c);
	if (ret)
		return ret;
	for (uint32_t d = 0; d < 3; d++)
		c.out[d] = d + nd < 3 ? 1 : g->out[0].dims[d + nd - 1];
	sum_channels(g, grad_dy(g, 0), &g->out[0], grad_dx(g, 2));
	if (!j.dw && !j.d_field)
		return 0;

	j.sides = c.oc;
	ret = columns_init(&j.m, &c);
	if (!ret)
		ret = run_products(g, &j);
	columns_finish(&j.m);
	return ret;
}

/* The convolution that leads from y back to x. */
static int back_transposed(struct grad *g, uint32_t nd)
{
	struct job j = {
		.field = grad_dy(g, 0), .side = grad_in(g, 0),
		.w = grad_in(g, 1), .dw = grad_dx_zeroed(g, 1),
		.d_side = grad_dx(g, 0),
	};
	struct convolution c;
	int ret;

	ret = convolution_read(&g->call, nd, true, &c);
	if (ret)
		return ret;
	j.sides = c.ic;
	c.ic = c.oc;
	memcpy(c.out, c.in, sizeof(c.out));
	for (uint32_t d = 0; d < 3; d++)
		c.in[d] = d + nd < 3 ? 1 : g->out[0].dims[d + nd - 1];
	sum_channels(g, grad_dy(g, 0), &g->out[0], grad_dx(g, 2));
	if (!j.dw && !j.d_side)
		return 0;

	ret = columns_init(&j.m, &c);
	if (!ret)
		ret = run_products(g, &j);
	columns_finish(&j.m);
	return ret;
}

#define CONV(nd)							\
GRAD_KERNEL(conv##nd##d)						\
{									\
	return back_conv(g, nd);					\
}									\
									\
GRAD_KERNEL(conv_transpose##nd##d)					\
{									\
	return back_transposed(g, nd);					\
}

CONV(1)
CONV(2)
CONV(3)
