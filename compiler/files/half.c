// SPDX-License-Identifier: MIT
/*
 * half.c - floats of 16 bits as floats of 32
 *
 * Every value of either format is a float, so nothing is rounded: a bfloat is
 * the upper half of one, and a half has a narrower exponent.
 */
#include <string.h>

#include "files.h"

static uint32_t bits_at(const uint8_t *from, size_t i)
{
	return from[2 * i] | (uint32_t)from[2 * i + 1] << 8;
}

void floats_from_bfloat(const uint8_t *from, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bits = bits_at(from, i) << 16;

		memcpy(&to[i], &bits, sizeof(bits));
	}
}

/* What is below the normal halves is a multiple of the smallest. */
static float widen(uint32_t half)
{
	uint32_t magnitude = half & 0x7fff;
	uint32_t bits = (magnitude << 13) + (112u << 23);
	float f = (float)magnitude * 0x1p-24f;

	if (magnitude >= 0x7c00)		/* infinity, not a number */
		bits += 112u << 23;
	if (magnitude >= 0x400)
		memcpy(&f, &bits, sizeof(f));
	return half & 0x8000 ? -f : f;
}

void floats_from_half(const uint8_t *from, size_t n, float *to)
{
	for (size_t i = 0; i < n; i++)
		to[i] = widen(bits_at(from, i));
}
