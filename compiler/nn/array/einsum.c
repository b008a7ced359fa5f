// SPDX-License-Identifier: MIT
/*
 * Einstein summation by its definition: a loop over every label, the output's
 * on the outside, one product summed in double. An ellipsis stands for as
 * many labels as the operands have dimensions left. Fast forms (a matrix
 * product, a transpose) have operators of their own.
 */
#include <ctype.h>

#include "array.h"

#define MAX_OPERANDS	8
#define MAX_LABELS	(2 * FXQ_MAX_RANK)

/*
 * struct plan
 * @labels: letters; dimensions of an ellipsis are numbered from 1
 * @dims: the size each label stands for
 * @step: of each operand, for each label
 */
struct plan {
	uint32_t n_labels, n_out;
	char labels[MAX_LABELS];
	int64_t dims[MAX_LABELS];
	int64_t step[MAX_OPERANDS][MAX_LABELS];
};

struct term {
	char labels[FXQ_MAX_RANK];
	uint32_t n;
};

static int bad_equation(struct fxq_call *call)
{
	return arr_refuse(call, -EINVAL,
			  "the equation \"%.64s\" does not fit the operands",
			  arr_str(call, "equation", ""));
}

/* One operand's labels; @rank < 0: the output, whose rank nobody knows. */
static int read_term(const char **p, int rank, uint32_t ellipsis,
		     struct term *t)
{
	uint32_t letters = 0;

	t->n = 0;
	for (const char *s = *p; *s && *s != ',' && *s != '-'; s++)
		letters += isalpha((unsigned char)*s) != 0;
	if (rank >= 0)
		ellipsis = (uint32_t)rank >= letters ? rank - letters : 0;

	for (; **p && **p != ',' && **p != '-'; (*p)++) {
		if (**p == ' ')
			continue;
		if (!strncmp(*p, "...", 3)) {
			if (t->n + ellipsis > FXQ_MAX_RANK)
				return -EINVAL;
			/* Aligned at the last dimension, as in broadcasting. */
			for (uint32_t i = 0; i < ellipsis; i++)
				t->labels[t->n++] = 1 + (ellipsis - 1 - i);
			*p += 2;
			continue;
		}
		if (!isalpha((unsigned char)**p) || t->n == FXQ_MAX_RANK)
			return -EINVAL;
		t->labels[t->n++] = **p;
	}
	return rank >= 0 && t->n != (uint32_t)rank ? -EINVAL : 0;
}

static int find_label(const struct plan *p, char label)
{
	for (uint32_t i = 0; i < p->n_labels; i++)
		if (p->labels[i] == label)
			return i;
	return -1;
}

static int add_label(struct plan *p, char label)
{
	if (p->n_labels == MAX_LABELS)
		return -1;
	p->labels[p->n_labels] = label;
	p->dims[p->n_labels] = 1;
	return p->n_labels++;
}

static int add_operand(struct plan *p, uint32_t k, const struct term *term,
		       const struct fxq_tensor *t)
{
	int64_t dense[FXQ_MAX_RANK];

	arr_dense(t->rank, t->dims, dense);
	for (uint32_t d = 0; d < t->rank; d++) {
		int l = find_label(p, term->labels[d]);

		if (l < 0)
			l = add_label(p, term->labels[d]);
		if (l < 0)
			return -EINVAL;
		if (t->dims[d] == 1)
			continue;
		if (p->dims[l] != 1 && p->dims[l] != t->dims[d])
			return -EINVAL;
		p->dims[l] = t->dims[d];
		p->step[k][l] += dense[d];
	}
	return 0;
}

/* Without "->" the output has each label that occurs once, in order. */
static void implicit_output(const struct term *terms, uint32_t n,
			    struct term *out)
{
	out->n = 0;
	for (int label = 1; label < 128; label++) {
		int c = label <= FXQ_MAX_RANK ? FXQ_MAX_RANK + 1 - label : label;
		uint32_t seen = 0;

		for (uint32_t k = 0; k < n; k++)
			for (uint32_t i = 0; i < terms[k].n; i++)
				seen += terms[k].labels[i] == c;
		if ((seen == 1 || (seen && c <= FXQ_MAX_RANK)) &&
		    out->n < FXQ_MAX_RANK)
			out->labels[out->n++] = c;
	}
}

static uint32_t longest_ellipsis(const struct term *terms, uint32_t n)
{
	uint32_t longest = 0;

	for (uint32_t k = 0; k < n; k++)
		for (uint32_t i = 0; i < terms[k].n; i++)
			if (terms[k].labels[i] <= FXQ_MAX_RANK &&
			    (uint32_t)terms[k].labels[i] > longest)
				longest = terms[k].labels[i];
	return longest;
}

static int make_plan(struct fxq_call *call, struct plan *p)
{
	const char *s = arr_str(call, "equation", "");
	struct term terms[MAX_OPERANDS], out;

	memset(p, 0, sizeof(*p));
	if (call->n_in > MAX_OPERANDS)
		return bad_equation(call);
	for (uint32_t k = 0; k < call->n_in; k++) {
		if (read_term(&s, call->in[k].rank, 0, &terms[k]) ||
		    (k + 1 < call->n_in && *s != ','))
			return bad_equation(call);
		s += *s == ',';
	}
	if (!strncmp(s, "->", 2)) {
		s += 2;
		if (read_term(&s, -1, longest_ellipsis(terms, call->n_in),
			      &out))
			return bad_equation(call);
	} else {
		implicit_output(terms, call->n_in, &out);
	}
	if (*s)
		return bad_equation(call);

	for (uint32_t i = 0; i < out.n; i++)
		if (find_label(p, out.labels[i]) >= 0 ||
		    add_label(p, out.labels[i]) < 0)
			return bad_equation(call);
	p->n_out = out.n;
	for (uint32_t k = 0; k < call->n_in; k++)
		if (add_operand(p, k, &terms[k], &call->in[k]))
			return bad_equation(call);
	return 0;
}

int infer_einsum(struct fxq_call *call)
{
	int64_t work = 1;
	struct plan p;
	int ret;

	ret = make_plan(call, &p);
	if (ret)
		return ret;
	for (uint32_t k = 0; k < call->n_in; k++)
		if (call->in[k].dtype != call->in[0].dtype ||
		    call->in[k].dtype == FXQ_DTYPE_BOOL)
			return arr_refuse(call, -EINVAL,
					  "operands differ in type");
	for (uint32_t l = 0; l < p.n_labels; l++)
		if (__builtin_mul_overflow(work, p.dims[l], &work))
			return arr_refuse(call, -EOVERFLOW,
					  "the sum has too many terms");
	return arr_set_out(call, 0, call->in[0].dtype, p.n_out, p.dims);
}

/* The product of the operands' elements at the place @at. */
static void product(const struct fxq_call *call, const struct plan *p,
		    const int64_t *at, union arr_block *sum)
{
	union arr_block v, prod;
	enum arr_kind kind = ARR_FLOAT;

	for (uint32_t k = 0; k < call->n_in; k++) {
		int64_t place = 0;

		for (uint32_t l = 0; l < p->n_labels; l++)
			place += at[l] * p->step[k][l];
		kind = arr_load(k ? &v : &prod, &call->in[k], place, 1);
		if (k && kind == ARR_FLOAT)
			prod.f[0] *= v.f[0];
		else if (k)
			prod.u[0] *= v.u[0];
	}
	if (kind == ARR_FLOAT)
		sum->f[0] += prod.f[0];
	else
		sum->u[0] += prod.u[0];
}

ARR_KERNEL(einsum)
{
	const struct fxq_tensor *out = &call->out[0];
	int64_t n = fxq_tensor_count(out), terms;
	int64_t at[MAX_LABELS] = { 0 };
	enum arr_kind kind;
	union arr_block sum;
	struct plan p;
	int ret;

	ret = make_plan(call, &p);
	if (ret)
		return ret;
	kind = arr_load(&sum, &call->in[0], 0, 0);
	terms = arr_product(p.dims, p.n_out, p.n_labels);

	for (int64_t i = 0; i < n; i++) {
		sum.u[0] = 0;
		for (int64_t k = 0; k < terms; k++) {
			product(call, &p, at, &sum);
			arr_next(at, p.dims, p.n_labels);
		}
		arr_store(&sum, kind, out, i, 1);
	}
	return 0;
}
