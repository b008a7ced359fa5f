// SPDX-License-Identifier: MIT
/*
 * server.c - a function, its clients one after another, and those who wait
 *
 * One loop waits for everything: a new client, messages of the present one,
 * interrupts that are due, word that the client's memory broke, those who ask
 * for faults, and the end.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "server.h"
#include "socket.h"

/* What is waited for, by its place in the array for poll(). */
enum wait_for {
	WAIT_STOP,
	WAIT_CLIENT,		/* connecting, or talking */
	WAIT_MEMORY,
	WAIT_TIMERS,
	WAIT_CONTROL = WAIT_TIMERS + FXQ_VECTORS,
	WAIT_COUNT = WAIT_CONTROL + CONTROL_FDS
};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/* Who says nothing does not keep others waiting for longer. */
#define GREET_MS	3000

static void connect_client(struct fxq_server *s)
{
	int fd = fxq_accept(s->listener);

	if (fd < 0)
		return;
	vfio_socket_init(&s->socket, fd);
	vfio_client_init(&s->client, s->function, &s->socket.stream);
	s->connected = true;
	s->greet_by = now_ms() + GREET_MS;
}

static void disconnect_client(struct fxq_server *s, const char *why)
{
	char text[VFIO_WHY + 64];

	vfio_client_finish(&s->client);
	close(s->socket.fd);
	s->connected = false;
	snprintf(text, sizeof(text), "the client has gone: %s", why);
	if (s->client.greeted)
		s->say(text);
	s->ended |= s->client.greeted && s->once;
}

/* Whoever connects and says nothing only looks whether somebody listens. */
static void serve_client(struct fxq_server *s)
{
	bool greeted = s->client.greeted;
	int ret = vfio_serve(&s->client);

	if (!greeted && s->client.greeted)
		s->say("a client has connected");
	if (ret)
		disconnect_client(s, s->client.why);
}

static void look_at_memory(struct fxq_server *s)
{
	if (vfio_memory_broke(&s->function->memory) && s->connected)
		disconnect_client(s, "a file of its memory became shorter");
}

/* Until when there is time: -1: for ever. */
static int time_left(const struct fxq_server *s)
{
	uint64_t now = now_ms();

	if (!s->connected || s->client.greeted)
		return -1;
	return s->greet_by > now ? s->greet_by - now : 0;
}

static int wait(struct fxq_server *s, struct pollfd *p)
{
	int i, ret;

	p[WAIT_STOP].fd = s->stop;
	p[WAIT_CLIENT].fd = s->connected ? s->socket.fd : s->listener;
	p[WAIT_MEMORY].fd = s->function->memory.wake;
	for (i = 0; i < FXQ_VECTORS; i++)
		p[WAIT_TIMERS + i].fd = s->function->irqs.timer[i];
	control_wait(&s->control, p + WAIT_CONTROL);
	for (i = 0; i < WAIT_COUNT; i++)
		p[i].events = POLLIN;
	do {
		ret = poll(p, WAIT_COUNT, time_left(s));
	} while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

static void act(struct fxq_server *s, const struct pollfd *p)
{
	bool was = s->connected;
	int i;

	for (i = 0; i < FXQ_VECTORS; i++)
		if (p[WAIT_TIMERS + i].revents)
			vfio_irqs_expire(&s->function->irqs, i);
	control_serve(&s->control, p + WAIT_CONTROL);
	if (p[WAIT_MEMORY].revents)
		look_at_memory(s);
	if (p[WAIT_CLIENT].revents && !was)
		connect_client(s);
	else if (p[WAIT_CLIENT].revents && s->connected)
		serve_client(s);
	if (!time_left(s))
		disconnect_client(s, "it does not say who it is");
}

static int run(struct fxq_server *s)
{
	struct pollfd p[WAIT_COUNT] = { 0 };
	int ret = 0;

	while (!ret && !s->ended) {
		ret = wait(s, p);
		if (ret || p[WAIT_STOP].revents)
			break;
		act(s, p);
	}
	return ret;
}

int fxq_server_run(struct fxq_server *s)
{
	int ret = run(s);

	if (s->connected)
		disconnect_client(s, "fxq-emu ends");
	return ret;
}
