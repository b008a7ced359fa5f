/* SPDX-License-Identifier: MIT */
/*
 * ops_array.h - the array operators, one line each (see ops.h)
 *
 * Parameters, as kwargs or, where one is marked *, as the integer tensor that
 * follows the data (a marked one's tensor is the n-th input):
 *
 *   getitem(index): the result of that number, of a node that has several
 *   mod(fmod=0)  cast(to)  isinf(detect_negative=1, detect_positive=1)
 *   shift(direction="LEFT"|"RIGHT")
 *   reshape(shape*2, allowzero=0)  flatten(start_dim=0, end_dim=-1)
 *   squeeze(dims*2)  unsqueeze(dims*2)  expand(sizes*2)  tile(repeats*2)
 *   permute(dims, or swap: two that change places; absent: in reverse order)
 *   concat(dim)  split(dim=0, sizes*2, n_out)
 *   slice(starts*2, ends*3, axes*4, steps*5)
 *   pad(pads*2, value*3, axes*4, mode="constant"|"reflect"|"edge"|"wrap")
 *   depth_to_space(block, mode="DCR"|"CRD")  space_to_depth(block)
 *   reverse_sequence(batch_dim=1, time_dim=0)  compress(dim, or none: flat)
 *   trilu(upper=1, k*2=0)
 *   gather(dim=0)  gather_elements(dim=0)  gather_nd(batch_dims=0)
 *   scatter_elements(dim=0, reduction="none"|"add"|"mul"|"min"|"max")
 *   scatter_nd(reduction)
 *   shape(start=0, end=rank)  constant_of_shape(dtype, value)
 *   one_hot(dim=-1)  eye_like(dtype, k=0)
 *   reduce_*(dims*2, keepdim=1, noop_with_empty_axes=0)
 *   top_k(k*2, dim=-1, largest=1, sorted=1)  unique(dim or none, sorted=1)
 *   cumsum(dim*2, exclusive=0, reverse=0)  einsum(equation)
 *   resize_dynamic(axes, keep_aspect_ratio_policy, and what resize takes):
 *	x, region or None, scales or None, sizes or None
 *   non_max_suppression(center_point_box=0): boxes, scores, max per class,
 *	IoU threshold, score threshold
 */
#ifndef FXQ_OPS_ARRAY_H
#define FXQ_OPS_ARRAY_H

#define FX_TORCH_REPR(name)	"<built-in method " name " of type object>"

/* X(name, path, repr, min_in, max_in, n_out, flags) */
#define FX_OPS_ARRAY_MATH(X)						\
	X(add, "{0} + {1}", "<built-in function add>", 2, 2, 1, 0)	\
	X(sub, "{0} - {1}", "<built-in function sub>", 2, 2, 1, 0)	\
	X(mul, "{0} * {1}", "<built-in function mul>", 2, 2, 1, 0)	\
	X(div, "torch.div", FX_TORCH_REPR("div"), 2, 2, 1, 0)		\
	X(pow, "torch.pow", FX_TORCH_REPR("pow"), 2, 2, 1, 0)		\
	X(mod, "torch.remainder", FX_TORCH_REPR("remainder"), 2, 2, 1, 0) \
	X(minimum, "torch.minimum", FX_TORCH_REPR("minimum"), 2, 2, 1, 0) \
	X(maximum, "torch.maximum", FX_TORCH_REPR("maximum"), 2, 2, 1, 0)

#define FX_OPS_ARRAY_LOGIC(X)						\
	X(equal, "torch.eq", FX_TORCH_REPR("eq"), 2, 2, 1, 0)		\
	X(less, "torch.lt", FX_TORCH_REPR("lt"), 2, 2, 1, 0)		\
	X(less_equal, "torch.le", FX_TORCH_REPR("le"), 2, 2, 1, 0)	\
	X(greater, "torch.gt", FX_TORCH_REPR("gt"), 2, 2, 1, 0)		\
	X(greater_equal, "torch.ge", FX_TORCH_REPR("ge"), 2, 2, 1, 0)	\
	X(logical_and, "torch.logical_and",				\
	  FX_TORCH_REPR("logical_and"), 2, 2, 1, 0)			\
	X(logical_or, "torch.logical_or",				\
	  FX_TORCH_REPR("logical_or"), 2, 2, 1, 0)			\
	X(logical_xor, "torch.logical_xor",				\
	  FX_TORCH_REPR("logical_xor"), 2, 2, 1, 0)			\
	X(logical_not, "torch.logical_not",				\
	  FX_TORCH_REPR("logical_not"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(bitwise_and, "torch.bitwise_and",				\
	  FX_TORCH_REPR("bitwise_and"), 2, 2, 1, 0)			\
	X(bitwise_or, "torch.bitwise_or",				\
	  FX_TORCH_REPR("bitwise_or"), 2, 2, 1, 0)			\
	X(bitwise_xor, "torch.bitwise_xor",				\
	  FX_TORCH_REPR("bitwise_xor"), 2, 2, 1, 0)			\
	X(bitwise_not, "torch.bitwise_not",				\
	  FX_TORCH_REPR("bitwise_not"), 1, 1, 1, FX_OP_POINTWISE)	\
	X(shift, "torch.bitwise_left_shift",				\
	  FX_TORCH_REPR("bitwise_left_shift"), 2, 2, 1, 0)		\
	X(isnan, "torch.isnan", FX_TORCH_REPR("isnan"), 1, 1, 1,	\
	  FX_OP_POINTWISE)						\
	X(isinf, "torch.isinf", FX_TORCH_REPR("isinf"), 1, 1, 1,	\
	  FX_OP_POINTWISE)						\
	X(where, "torch.where", FX_TORCH_REPR("where"), 3, 3, 1, 0)	\
	X(cast, "torch.Tensor.to", "<method 'to' of Tensor>", 1, 1, 1,	\
	  FX_OP_POINTWISE)

#define FX_OPS_ARRAY_VIEW(X)						\
	X(getitem, "{0}[{1}]", "<built-in function getitem>", 1, 1, 1,	\
	  FX_OP_MOVES)							\
	X(reshape, "torch.reshape", FX_TORCH_REPR("reshape"), 1, 2, 1,	\
	  FX_OP_VIEW)							\
	X(flatten, "torch.flatten", FX_TORCH_REPR("flatten"), 1, 1, 1,	\
	  FX_OP_VIEW)							\
	X(squeeze, "torch.squeeze", FX_TORCH_REPR("squeeze"), 1, 2, 1,	\
	  FX_OP_VIEW)							\
	X(unsqueeze, "torch.unsqueeze", FX_TORCH_REPR("unsqueeze"),	\
	  1, 2, 1, FX_OP_VIEW)

#define FX_OPS_ARRAY_MOVE(X)						\
	X(permute, "torch.permute", FX_TORCH_REPR("permute"), 1, 1, 1,	\
	  FX_OP_MOVES)							\
	X(concat, "torch.cat", FX_TORCH_REPR("cat"), 1, -1, 1,		\
	  FX_OP_MOVES)							\
	X(split, "torch.split", "<function split>", 1, 2, -1,		\
	  FX_OP_MOVES)							\
	X(slice, "torch.ops.aten.slice", "<built-in method slice>",	\
	  1, 5, 1, FX_OP_MOVES)						\
	X(expand, "torch.Tensor.expand", "<method 'expand' of Tensor>",	\
	  1, 2, 1, FX_OP_MOVES)						\
	X(tile, "torch.tile", FX_TORCH_REPR("tile"), 1, 2, 1,		\
	  FX_OP_MOVES)							\
	X(pad, "torch.nn.functional.pad", "<built-in function pad>",	\
	  1, 4, 1, FX_OP_MOVES)						\
	X(depth_to_space, "torch.pixel_shuffle",			\
	  FX_TORCH_REPR("pixel_shuffle"), 1, 1, 1, FX_OP_MOVES)		\
	X(space_to_depth, "torch.pixel_unshuffle",			\
	  FX_TORCH_REPR("pixel_unshuffle"), 1, 1, 1, FX_OP_MOVES)	\
	X(reverse_sequence, "fxq.reverse_sequence",			\
	  "<function reverse_sequence>", 2, 2, 1, FX_OP_MOVES)		\
	X(compress, "fxq.compress", "<function compress>", 2, 2, 1,	\
	  FX_OP_MOVES)							\
	X(trilu, "fxq.trilu", "<function trilu>", 1, 2, 1, FX_OP_MOVES)

#define FX_OPS_ARRAY_INDEX(X)						\
	X(gather, "torch.index_select", FX_TORCH_REPR("index_select"),	\
	  2, 2, 1, FX_OP_MOVES)						\
	X(gather_elements, "torch.gather", FX_TORCH_REPR("gather"),	\
	  2, 2, 1, FX_OP_MOVES)						\
	X(gather_nd, "fxq.gather_nd", "<function gather_nd>", 2, 2, 1,	\
	  FX_OP_MOVES)							\
	X(scatter_elements, "torch.scatter", FX_TORCH_REPR("scatter"),	\
	  3, 3, 1, 0)							\
	X(scatter_nd, "fxq.scatter_nd", "<function scatter_nd>",	\
	  3, 3, 1, 0)

#define FX_OPS_ARRAY_MAKE(X)						\
	X(shape, "fxq.shape", "<function shape>", 1, 1, 1, 0)		\
	X(size, "torch.numel", FX_TORCH_REPR("numel"), 1, 1, 1, 0)	\
	X(constant_of_shape, "torch.full", FX_TORCH_REPR("full"),	\
	  1, 1, 1, 0)							\
	X(range, "torch.arange", FX_TORCH_REPR("arange"), 3, 3, 1, 0)	\
	X(one_hot, "torch.nn.functional.one_hot", "<function one_hot>",	\
	  3, 3, 1, 0)							\
	X(eye_like, "torch.eye", FX_TORCH_REPR("eye"), 1, 1, 1, 0)	\
	X(nonzero, "torch.nonzero", FX_TORCH_REPR("nonzero"), 1, 1, 1, 0)

#define FX_OPS_ARRAY_REDUCE(X)						\
	X(reduce_sum, "torch.sum", FX_TORCH_REPR("sum"), 1, 2, 1, 0)	\
	X(reduce_mean, "torch.mean", FX_TORCH_REPR("mean"), 1, 2, 1, 0)	\
	X(reduce_max, "torch.amax", FX_TORCH_REPR("amax"), 1, 2, 1, 0)	\
	X(reduce_min, "torch.amin", FX_TORCH_REPR("amin"), 1, 2, 1, 0)	\
	X(reduce_prod, "torch.prod", FX_TORCH_REPR("prod"), 1, 2, 1, 0)	\
	X(reduce_l1, "fxq.reduce_l1", "<function reduce_l1>",		\
	  1, 2, 1, 0)							\
	X(reduce_l2, "fxq.reduce_l2", "<function reduce_l2>",		\
	  1, 2, 1, 0)							\
	X(reduce_sum_square, "fxq.reduce_sum_square",			\
	  "<function reduce_sum_square>", 1, 2, 1, 0)			\
	X(reduce_log_sum, "fxq.reduce_log_sum",				\
	  "<function reduce_log_sum>", 1, 2, 1, 0)			\
	X(reduce_log_sum_exp, "torch.logsumexp",			\
	  FX_TORCH_REPR("logsumexp"), 1, 2, 1, 0)

#define FX_OPS_ARRAY_SORT(X)						\
	X(top_k, "torch.topk", FX_TORCH_REPR("topk"), 1, 2, 2, 0)	\
	X(unique, "torch.unique", "<function unique>", 1, 1, 4, 0)	\
	X(cumsum, "torch.cumsum", FX_TORCH_REPR("cumsum"), 1, 2, 1, 0)	\
	X(einsum, "torch.einsum", "<function einsum>", 1, -1, 1, 0)	\
	X(resize_dynamic, "fxq.resize_dynamic",				\
	  "<function resize_dynamic>", 1, 4, 1, 0)			\
	X(non_max_suppression, "fxq.non_max_suppression",		\
	  "<function non_max_suppression>", 2, 5, 1, 0)

#define FX_OPS_ARRAY(X)		\
	FX_OPS_ARRAY_MATH(X)	\
	FX_OPS_ARRAY_LOGIC(X)	\
	FX_OPS_ARRAY_VIEW(X)	\
	FX_OPS_ARRAY_MOVE(X)	\
	FX_OPS_ARRAY_INDEX(X)	\
	FX_OPS_ARRAY_MAKE(X)	\
	FX_OPS_ARRAY_REDUCE(X)	\
	FX_OPS_ARRAY_SORT(X)

#endif
