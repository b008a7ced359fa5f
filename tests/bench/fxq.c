// SPDX-License-Identifier: MIT
/*
 * fxq.c - libfxq's embedded device as a racer
 */
#include <stdio.h>
#include <stdlib.h>

#include "racer.h"

struct fxq_racer {
	struct racer base;
	struct fxq_device *dev;
	struct fxq_image *image;
	struct fxq_program *prog;
	struct fxq_io *io;
};

static int fxq_racer_run(struct racer *base)
{
	struct fxq_racer *r = (struct fxq_racer *)base;
	int err = fxq_run(r->prog, r->io->in, r->io->out);

	if (err)
		snprintf(base->why, RACER_REASON, "%s", fxq_error());
	return err;
}

static void fxq_racer_close(struct racer *base)
{
	struct fxq_racer *r = (struct fxq_racer *)base;

	fxq_io_destroy(r->io);
	fxq_program_unload(r->prog);
	fxq_image_close(r->image);
	if (r->dev)
		fxq_device_close(r->dev);
	free(r);
}

static int open_all(struct fxq_racer *r, const char *path, int threads)
{
	const struct fxq_device_config dev = { .threads = threads };
	const struct fxq_program_config prog = {
		.slots = 1, .threads = threads
	};
	int err = fxq_image_open(path, &r->image);

	if (!err)
		err = fxq_device_open("embedded", &dev, &r->dev);
	if (!err)
		err = fxq_program_load(r->dev, r->image, &prog, &r->prog);
	if (!err)
		err = fxq_io_create(r->prog, &r->io);
	return err;
}

static bool all_float(const struct fxq_tensor *t, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (t[i].dtype != FXQ_DTYPE_F32)
			return false;
	return true;
}

struct racer *fxq_racer_open(const char *path, int threads,
			     struct fxq_io **ret_io, char *why)
{
	struct fxq_racer *r = calloc(1, sizeof(*r));
	struct fxq_image_info info;

	if (!r)
		return NULL;
	r->base.run = fxq_racer_run;
	r->base.close = fxq_racer_close;
	if (open_all(r, path, threads)) {
		snprintf(why, RACER_REASON, "%s", fxq_error());
	} else if (!all_float(r->io->in, r->io->n_in) ||
		   !all_float(r->io->out, r->io->n_out)) {
		snprintf(why, RACER_REASON, "inputs or outputs are not float");
	} else {
		fxq_image_info(r->image, &info);
		r->base.macs = (double)info.macs_device + info.macs_cpu;
		*ret_io = r->io;
		return &r->base;
	}
	fxq_racer_close(&r->base);
	return NULL;
}
