// SPDX-License-Identifier: MIT
/*
 * say.c - what fxq-run says, and where
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tool.h"

const char *tool_name = "fxq-run";

static int stdout_copy = -1;

/* What comes from a file must not steer the terminal. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 127)
			*text = '?';
}

const char *plain(const char *text)
{
	static __thread char buffers[8][256];
	static __thread unsigned int next;
	char *to = buffers[next++ % 8];

	snprintf(to, sizeof(buffers[0]), "%s", text);
	make_plain(to);
	return to;
}

static void say(const char *what, const char *fmt, va_list args)
{
	char text[2048];

	vsnprintf(text, sizeof(text), fmt, args);
	make_plain(text);
	fprintf(stderr, "%s: %s%s\n", tool_name, what, text);
}

int complain(int code, const char *fmt, ...)
{
	va_list args;

	progress_end();
	fflush(stdout);
	va_start(args, fmt);
	say("", fmt, args);
	va_end(args);
	return code;
}

void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say("warning: ", fmt, args);
	va_end(args);
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

json_t *json_text(const char *text)
{
	json_t *s = json_string(text);
	char *copy;

	if (s)
		return s;
	/* Not UTF-8: keep what is ASCII. */
	copy = strdup(text);
	for (char *c = copy; copy && *c; c++)
		if (*c & 0x80)
			*c = '?';
	s = json_string(copy ? copy : "");
	free(copy);
	return s;
}

json_t *json_number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

int print_json(json_t *value)
{
	if (!value)
		return complain_io(io_fail_memory("JSON"));
	/* Nine digits tell any two float32 apart. */
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(value);
	return finish_output();
}

json_t *json_tensor(const char *name, const struct fxq_tensor *type)
{
	json_t *shape = json_array();
	json_t *o = json_pack("{s:o, s:s}", "name", json_text(name), "dtype",
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
