/* SPDX-License-Identifier: GPL-2.0 */
#ifndef FXQ_URING_H
#define FXQ_URING_H

struct io_uring_cmd;

int fxq_uring_cmd(struct io_uring_cmd *cmd, unsigned int issue_flags);

#endif /* FXQ_URING_H */
