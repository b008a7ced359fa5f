// SPDX-License-Identifier: MIT
/*
 * vfio_memory.c - the guest's memory, as far as the client shares it
 *
 * The client keeps the files, and can make them shorter at any time: the
 * machine's next access then raises SIGBUS. The handler runs on the thread
 * that tripped, inside its visit, so the ranges hold still while it looks for
 * the address; it puts zeros in the file's place, lets the access end, and
 * leaves word. At the next visit there is no memory at all, so that nothing is
 * ever said to have completed on such zeros, and the connection ends.
 *
 * Only files in memory are taken: from any other an access may have to wait for
 * as long as somebody likes, in the case of FUSE the client.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "vfio_memory.h"

#define PAGE		4096ull

/* The memory that this thread visits. */
static __thread struct vfio_memory *visited;

/* Which ranges begin at or below @addr: how many. */
static uint32_t ranges_up_to(const struct vfio_memory *m, uint64_t addr)
{
	uint32_t lo = 0, hi = m->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->range[mid].base <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static const struct vfio_range *range_at(const struct vfio_memory *m,
					 const uint8_t *at)
{
	uint32_t i;

	for (i = 0; i < m->count; i++) {
		const struct vfio_range *r = &m->range[i];

		if (r->host && at >= r->host && at < r->host + r->size)
			return r;
	}
	return NULL;
}

/* Puts zeros in the place of a range's file. */
static bool put_zeros(const struct vfio_range *r)
{
	return mmap(r->host, r->size, PROT_READ | PROT_WRITE, MAP_PRIVATE |
		    MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) ==
	       r->host;
}

/* Calls only what is a plain system call; mmap() of Linux is. */
static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	struct vfio_memory *m = visited;
	const struct vfio_range *r = m ? range_at(m, info->si_addr) : NULL;
	const uint64_t one = 1;
	int saved = errno;

	if (!r || !put_zeros(r)) {
		signal(sig, SIG_DFL);	/* the access repeats, and ends us */
		return;
	}
	__atomic_store_n(&m->broken, true, __ATOMIC_RELEASE);
	if (write(m->wake, &one, sizeof(one)) < 0)
		errno = saved;		/* the counter is full: it is awake */
	errno = saved;
}

static void catch_sigbus(void)
{
	struct sigaction action = {
		.sa_sigaction = on_sigbus,
		.sa_flags = SA_SIGINFO,
	};

	sigaction(SIGBUS, &action, NULL);
}

int vfio_memory_init(struct vfio_memory *m)
{
	pthread_rwlockattr_t attr;

	memset(m, 0, sizeof(*m));
	m->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (m->wake < 0)
		return -errno;
	/* Or a machine that enters again and again would keep others out. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr,
		PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&m->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	catch_sigbus();
	return 0;
}

/* The machine is gone. */
void vfio_memory_finish(struct vfio_memory *m)
{
	vfio_memory_clear(m);
	pthread_rwlock_destroy(&m->lock);
	close(m->wake);
}

static int check_range(uint64_t addr, uint64_t size, uint64_t offset)
{
	if (!size || (addr | size | offset) & (PAGE - 1))
		return -EINVAL;
	if (size > UINT64_MAX - addr || size > INT64_MAX ||
	    offset > INT64_MAX - size)
		return -EINVAL;
	return 0;
}

static bool is_in_memory(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC ||
				     fs.f_type == HUGETLBFS_MAGIC);
}

static int map_file(struct vfio_range *r, int fd, uint64_t offset)
{
	int prot = PROT_READ | (r->writable ? PROT_WRITE : 0);
	struct stat st;
	void *p;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || !is_in_memory(fd))
		return -EINVAL;
	if (st.st_size < 0 || offset + r->size > (uint64_t)st.st_size)
		return -ERANGE;
	p = mmap(NULL, r->size, prot, MAP_SHARED, fd, offset);
	if (p == MAP_FAILED)
		return -errno;
	r->host = p;
	return 0;
}

static bool overlaps(const struct vfio_memory *m, uint64_t addr, uint64_t size)
{
	uint32_t n = ranges_up_to(m, addr);

	if (n && addr - m->range[n - 1].base < m->range[n - 1].size)
		return true;
	return n < m->count && m->range[n].base - addr < size;
}

int vfio_memory_add(struct vfio_memory *m, uint64_t addr, uint64_t size,
		    int fd, uint64_t offset, bool writable)
{
	struct vfio_range r = {
		.base = addr, .size = size, .writable = writable,
	};
	uint32_t at;
	int ret = check_range(addr, size, offset);

	/* Only this thread changes ranges, so it may look without the lock. */
	if (ret)
		return ret;
	if (overlaps(m, addr, size))
		return -EEXIST;
	if (m->count == VFIO_MAX_RANGES)
		return -ENOSPC;
	ret = map_file(&r, fd, offset);
	if (ret)
		return ret;
	pthread_rwlock_wrlock(&m->lock);
	at = ranges_up_to(m, addr);
	memmove(&m->range[at + 1], &m->range[at],
		(m->count - at) * sizeof(m->range[0]));
	m->range[at] = r;
	m->count++;
	pthread_rwlock_unlock(&m->lock);
	return 0;
}

int vfio_memory_remove(struct vfio_memory *m, uint64_t addr, uint64_t size)
{
	uint32_t n = ranges_up_to(m, addr);
	struct vfio_range r;

	if (!n || m->range[n - 1].base != addr || m->range[n - 1].size != size)
		return -ENOENT;
	pthread_rwlock_wrlock(&m->lock);
	r = m->range[n - 1];
	m->count--;
	memmove(&m->range[n - 1], &m->range[n],
		(m->count - (n - 1)) * sizeof(m->range[0]));
	m->changed = true;
	pthread_rwlock_unlock(&m->lock);
	if (r.host)
		munmap(r.host, r.size);
	return 0;
}

void vfio_memory_clear(struct vfio_memory *m)
{
	uint32_t i;

	pthread_rwlock_wrlock(&m->lock);
	for (i = 0; i < m->count; i++)
		if (m->range[i].host)
			munmap(m->range[i].host, m->range[i].size);
	m->count = 0;
	m->changed = true;
	m->broken = false;
	pthread_rwlock_unlock(&m->lock);
}

bool vfio_memory_broke(struct vfio_memory *m)
{
	uint64_t n;

	if (read(m->wake, &n, sizeof(n)) < 0)
		return false;
	return __atomic_load_n(&m->broken, __ATOMIC_ACQUIRE);
}

void vfio_memory_set_open(struct vfio_memory *m, bool open)
{
	pthread_rwlock_wrlock(&m->lock);
	m->changed |= m->open && !open;
	m->open = open;
	pthread_rwlock_unlock(&m->lock);
}

void vfio_memory_cut(struct vfio_memory *m, bool cut)
{
	__atomic_store_n(&m->cut, cut, __ATOMIC_RELEASE);
}

/* Is there memory at all? The ranges may say more than there is. */
static bool is_off(const struct vfio_memory *m)
{
	return __atomic_load_n(&m->broken, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&m->cut, __ATOMIC_ACQUIRE);
}

bool vfio_memory_enter(struct vfio_memory *m)
{
	bool changed;

	pthread_rwlock_rdlock(&m->lock);
	visited = m;
	/* Readers write it too, but there is one: the machine's thread. */
	changed = m->changed || is_off(m);
	m->changed = false;
	return changed;
}

void vfio_memory_leave(struct vfio_memory *m)
{
	visited = NULL;
	pthread_rwlock_unlock(&m->lock);
}

void *vfio_memory_find(struct vfio_memory *m, uint64_t addr, uint64_t len,
		       bool write)
{
	uint32_t n = ranges_up_to(m, addr);
	const struct vfio_range *r;

	if (!n || !m->open || is_off(m))
		return NULL;
	r = &m->range[n - 1];
	if (addr - r->base >= r->size || len > r->size - (addr - r->base))
		return NULL;
	if (!r->host || (write && !r->writable))
		return NULL;
	return r->host + (addr - r->base);
}
