// SPDX-License-Identifier: MIT
/*
 * feed.c - samples from files in memory, or made up
 *
 * Whatever the data are, a sample is one tensor for each input. Arrays may
 * hold many samples one after another; pictures go through preprocessing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

/* Inputs */

void feed_inputs_free(struct feed_inputs *in)
{
	for (size_t i = 0; in->name && i < in->n; i++)
		free(in->name[i]);
	free(in->name);
	free(in->type);
	*in = (struct feed_inputs){ 0 };
}

static int inputs_alloc(struct feed_inputs *in, size_t n)
{
	in->n = n;
	in->name = calloc(n + 1, sizeof(*in->name));
	in->type = calloc(n + 1, sizeof(*in->type));
	return in->name && in->type ? TOOL_OK :
	       complain_io(io_fail_memory("inputs"));
}

int feed_inputs_of_graph(const struct fx_graph *g, const struct pictures *p,
			 struct feed_inputs *ret)
{
	struct feed_inputs in = { 0 };
	struct fx_node **nodes;
	int code;
	size_t n;

	nodes = graph_inputs(g, &n);
	code = inputs_alloc(&in, nodes ? n : 0);
	for (size_t i = 0; !code && i < n; i++) {
		in.name[i] = strdup(nodes[i]->target);
		in.type[i] = nodes[i]->out[0];
		in.type[i].data = NULL;
	}
	free(nodes);
	/* An input that looks like a picture may be fed one. */
	if (!code && n && (p->given || (in.type[0].rank == 4 &&
	    in.type[0].dtype == FXQ_DTYPE_F32 &&
	    (in.type[0].dims[1] == 1 || in.type[0].dims[1] == 3 ||
	     in.type[0].dims[3] == 1 || in.type[0].dims[3] == 3)))) {
		code = pictures_for(p, in.name[0], &in.type[0], &in.pre);
		in.has_pre = !code;
	}
	if (code)
		feed_inputs_free(&in);
	else
		*ret = in;
	return code;
}

int feed_inputs_of_image(const struct fxq_image *image,
			 struct feed_inputs *ret)
{
	struct feed_inputs in = { 0 };
	struct fxq_image_info info;
	int code;

	fxq_image_info(image, &info);
	code = inputs_alloc(&in, info.n_inputs);
	if (code) {
		feed_inputs_free(&in);
		return code;
	}
	for (uint32_t i = 0; i < info.n_inputs; i++) {
		struct fxq_tensor_info t;

		fxq_image_input_info(image, i, &t);
		in.name[i] = strdup(t.name);
		in.type[i] = t.type;
		in.type[i].data = NULL;
	}
	in.has_pre = info.n_preprocess &&
		     !fxq_image_preprocess_info(image, 0, &in.pre);
	*ret = in;
	return TOOL_OK;
}

struct fxq_tensor *sample_new(const struct feed_inputs *in)
{
	struct fxq_tensor *sample = calloc(in->n + 1, sizeof(*sample));

	for (size_t i = 0; sample && i < in->n; i++) {
		sample[i] = in->type[i];
		if (fxq_tensor_alloc(&sample[i])) {
			sample_free(sample, in->n);
			return NULL;
		}
	}
	return sample;
}

void sample_free(struct fxq_tensor *sample, size_t n)
{
	for (size_t i = 0; sample && i < n; i++)
		fxq_tensor_free(&sample[i]);
	free(sample);
}

/* Random numbers */

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* Floats in [-1, 1), or what random pixels become; integers 0 and 1. */
static int get_random(const struct feed *f, size_t i, struct fxq_tensor *sample)
{
	for (size_t k = 0; k < f->in->n; k++) {
		const struct fxq_preprocess_info *pre =
			f->in->has_pre && f->in->pre.input == k ? &f->in->pre :
			NULL;
		int64_t n = fxq_tensor_count(&sample[k]);
		size_t width = fxq_dtype_bytes(sample[k].dtype);
		uint64_t seed = mix(mix(f->seed) + i * f->in->n + k);
		float *x = sample[k].data;

		memset(x, 0, n * width);
		for (int64_t j = 0; j < n; j++) {
			uint64_t r = mix(seed + j);

			if (sample[k].dtype != FXQ_DTYPE_F32)
				((uint8_t *)x)[j * width] = r & 1;
			else if (pre)
				x[j] = ((r >> 56) / 255.0f - pre->mean[0]) /
				       pre->std[0];
			else
				x[j] = (float)(int32_t)(r >> 32) / 2147483648.0f;
		}
	}
	return 0;
}

/* Arrays in memory */

size_t samples_in(const struct fxq_tensor *t, const struct fxq_tensor *type)
{
	int64_t all = fxq_tensor_count(t), one = fxq_tensor_count(type);
	uint32_t inner = type->rank ? type->rank - 1 : 0;

	if (!one || !all || all % one || t->rank < inner)
		return 0;
	/* The inner dimensions agree; those before them count samples. */
	for (uint32_t d = 0; d < inner; d++)
		if (t->dims[t->rank - 1 - d] != type->dims[type->rank - 1 - d])
			return 0;
	return all / one;
}

static int get_array(const struct feed *f, size_t i, struct fxq_tensor *sample)
{
	for (size_t k = 0; k < f->in->n; k++) {
		size_t bytes = fxq_tensor_bytes(&sample[k]);

		memcpy(sample[k].data,
		       (const uint8_t *)f->arrays[k].data + i * bytes, bytes);
	}
	return 0;
}

/* @t becomes the samples of input @k. */
static int take_array(struct feed *f, const char *name, size_t k,
		      const struct fxq_tensor *t)
{
	const struct fxq_tensor *type = &f->in->type[k];
	size_t n = samples_in(t, type);
	char have[TYPE_TEXT_MAX], want[TYPE_TEXT_MAX];

	if (!n)
		return io_fail(-EINVAL,
			       "%s: it is %s and input '%s' needs %s, or many of it%s",
			       name, type_text(t, have), f->in->name[k],
			       type_text(type, want), !f->in->has_pre &&
			       t->dtype == FXQ_DTYPE_U8 ?
			       "; for pictures compile with --mean and --std" :
			       "");
	if (f->n && n != f->n)
		return io_fail(-EINVAL,
			       "%s: it has %zu samples for input '%s' and %zu for the others",
			       name, n, f->in->name[k], f->n);
	f->n = n;
	f->get = get_array;
	return tensor_convert(name, t, type->dtype, &f->arrays[k]);
}

static int get_pixels(const struct feed *f, size_t i, struct fxq_tensor *sample)
{
	const struct fxq_tensor *t = &f->pixels;
	struct picture p = {
		.height = t->dims[1],
		.width = t->dims[2],
		.channels = t->rank == 4 ? t->dims[3] : 1,
	};
	size_t bytes = (size_t)p.width * p.height * p.channels;
	int ret = 0;

	for (size_t b = 0; !ret && b < f->batch; b++) {
		p.pixels = (uint8_t *)t->data + (i * f->batch + b) * bytes;
		ret = feed_picture(f, "pictures", &p, b, sample);
	}
	return ret;
}

/* Bytes that are pictures, and an input that takes some? */
static bool is_pixels(const struct feed *f, const struct fxq_tensor *t)
{
	return f->in->has_pre && f->in->n == 1 && t->dtype == FXQ_DTYPE_U8 &&
	       (t->rank == 3 || (t->rank == 4 &&
				 (t->dims[3] == 1 || t->dims[3] == 3))) &&
	       fxq_tensor_count(t);
}

/* Takes over @t, if it returns 0. */
static int take_tensor(struct feed *f, const char *path, struct fxq_tensor *t)
{
	int err;

	if (is_pixels(f, t)) {
		f->pixels = *t;
		f->n = t->dims[0] / f->batch;
		f->get = get_pixels;
		f->pictures = true;
		return 0;
	}
	if (f->in->n != 1)
		return io_fail(-EINVAL, "%s: the network has %zu inputs; give an npz file with an array for each",
			       path, f->in->n);
	err = take_array(f, path, 0, t);
	if (!err)
		fxq_tensor_free(t);
	return err;
}

static int take_npz(struct feed *f, const char *path, const struct bytes *file)
{
	struct tensors npz;
	int err;

	err = npz_parse(path, file->data, file->size, &npz);
	if (err)
		return err;
	for (size_t k = 0; !err && k < f->in->n; k++) {
		const struct fxq_tensor *t = tensors_find(&npz, f->in->name[k]);

		if (!t && npz.n == 1 && f->in->n == 1)
			t = &npz.tensor[0];
		err = t ? take_array(f, path, k, t) :
		      io_fail(-ENOENT, "%s: it has no array called '%s', which is an input's name",
			      path, f->in->name[k]);
	}
	tensors_free(&npz);
	return err;
}

static int take_picture(struct feed *f, const char *path,
			const struct bytes *file)
{
	struct picture p;
	int err;

	if (!f->in->has_pre || f->in->n != 1)
		return io_fail(-EINVAL, "%s: the network does not take a picture; compile it with --mean and --std, or give an npy file",
			       path);
	err = picture_parse(path, file->data, file->size, &p);
	if (err)
		return err;
	f->pixels = (struct fxq_tensor){
		.dtype = FXQ_DTYPE_U8, .rank = 4,
		.dims = { 1, p.height, p.width, p.channels },
		.data = p.pixels,
	};
	f->n = 1 / f->batch;
	f->get = get_pixels;
	f->pictures = true;
	return 0;
}

static int take_file(struct feed *f, const char *path)
{
	struct fxq_tensor t = { .data = NULL };
	struct bytes file = { 0 };
	int err;

	if (is_pb(path)) {
		err = load_tensor(path, NULL, NULL, &t);
		if (!err)
			err = take_tensor(f, path, &t);
	} else {
		err = file_read(path, &file);
		if (err)
			return err;
		if (is_picture(file.data, file.size))
			err = take_picture(f, path, &file);
		else if (is_zip(file.data, file.size))
			err = take_npz(f, path, &file);
		else {
			err = parse_tensor(path, &file, NULL,
					   f->in->n == 1 ? f->in->type : NULL,
					   &t);
			if (!err)
				err = take_tensor(f, path, &t);
		}
	}
	if (err)
		fxq_tensor_free(&t);
	bytes_free(&file);
	return err;
}

static int take_files(struct feed *f, const char *const *paths)
{
	int err = 0;

	for (size_t k = 0; !err && k < f->in->n; k++) {
		struct fxq_tensor t;

		err = load_tensor(paths[k], f->in->name[k], &f->in->type[k],
				  &t);
		if (err)
			break;
		err = take_array(f, paths[k], k, &t);
		fxq_tensor_free(&t);
	}
	return err;
}

static struct feed *feed_new(const struct feed_inputs *in)
{
	struct feed *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->in = in;
	f->batch = in->has_pre ? in->type[in->pre.input].dims[0] : 1;
	f->arrays = calloc(in->n + 1, sizeof(*f->arrays));
	if (f->arrays)
		return f;
	free(f);
	return NULL;
}

/* What a feed is after @err came back from filling it. */
static int feed_finish(struct feed *f, const char *data, int err,
		       struct feed **ret)
{
	if (!err && !f->n)
		err = io_fail(-EINVAL, "%s: it has fewer pictures than the %zu of a batch",
			      data, f->batch);
	if (err) {
		feed_close(f);
		return complain_io(err);
	}
	*ret = f;
	return TOOL_OK;
}

int feed_open(const char *data, const struct feed_inputs *in, uint64_t seed,
	      struct feed **ret)
{
	struct feed *f = feed_new(in);
	int err = 0;

	if (!f)
		return complain_io(io_fail_memory(data));
	f->seed = seed;
	if (!strcmp(data, "random")) {
		f->n = SIZE_MAX;
		f->get = get_random;
	} else if (is_folder(data)) {
		err = feed_folder(f, data);
	} else {
		err = take_file(f, data);
	}
	return feed_finish(f, data, err, ret);
}

int feed_open_each(const char *const *paths, const struct feed_inputs *in,
		   struct feed **ret)
{
	struct feed *f = feed_new(in);

	if (!f)
		return complain_io(io_fail_memory("inputs"));
	return feed_finish(f, paths[0], take_files(f, paths), ret);
}

void feed_close(struct feed *f)
{
	if (!f)
		return;
	for (size_t k = 0; f->arrays && k < f->in->n; k++)
		fxq_tensor_free(&f->arrays[k]);
	free(f->arrays);
	fxq_tensor_free(&f->pixels);
	list_free(&f->files);
	free(f->label);
	free(f);
}

size_t feed_count(const struct feed *f)
{
	return f->n;
}

bool feed_has_pictures(const struct feed *f)
{
	return f->pictures;
}

int feed_get(const struct feed *f, size_t i, struct fxq_tensor *sample)
{
	return f->get(f, i, sample);
}

size_t feed_batch(const struct feed *f)
{
	return f->batch;
}

int64_t feed_label(const struct feed *f, size_t i)
{
	return i < f->n_labels ? f->label[i] : -1;
}

int feed_read_labels(struct feed *f, const char *path)
{
	struct fxq_tensor t, numbers;
	size_t n;
	int err;

	err = load_tensor(path, NULL, NULL, &t);
	if (err)
		return complain_io(err);
	/* Classes are small enough for float32 to hold exactly. */
	err = tensor_convert(path, &t, FXQ_DTYPE_F32, &numbers);
	fxq_tensor_free(&t);
	if (err)
		return complain_io(err);
	n = fxq_tensor_count(&numbers);
	free(f->label);
	f->n_labels = 0;
	f->label = calloc(n + 1, sizeof(*f->label));
	for (; f->label && f->n_labels < n; f->n_labels++)
		f->label[f->n_labels] = ((float *)numbers.data)[f->n_labels];
	fxq_tensor_free(&numbers);
	if (n < f->n * f->batch)
		return complain(TOOL_INPUT, "%s: it has %zu labels and there are %zu samples",
				path, n, f->n * f->batch);
	return TOOL_OK;
}
