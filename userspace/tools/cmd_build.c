// SPDX-License-Identifier: MIT
/*
 * cmd_build.c - a plugin from a network's source
 *
 * The compiler is the system's, and pkg-config says where fxq's headers and
 * library are; run from the tree that it was built in, those of the tree. What
 * the compiler says is the user's to read.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tool.h"

struct args {
	struct options o;
	const char *source, *output;
};

static const struct argp_option options[] = {
	{ "output", 'o', "FILE", 0, "The plugin (the source's name, with .so)" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		options_init(&a->o, state);
		return 0;
	case 'o':
		if (!ends_with(arg, ".so"))
			argp_error(state, "a plugin's name ends with .so: '%s'",
				   arg);
		a->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (a->source)
			argp_error(state, "one source at a time: '%s' is the second",
				   arg);
		if (!ends_with(arg, ".c"))
			argp_error(state, "a network's source ends with .c: '%s'",
				   arg);
		a->source = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which network? Give a .c file");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &common_argp }, { NULL } };

static const struct argp argp = {
	options, parse, "NET.c",
	"Compiles a network written in C to a plugin. CC names the compiler (cc)."
	"\vFor example:\n  fxq-run build net.c && fxq-run show net.so",
	children, help_filter
};

/* How the script ends before there is a compiler to ask. */
enum {
	NO_PKG_CONFIG = 100,
	NO_HEADERS,
	NO_COMPILER,
};

/*
 * $0 is the source, $1 the plugin; flags and CC are words. A compiler that can
 * name the line of a mistake without the macros it went through does.
 */
static const char script[] =
	"command -v pkg-config >/dev/null || exit 100\n"
	"pkg-config --exists fxqc || exit 101\n"
	"command -v ${CC:-cc} >/dev/null || exit 102\n"
	"short=-ftrack-macro-expansion=0\n"
	"${CC:-cc} $short -E -x c /dev/null >/dev/null 2>&1 || short=\n"
	"exec ${CC:-cc} $short -shared -fPIC -O2 -g -Wall \"$0\" -o \"$1\" "
	"-Wl,--no-undefined $(pkg-config --cflags --libs fxqc)\n";

/* The tree that this program was built in knows its own flags. */
static void find_tree(void)
{
	static const char *const above = "/../../meson-uninstalled";
	char path[PATH_MAX + 64], *slash;
	ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);

	if (n <= 0)
		return;
	path[n] = '\0';
	slash = strrchr(path, '/');
	strcpy(slash, above);
	if (!access(path, X_OK))
		setenv("PKG_CONFIG_PATH", path, true);
}

/* The script's exit code; < 0: it could not be run. */
static int compile(const char *source, const char *output)
{
	pid_t child = fork();
	int status;

	if (!child) {
		find_tree();
		execl("/bin/sh", "sh", "-c", script, source, output, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int report(const char *source, int code)
{
	switch (code) {
	case 0:
		return TOOL_OK;
	case NO_PKG_CONFIG:
		return complain(TOOL_INPUT, "pkg-config is missing; install it with apt-get install pkg-config");
	case NO_HEADERS:
		return complain(TOOL_INPUT, "pkg-config does not find fxqc; install fxq with make install, or let PKG_CONFIG_PATH name the folder of fxqc.pc");
	case NO_COMPILER:
		return complain(TOOL_INPUT, "there is no compiler '%s'; install one with apt-get install gcc, or name it in CC",
				getenv("CC") ? getenv("CC") : "cc");
	}
	return complain(TOOL_INPUT, "%s: it does not compile; the compiler says why above",
			source);
}

/* "net.so" from "net.c"; a name that begins with a dash is no option. */
static char *path_with(const char *source, const char *end)
{
	char *path;

	if (asprintf(&path, "%s%.*s%s", *source == '-' ? "./" : "",
		     (int)strlen(source) - 2, source, end) < 0)
		return NULL;
	return path;
}

int cmd_build(int argc, char **argv)
{
	struct args a = { 0 };
	char *source, *output;
	int code;

	argp_parse(&argp, argc, argv, ARGP_NO_HELP, NULL, &a);
	if (access(a.source, R_OK))
		return complain(TOOL_INPUT, "%s: it cannot be read: %m",
				a.source);
	source = path_with(a.source, ".c");
	output = a.output ? strdup(a.output) : path_with(a.source, ".so");
	code = source && output ? report(a.source, compile(source, output)) :
				  complain_io(io_fail_memory(a.source));
	free(source);
	free(output);
	return code;
}
