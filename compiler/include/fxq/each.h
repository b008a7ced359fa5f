/* SPDX-License-Identifier: MIT */
/*
 * each.h - FX_EACH: a macro applied to each item of a list
 *
 * The members of a class, the arguments of a forward and the functions of a
 * plugin are written once, as a list; the struct, the table of names and the
 * calls follow from it. FX_EACH(m, a, b, c) is m(0, a) m(1, b) m(2, c); an
 * empty list gives nothing. A list has up to 64 items, and m must not use
 * FX_EACH itself. It is written out flat, so that a compiler's message about an
 * item shows three macros and not sixty.
 */
#ifndef FXQ_EACH_H
#define FXQ_EACH_H

#define FX_EACH(m, ...)	FX_EACH_OF(m, __VA_ARGS__ \
	, , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , \
	, , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , , )
#define FX_EACH_OF(m,	\
	i0, i1, i2, i3, i4, i5, i6, i7, i8, i9, i10, i11, i12, i13, i14, i15,	\
	i16, i17, i18, i19, i20, i21, i22, i23, i24, i25, i26, i27, i28, i29, i30, i31,	\
	i32, i33, i34, i35, i36, i37, i38, i39, i40, i41, i42, i43, i44, i45, i46, i47,	\
	i48, i49, i50, i51, i52, i53, i54, i55, i56, i57, i58, i59, i60, i61, i62, i63,	\
	more, ...)	\
	FX_ONE(m, 0, i0) FX_ONE(m, 1, i1) FX_ONE(m, 2, i2) FX_ONE(m, 3, i3)	\
	FX_ONE(m, 4, i4) FX_ONE(m, 5, i5) FX_ONE(m, 6, i6) FX_ONE(m, 7, i7)	\
	FX_ONE(m, 8, i8) FX_ONE(m, 9, i9) FX_ONE(m, 10, i10) FX_ONE(m, 11, i11)	\
	FX_ONE(m, 12, i12) FX_ONE(m, 13, i13) FX_ONE(m, 14, i14) FX_ONE(m, 15, i15)	\
	FX_ONE(m, 16, i16) FX_ONE(m, 17, i17) FX_ONE(m, 18, i18) FX_ONE(m, 19, i19)	\
	FX_ONE(m, 20, i20) FX_ONE(m, 21, i21) FX_ONE(m, 22, i22) FX_ONE(m, 23, i23)	\
	FX_ONE(m, 24, i24) FX_ONE(m, 25, i25) FX_ONE(m, 26, i26) FX_ONE(m, 27, i27)	\
	FX_ONE(m, 28, i28) FX_ONE(m, 29, i29) FX_ONE(m, 30, i30) FX_ONE(m, 31, i31)	\
	FX_ONE(m, 32, i32) FX_ONE(m, 33, i33) FX_ONE(m, 34, i34) FX_ONE(m, 35, i35)	\
	FX_ONE(m, 36, i36) FX_ONE(m, 37, i37) FX_ONE(m, 38, i38) FX_ONE(m, 39, i39)	\
	FX_ONE(m, 40, i40) FX_ONE(m, 41, i41) FX_ONE(m, 42, i42) FX_ONE(m, 43, i43)	\
	FX_ONE(m, 44, i44) FX_ONE(m, 45, i45) FX_ONE(m, 46, i46) FX_ONE(m, 47, i47)	\
	FX_ONE(m, 48, i48) FX_ONE(m, 49, i49) FX_ONE(m, 50, i50) FX_ONE(m, 51, i51)	\
	FX_ONE(m, 52, i52) FX_ONE(m, 53, i53) FX_ONE(m, 54, i54) FX_ONE(m, 55, i55)	\
	FX_ONE(m, 56, i56) FX_ONE(m, 57, i57) FX_ONE(m, 58, i58) FX_ONE(m, 59, i59)	\
	FX_ONE(m, 60, i60) FX_ONE(m, 61, i61) FX_ONE(m, 62, i62) FX_ONE(m, 63, i63)	\
	FX_ONE(FX_EACH_OVERFLOW, 64, more)
#define FX_ONE(m, i, ...)	__VA_OPT__(m(i, __VA_ARGS__))
#define FX_EACH_OVERFLOW(i, item)	\
	_Pragma("GCC error \"a list has more than 64 items\"")

/*
 * FX_IF_LIST(item, yes, no): yes where item is a (list, in parentheses). Before
 * one, the probe becomes a comma, which moves yes to the third place.
 */
#define FX_IF_LIST(item, yes, no)	FX_THIRD(FX_LIST_PROBE item, yes, no, ~)
#define FX_LIST_PROBE(...)		,
#define FX_THIRD(...)			FX_THIRD_OF(__VA_ARGS__)
#define FX_THIRD_OF(a, b, c, ...)	c

#endif /* FXQ_EACH_H */
