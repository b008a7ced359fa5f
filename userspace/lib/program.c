// SPDX-License-Identifier: MIT
/*
 * program.c - loading an image onto a device
 */
#include <stdlib.h>
#include <string.h>

#include "kernels/thread.h"

#include "program.h"

#define SLOTS_DEFAULT	4
#define SLOTS_MAX	64
#define WORKERS_MAX	64

static int check_config(struct fxq_program_config *c)
{
	if (c->slots > SLOTS_MAX || c->workers > WORKERS_MAX || c->threads < 0)
		return fxq_fail(-EINVAL,
				"%u slots, %u workers and %d threads are asked for; at most %d, %d and any number above 0 are possible",
				c->slots, c->workers, c->threads, SLOTS_MAX,
				WORKERS_MAX);
	if (!c->slots)
		c->slots = SLOTS_DEFAULT;
	if (!c->threads)
		c->threads = 1;
	return 0;
}

/* Streams were checked for the default machine; this one may be smaller. */
static int check_caps(const struct fxq_program *p)
{
	static const struct fxq_caps normal = FXQ_CAPS_DEFAULT;
	const struct fxq_caps caps = device_stream_caps(p->dev);

	if (!memcmp(&caps, &normal, sizeof(caps)))
		return 0;
	return image_check_streams(p->image, &caps);
}

static bool has_device_steps(const struct fxq_program *p)
{
	for (uint32_t i = 0; i < program_steps(p); i++)
		if (p->image->steps[i].kind == FXQ_STEP_DEVICE)
			return true;
	return false;
}

static int start_workers(struct fxq_program *p)
{
	if (!p->config.workers)
		return 0;
	p->workers = calloc(p->config.workers, sizeof(*p->workers));
	if (!p->workers)
		return fxq_fail_memory("the workers of a program");
	while (p->n_workers < p->config.workers) {
		int ret = thread_start(&p->workers[p->n_workers],
				       program_worker, p);

		if (ret)
			return fxq_fail(-ret, "a worker does not start: %s",
					strerror(ret));
		p->n_workers++;
	}
	return 0;
}

/* When no run is under way. */
static void stop_workers(struct fxq_program *p)
{
	pthread_mutex_lock(&p->dev->lock);
	p->stopping = true;
	pthread_cond_broadcast(&p->dev->changed);
	pthread_mutex_unlock(&p->dev->lock);
	for (uint32_t i = 0; i < p->n_workers; i++)
		pthread_join(p->workers[i], NULL);
}

FXQ_PUBLIC void fxq_program_unload(struct fxq_program *p)
{
	if (!p)
		return;
	if (!device_is_inherited(p->dev)) {
		program_drain(p);
		stop_workers(p);
	}
	free(p->workers);
	if (p->own)
		p->dev->ops->unload(p);
	slots_destroy(p);
	plan_free(p);
	free(p->stats);
	fxq_image_close(p->image);
	free(p);
}

static int load(struct fxq_program *p)
{
	int ret;

	ret = check_config(&p->config);
	if (!ret)
		ret = check_caps(p);
	if (!ret)
		ret = plan_program(p);
	if (!ret)
		ret = slots_create(p);
	if (!ret && has_device_steps(p))
		ret = p->dev->ops->load(p);
	if (ret)
		return ret;

	p->stats = calloc(program_steps(p) + 1ull, sizeof(*p->stats));
	if (!p->stats)
		return fxq_fail_memory("a program");
	return start_workers(p);
}

FXQ_PUBLIC int fxq_program_load(struct fxq_device *dev,
				struct fxq_image *image,
				const struct fxq_program_config *config,
				struct fxq_program **ret_prog)
{
	struct fxq_program *p;
	int ret;

	if (device_is_inherited(dev))
		return device_fail_inherited(dev);
	p = calloc(1, sizeof(*p));
	if (!p)
		return fxq_fail_memory("a program");
	p->dev = dev;
	p->queue = &p->no_queue;
	p->image = image_get(image);
	p->training = image->header->training;
	if (config)
		p->config = *config;
	ret = load(p);
	if (ret) {
		fxq_program_unload(p);
		return ret;
	}
	*ret_prog = p;
	return 0;
}

FXQ_PUBLIC void fxq_program_train(struct fxq_program *prog, bool training)
{
	prog->training = training;
}

FXQ_PUBLIC void fxq_program_eval(struct fxq_program *prog)
{
	prog->training = false;
}

FXQ_PUBLIC bool fxq_program_is_training(const struct fxq_program *prog)
{
	return prog->training;
}

FXQ_PUBLIC int fxq_program_step_stats(const struct fxq_program *prog,
				      uint32_t step,
				      struct fxq_step_stats *ret)
{
	if (device_is_inherited(prog->dev))
		return device_fail_inherited(prog->dev);
	if (step >= program_steps(prog))
		return fxq_fail(-ENOENT, "%s has no step %u; it has %u",
				prog->image->file, step, program_steps(prog));
	pthread_mutex_lock(&prog->dev->lock);
	*ret = prog->stats[step];
	pthread_mutex_unlock(&prog->dev->lock);
	return 0;
}

FXQ_PUBLIC void fxq_program_reset_stats(struct fxq_program *prog)
{
	if (device_is_inherited(prog->dev))
		return;
	pthread_mutex_lock(&prog->dev->lock);
	memset(prog->stats, 0, program_steps(prog) * sizeof(*prog->stats));
	pthread_mutex_unlock(&prog->dev->lock);
}
