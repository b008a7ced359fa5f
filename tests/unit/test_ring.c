// SPDX-License-Identifier: MIT
/*
 * test_ring.c - rings of the kernel's that is here, with files
 */
#include "fake_drm.h"
#include "lib/drm_ring.h"

#define ENTRIES		8
#define SECOND_NS	1000000000ull

static struct drm_ring *ring;
static int pipe_fd[2];

static int begin(void **state)
{
	fake_reset();
	ring = NULL;
	return pipe2(pipe_fd, O_CLOEXEC);
}

static int end(void **state)
{
	ring_close(ring);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return 0;
}

static void open_ring(void)
{
	int ret = ring_open(pipe_fd[0], ENTRIES, &ring);

	/* A kernel without, or one that does not let everybody. */
	if (ret == -ENOSYS || ret == -EPERM || ret == -EINVAL)
		skip();
	assert_int_equal(ret, 0);
}

static void read_pipe(void *data, uint32_t size, bool link, uint64_t cookie)
{
	const struct file_part f = {
		.fd = pipe_fd[0], .data = data, .size = size,
	};

	ring_file(ring, &f, link, cookie);
}

static struct ring_end take(void)
{
	struct ring_end end;

	assert_true(ring_take(ring, &end));
	return end;
}

/* Who only looks sees it in the end, with a call when there is something. */
static void looking_gets_there(void **state)
{
	char data[4];
	int calls = 0;

	open_ring();
	read_pipe(data, sizeof(data), false, 7);
	assert_int_equal(ring_enter(ring, 0, 0), 1);
	for (int i = 0; i < 100; i++)
		calls += ring_enter(ring, 0, 0);
	assert_int_equal(calls, 0);
	assert_int_equal(ring_ready(ring), 0);
	assert_int_equal(write(pipe_fd[1], "here", 4), 4);
	for (int i = 0; i < 5000 && !ring_ready(ring); i++) {
		calls += ring_enter(ring, 0, 0);
		usleep(1000);
	}
	assert_int_equal(take().result, 4);
	assert_int_equal(calls, 1);
	assert_memory_equal(data, "here", 4);
}

static void waiting_has_an_end(void **state)
{
	struct ring_end end;
	char data[4];

	open_ring();
	read_pipe(data, sizeof(data), false, 7);
	/* What was handed over is told first. */
	assert_int_equal(ring_enter(ring, 1, 1000000), 1);
	assert_int_equal(ring_enter(ring, 1, 1000000), -ETIME);
	assert_int_equal(write(pipe_fd[1], "here", 4), 4);
	assert_int_equal(ring_enter(ring, 1, 10 * SECOND_NS), 1);
	end = take();
	assert_int_equal(end.cookie, 7);
	assert_int_equal(end.result, 4);
	assert_false(ring_take(ring, &end));
}

/* What follows a part that did not end well is cancelled; else it comes after. */
static void links_hold(void **state)
{
	char data[2][4];

	open_ring();
	for (int bytes = 4; bytes > 2; bytes--) {
		struct ring_end end;

		assert_int_equal(write(pipe_fd[1], "herethere", bytes + 4),
				 bytes + 4);
		read_pipe(data[0], bytes == 4 ? 4 : 8, true, 0);
		read_pipe(data[1], 4, false, 1);
		assert_int_equal(ring_enter(ring, 2, 10 * SECOND_NS), 1);
		end = take();
		assert_int_equal(end.cookie, 0);
		assert_int_equal(end.result, bytes == 4 ? 4 : 7);
		end = take();
		assert_int_equal(end.cookie, 1);
		assert_int_equal(end.result, bytes == 4 ? 4 : -ECANCELED);
	}
	assert_memory_equal(data[1], "ther", 4);
}

#define RING_TEST(name)	cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RING_TEST(looking_gets_there),
		RING_TEST(waiting_has_an_end),
		RING_TEST(links_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
