// SPDX-License-Identifier: MIT
/*
 * boxes.c - draws what a network finds: faces, lines of text, things
 *
 *	fxq-run compile yunet.onnx --post yunet --calibrate photos -o yunet.fxq
 *	boxes yunet.fxq photo.jpg found.png
 *
 * The image says how a picture becomes its input; its output is rows of left,
 * top, right, bottom (0 to 1), score and class.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>
#include <turbojpeg.h>

#include <fxq/fxq.h>

struct photo {
	int width, height;
	unsigned char *rgb;		/* (height, width, 3) */
};

static int read_jpeg(const char *path, struct photo *p)
{
	FILE *f = fopen(path, "rb");
	unsigned char *data = malloc(1 << 24);
	unsigned long n = f && data ? fread(data, 1, 1 << 24, f) : 0;
	tjhandle tj = tjInitDecompress();
	int ret, unused;

	ret = tjDecompressHeader2(tj, data, n, &p->width, &p->height, &unused);
	if (!ret)
		p->rgb = malloc((size_t)p->width * p->height * 3);
	ret = !p->rgb || tjDecompress2(tj, data, n, p->rgb, p->width, 0,
				       p->height, TJPF_RGB, 0);
	tjDestroy(tj);
	free(data);
	return f ? fclose(f) || ret : -1;
}

static int read_photo(const char *path, struct photo *p)
{
	png_image png = { .version = PNG_IMAGE_VERSION };

	if (!png_image_begin_read_from_file(&png, path))
		return read_jpeg(path, p);
	png.format = PNG_FORMAT_RGB;
	p->width = (int)png.width;
	p->height = (int)png.height;
	p->rgb = malloc(PNG_IMAGE_SIZE(png));
	return !p->rgb || !png_image_finish_read(&png, NULL, p->rgb, 0, NULL);
}

/* Each pixel of the input is the mean of the photo's pixels that it covers. */
static void fill_input(const struct fxq_preprocess_info *pre,
		       const struct photo *p, float *to)
{
	int w = (int)pre->width, h = (int)pre->height;

	for (int i = 0; i < w * h * 3; i++) {
		int at = i / 3, c = i % 3, n = 0;
		int from = pre->order == FXQ_PIXEL_BGR ? 2 - c : c;
		int left = at % w * p->width / w, top = at / w * p->height / h;
		int right = (at % w + 1) * p->width / w;
		int bottom = (at / w + 1) * p->height / h;
		float sum = 0;

		for (int y = top; y < bottom || y == top; y++)
			for (int x = left; x < right || x == left; x++, n++)
				sum += p->rgb[(y * p->width + x) * 3 + from];
		to[pre->nhwc ? i : c * w * h + at] =
			(sum / (float)n / 255 - pre->mean[c]) / pre->std[c];
	}
}

/* The pixel that @at of the way along @size lies in; networks overshoot. */
static int pixel(float at, int size)
{
	return at > 0 ? at < 1 ? (int)(at * (float)size) : size - 1 : 0;
}

static void draw(struct photo *p, const float *box)
{
	int left = pixel(box[0], p->width), right = pixel(box[2], p->width);
	int top = pixel(box[1], p->height), bottom = pixel(box[3], p->height);

	printf("%d %d %d %d score %.2f class %.0f\n", left, top, right, bottom,
	       (double)box[4], (double)box[5]);
	for (int y = top; y <= bottom; y++)
		for (int x = left; x <= right; x++)
			if (x < left + 3 || x > right - 3 || y < top + 3 ||
			    y > bottom - 3)
				memcpy(p->rgb + 3 * (y * p->width + x),
				       "\xff\x20\x20", 3);
}

static int fail(const char *why)
{
	fprintf(stderr, "boxes: %s\n", why);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
			  .format = PNG_FORMAT_RGB };
	struct fxq_preprocess_info pre;
	struct fxq_program *prog;
	struct fxq_device *dev;
	struct fxq_image *image;
	struct photo p = { 0 };
	struct fxq_io *io;

	if (argc != 4)
		return fail("usage: boxes NET.fxq PHOTO OUT.png");
	if (read_photo(argv[2], &p))
		return fail("the photo is neither PNG nor JPEG");
	if (fxq_device_open(NULL, NULL, &dev) ||
	    fxq_image_open(argv[1], &image) ||
	    fxq_image_preprocess_info(image, 0, &pre) ||
	    fxq_program_load(dev, image, NULL, &prog) ||
	    fxq_io_create(prog, &io))
		return fail(fxq_error());
	if (pre.channels != 3 || io->out[0].rank != 2 || io->out[0].dims[1] != 6)
		return fail("this network finds no boxes: compile with --post");

	fill_input(&pre, &p, io->in[pre.input].data);
	if (fxq_run(prog, io->in, io->out))
		return fail(fxq_error());
	for (int64_t i = 0; i < io->out[0].dims[0]; i++)
		draw(&p, (float *)io->out[0].data + i * 6);

	png.width = (unsigned int)p.width;
	png.height = (unsigned int)p.height;
	if (!png_image_write_to_file(&png, argv[3], 0, p.rgb, 0, NULL))
		return fail("the result cannot be written");
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_image_close(image);
	fxq_device_close(dev);
	free(p.rgb);
	return EXIT_SUCCESS;
}
