/* SPDX-License-Identifier: MIT */
/*
 * ops_quant.h - the integer operators that convert produces
 *
 * Their kernels (reference*.c) are the integer reference: plain nested loops
 * over logical dimensions, which share fxq_arith.h with the machine and
 * nothing else. Lowering turns each into descriptors that give the same bytes.
 *
 * Activations are int8 tensors that carry scale and zero_point; x, y stand
 * for input and output. lo and hi (ints) clamp before the table, if any.
 * What only moves elements (reshape, permute, slice, concat, pad, gather,
 * split, getitem) keeps its float operator, with input and output of one
 * scale and zero point.
 *
 * qconv2d(x NCHW, w int8 O(I/groups)HW, bias int32[O], m f32[O],
 *	   n f32[O] or None, res int8 or None, lut int8[256] or None;
 *	   stride (2), padding (4: top, left, bottom, right), dilation (2),
 *	   groups, lo, hi, res_m, raw, sum_zero_point)
 *	acc = bias + sum (x - z_x) * w, outside the input x = z_x
 *	v = acc * (acc < 0 ? n : m) + (res - z_r) * res_m; y = lut[Q(v) + 128]
 *	With a lut, Q rounds to a scale of its own, whose zero point is
 *	sum_zero_point; without, it is the result's.
 *	raw = 1: y is int32 acc, without m, res, lut
 * qconv_transpose2d(x, w int8 I(O/groups)HW, bias, m, n, res, lut; as qconv2d,
 *	   output_padding (2)): padding of the transposed convolution
 * qlinear(x (..., K), w int8 (N, K), bias int32[N], m f32[N], n, res, lut;
 *	   lo, hi, res_m, raw): as qconv2d over the last dimension
 * qmatmul(a (..., M, K), b (..., K, N); m, lo, hi): batch dimensions equal or
 *	   broadcast; acc = sum (a - z_a) * (b - z_b), y = Q(acc * m)
 * qadd, qsub, qminimum, qmaximum(a, b; m_a, m_b, lo, hi), qmul(a, b; m, lo,
 *	   hi): numpy broadcasting
 * qmax_pool2d(x; kernel_size (2), stride, padding (4), dilation, lo, hi)
 * qavg_pool2d(x, table f32[kh * kw]; kernel_size, stride, padding (4),
 *	   count_include_pad, lo, hi): y = Q(sum * table[counted - 1])
 * qmean_pool2d(x; m, lo, hi): mean over H and W, dims kept as 1
 * qreduce(x; dim (one), kind "sum" or "max", m, lo, hi): dim kept as 1
 * qlut(x, table int8[256]): y = table[x + 128]
 * qscale(x): y = x, read in another scale
 * qrequant(x; m, lo, hi): y = Q((x - z_x) * m)
 * qresize2d(x, ytab u16[oh, 2], xtab u16[ow, 2]; bilinear, m, lo, hi):
 *	   tables hold {index, fraction of 2048}
 * qsoftmax(x, table u32[256]; dim, m, lo, hi)
 * qlayer_norm(x, gh f32[c, 2]; eps, lo, hi): over the last dimension; eps is
 *	   eps' of the arithmetic
 */
#ifndef FXQ_OPS_QUANT_H
#define FXQ_OPS_QUANT_H

/* X(name, path, repr, min_in, max_in, n_out, flags), as in ops.h */
#define FX_OP_QUANT(X, name, min_in, max_in)				\
	X(name, "torch.ops.quantized." #name, "<function " #name ">",	\
	  min_in, max_in, 1, 0)

#define FX_OPS_QUANT(X)				\
	FX_OP_QUANT(X, qconv2d, 3, 7)		\
	FX_OP_QUANT(X, qconv_transpose2d, 3, 7)	\
	FX_OP_QUANT(X, qlinear, 3, 7)		\
	FX_OP_QUANT(X, qmatmul, 2, 2)		\
	FX_OP_QUANT(X, qadd, 2, 2)		\
	FX_OP_QUANT(X, qsub, 2, 2)		\
	FX_OP_QUANT(X, qmul, 2, 2)		\
	FX_OP_QUANT(X, qminimum, 2, 2)		\
	FX_OP_QUANT(X, qmaximum, 2, 2)		\
	FX_OP_QUANT(X, qmax_pool2d, 1, 1)	\
	FX_OP_QUANT(X, qavg_pool2d, 2, 2)	\
	FX_OP_QUANT(X, qmean_pool2d, 1, 1)	\
	FX_OP_QUANT(X, qreduce, 1, 1)		\
	FX_OP_QUANT(X, qlut, 2, 2)		\
	FX_OP_QUANT(X, qscale, 1, 1)		\
	FX_OP_QUANT(X, qrequant, 1, 1)		\
	FX_OP_QUANT(X, qresize2d, 3, 3)		\
	FX_OP_QUANT(X, qsoftmax, 2, 2)		\
	FX_OP_QUANT(X, qlayer_norm, 2, 2)

#endif /* FXQ_OPS_QUANT_H */
