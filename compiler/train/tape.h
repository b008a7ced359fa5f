/* SPDX-License-Identifier: MIT */
/*
 * tape.h - what the files of training share
 */
#ifndef FXQ_TRAIN_TAPE_H
#define FXQ_TRAIN_TAPE_H

struct fx_tape;

/* Keeps the sentence for fx_tape_error(), and returns @err. */
int tape_fail(struct fx_tape *t, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
