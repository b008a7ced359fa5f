// SPDX-License-Identifier: MIT
/*
 * cmd_top.c - who uses the devices, and how much
 *
 * The kernel counts for each open file the time that the device has worked
 * for it. Two looks a second apart tell the share.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "fdinfo.h"
#include "tool.h"

enum { KEY_ONCE = OPTION_OWN, KEY_PROC };

#define INTERVAL_S	1
#define CLEAR		"\033[H\033[J"

struct args {
	struct options o;
	bool once;
	const char *proc;
};

static const struct argp_option options[] = {
	{ "once", KEY_ONCE, NULL, 0, "Print one table and end", 1 },
	{ "proc", KEY_PROC, "FOLDER", OPTION_HIDDEN, "Instead of /proc", 2 },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case KEY_ONCE:
		a->once = true;
		return 0;
	case KEY_PROC:
		a->proc = arg;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is one argument too many", arg);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &common_argp }, { NULL } };

static const struct argp argp = {
	options, parse, NULL,
	"Shows each second which processes use the devices, and how much."
	"\vFor example:\n  fxq-run top --once",
	children, help_filter
};

/*
 * struct use - of a client, in the time between two looks
 * @busy: share of the device's time, in percent
 * @cycles: a second
 */
struct use {
	const struct client *c;
	double busy, cycles;
};

static int by_use(const void *a, const void *b)
{
	const struct use *x = a, *y = b;

	if (x->busy != y->busy)
		return x->busy > y->busy ? -1 : 1;
	return x->c->pid - y->c->pid;
}

/* What clients did since @before, @seconds ago; malloced, the busiest first. */
static struct use *uses_of(const struct clients *now,
			   const struct clients *before, double seconds)
{
	struct use *uses = calloc(now->n + 1, sizeof(*uses));

	for (size_t i = 0; uses && i < now->n; i++) {
		const struct client *c = &now->c[i];
		const struct client *was = clients_find(before, c);

		uses[i].c = c;
		if (!was || was->ns > c->ns || was->cycles > c->cycles)
			continue;
		uses[i].busy = (c->ns - was->ns) / (seconds * 1e9) * 100;
		uses[i].cycles = (c->cycles - was->cycles) / seconds;
	}
	if (uses)
		qsort(uses, now->n, sizeof(*uses), by_use);
	return uses;
}

static void print_table(const struct use *uses, size_t n)
{
	static const char *const heads[] = {
		">PID", "<device", ">NPU %", ">Mcycles/s", ">memory KiB",
		">resident KiB", "<command", NULL
	};
	struct table *t = table_new(heads);

	for (size_t i = 0; i < n; i++) {
		const struct client *c = uses[i].c;

		table_cell(t, "%d", c->pid);
		table_cell(t, "%s", c->device);
		table_cell(t, "%.1f", uses[i].busy);
		table_cell(t, "%.1f", uses[i].cycles / 1e6);
		table_cell(t, "%llu", (unsigned long long)c->total >> 10);
		table_cell(t, "%llu", (unsigned long long)c->resident >> 10);
		table_cell(t, "%s", c->command);
	}
	table_print(t, stdout);
}

static json_t *to_json(const struct use *uses, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct client *c = uses[i].c;

		json_array_append_new(list, json_pack(
			"{s:i, s:o, s:o, s:I, s:f, s:f, s:I, s:I, s:I, s:I}",
			"pid", c->pid, "command", json_text(c->command),
			"device", json_text(c->device),
			"client", (json_int_t)c->id,
			"busy_percent", uses[i].busy,
			"cycles_per_second", uses[i].cycles,
			"busy_ns", (json_int_t)c->ns,
			"cycles", (json_int_t)c->cycles,
			"total_bytes", (json_int_t)c->total,
			"resident_bytes", (json_int_t)c->resident));
	}
	return list;
}

static int show(const struct args *a, const struct clients *now,
		const struct clients *before, double seconds)
{
	struct use *uses = uses_of(now, before, seconds);
	int code = TOOL_OK;

	if (!uses)
		return complain_io(io_fail_memory("the clients of devices"));
	if (!a->once && isatty(STDOUT_FILENO))
		fputs(CLEAR, stdout);
	if (a->o.json)
		code = print_json(to_json(uses, now->n));
	else
		print_table(uses, now->n);
	free(uses);
	return code ? code : finish_output();
}

static int watch(const struct args *a)
{
	struct clients before, now;
	double at = now_s(), then;
	int code = TOOL_OK;

	if (clients_read(a->proc, &before))
		return complain(TOOL_INPUT, "%s", io_error());
	do {
		sleep(INTERVAL_S);
		then = at;
		at = now_s();
		if (clients_read(a->proc, &now)) {
			code = complain(TOOL_INPUT, "%s", io_error());
			break;
		}
		code = show(a, &now, &before, at - then);
		clients_free(&before);
		before = now;
	} while (!code && !a->once);
	clients_free(&before);
	return code;
}

int cmd_top(int argc, char **argv)
{
	struct args a = { .proc = NULL };
	const char *first = fxq_device_name(0);

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (!a.proc && !strcmp(first, "embedded"))
		return complain(TOOL_DEVICE,
				"there is no device whose use the kernel counts: fxq.ko is not loaded, or found none");
	if (!a.proc)
		a.proc = "/proc";
	/* One JSON value is what scripts take. */
	a.once |= a.o.json;
	return watch(&a);
}
