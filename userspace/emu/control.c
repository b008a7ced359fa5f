// SPDX-License-Identifier: MIT
/*
 * control.c - faults at will: a line in, a line out
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <jansson.h>

#include "control.h"
#include "socket.h"

struct command {
	const char *name;
	char *(*obey)(struct fxq_function *f, const char *rest);
};

static char *obey_plan(struct fxq_function *f, const char *rest)
{
	char why[512] = "error: ";
	const size_t n = strlen(why);

	if (faults_set(&f->faults, rest, why + n, sizeof(why) - n))
		return strdup(why);
	return strdup("ok");
}

static char *obey_counts(struct fxq_function *f, const char *rest)
{
	return faults_counts(&f->faults);
}

static char *obey_status(struct fxq_function *f, const char *rest)
{
	static const char *const presence[] = {
		[FUNCTION_HERE] = "here",
		[FUNCTION_DEAD] = "dead",
		[FUNCTION_REMOVED] = "removed",
	};
	uint32_t status = fxq_machine_read(f->machine, FXQ_REG_STATUS);
	json_t *all = json_pack("{s:s, s:b, s:b, s:b, s:i, s:I}",
		"function", presence[fxq_function_presence(f)],
		"master", pci_is_master(&f->config),
		"enabled", !!(status & FXQ_STATUS_ENABLED),
		"busy", !!(status & FXQ_STATUS_BUSY),
		"memory_ranges", (int)f->memory.count,
		"register_accesses", (json_int_t)f->accesses);
	char *text = json_dumps(all, JSON_COMPACT);

	json_decref(all);
	return text;
}

static char *obey_remove(struct fxq_function *f, const char *rest)
{
	fxq_function_remove(f, FUNCTION_REMOVED);
	return strdup("ok");
}

static char *obey_dead(struct fxq_function *f, const char *rest)
{
	fxq_function_remove(f, FUNCTION_DEAD);
	return strdup("ok");
}

static char *obey_insert(struct fxq_function *f, const char *rest)
{
	fxq_function_insert(f);
	return strdup("ok");
}

static const struct command commands[] = {
	{ "plan", obey_plan },
	{ "counts", obey_counts },
	{ "status", obey_status },
	{ "remove", obey_remove },
	{ "dead", obey_dead },
	{ "insert", obey_insert },
};

char *control_obey(struct fxq_function *f, char *line)
{
	const char *name = strsep(&line, " ");
	uint32_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].obey(f, line ? line : "");
	return strdup("error: commands are plan LIST, counts, status, remove, dead, insert");
}

void control_init(struct control *c, struct fxq_function *f, int listener)
{
	int i;

	c->function = f;
	c->listener = listener;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		c->client[i].fd = -1;
}

static void drop(struct control_client *k)
{
	close(k->fd);
	k->fd = -1;
}

void control_finish(struct control *c)
{
	int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (c->client[i].fd >= 0)
			drop(&c->client[i]);
}

static void accept_client(struct control *c)
{
	int fd = fxq_accept(c->listener);
	int i;

	for (i = 0; fd >= 0 && i < CONTROL_CLIENTS; i++) {
		if (c->client[i].fd >= 0)
			continue;
		c->client[i].fd = fd;
		c->client[i].have = 0;
		return;
	}
	if (fd >= 0)
		close(fd);
}

/* An answer that does not fit in the socket's buffer ends the connection. */
static int answer(struct control_client *k, char *text)
{
	size_t n = strlen(text);
	ssize_t sent;

	text[n] = '\n';
	sent = send(k->fd, text, n + 1, MSG_DONTWAIT | MSG_NOSIGNAL);
	return sent == (ssize_t)n + 1 ? 0 : -EAGAIN;
}

/* Obeys the whole lines that are there. */
static int serve_lines(struct control *c, struct control_client *k)
{
	char *text, *end;
	size_t n;
	int ret = 0;

	while (!ret && (end = memchr(k->line, '\n', k->have))) {
		n = end + 1 - k->line;
		*end = '\0';
		if (end > k->line && end[-1] == '\r')
			end[-1] = '\0';
		text = control_obey(c->function, k->line);
		ret = text ? answer(k, text) : -ENOMEM;
		free(text);
		k->have -= n;
		memmove(k->line, k->line + n, k->have);
	}
	return k->have == sizeof(k->line) ? -EMSGSIZE : ret;
}

static void serve_client(struct control *c, struct control_client *k)
{
	ssize_t n = recv(k->fd, k->line + k->have, sizeof(k->line) - k->have,
			 MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(k);
		return;
	}
	k->have += n;
	if (serve_lines(c, k))
		drop(k);
}

void control_wait(const struct control *c, struct pollfd *p)
{
	int i;

	p[0].fd = c->listener;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		p[1 + i].fd = c->client[i].fd;
}

void control_serve(struct control *c, const struct pollfd *p)
{
	int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (p[1 + i].revents && c->client[i].fd >= 0)
			serve_client(c, &c->client[i]);
	if (p[0].revents)
		accept_client(c);
}
