// SPDX-License-Identifier: MIT
/*
 * feed_files.c - samples from the files of a folder, read when asked for
 *
 * A folder of folders is labelled data: each is a class, named by its number
 * or else numbered in the order of names.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"

int feed_picture(const struct feed *f, const char *name,
		 const struct picture *p, size_t i, struct fxq_tensor *sample)
{
	const struct fxq_preprocess_info *pre = &f->in->pre;
	size_t n = (size_t)pre->width * pre->height * pre->channels;

	return preprocess(name, pre, p,
			  (float *)sample[pre->input].data + i * n);
}

static bool read_as_picture(const char *path)
{
	uint8_t head[8];
	struct bytes file;
	bool is;

	if (file_read(path, &file))
		return false;
	memset(head, 0, sizeof(head));
	memcpy(head, file.data, file.size < 8 ? file.size : 8);
	is = is_picture(head, sizeof(head));
	bytes_free(&file);
	return is;
}

static int one_picture(const struct feed *f, const char *path, size_t i,
		       struct fxq_tensor *sample)
{
	struct picture p;
	struct bytes file;
	int err;

	err = file_read(path, &file);
	if (err)
		return err;
	err = picture_parse(path, file.data, file.size, &p);
	bytes_free(&file);
	if (err)
		return err;
	err = feed_picture(f, path, &p, i, sample);
	picture_free(&p);
	return err;
}

static int get_pictures(const struct feed *f, size_t i,
			struct fxq_tensor *sample)
{
	int ret = 0;

	for (size_t b = 0; !ret && b < f->batch; b++)
		ret = one_picture(f, f->files.path[i * f->batch + b], b,
				  sample);
	return ret;
}

/* The tensor of input @k in the file, which holds one sample. */
static int get_input(const struct feed *f, const char *path, size_t k,
		     struct fxq_tensor *to)
{
	char have[TYPE_TEXT_MAX], want[TYPE_TEXT_MAX];
	struct fxq_tensor t, as;
	int err;

	err = load_tensor(path, f->in->name[k], NULL, &t);
	if (err)
		return err;
	if (samples_in(&t, to) != 1)
		err = io_fail(-EINVAL, "%s: it is %s and input '%s' needs %s",
			      path, type_text(&t, have), f->in->name[k],
			      type_text(to, want));
	else
		err = tensor_convert(path, &t, to->dtype, &as);
	fxq_tensor_free(&t);
	if (err)
		return err;
	memcpy(to->data, as.data, fxq_tensor_bytes(to));
	fxq_tensor_free(&as);
	return 0;
}

static int get_tensors(const struct feed *f, size_t i,
		       struct fxq_tensor *sample)
{
	int ret = 0;

	for (size_t k = 0; !ret && k < f->in->n; k++)
		ret = get_input(f, f->files.path[i], k, &sample[k]);
	return ret;
}

/* Appends the files of @folder, all of the class @label. */
static int add_files(struct feed *f, const char *folder, int64_t label)
{
	struct list l;
	size_t n = f->files.n;
	char **path;
	int64_t *labels;
	int err;

	err = list_files(folder, &l);
	if (err)
		return err;
	path = realloc(f->files.path, (n + l.n) * sizeof(*path));
	if (path)
		f->files.path = path;
	labels = realloc(f->label, (n + l.n) * sizeof(*labels));
	if (labels)
		f->label = labels;
	if (!path || !labels) {
		list_free(&l);
		return io_fail_memory(folder);
	}
	for (size_t i = 0; i < l.n; i++) {
		path[n + i] = l.path[i];
		labels[n + i] = label;
	}
	f->files.n = f->n_labels = n + l.n;
	free(l.path);
	return 0;
}

/* The number that a folder's name is; -1 if it is none. */
static int64_t number_of(const char *path)
{
	const char *name = strrchr(path, '/') + 1;
	char *end;
	long v = strtol(name, &end, 10);

	return *name && !*end && v >= 0 ? v : -1;
}

static int add_classes(struct feed *f, const char *folder)
{
	struct list classes;
	bool numbered = true;
	int err;

	err = list_folders(folder, &classes);
	if (err)
		return io_fail(err, "%s: this folder has neither files nor folders of files",
			       folder);
	for (size_t i = 0; i < classes.n; i++)
		numbered &= number_of(classes.path[i]) >= 0;
	for (size_t i = 0; !err && i < classes.n; i++)
		err = add_files(f, classes.path[i], numbered ?
				number_of(classes.path[i]) : (int64_t)i);
	list_free(&classes);
	return err;
}

int feed_folder(struct feed *f, const char *folder)
{
	int err;

	err = add_files(f, folder, -1);
	if (err == -ENOENT)
		err = add_classes(f, folder);
	if (err)
		return err;
	f->pictures = f->in->has_pre && f->in->n == 1 &&
		      read_as_picture(f->files.path[0]);
	f->get = f->pictures ? get_pictures : get_tensors;
	f->n = f->pictures ? f->files.n / f->batch : f->files.n;
	return 0;
}
