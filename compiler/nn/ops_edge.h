/* SPDX-License-Identifier: MIT */
/*
 * ops_edge.h - the operators between float and integer tensors
 *
 * convert puts them where a float graph becomes an integer one and back; in
 * an image they are steps on the CPU, before and after a device segment.
 *
 * quantize(x float32; scale, zero_point, rule): int8. rule "torch" multiplies
 *	   by the reciprocal of the scale, "onnx" divides by it
 * dequantize(x int8): float32, by the scale and zero point of x
 * dequantize_channels(x int32, s float32[c]; axis): float32 x * s[channel]
 */
#ifndef FXQ_NN_OPS_EDGE_H
#define FXQ_NN_OPS_EDGE_H

#define FX_OPS_EDGE(X)							   \
	X(quantize, "torch.quantize_per_tensor",			   \
	  "<built-in method quantize_per_tensor>", 1, 1, 1, 0)		   \
	X(dequantize, "torch.dequantize", "<built-in method dequantize>",  \
	  1, 1, 1, 0)							   \
	X(dequantize_channels, "torch.ops.quantized.dequantize_channels",  \
	  "<function dequantize_channels>", 2, 2, 1, 0)

#endif /* FXQ_NN_OPS_EDGE_H */
