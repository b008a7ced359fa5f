// SPDX-License-Identifier: MIT
/*
 * Mapping and summing, see broadcast.h. The mapper is that of the forward
 * pass, which takes any types that its rows know.
 */
#include "broadcast.h"
#include "sum.h"

static uint32_t real_type(uint32_t dtype)
{
	return dtype == FXQ_DTYPE_BOOL ? dtype : REAL_DTYPE;
}

int broadcast_back(const struct broadcast *b, arr_row_fn row)
{
	struct fxq_tensor in[3] = { b->dy, b->a, b->b }, to = b->dx;
	struct fxq_call map = { .n_in = 3, .n_out = 1, .in = in, .out = &to,
				.threads = b->threads };
	bool is_copied;
	int ret;

	if (!b->dx.data)
		return 0;

	for (int i = 0; i < 3; i++)
		in[i].dtype = real_type(in[i].dtype);
	ret = arr_broadcast(&map, 3, &to.rank, to.dims);
	if (ret)
		return ret;
	is_copied = fxq_tensor_count(&to) != fxq_tensor_count(&b->dx);
	if (is_copied)
		ret = fxq_tensor_alloc(&to);
	if (ret)
		return ret;

	arr_map(&map, 3, row);
	if (is_copied) {
		ret = sum_to(to.data, &to, b->dx.data, &b->dx);
		fxq_tensor_free(&to);
	}
	return ret;
}
