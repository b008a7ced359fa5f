// SPDX-License-Identifier: MIT
/* classify.c - the class of a gray picture: classify net.fxq < picture.pgm */
#include <err.h>
#include <stdio.h>
#include <fxq/fxq.h>

int main(int argc, char **argv)
{
	struct fxq_preprocess_info p = { .std = { 1 } };
	struct fxq_program *net;
	struct fxq_device *dev;
	struct fxq_image *image;
	struct fxq_io *io;
	int w, h, best = 0;

	if (argc != 2 || scanf("P5 %d %d 255%*c", &w, &h) != 2)
		errx(1, "usage: classify net.fxq < picture.pgm");
	if (fxq_device_open(NULL, NULL, &dev) ||
	    fxq_image_open(argv[1], &image) ||
	    fxq_program_load(dev, image, NULL, &net) ||
	    fxq_io_create(net, &io))
		errx(1, "%s", fxq_error());
	if (io->in[0].dims[2] != h || io->in[0].dims[3] != w)
		errx(1, "the network takes no picture of %dx%d", w, h);
	fxq_image_preprocess_info(image, 0, &p);
	for (float *x = io->in[0].data, *end = x + w * h; x < end; x++)
		*x = (getchar() / 255.0f - p.mean[0]) / p.std[0];
	if (fxq_run(net, io->in, io->out))
		errx(1, "%s", fxq_error());
	for (const float *y = io->out[0].data, *i = y; i < y + io->out[0].dims[1]; i++)
		best = *i > y[best] ? i - y : best;
	printf("class %d\n", best);
	fxq_io_destroy(io);
	fxq_program_unload(net);
	fxq_image_close(image);
	fxq_device_close(dev);
}
