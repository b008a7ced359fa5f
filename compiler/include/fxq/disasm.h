/* SPDX-License-Identifier: MIT */
/*
 * disasm.h - descriptors in words
 */
#ifndef FXQ_DISASM_H
#define FXQ_DISASM_H

#include <stdint.h>
#include <stdio.h>

#include <fxq/fxq_cmd.h>

/*
 * Prints descriptor @d, the @index-th of its stream, in one line: index, tag,
 * operator, operands, waits. Whatever the bytes are, something is printed.
 */
void fxq_print_desc(FILE *to, const struct fxq_desc *d, uint32_t index);

#endif /* FXQ_DISASM_H */
