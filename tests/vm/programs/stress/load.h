/* SPDX-License-Identifier: MIT */
/*
 * load.h - a process that keeps a device busy and trusts it in nothing
 *
 * It copies buffers by way of the scratchpad, several at a time, by SUBMIT or
 * by io_uring, and compares what comes out. Whatever it meets is counted where
 * its parent can see.
 */
#ifndef TESTS_VM_LOAD_H
#define TESTS_VM_LOAD_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * struct load_report - in memory that parent and child share
 * @rounds: buffers made, filled, copied, compared and dropped again
 * @told: contexts that ended with an error which CTX_QUERY explains
 * @timeouts: of these, those that ended with -ETIME
 * @wrong: outputs that differ although the run ended well
 * @silent: runs that failed in a context that says it is well
 * @lost: waits that did not end
 * @gone: times that the device went away
 * @failed: calls that failed for no reason known here; @error and @where of
 *	    the first
 */
struct load_report {
	atomic_ulong rounds, told, timeouts, wrong, silent, lost, gone, failed;
	atomic_int error, where;
};

/* Is there the io_uring that half of the load goes by? 0 or -errno. */
int load_check(void);

/*
 * Forks a process that loads the PCI function at @address, which may go and
 * come again, until it is killed. Returns its pid.
 */
pid_t load_start(const char *address, struct load_report *report);

#endif /* TESTS_VM_LOAD_H */
