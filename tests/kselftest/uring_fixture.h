/* SPDX-License-Identifier: GPL-2.0 */
/*
 * uring_fixture.h - what tests of commands begin with: a ring, a context with
 * two jobs, and means to hold a run up or to plan a fault, where there are any
 */
#ifndef URING_FIXTURE_H
#define URING_FIXTURE_H

#include "fxq_ring.h"
#include "kselftest_harness.h"

#define BYTES	PAGE
#define DEPTH	32
#define MS	10000		/* that no test takes */

FIXTURE(uring)
{
	int fd;
	u32 ctx, nop, copy;
	u32 bos[2];
	u8 *map[2];
	struct ring ring;
	bool gated;
	struct gate gate;
	int port;
};

FIXTURE_SETUP(uring)
{
	u32 i;
	int ret;

	self->fd = fxq_open(0);
	if (self->fd == -ENODEV)
		SKIP(return, "no fxq device");
	ASSERT_LE(0, self->fd);
	ret = ring_open(&self->ring, 2 * DEPTH, IORING_SETUP_CQE32);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP(return, "this kernel has no io_uring");
	ASSERT_EQ(0, ret);
	self->ctx = new_ctx(self->fd);
	for (i = 0; i < 2; i++) {
		self->bos[i] = new_bo(self->fd, BYTES, 0);
		self->map[i] = new_map(self->fd, self->bos[i], BYTES);
	}
	self->nop = new_job(self->fd, self->ctx, new_nop(self->fd), NULL, 0, 0);
	self->copy = new_job(self->fd, self->ctx, new_copy(self->fd, BYTES),
			     self->bos, BYTES, 2);
	self->gated = !gate_open(&self->gate);
	self->port = control_open();
}

FIXTURE_TEARDOWN(uring)
{
	if (self->port >= 0)
		control(self->port, "plan");
	close(self->ring.fd);
	close(self->fd);
}

#endif /* URING_FIXTURE_H */
