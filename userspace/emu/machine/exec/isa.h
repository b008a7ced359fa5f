/* SPDX-License-Identifier: MIT */
/*
 * isa.h - one source of the operators, an object for each instruction set
 *
 * meson.build compiles every file of operators once for each set, with
 * the compiler's options for it and EXEC_ISA set to its name, and what a file
 * gives to the others is called after it: perf shows fxq_exec_conv_avx512.
 * So plain loops take the widest vectors there are, __AVX512VNNI__ and the like
 * say which intrinsics may be used, and one table per set, chosen at run time,
 * governs all of it. All sets give the same bits: sums are integers, and fp32
 * products are never contracted, so that a wider vector only holds more
 * outputs.
 */
#ifndef FXQ_EXEC_ISA_H
#define FXQ_EXEC_ISA_H

#ifndef EXEC_ISA
#define EXEC_ISA	portable
#endif

#define ISA_PASTE(name, isa)	name##_##isa
#define ISA_EXPAND(name, isa)	ISA_PASTE(name, isa)
#define ISA(name)		ISA_EXPAND(name, EXEC_ISA)

/* table.c */
#define fxq_ops			ISA(fxq_ops)

/* ops.h */
#define fxq_exec_fill		ISA(fxq_exec_fill)
#define fxq_exec_conv		ISA(fxq_exec_conv)
#define fxq_exec_dwconv		ISA(fxq_exec_dwconv)
#define fxq_exec_matmul		ISA(fxq_exec_matmul)
#define fxq_exec_binary		ISA(fxq_exec_binary)
#define fxq_exec_maxpool	ISA(fxq_exec_maxpool)
#define fxq_exec_avgpool	ISA(fxq_exec_avgpool)
#define fxq_exec_globalpool	ISA(fxq_exec_globalpool)
#define fxq_exec_lut		ISA(fxq_exec_lut)
#define fxq_exec_requant	ISA(fxq_exec_requant)
#define fxq_exec_softmax	ISA(fxq_exec_softmax)
#define fxq_exec_layernorm	ISA(fxq_exec_layernorm)
#define fxq_exec_resize		ISA(fxq_exec_resize)
#define fxq_exec_reduce		ISA(fxq_exec_reduce)
#define fxq_exec_transpose	ISA(fxq_exec_transpose)

/* dot.h, epilogue.h, gather.h */
#define fxq_dot			ISA(fxq_dot)
#define fxq_taps		ISA(fxq_taps)
#define fxq_epilogue_conv	ISA(fxq_epilogue_conv)
#define fxq_epilogue_matmul	ISA(fxq_epilogue_matmul)
#define fxq_epilogue_run	ISA(fxq_epilogue_run)
#define fxq_lanes_load		ISA(fxq_lanes_load)
#define fxq_lanes_begin		ISA(fxq_lanes_begin)
#define fxq_quantize_row	ISA(fxq_quantize_row)
#define fxq_gather_conv		ISA(fxq_gather_conv)
#define fxq_gather_panel	ISA(fxq_gather_panel)

/* band.h, tile.h, conv.h, matmul.h, dwconv.h */
#define fxq_band_plan		ISA(fxq_band_plan)
#define fxq_band_fill		ISA(fxq_band_fill)
#define fxq_tile_dot		ISA(fxq_tile_dot)
#define fxq_tile_next		ISA(fxq_tile_next)
#define fxq_tile_widen		ISA(fxq_tile_widen)
#define matmul_pack		ISA(matmul_pack)
#define matmul_by_strips	ISA(matmul_by_strips)
#define dwconv_by_quads		ISA(dwconv_by_quads)
#define dwconv_by_threes	ISA(dwconv_by_threes)
#define conv_lanes		ISA(conv_lanes)
#define conv_finish		ISA(conv_finish)
#define conv_by_strips		ISA(conv_by_strips)

#endif /* FXQ_EXEC_ISA_H */
