// SPDX-License-Identifier: MIT
/*
 * main.c - finds the command and runs it
 *
 * Each command is a file cmd_*.c and a line of COMMANDS; it may be called by
 * any beginning of its name that no other command shares.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tool.h"

static const struct command commands[] = {
#define X(name, summary) { #name, cmd_##name, summary },
	COMMANDS(X)
#undef X
};

#define N_COMMANDS	(sizeof(commands) / sizeof(*commands))

/* The command that @name begins; NULL, and *@n how many there are. */
static const struct command *find_command(const char *name, size_t *n)
{
	const struct command *found = NULL;

	*n = 0;
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strncmp(commands[i].name, name, strlen(name)))
			continue;
		found = &commands[i];
		if (!strcmp(found->name, name)) {
			*n = 1;
			return found;
		}
		++*n;
	}
	return *n == 1 ? found : NULL;
}

/* argp's text before the options, with the table of commands. */
static char *main_filter(int key, const char *text, void *input)
{
	size_t size = 4096, n;
	char *help;

	if (key != ARGP_KEY_HELP_PRE_DOC)
		return help_filter(key, text, input);
	help = malloc(size);
	if (!help)
		return NULL;
	n = snprintf(help, size, "%s\n", text);
	for (size_t i = 0; i < N_COMMANDS; i++)
		n += snprintf(help + n, size - n, "  %-9s %s\n",
			      commands[i].name, commands[i].summary);
	return help;
}

static const struct argp_option options[] = {
	{ "help", 'h', NULL, 0, "Print this, or a command's own help" },
	{ "version", 'V', NULL, 0, "Print the version" },
	{ 0 }
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const struct command **command = state->input;
	size_t n;

	switch (key) {
	case 'h':
		argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
		return 0;
	case 'V':
		printf("fxq-run %s\n", fxq_version());
		exit(TOOL_OK);
	case ARGP_KEY_ARG:
		*command = find_command(arg, &n);
		if (!*command)
			argp_error(state, n ? "'%s' begins %zu commands: write more of it" :
				   "'%s' is no command", arg, n);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "a command is missing");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	options, parse, "COMMAND [ARGUMENT...]",
	"Compiles neural networks for the fxq accelerator and runs them."
	"\v  fxq-run compile net.onnx --calibrate photos/ -o net.fxq",
	NULL, main_filter, NULL
};

/* How many arguments come before the command's own. */
static int arguments_before(int argc, char **argv)
{
	int i = 1;

	while (i < argc && argv[i][0] == '-')
		i++;
	return i;
}

int main(int argc, char **argv)
{
	const struct command *command = NULL;
	char name[64];
	int skip = arguments_before(argc, argv), code;

	argp_err_exit_status = TOOL_USAGE;
	argv[0] = (char *)"fxq-run";
	tool_name = "fxq-run";
	argp_parse(&argp, skip < argc ? skip + 1 : argc, argv,
		   ARGP_IN_ORDER | ARGP_NO_HELP, NULL, &command);
	if (!command)
		return TOOL_USAGE;

	snprintf(name, sizeof(name), "fxq-run %s", command->name);
	tool_name = name;
	argv[skip] = name;
	code = command->run(argc - skip, argv + skip);
	return code ? code : finish_output();
}
