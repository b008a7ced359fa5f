// SPDX-License-Identifier: MIT
/*
 * words.c - how many words a reader still reads in eight bits
 *
 *	words READER.onnx SYMBOLS CALIBRATE EVALUATE LEAST
 *
 * Compiles the network with the default observer on the pictures of one folder
 * as fxq-run does, and reads those of the other with the float graph and on the
 * embedded device. A picture's name ends in what it says: 17_bridge.pgm. Fails
 * if the device reads less than LEAST percent of the words that float reads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>
#include <fxq/fxq.h>
#include <fxq/image.h>
#include <fxq/onnx.h>
#include <fxq/post.h>

#include "io/io.h"

#define THREADS	2

static void fail(const char *what)
{
	fprintf(stderr, "words: %s\n", what);
	exit(EXIT_FAILURE);
}

static void check(struct fx_graph *g, int err)
{
	if (err)
		fail(fx_graph_error(g));
}

static void check_device(int err)
{
	if (err)
		fail(fxq_error());
}

/* Pictures */

struct strip {
	struct fxq_tensor t;
	char *said;
};

struct strips {
	struct strip *v;
	size_t n;
};

static char *said_by(const char *path)
{
	const char *at = strrchr(path, '_'), *end = strrchr(path, '.');

	if (!at || !end || end < at)
		fail("a picture's name does not tell what it says");
	return strndup(at + 1, (size_t)(end - at) - 1);
}

static void load_strip(const char *path, const struct fxq_tensor *type,
		       struct strip *to)
{
	const struct fxq_preprocess_info how = {
		.order = FXQ_PIXEL_BGR, .channels = 3,
		.width = (uint32_t)type->dims[3],
		.height = (uint32_t)type->dims[2],
		.mean = { .5f, .5f, .5f }, .std = { .5f, .5f, .5f },
	};
	struct picture p;
	struct bytes b;

	to->said = said_by(path);
	to->t = *type;
	to->t.data = NULL;
	if (fxq_tensor_alloc(&to->t) || file_read(path, &b) ||
	    picture_parse(path, b.data, b.size, &p) ||
	    preprocess(path, &how, &p, to->t.data))
		fail(io_error());
	picture_free(&p);
	bytes_free(&b);
}

static struct strips load(const char *folder, const struct fxq_tensor *type)
{
	struct strips all = { 0 };
	struct list files;

	if (list_files(folder, &files))
		fail(io_error());
	all.n = files.n;
	all.v = calloc(files.n ? files.n : 1, sizeof(*all.v));
	for (size_t i = 0; i < files.n && all.v; i++)
		load_strip(files.path[i], type, &all.v[i]);
	list_free(&files);
	if (!all.n || !all.v)
		fail("there are no pictures");
	return all;
}

/* Reading */

/* One a line; index 0 is none of them, the one behind the last is " ". */
static struct list read_symbols(const char *path)
{
	struct list symbols = { 0 };
	struct bytes b;
	char *text, *line;

	if (file_read(path, &b))
		fail(io_error());
	text = strndup((const char *)b.data, b.size);
	while ((line = strsep(&text, "\n"))) {
		symbols.path = realloc(symbols.path, (symbols.n + 1) *
				       sizeof(*symbols.path));
		symbols.path[symbols.n++] = line;
	}
	bytes_free(&b);
	if (symbols.n && !*symbols.path[symbols.n - 1])
		symbols.n--;
	return symbols;
}

/* Does the network's answer @y spell @said? */
static bool reads(const struct list *symbols, const struct fxq_tensor *y,
		  const char *said)
{
	const struct fxq_function *decode = fx_post_find("ctc_decode");
	struct fxq_tensor in = *y, found = { 0 };
	struct fxq_call c = { .n_in = 1, .n_out = 1, .in = &in, .out = &found,
			      .threads = 1 };
	bool same = true;

	if ((decode->infer && (decode->infer(&c) || fxq_tensor_alloc(&found))) ||
	    decode->eval(&c))
		fail(c.error);
	for (int64_t i = 0; same && i < found.dims[0]; i++) {
		size_t k = (size_t)((const int64_t *)found.data)[i];
		const char *is = k <= symbols->n ? symbols->path[k - 1] : " ";

		same = !strncmp(said, is, strlen(is));
		said += same ? strlen(is) : 0;
	}
	fxq_tensor_free(&found);
	return same && !*said;
}

/* The network, in float and on the device */

static void feed(struct fx_graph *g, struct fx_calibration *cal,
		 const struct strips *all)
{
	for (size_t i = 0; i < all->n; i++)
		check(g, fx_calibration_feed(cal, &all->v[i].t, 1, THREADS));
}

static struct fxq_program *on_device(struct fx_graph *q)
{
	const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	const struct fx_lower_options options = { .name = "reader" };
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_image *image;
	struct fxq_writer *w;
	size_t size;
	void *bytes;

	check(q, fx_partition(q, &caps));
	check(q, fx_lower(q, &options, &w));
	if (fxq_writer_finish_memory(w, &bytes, &size))
		fail(fxq_writer_error(w));
	fxq_writer_free(w);
	check_device(fxq_image_open_memory(bytes, size, &image));
	check_device(fxq_device_open("embedded", NULL, &device));
	check_device(fxq_program_load(device, image, NULL, &program));
	return program;
}

struct count {
	int words, both, device_only, right;
};

static struct count read_all(struct fx_graph *g, struct fxq_program *program,
			     const struct strips *all,
			     const struct list *symbols)
{
	struct fx_run run = { .threads = THREADS };
	struct count n = { .words = (int)all->n };
	struct fxq_tensor y;
	struct fxq_io *io;

	check_device(fxq_io_create(program, &io));
	for (size_t i = 0; i < all->n; i++) {
		const struct strip *s = &all->v[i];
		bool in_float, on_device;

		check(g, fx_graph_run(g, &run, &s->t, 1, &y, 1));
		memcpy(io->in[0].data, s->t.data, fxq_tensor_bytes(&s->t));
		check_device(fxq_run(program, io->in, io->out));
		in_float = reads(symbols, &y, s->said);
		on_device = reads(symbols, &io->out[0], s->said);
		n.right += in_float;
		n.both += in_float && on_device;
		n.device_only += !in_float && on_device;
		if (in_float && !on_device)
			printf("lost: %s\n", s->said);
		fxq_tensor_free(&y);
	}
	fxq_io_destroy(io);
	return n;
}

int main(int argc, char **argv)
{
	const struct fx_import_options options = { .default_batch = 1 };
	const struct fx_qconfig qconfig = { .tune = true };
	struct fx_calibration *cal;
	struct strips seen, unseen;
	struct list symbols;
	struct fx_graph *g, *q;
	struct count n;
	char why[256];

	if (argc != 6)
		fail("usage: words READER.onnx SYMBOLS CALIBRATE EVALUATE LEAST");
	if (fx_import_onnx(argv[1], &options, &g, why, sizeof(why)))
		fail(why);
	check(g, fx_fuse(g));
	symbols = read_symbols(argv[2]);
	seen = load(argv[3], &fx_graph_first(g)->out[0]);
	unseen = load(argv[4], &fx_graph_first(g)->out[0]);

	check(g, fx_calibration_begin(g, &qconfig, &cal));
	do
		feed(g, cal, &seen);
	while (fx_calibration_tune(cal));
	check(g, fx_convert(g, cal, &qconfig, &q));
	n = read_all(g, on_device(q), &unseen, &symbols);
	printf("of %d words float reads %d, the device %d of these (%.1f %%) and %d others\n",
	       n.words, n.right, n.both, n.right ? 100. * n.both / n.right : 0,
	       n.device_only);
	return n.right && 100 * n.both >= atoi(argv[5]) * n.right ?
	       EXIT_SUCCESS : EXIT_FAILURE;
}
