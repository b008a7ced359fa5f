/* SPDX-License-Identifier: MIT */
/*
 * memory_kit.h - what becomes of a call when memory runs out in it, at whatever
 * place
 *
 * The C library's allocator stands behind functions of this file, which count,
 * and refuse once when they are told to. Sanitizers have an allocator of their
 * own: with them there is nothing to test.
 */
#ifndef TEST_MEMORY_KIT_H
#define TEST_MEMORY_KIT_H

#include <dirent.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ALLOCATIONS_MAX	5000	/* of a call; more are a loop */

/*
 * struct memory - @left: allocations until one is refused, -1: none is; @live:
 * pieces that were not freed
 */
static struct memory {
	atomic_long left, live;
	atomic_bool refused;
} memory = { .left = -1 };

static inline bool memory_refuses(void)
{
	if (atomic_load(&memory.left) < 0 ||
	    atomic_fetch_sub(&memory.left, 1))
		return false;
	atomic_store(&memory.refused, true);
	errno = ENOMEM;
	return true;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_KIT_WORKS	false
#else
#define MEMORY_KIT_WORKS	true

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t align, size_t size);
void __libc_free(void *mem);

static inline void *memory_given(void *mem)
{
	if (mem)
		atomic_fetch_add(&memory.live, 1);
	return mem;
}

void *malloc(size_t size)
{
	return memory_refuses() ? NULL : memory_given(__libc_malloc(size));
}

void *calloc(size_t n, size_t size)
{
	return memory_refuses() ? NULL : memory_given(__libc_calloc(n, size));
}

void *realloc(void *old, size_t size)
{
	void *mem = memory_refuses() ? NULL : __libc_realloc(old, size);

	return old ? mem : memory_given(mem);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memory_refuses() ? NULL :
	       memory_given(__libc_memalign(align, size));
}

void free(void *mem)
{
	if (mem)
		atomic_fetch_sub(&memory.live, 1);
	__libc_free(mem);
}

/* Pages, too; those that are given back are not counted. */
void *mmap(void *at, size_t size, int protection, int flags, int fd, off_t from)
{
	if (memory_refuses())
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, size, protection, flags, fd, from);
}
#endif

static inline int count_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* No more than @most: what other threads still have to free they free soon. */
static inline long count_live(long most)
{
	for (int i = 0; i < 10000 && memory.live > most; i++)
		usleep(1000);
	return memory.live;
}

/*
 * Calls @fn with its first allocation refused, then with its second, until none
 * is: each time it says that there is no memory, as @is_told sees it, and keeps
 * none, and no file. @fn may be called with all of them given before.
 */
static inline void each_allocation_fails(int (*fn)(void),
					 bool (*is_told)(int ret))
{
	int files, n, ret;
	long before, live;

	if (!MEMORY_KIT_WORKS)
		skip();
	assert_int_equal(fn(), 0);
	assert_int_equal(fn(), 0);
	files = count_files();
	live = memory.live;
	for (n = 0; n < ALLOCATIONS_MAX; n++) {
		memory.refused = false;
		memory.left = n;
		ret = fn();
		memory.left = -1;
		if (!memory.refused)
			break;
		if (!is_told(ret))
			fail_msg("allocation %d: %d is returned", n, ret);
		before = live;
		live = count_live(before);
		if (live > before)
			fail_msg("allocation %d: %ld are left", n,
				 live - before);
		assert_int_equal(count_files(), files);
	}
	assert_int_equal(ret, 0);
	assert_in_range(n, 1, ALLOCATIONS_MAX - 1);
}

/*
 * MEMORY_TESTS(CALLS, setup, teardown): main() with a test of each function that
 * CALLS(X) lists, which is told by is_told() that there is no memory.
 */
#define MEMORY_TEST(call)						\
	static void no_memory_to_##call(void **state)			\
	{								\
		each_allocation_fails(call, is_told);			\
	}
#define MEMORY_TEST_ROW(call)	cmocka_unit_test(no_memory_to_##call),
#define MEMORY_TESTS(CALLS, setup, teardown)				\
	CALLS(MEMORY_TEST)						\
	int main(void)							\
	{								\
		const struct CMUnitTest tests[] = {			\
			CALLS(MEMORY_TEST_ROW)				\
		};							\
									\
		return cmocka_run_group_tests(tests, setup, teardown);	\
	}

#endif /* TEST_MEMORY_KIT_H */
