// SPDX-License-Identifier: MIT
/*
 * Copying between two arrays that are stepped through differently: what
 * permute, slice, expand, pad, concat and a few more have in common. Loops
 * that touch memory in order on both sides become memcpy; where reading and
 * writing run along different dimensions the copy goes tile by tile, so that
 * each cache line is fetched once, and four bytes wide through registers.
 */
#include "array.h"
#include "../kernels/transpose.h"

#define TILE	16

void arr_dense(uint32_t rank, const int64_t *dims, int64_t *strides)
{
	int64_t step = 1;

	for (uint32_t d = rank; d-- > 0; ) {
		strides[d] = step;
		step *= dims[d];
	}
}

/* Drops dimensions of one element and joins those stepped through as one. */
static struct arr_view simplify(const struct arr_view *v)
{
	struct arr_view s = { 0 };

	for (uint32_t d = 0; d < v->rank; d++) {
		uint32_t last = s.rank - 1;

		if (v->dims[d] == 1)
			continue;
		if (s.rank && s.to[last] == v->to[d] * v->dims[d] &&
		    s.from[last] == v->from[d] * v->dims[d]) {
			s.dims[last] *= v->dims[d];
			s.to[last] = v->to[d];
			s.from[last] = v->from[d];
			continue;
		}
		s.dims[s.rank] = v->dims[d];
		s.to[s.rank] = v->to[d];
		s.from[s.rank] = v->from[d];
		s.rank++;
	}
	if (!s.rank) {
		s.rank = 1;
		s.dims[0] = 1;
		s.to[0] = 1;
		s.from[0] = 1;
	}
	return s;
}

static inline void copy_row(char *to, const char *from, size_t bytes,
			    int64_t n, int64_t to_step, int64_t from_step)
{
	if (to_step == 1 && from_step == 1) {
		memcpy(to, from, n * bytes);
		return;
	}
	for (int64_t i = 0; i < n; i++)
		memcpy(to + i * to_step * (int64_t)bytes,
		       from + i * from_step * (int64_t)bytes, bytes);
}

/* The two innermost loops, in squares. */
static inline void copy_plane(char *to, const char *from, size_t bytes,
			      const int64_t *dims, const int64_t *to_step,
			      const int64_t *from_step)
{
	int64_t b = bytes;

	if (to_step[1] == 1 && from_step[1] == 1) {
		for (int64_t i = 0; i < dims[0]; i++)
			memcpy(to + i * to_step[0] * b,
			       from + i * from_step[0] * b, dims[1] * b);
		return;
	}
	if (bytes == sizeof(float) && to_step[1] == 1 && from_step[0] == 1) {
		kern_transpose((float *)to, to_step[0], (const float *)from,
			       from_step[1], dims[1], dims[0]);
		return;
	}
	for (int64_t i0 = 0; i0 < dims[0]; i0 += TILE) {
		int64_t i1 = i0 + TILE < dims[0] ? i0 + TILE : dims[0];

		for (int64_t j0 = 0; j0 < dims[1]; j0 += TILE) {
			int64_t n = dims[1] - j0 < TILE ? dims[1] - j0 : TILE;

			for (int64_t i = i0; i < i1; i++)
				copy_row(to + (i * to_step[0] +
					       j0 * to_step[1]) * b,
					 from + (i * from_step[0] +
						 j0 * from_step[1]) * b,
					 bytes, n, to_step[1], from_step[1]);
		}
	}
}

/*
 * Puts the dimension that is read in order next to the innermost one, which
 * is written in order: these two make the tiles.
 */
static void pair_dimensions(struct arr_view *v)
{
	uint32_t best = v->rank - 2;

	for (uint32_t d = 0; d + 1 < v->rank; d++)
		if (v->from[d] == 1)
			best = d;

#define SWAP(a) do {						\
		int64_t t = v->a[best];				\
		v->a[best] = v->a[v->rank - 2];			\
		v->a[v->rank - 2] = t;				\
	} while (0)
	SWAP(dims);
	SWAP(to);
	SWAP(from);
#undef SWAP
}

static void copy_outer(char *to, const char *from, size_t bytes,
		       const struct arr_view *v, uint32_t d)
{
	if (d + 2 == v->rank) {
		switch (bytes) {	/* constants let the copies unroll */
		case 1:
			copy_plane(to, from, 1, &v->dims[d], &v->to[d],
				   &v->from[d]);
			return;
		case 4:
			copy_plane(to, from, 4, &v->dims[d], &v->to[d],
				   &v->from[d]);
			return;
		default:
			copy_plane(to, from, bytes, &v->dims[d], &v->to[d],
				   &v->from[d]);
			return;
		}
	}
	for (int64_t i = 0; i < v->dims[d]; i++)
		copy_outer(to + i * v->to[d] * (int64_t)bytes,
			   from + i * v->from[d] * (int64_t)bytes, bytes, v,
			   d + 1);
}

void arr_copy(void *to, const void *from, size_t bytes,
	      const struct arr_view *view)
{
	struct arr_view v;

	if (!arr_product(view->dims, 0, view->rank))
		return;

	v = simplify(view);
	if (v.rank == 1) {
		copy_row(to, from, bytes, v.dims[0], v.to[0], v.from[0]);
		return;
	}
	pair_dimensions(&v);
	copy_outer(to, from, bytes, &v, 0);
}
