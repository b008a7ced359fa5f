// SPDX-License-Identifier: MIT
/*
 * coredump.c - what the driver kept of a run that failed, in words
 *
 * A coredump is text, a key and a value a line; Documentation/driver/
 * observing.rst lists them. It may come from anywhere: nothing in it is
 * believed before it is checked, and keys that are not known are passed over.
 * An image lends the names of layers, if the descriptors are its own.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/disasm.h>
#include <fxq/fxq_check.h>

#include "tool.h"

#define MAGIC		"fxq-coredump "
#define BYTES_MAX	(1u << 20)
#define DESCS_MAX	1024u

/* X(key): numbers, in the order in which the driver writes them */
#define NUMBERS(X)							\
	X(client) X(context) X(job) X(run) X(error)			\
	X(cause) X(index) X(tag) X(address) X(cycles)			\
	X(resets) X(depth) X(produced) X(consumed) X(strange)		\
	X(taken) X(completed) X(running) X(progress) X(sleeping)	\
	X(descriptors)

enum number {
#define X(key) NUMBER_##key,
	NUMBERS(X)
#undef X
	NUMBER_COUNT
};

static const char *const keys[] = {
#define X(key) #key,
	NUMBERS(X)
#undef X
};

/*
 * struct coredump
 * @path: of the file, for messages
 * @kernel, @contract, @device: "?" if it does not say
 * @value: of each number that @has
 * @desc: @n descriptors of the stream, the first of which is its @first-th
 * @image: NULL: layers have no names
 * @step: of @image, which the stream is of
 */
struct coredump {
	const char *path;
	const char *kernel, *contract, *device;
	int64_t value[NUMBER_COUNT];
	bool has[NUMBER_COUNT];
	struct fxq_desc desc[DESCS_MAX];
	uint32_t first, n;
	struct fxq_image *image;
	uint32_t step;
};

bool is_coredump(const char *path)
{
	char head[sizeof(MAGIC) - 1];
	FILE *f = fopen(path, "rb");
	bool is;

	if (!f)
		return false;
	is = fread(head, 1, sizeof(head), f) == sizeof(head) &&
	     !memcmp(head, MAGIC, sizeof(head));
	fclose(f);
	return is;
}

static int bad_line(const struct coredump *c, unsigned int line,
		    const char *what, const char *value)
{
	return complain(TOOL_INPUT, "%s: line %u: %s: '%.40s'; the coredump is damaged",
			c->path, line, what, value);
}

/* A whole number, decimal or with 0x, perhaps negative. */
static bool read_number(const char *text, int64_t *ret)
{
	const char *digits = text + (*text == '-');
	char *end;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	*ret = *text == '-' ? strtoll(text, &end, 0) :
			      (int64_t)strtoull(text, &end, 0);
	return !errno && !*end;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef", *at = strchr(digits, c);

	return c && at ? at - digits : -1;
}

static bool read_desc(const char *text, struct fxq_desc *ret)
{
	uint8_t *bytes = (uint8_t *)ret;

	if (strlen(text) != 2 * sizeof(*ret))
		return false;
	for (size_t i = 0; i < sizeof(*ret); i++) {
		int hi = hex_digit(text[2 * i]), lo = hex_digit(text[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return false;
		bytes[i] = hi << 4 | lo;
	}
	return true;
}

static int take_desc(struct coredump *c, unsigned int line, const char *key,
		     const char *value)
{
	int64_t number;

	if (!read_number(key, &number) || number < 0 ||
	    !c->has[NUMBER_descriptors] ||
	    number >= c->value[NUMBER_descriptors])
		return bad_line(c, line, "no such descriptor", key);
	if (c->n == DESCS_MAX)
		return bad_line(c, line, "more descriptors than 1024", key);
	if (!c->n)
		c->first = number;
	if (number != (int64_t)c->first + c->n)
		return bad_line(c, line, "descriptors are out of order", key);
	if (!read_desc(value, &c->desc[c->n]))
		return bad_line(c, line, "not 256 hexadecimal digits", value);
	c->n++;
	return TOOL_OK;
}

static int take_line(struct coredump *c, unsigned int line, char *text)
{
	char *value = strstr(text, ": ");

	if (!value)
		return bad_line(c, line, "neither key nor value", text);
	*value = '\0';
	value += 2;
	if (!strncmp(text, "descriptor ", 11))
		return take_desc(c, line, text + 11, value);
	for (int i = 0; i < NUMBER_COUNT; i++) {
		if (strcmp(text, keys[i]))
			continue;
		if (c->has[i] || !read_number(value, &c->value[i]))
			return bad_line(c, line, c->has[i] ? "said twice" :
					"not a number", value);
		c->has[i] = true;
	}
	if (!strcmp(text, "kernel"))
		c->kernel = value;
	if (!strcmp(text, "contract"))
		c->contract = value;
	if (!strcmp(text, "device"))
		c->device = value;
	return TOOL_OK;
}

/* Is all there that the words below speak of? */
static int check_whole(const struct coredump *c)
{
	static const enum number needed[] = {
		NUMBER_client, NUMBER_context, NUMBER_job, NUMBER_run,
		NUMBER_error, NUMBER_descriptors,
	};

	for (size_t i = 0; i < sizeof(needed) / sizeof(*needed); i++)
		if (!c->has[needed[i]])
			return complain(TOOL_INPUT, "%s: no line '%s'; the coredump is not whole",
					c->path, keys[needed[i]]);
	if (!c->n || c->value[NUMBER_descriptors] > UINT32_MAX)
		return complain(TOOL_INPUT, "%s: no descriptors; the coredump is not whole",
				c->path);
	return TOOL_OK;
}

/* @text is the file with a NUL behind it. */
static int parse(struct coredump *c, char *text, size_t size)
{
	unsigned int line = 1;
	char *end, *next;
	int code;

	if (strlen(text) != size)
		return complain(TOOL_INPUT, "%s: a byte is zero where text should be; the coredump is damaged",
				c->path);
	for (; *text; text = next, line++) {
		end = strchr(text, '\n');
		if (!end)
			return bad_line(c, line, "ends in the middle", text);
		*end = '\0';
		next = end + 1;
		if (line > 1)
			code = take_line(c, line, text);
		else
			code = strcmp(text, MAGIC "1") ?
			       complain(TOOL_INPUT, "%s: '%.40s' is of another driver; use its fxq-run",
					c->path, text) : TOOL_OK;
		if (code)
			return code;
	}
	return check_whole(c);
}

/* Which of the image's streams is it? */
static int find_step(struct coredump *c, const char *path)
{
	struct fxq_step_info s;

	for (uint32_t i = 0; !fxq_image_step_info(c->image, i, &s); i++) {
		if (s.kind != FXQ_STEP_DEVICE ||
		    s.n_descs != c->value[NUMBER_descriptors] ||
		    memcmp(&s.stream[c->first], c->desc,
			   c->n * sizeof(*c->desc)))
			continue;
		c->step = i;
		return TOOL_OK;
	}
	return complain(TOOL_INPUT, "%s: none of its streams is the one of %s; give the image that ran",
			path, c->path);
}

/* The layer that @tag is of, or NULL. */
static const char *layer(const struct coredump *c, uint32_t tag,
			 const char **ret_op)
{
	struct fxq_tag_info info;

	if (!c->image || fxq_image_tag_info(c->image, tag, &info))
		return NULL;
	*ret_op = info.op;
	return info.layer;
}

/* Is descriptor @i of the stream the one at fault? */
static bool at_fault(const struct coredump *c, uint32_t i)
{
	return c->has[NUMBER_index] && c->value[NUMBER_index] == i;
}

static void print_cause(const struct coredump *c)
{
	const char *name, *op;
	uint32_t tag = c->value[NUMBER_tag];

	if (!c->has[NUMBER_cause]) {
		puts("the device said nothing of it");
		return;
	}
	printf("cause: %s\n", fxq_cause_text(c->value[NUMBER_cause]));
	printf("at descriptor %" PRIu64 " of %" PRIu64 ", tag %u",
	       (uint64_t)c->value[NUMBER_index],
	       (uint64_t)c->value[NUMBER_descriptors], tag);
	name = layer(c, tag, &op);
	if (name)
		printf(": layer %s (%s)", plain(name), plain(op));
	if (c->value[NUMBER_address])
		printf(", device address 0x%" PRIx64,
		       (uint64_t)c->value[NUMBER_address]);
	putchar('\n');
}

static void print_stream(const struct coredump *c)
{
	const char *name, *last = NULL, *op;

	for (uint32_t i = 0; i < c->n; i++) {
		name = layer(c, c->desc[i].tag, &op);
		if (name && (!last || strcmp(last, name)))
			printf("  layer %s (%s)\n", plain(name), plain(op));
		last = name;
		fputs(at_fault(c, c->first + i) ? "> " : "  ", stdout);
		fxq_print_desc(stdout, &c->desc[i], c->first + i);
	}
}

static void print_words(const struct coredump *c)
{
	int64_t error = c->value[NUMBER_error];

	printf("device %s, kernel %s, contract %s\n", plain(c->device),
	       plain(c->kernel), plain(c->contract));
	printf("run 0x%" PRIx64 " of job %" PRId64 ", context %" PRId64
	       ", client %" PRId64 ", ended with %" PRId64 " (%s)\n",
	       (uint64_t)c->value[NUMBER_run], c->value[NUMBER_job],
	       c->value[NUMBER_context], c->value[NUMBER_client], error,
	       error < 0 && error > -4096 ? strerror(-error) : "?");
	print_cause(c);
	fputs("ring:", stdout);
	for (int i = NUMBER_resets; i <= NUMBER_sleeping; i++)
		if (c->has[i])
			printf(i == NUMBER_running ? " %s 0x%" PRIx64 :
			       " %s %" PRIu64, keys[i], (uint64_t)c->value[i]);
	if (c->image)
		printf("\n\nstep %u:\n", c->step);
	else
		puts("\n");
	print_stream(c);
}

static json_t *json_stream(const struct coredump *c)
{
	json_t *list = json_array();
	const char *name, *op = "";

	for (uint32_t i = 0; i < c->n; i++) {
		name = layer(c, c->desc[i].tag, &op);
		json_array_append_new(list,
			json_pack("{s:i, s:b, s:o, s:o}",
				  "index", (int)(c->first + i),
				  "fault", at_fault(c, c->first + i),
				  "layer", name ? json_text(name) : json_null(),
				  "text", json_desc(&c->desc[i], c->first + i)));
	}
	return list;
}

static int print_coredump_json(const struct coredump *c)
{
	json_t *all = json_pack("{s:o, s:o, s:o, s:o}",
				"device", json_text(c->device),
				"kernel", json_text(c->kernel),
				"contract", json_text(c->contract),
				"stream", json_stream(c));

	for (int i = 0; i < NUMBER_COUNT; i++)
		if (c->has[i])
			json_object_set_new(all, keys[i],
					    json_integer(c->value[i]));
	if (c->has[NUMBER_cause])
		json_object_set_new(all, "cause_text", json_text(
			fxq_cause_text(c->value[NUMBER_cause])));
	if (c->image)
		json_object_set_new(all, "step", json_integer(c->step));
	return print_json(all);
}

static int read_coredump(struct coredump *c, struct bytes *file)
{
	int err = file_read(c->path, file);
	char *text;

	if (err)
		return complain_io(err);
	if (file->size > BYTES_MAX)
		return complain(TOOL_INPUT, "%s: %zu bytes are more than any coredump has",
				c->path, file->size);
	text = realloc(file->data, file->size + 1);
	if (!text)
		return complain(TOOL_INPUT, "%s: no memory", c->path);
	text[file->size] = '\0';
	file->data = (uint8_t *)text;
	return parse(c, text, file->size);
}

int coredump_print(const char *path, const char *image, bool json)
{
	struct coredump *c = calloc(1, sizeof(*c));
	struct bytes file = { 0 };
	int code;

	if (!c)
		return complain(TOOL_INPUT, "%s: no memory", path);
	c->path = path;
	c->kernel = c->contract = c->device = "?";
	code = read_coredump(c, &file);
	if (!code && image)
		code = image_open(image, &c->image);
	if (!code && image)
		code = find_step(c, image);
	if (!code && json)
		code = print_coredump_json(c);
	else if (!code)
		print_words(c);
	fxq_image_close(c->image);
	bytes_free(&file);
	free(c);
	return code;
}
