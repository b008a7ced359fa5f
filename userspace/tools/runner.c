// SPDX-License-Identifier: MIT
/*
 * runner.c - an image on a device, ready to run
 */
#include <string.h>

#include <fxq/fxq_cost.h>

#include "tool.h"

int image_open(const char *path, struct fxq_image **ret)
{
	int err = fxq_image_open(path, ret);

	return err ? complain_fxq(err) : TOOL_OK;
}

int image_do(const struct options *o,
	     int (*work)(void *args, struct fxq_image *image), void *args)
{
	struct fxq_image *image;
	int code = image_open(o->image, &image);

	if (code)
		return code;
	code = work(args, image);
	fxq_image_close(image);
	return code;
}

int runner_open(struct fxq_image *image, const char *device,
		const struct fxq_device_config *config,
		const struct fxq_program_config *program, struct runner *ret)
{
	struct runner r = { 0 };
	int err;

	err = fxq_device_open(device, config, &r.dev);
	if (!err)
		err = fxq_program_load(r.dev, image, program, &r.prog);
	if (!err)
		err = fxq_io_create(r.prog, &r.io);
	if (err) {
		runner_close(&r);
		return complain(TOOL_DEVICE, "%s", fxq_error());
	}
	*ret = r;
	return TOOL_OK;
}

void runner_close(struct runner *r)
{
	fxq_io_destroy(r->io);
	fxq_program_unload(r->prog);
	if (r->dev)
		fxq_device_close(r->dev);
	*r = (struct runner){ 0 };
}

bool is_embedded(const char *device)
{
	return !device || !strcmp(device, "embedded");
}

double utilization(uint64_t macs, uint64_t cycles)
{
	return cycles ? (double)macs / ((double)FXQ_COST_MACS * cycles) : 0;
}
