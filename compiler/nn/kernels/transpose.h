/* SPDX-License-Identifier: MIT */
#ifndef FXQ_KERNELS_TRANSPOSE_H
#define FXQ_KERNELS_TRANSPOSE_H

#include <stdint.h>

/* to[c * to_pitch + r] = from[r * from_pitch + c] for @rows × @cols floats. */
void kern_transpose(float *to, int64_t to_pitch, const float *from,
	       int64_t from_pitch, int64_t rows, int64_t cols);

#endif
