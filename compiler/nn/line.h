/* SPDX-License-Identifier: MIT */
/*
 * line.h - what is for a line, (N, C, L), as for an image of one row
 *
 * Said once for the two who write integer operators, as forms.h is.
 */
#ifndef FXQ_NN_LINE_H
#define FXQ_NN_LINE_H

#include <stddef.h>
#include <stdint.h>

/* "conv2d" for "conv1d"; NULL if @op is for no line. */
const char *line_image_op(const char *op);

/*
 * Parameter @name of such an operator, @count numbers @v along the line, for
 * height and width or, of "padding", for the four ends of an image. Fills @ret and
 * returns how many it has; 0: it is the same for an image.
 */
size_t line_image_param(const char *name, const int64_t *v, size_t count,
			int64_t ret[4]);

#endif /* FXQ_NN_LINE_H */
