// SPDX-License-Identifier: MIT
/*
 * read.c - reads what is written on a page: detect, crop, recognise
 *
 *	fxq-run compile det.onnx --post ppocr-det --calibrate pages -o det.fxq
 *	fxq-run compile cls.onnx --calibrate lines -o cls.fxq --order bgr \
 *		--mean 0.5 --std 0.5
 *	fxq-run compile rec.onnx --post ppocr-rec --calibrate lines -o rec.fxq
 *	read det.fxq cls.fxq rec.fxq symbols.txt page.png
 *
 * Three networks run on the device. The first finds lines of text. Between them
 * stand two functions of this program: one cuts a line out of the page, in the
 * shape that the next network takes, and one turns it around if the second
 * network says that it is upside down. The last names symbols, one a line of
 * the file, of which 0 is none and that behind the last a space.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

#include <fxq/fxq.h>

#define BOX_COLUMNS	6
#define GREY		127	/* what is beside a line that ends early */
#define MAX_SIDE	16384	/* so that an int counts a page's bytes */

struct picture {
	int width, height;
	unsigned char *rgb;		/* (height, width, 3) */
};

struct network {
	struct fxq_image *image;
	struct fxq_program *prog;
	struct fxq_preprocess_info pre;
	struct fxq_io *io;
};

struct symbols {
	char *text, **line;
	int64_t n;
};

static int fail(const char *about, const char *why)
{
	fprintf(stderr, "read: %s: %s\n", about, why);
	return EXIT_FAILURE;
}

static int network_open(struct fxq_device *dev, const char *path,
			struct network *n)
{
	if (fxq_image_open(path, &n->image) ||
	    fxq_image_preprocess_info(n->image, 0, &n->pre) ||
	    fxq_program_load(dev, n->image, NULL, &n->prog) ||
	    fxq_io_create(n->prog, &n->io))
		return -1;
	return 0;
}

static void network_close(struct network *n)
{
	fxq_io_destroy(n->io);
	fxq_program_unload(n->prog);
	fxq_image_close(n->image);
}

static int read_png(const char *path, struct picture *p)
{
	png_image png = { .version = PNG_IMAGE_VERSION };

	if (!png_image_begin_read_from_file(&png, path))
		return -1;
	if (png.width > MAX_SIDE || png.height > MAX_SIDE) {
		png_image_free(&png);
		return -1;
	}
	png.format = PNG_FORMAT_RGB;
	p->width = (int)png.width;
	p->height = (int)png.height;
	p->rgb = malloc(PNG_IMAGE_SIZE(png));
	return p->rgb && png_image_finish_read(&png, NULL, p->rgb, 0, NULL) ?
	       0 : -1;
}

/* All of the file, with a 0 behind it. */
static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = f ? calloc(1, (1 << 20) + 1) : NULL;

	if (text && (!fread(text, 1, 1 << 20, f) || !feof(f))) {
		free(text);
		text = NULL;
	}
	if (f)
		fclose(f);
	return text;
}

static int read_symbols(const char *path, struct symbols *s)
{
	int64_t room = 0;

	s->text = read_text(path);
	if (!s->text)
		return -1;
	for (char *at = strtok(s->text, "\n"); at; at = strtok(NULL, "\n")) {
		if (s->n == room) {
			room = 2 * room + 256;
			s->line = realloc(s->line, (size_t)room *
					  sizeof(*s->line));
			if (!s->line)
				return -1;
		}
		s->line[s->n++] = at;
	}
	return 0;
}

/* The mean of the pixels of channel @c in a part of @p of at least one. */
static float mean(const struct picture *p, int c, float left, float top,
		  float right, float bottom)
{
	int x0 = (int)left, x1 = (int)right, y0 = (int)top, y1 = (int)bottom;
	int n = 0;
	float sum = 0;

	x1 = x1 > x0 ? x1 : x0 + 1;
	y1 = y1 > y0 ? y1 : y0 + 1;
	for (int y = y0; y < y1 && y < p->height; y++)
		for (int x = x0; x < x1 && x < p->width; x++, n++)
			sum += p->rgb[(y * p->width + x) * 3 + c];
	return n ? sum / (float)n : GREY;
}

/*
 * Fills the input of @n with @p, stretched to @width columns of it; what is
 * right of them is grey.
 */
static void fill(struct network *n, const struct picture *p, int width)
{
	const struct fxq_preprocess_info *pre = &n->pre;
	int w = (int)pre->width, h = (int)pre->height;
	float *to = n->io->in[pre->input].data;
	float fx = (float)p->width / (float)width;
	float fy = (float)p->height / (float)h;

	for (int i = 0; i < w * h * 3; i++) {
		int c = i / (w * h), y = i / w % h, x = i % w;
		int from = pre->order == FXQ_PIXEL_BGR ? 2 - c : c;
		float v = GREY;

		if (x < width)
			v = mean(p, from, (float)x * fx, (float)y * fy,
				 (float)(x + 1) * fx, (float)(y + 1) * fy);
		to[i] = (v / 255 - pre->mean[c]) / pre->std[c];
	}
}

/* The same, of a line of text, whose shape is kept if it fits. */
static void fill_line(struct network *n, const struct picture *line)
{
	int most = (int)n->pre.width;
	int width = line->width * (int)n->pre.height / line->height;

	fill(n, line, width < 1 ? 1 : width < most ? width : most);
}

static int pixel(float at, int size)
{
	return at > 0 ? at < 1 ? (int)(at * (float)size) : size : 0;
}

/* The part of @page that @box, of 0 to 1, says; none if that is empty. */
static struct picture crop(const struct picture *page, const float *box)
{
	int left = pixel(box[0], page->width), top = pixel(box[1], page->height);
	struct picture p = { pixel(box[2], page->width) - left,
			     pixel(box[3], page->height) - top, NULL };

	if (p.width < 1 || p.height < 1)
		return p;
	p.rgb = malloc((size_t)p.width * (size_t)p.height * 3);
	for (int y = 0; p.rgb && y < p.height; y++)
		memcpy(p.rgb + (size_t)y * (size_t)p.width * 3, page->rgb +
		       ((size_t)(top + y) * (size_t)page->width +
			(size_t)left) * 3, (size_t)p.width * 3);
	return p;
}

static void turn(struct picture *p)
{
	int n = p->width * p->height;

	for (int i = 0; i < n / 2; i++)
		for (int c = 0; c < 3; c++) {
			unsigned char *a = &p->rgb[3 * i + c];
			unsigned char *b = &p->rgb[3 * (n - 1 - i) + c];
			unsigned char t = *a;

			*a = *b;
			*b = t;
		}
}

static void print_symbols(const struct fxq_tensor *found,
			  const struct symbols *s)
{
	const int64_t *v = found->data;

	for (int64_t i = 0; i < found->dims[0]; i++)
		fputs(v[i] > 0 && v[i] <= s->n ? s->line[v[i] - 1] : " ",
		      stdout);
	putchar('\n');
}

static int read_line(struct network *cls, struct network *rec,
		     struct picture *line, const struct symbols *s)
{
	const float *ways = cls->io->out[0].data;	/* upright, turned */

	fill_line(cls, line);
	if (fxq_run(cls->prog, cls->io->in, cls->io->out))
		return -1;
	if (ways[1] > 0.9f)
		turn(line);
	fill_line(rec, line);
	if (fxq_run(rec->prog, rec->io->in, rec->io->out))
		return -1;
	print_symbols(&rec->io->out[0], s);
	return 0;
}

static int read_page(struct network *nets, const struct picture *page,
		     const struct symbols *s)
{
	const struct fxq_tensor *boxes = &nets[0].io->out[0];
	int ret = 0;

	fill(&nets[0], page, (int)nets[0].pre.width);
	if (fxq_run(nets[0].prog, nets[0].io->in, nets[0].io->out))
		return -1;
	for (int64_t i = 0; i < boxes->dims[0] && !ret; i++) {
		struct picture line = crop(page, (const float *)boxes->data +
					   i * BOX_COLUMNS);

		if (line.rgb)
			ret = read_line(&nets[1], &nets[2], &line, s);
		free(line.rgb);
	}
	return ret;
}

/* Are these the networks that the usage asks for, in that order? */
static bool are_ours(const struct network *nets)
{
	const struct fxq_tensor *boxes = &nets[0].io->out[0];
	const struct fxq_tensor *ways = &nets[1].io->out[0];

	for (int i = 0; i < 3; i++)
		if (nets[i].pre.channels != 3 || nets[i].pre.nhwc ||
		    nets[i].io->in[nets[i].pre.input].dtype != FXQ_DTYPE_F32)
			return false;
	return boxes->rank == 2 && boxes->dims[1] == BOX_COLUMNS &&
	       boxes->dtype == FXQ_DTYPE_F32 && ways->rank == 2 &&
	       ways->dims[1] == 2 && ways->dtype == FXQ_DTYPE_F32 &&
	       nets[2].io->out[0].dtype == FXQ_DTYPE_I64;
}

int main(int argc, char **argv)
{
	struct network nets[3] = { 0 };
	struct picture page = { 0 };
	struct symbols symbols = { 0 };
	struct fxq_device *dev;
	int ret = 0;

	if (argc != 6)
		return fail("usage", "read DET.fxq CLS.fxq REC.fxq SYMBOLS.txt PAGE.png");
	if (read_symbols(argv[4], &symbols))
		return fail(argv[4], "no symbols: a file of at most 1 MiB, one a line, is needed");
	if (read_png(argv[5], &page))
		return fail(argv[5], "no PNG of at most 16384 x 16384 pixels");
	if (fxq_device_open(NULL, NULL, &dev))
		return fail("device", fxq_error());
	for (int i = 0; i < 3; i++)
		if (network_open(dev, argv[1 + i], &nets[i]))
			return fail(argv[1 + i], fxq_error());
	if (!are_ours(nets))
		return fail(argv[1], "this and the next two are not a detector, a classifier and a reader of text: compile the first with --post ppocr-det, the last with --post ppocr-rec");

	if (read_page(nets, &page, &symbols))
		ret = fail(argv[5], fxq_error());
	for (int i = 0; i < 3; i++)
		network_close(&nets[i]);
	fxq_device_close(dev);
	free(page.rgb);
	free(symbols.line);
	free(symbols.text);
	return ret;
}
