// SPDX-License-Identifier: MIT
/*
 * stress.c - what users, devices and slots do to a driver, a thousand times
 *
 *	stress PCI-ADDRESS CONTROL FAULTS KILLS UNPLUGS
 *
 * Three processes load the device all the while. FAULTS times something
 * goes wrong in the device, by a plan written to CONTROL, kind after kind; KILLS
 * times another process is killed at an arbitrary moment; UNPLUGS times the
 * function is removed and found again. After each, all must go on: nobody waits
 * in vain, no answer is wrong, and no more contexts end than the fault explains.
 *
 * One line of JSON on stdout. Ends with 0 if nothing was amiss.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"
#include "node.h"

#define LOADS		3
#define ROUNDS_AFTER	2	/* that each must do before all is well again */
#define PATIENCE_MS	20000

/*
 * struct fault - a kind of fault, and what it may do to users
 * @plan: as the device reads it
 * @least, @most: contexts that end of it. Registers may die while the device has
 *		  no run, and then none ends
 *
 * What is late is late by less than job_timeout_ms, which is 50: else all that
 * waits meanwhile is a hang.
 */
static const struct fault {
	const char *plan;
	unsigned int least, most;
} faults[] = {
	{ "dma@5",			1, 1 },
	{ "hang@3:soft",		1, 1 },
	{ "hang@2:hard",		1, 1 },
	{ "slow@2:2ms",			0, 0 },
	{ "complete@4=lost",		1, 1 },
	{ "complete@3=late:20ms",	0, 0 },
	{ "complete@5=twice",		0, 0 },
	{ "complete@2=wrong-run",	1, 1 },
	{ "complete@6=wrong-context",	0, 0 },
	{ "irq@3=lost",			0, 0 },
	{ "irq@2=late:30ms",		0, 0 },
	{ "irq@4=twice:10ms",		0, 0 },
	{ "invalidate@2=late:20ms",	0, 0 },
	{ "invalidate@3=lost",		0, 0 },
	{ "invalidate@4=refused",	0, 0 },
	{ "hang@2:soft,stop@1=late:20ms", 1, 1 },
	{ "hang@2:soft,stop@1=lost",	1, 1 },
	{ "hang@2:soft,stop@1=refused",	1, 1 },
	{ "dead@3",			0, 1 },
};

#define N_FAULTS (sizeof(faults) / sizeof(*faults))

struct stress {
	const char *address;
	int control;
	pid_t load[LOADS];
	struct load_report *report;	/* of LOADS, then of the one that is killed */
	unsigned long injected[N_FAULTS];
	unsigned long kills, unplugs;
	unsigned long amiss;
};

static void amiss(struct stress *s, const char *what, const char *about)
{
	s->amiss++;
	fprintf(stderr, "stress: %s: %s\n", about, what);
}

static unsigned long told(const struct stress *s)
{
	unsigned long n = 0;

	for (int i = 0; i < LOADS; i++)
		n += s->report[i].told;
	return n;
}

static unsigned long wrongs(const struct stress *s)
{
	unsigned long n = 0;

	for (int i = 0; i <= LOADS; i++)
		n += s->report[i].wrong + s->report[i].silent +
		     s->report[i].lost + s->report[i].failed;
	return n;
}

/* Waits until each load has done some rounds from now on. */
static bool goes_on(const struct stress *s)
{
	unsigned long aim[LOADS];
	int i = 0;

	for (int k = 0; k < LOADS; k++)
		aim[k] = s->report[k].rounds + ROUNDS_AFTER;
	for (int ms = 0; ms < PATIENCE_MS; ms += 2) {
		while (i < LOADS && s->report[i].rounds >= aim[i])
			i++;
		if (i == LOADS)
			return true;
		usleep(2000);
	}
	return false;
}

/* Waits until the plan that is set has struck. */
static bool has_struck(struct stress *s, unsigned int strikes)
{
	char answer[2048];

	for (int ms = 0; ms < PATIENCE_MS; ms += 5) {
		unsigned int n = 0;
		char *at;

		if (control_ask(s->control, "counts", answer, sizeof(answer)))
			return false;
		at = strstr(answer, "\"injected\"");
		for (; at && *at && *at != '}'; at++)
			if (*at == ':' && at[1] >= '1' && at[1] <= '9')
				n += atoi(at + 1);
		if (n >= strikes)
			return true;
		usleep(5000);
	}
	return false;
}

static void inject(struct stress *s, unsigned int kind)
{
	const struct fault *f = &faults[kind];
	unsigned long before = told(s), wrong = wrongs(s), ended;
	char answer[2048], line[128];

	snprintf(line, sizeof(line), "plan %s", f->plan);
	if (control_ask(s->control, line, answer, sizeof(answer)) || strcmp(answer, "ok")) {
		amiss(s, answer, f->plan);
		return;
	}
	s->injected[kind]++;
	if (!has_struck(s, strchr(f->plan, ',') ? 2 : 1))
		amiss(s, "did not strike", f->plan);
	if (!goes_on(s))
		amiss(s, "the loads do not go on", f->plan);
	control_ask(s->control, "plan", answer, sizeof(answer));
	ended = told(s) - before;
	if (ended < f->least || ended > f->most) {
		snprintf(line, sizeof(line), "ended %lu contexts, not %u to %u",
			 ended, f->least, f->most);
		amiss(s, line, f->plan);
	}
	if (wrongs(s) != wrong)
		amiss(s, "wrong, silent, lost or failed runs", f->plan);
}

static void kill_one(struct stress *s)
{
	unsigned long before = told(s), wrong = wrongs(s);
	pid_t pid = load_start(s->address, &s->report[LOADS]);

	usleep(rand() % 60000);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	s->kills++;
	if (!goes_on(s))
		amiss(s, "the loads do not go on", "kill");
	if (told(s) != before || wrongs(s) != wrong)
		amiss(s, "others were disturbed", "kill");
}

static int write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	return ret;
}

static void unplug(struct stress *s)
{
	unsigned long wrong = wrongs(s);
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove",
		 s->address);
	usleep(rand() % 60000);
	if (write_to(path, "1"))
		amiss(s, "cannot remove", s->address);
	s->unplugs++;
	if (write_to("/sys/bus/pci/rescan", "1"))
		amiss(s, "cannot rescan", s->address);
	if (!goes_on(s))
		amiss(s, "the loads do not come back", "unplug");
	if (wrongs(s) != wrong)
		amiss(s, "wrong, silent, lost or failed runs", "unplug");
}

static unsigned long gone(const struct stress *s)
{
	unsigned long n = 0;

	for (int i = 0; i < LOADS; i++)
		n += s->report[i].gone;
	return n;
}

static void start(struct stress *s)
{
	s->report = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->report == MAP_FAILED)
		exit(1);
	for (int i = 0; i < LOADS; i++)
		s->load[i] = load_start(s->address, &s->report[i]);
}

static void stop(struct stress *s)
{
	for (int i = 0; i < LOADS; i++)
		kill(s->load[i], SIGKILL);
	while (wait(NULL) > 0)
		;
}

static void tell(const struct stress *s)
{
	unsigned long n = 0, rounds = 0, timeouts = 0;
	unsigned long wrong = 0, silent = 0, lost = 0, failed = 0;

	for (size_t i = 0; i < N_FAULTS; i++)
		n += s->injected[i];
	for (int i = 0; i < LOADS; i++) {
		rounds += s->report[i].rounds;
		timeouts += s->report[i].timeouts;
	}
	for (int i = 0; i <= LOADS; i++) {
		wrong += s->report[i].wrong;
		silent += s->report[i].silent;
		lost += s->report[i].lost;
		failed += s->report[i].failed;
	}
	printf("{\"faults\": %lu, \"kills\": %lu, \"unplugs\": %lu, \"rounds\": %lu, \"told\": %lu, \"timeouts\": %lu, \"gone\": %lu, \"wrong\": %lu, \"silent\": %lu, \"lost\": %lu, \"failed\": %lu, \"amiss\": %lu, \"by_kind\": {",
	       n, s->kills, s->unplugs, rounds, told(s), timeouts, gone(s),
	       wrong, silent, lost, failed, s->amiss);
	for (size_t i = 0; i < N_FAULTS; i++)
		printf("%s\"%s\": %lu", i ? ", " : "", faults[i].plan,
		       s->injected[i]);
	printf("}}\n");
	for (int i = 0; i <= LOADS; i++)
		if (s->report[i].failed)
			fprintf(stderr, "stress: load %d: %s at load.c:%d\n", i,
				strerror(-s->report[i].error),
				s->report[i].where);
}

int main(int argc, char **argv)
{
	struct stress s = { 0 };
	int n_faults, n_kills, n_unplugs, ret;

	if (argc != 6) {
		fprintf(stderr, "usage: stress PCI-ADDRESS CONTROL FAULTS KILLS UNPLUGS\n");
		return 64;
	}
	ret = load_check();
	if (ret) {
		fprintf(stderr, "stress: io_uring: %s; half of the load goes by it: set kernel.io_uring_disabled to 0\n",
			strerror(-ret));
		return 1;
	}
	s.address = argv[1];
	s.control = control_open(argv[2]);
	if (s.control < 0) {
		fprintf(stderr, "stress: %s: %s\n", argv[2],
			strerror(-s.control));
		return 1;
	}
	n_faults = atoi(argv[3]);
	n_kills = atoi(argv[4]);
	n_unplugs = atoi(argv[5]);
	start(&s);
	if (!goes_on(&s))
		amiss(&s, "the loads do not begin", s.address);
	for (int i = 0; i < n_faults; i++)
		inject(&s, i % N_FAULTS);
	for (int i = 0; i < n_kills; i++)
		kill_one(&s);
	for (int i = 0; i < n_unplugs; i++)
		unplug(&s);
	stop(&s);
	tell(&s);
	return s.amiss != 0;
}
