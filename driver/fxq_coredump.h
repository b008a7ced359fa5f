/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_COREDUMP_H
#define FXQ_COREDUMP_H

struct fxq_complete;
struct fxq_run;

void fxq_coredump(const struct fxq_run *run, const struct fxq_complete *record,
		  int error);

#endif /* FXQ_COREDUMP_H */
