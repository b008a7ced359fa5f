// SPDX-License-Identifier: MIT
/*
 * say.c - what fxq-run says, and where
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

const char *tool_name = "fxq-run";

static int stdout_copy = -1;

int complain(int code, const char *fmt, ...)
{
	va_list args;

	progress_end();
	fflush(stdout);
	fprintf(stderr, "%s: ", tool_name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

void warn(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "%s: warning: ", tool_name);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

int code_of(int err)
{
	return err == -ENOTSUP ? TOOL_UNSUPPORTED : TOOL_INPUT;
}

int complain_graph(const struct fx_graph *g, int err)
{
	const char *text = fx_graph_error(g);

	return complain(code_of(err), "%s", *text ? text : strerror(-err));
}

int complain_io(int err)
{
	return complain(code_of(err), "%s", io_error());
}

int complain_fxq(int err)
{
	bool file = err == -EBADMSG || err == -EPROTO || err == -ENOENT;

	return complain(file ? TOOL_INPUT : TOOL_DEVICE, "%s", fxq_error());
}

int finish_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return TOOL_OK;
	return complain(TOOL_OUTPUT, "standard output cannot be written: %s",
			strerror(errno));
}

int print_json(json_t *value)
{
	/* Nine digits tell any two float32 apart. */
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(value);
	return finish_output();
}

json_t *json_tensor(const char *name, const struct fxq_tensor *type)
{
	json_t *shape = json_array();
	json_t *o = json_pack("{s:s, s:s}", "name", name, "dtype",
			      fxq_dtype_name(type->dtype));

	for (uint32_t i = 0; i < type->rank; i++)
		json_array_append_new(shape, json_integer(type->dims[i]));
	json_object_set_new(o, "shape", shape);
	if (type->scale != 0) {
		json_object_set_new(o, "scale", json_real(type->scale));
		json_object_set_new(o, "zero_point",
				    json_integer(type->zero_point));
	}
	return o;
}

void stdout_away(void)
{
	fflush(stdout);
	stdout_copy = dup(STDOUT_FILENO);
	dup2(STDERR_FILENO, STDOUT_FILENO);
}

void stdout_back(void)
{
	if (stdout_copy < 0)
		return;
	fflush(stdout);
	dup2(stdout_copy, STDOUT_FILENO);
	close(stdout_copy);
	stdout_copy = -1;
}

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}
