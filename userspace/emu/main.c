// SPDX-License-Identifier: MIT
/*
 * main.c - fxq-emu: an FX1 machine as a PCI function of a virtual machine
 *
 * Options, sockets and signals; the work is done in server.c.
 */
#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "control.h"
#include "server.h"
#include "socket.h"

#define MAX_THREADS	256
#define NAPS		8		/* 160 us and what waking takes */

struct options {
	const char *socket, *control, *fault;
	struct fxq_machine_config machine;
	bool once;
	bool quiet;
};

static bool quiet;

static void say(const char *text)
{
	if (!quiet)
		fprintf(stderr, "fxq-emu: %s\n", text);
}

static void report(void *priv, const char *text)
{
	fprintf(stderr, "fxq-emu: machine: %s\n", text);
}

static int parse_threads(const char *text, struct argp_state *state)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || *end || end == text || n < 1 || n > MAX_THREADS)
		argp_error(state, "--threads is a number from 1 to %d, not '%s'",
			   MAX_THREADS, text);
	return n;
}

static uint32_t parse_contract(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long word;

	errno = 0;
	word = strtoul(text, &end, 16);
	if (errno || *end || end == text || *text == '-' || !word ||
	    word > UINT32_MAX)
		argp_error(state, "--contract is up to eight hexadecimal digits, not all zero; '%s' is not",
			   text);
	return word;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 's':
		o->socket = arg;
		return 0;
	case 'c':
		o->control = arg;
		return 0;
	case 'f':
		o->fault = arg;
		return 0;
	case 't':
		o->machine.threads = parse_threads(arg, state);
		return 0;
	case 'C':
		o->machine.contract = parse_contract(arg, state);
		return 0;
	case 'd':
		o->machine.debug = true;
		return 0;
	case '1':
		o->once = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "there are only options, and '%s' is none",
			   arg);
		return 0;
	case ARGP_KEY_END:
		if (!o->socket)
			argp_error(state, "--socket PATH says where QEMU shall connect");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{ "socket", 's', "PATH", 0, "Listen for QEMU at this UNIX socket" },
	{ "threads", 't', "N", 0, "Work with N threads (1)" },
	{ "fault", 'f', "PLAN", 0, "What shall go wrong, as in dma@3,irq@2=lost" },
	{ "control", 'c', "PATH", 0, "Take plans of faults at this UNIX socket" },
	{ "contract", 'C', "HEX", 0, "Claim to be built for another contract" },
	{ "debug", 'd', NULL, 0, "Tell of races and unwritten scratchpad" },
	{ "once", '1', NULL, 0, "End when the first client has gone" },
	{ "quiet", 'q', NULL, 0, "Say nothing but errors" },
	{ 0 }
};

static const char doc[] =
	"An FX1 accelerator as a PCI function of a virtual machine. Needs no "
	"privileges; one process is one device.\v"
	"QEMU 10.1 or newer, its guest's memory shared:\n"
	"  qemu-system-x86_64 -m 1G -machine q35,memory-backend=mem \\\n"
	"    -object memory-backend-memfd,id=mem,size=1G,share=on \\\n"
	"    -device '{\"driver\":\"vfio-user-pci\",\n"
	"      \"socket\":{\"type\":\"unix\",\"path\":\"PATH\"}}'";

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Listens at @path, if there is one; *@ret_fd is -1 if not. */
static int listen_at(const char *path, int *ret_fd)
{
	char why[200];

	*ret_fd = path ? fxq_listen(path, why, sizeof(why)) : -1;
	if (!path || *ret_fd >= 0)
		return 0;
	fprintf(stderr, "fxq-emu: %s: %s\n", path, why);
	return *ret_fd;
}

static void stop_listening(const char *path, int fd)
{
	if (fd >= 0)
		fxq_unlisten(fd, path);
}

static int start(struct fxq_function *f, const struct options *o)
{
	char why[400];
	int ret;

	if (!fxq_machine_isa(why, sizeof(why))) {
		fprintf(stderr, "fxq-emu: %s\n", why);
		return -ENOTSUP;
	}
	ret = fxq_function_init(f, &o->machine, report);
	if (ret) {
		fprintf(stderr, "fxq-emu: the machine does not start: %s\n",
			strerror(-ret));
		return ret;
	}
	ret = faults_set(&f->faults, o->fault ? o->fault : "", why,
			 sizeof(why));
	if (ret) {
		fprintf(stderr, "fxq-emu: --fault: %s\n", why);
		fxq_function_finish(f);
	}
	return ret;
}

static int serve(const struct options *o, struct fxq_server *s)
{
	static struct fxq_function function;
	char text[256];
	int control, ret;

	ret = start(&function, o);
	if (ret)
		return ret;
	ret = listen_at(o->socket, &s->listener);
	if (ret)
		goto out_function;
	ret = listen_at(o->control, &control);
	if (ret)
		goto out_listener;
	s->function = &function;
	control_init(&s->control, &function, control);
	snprintf(text, sizeof(text), "listening on %s", o->socket);
	say(text);
	ret = fxq_server_run(s);
	control_finish(&s->control);
	stop_listening(o->control, control);
out_listener:
	stop_listening(o->socket, s->listener);
out_function:
	fxq_function_finish(&function);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct argp argp = { argp_options, parse_option, NULL,
					  doc };
	static struct fxq_server server;
	struct options o = { .machine.naps = NAPS };

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	quiet = o.quiet;
	/* Blocked before there are threads, so that all of them inherit it. */
	server.stop = open_signals();
	if (server.stop < 0) {
		perror("fxq-emu: signalfd");
		return EXIT_FAILURE;
	}
	server.once = o.once;
	server.say = say;
	return serve(&o, &server) ? EXIT_FAILURE : EXIT_SUCCESS;
}
