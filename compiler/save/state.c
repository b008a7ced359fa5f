// SPDX-License-Identifier: MIT
/*
 * state.c - state dictionaries, in both kinds of file
 *
 * A file is compared with the model in whole before the first element is
 * copied: what is missing, what is not expected, what has another shape or a
 * type that does not fit are all listed in one sentence.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/state.h>

#include "files/files.h"

/* Keys one after another, as a sentence lists them. */
struct list {
	char *text;
	size_t size;
	FILE *to;
};

/*
 * struct load - a file beside a model
 * @known: the file's tensors that the model has a place for
 */
struct load {
	struct fx_module *m;
	struct tensors file;
	bool *known;
	struct list missing, unexpected, wrong;
};

static int tell(char *error, size_t size, int err)
{
	snprintf(error, size, "%s", err ? io_error() : "");
	return err;
}

static void list_open(struct list *l)
{
	l->to = open_memstream(&l->text, &l->size);
	if (!l->to)
		abort();
}

static void list_key(struct list *l, const char *key)
{
	fprintf(l->to, "%s%s", ftell(l->to) ? ", " : "", key);
}

static void print_shape(const struct fxq_tensor *t, FILE *to)
{
	putc('(', to);
	for (uint32_t i = 0; i < t->rank; i++)
		fprintf(to, "%s%" PRId64, i ? ", " : "", t->dims[i]);
	putc(')', to);
}

static bool same_shape(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

static bool is_float(const struct fxq_tensor *t)
{
	return t->dtype == FXQ_DTYPE_F32 || t->dtype == FXQ_DTYPE_F64;
}

/* Whether every element of @from has its like in @to, or is rounded to one. */
static bool converts(const struct fxq_tensor *from, const struct fxq_tensor *to)
{
	return from->dtype == to->dtype || is_float(to) ||
	       (to->dtype == FXQ_DTYPE_I64 && !is_float(from) &&
		from->dtype != FXQ_DTYPE_U64);
}

/* Gives the file's tensor the model's type. */
static int cast(struct fxq_tensor *t, uint32_t dtype)
{
	struct fxq_attr to = { .name = "to", .type = FXQ_ATTR_INT, .count = 1,
			       .i = dtype };
	struct fxq_tensor out = { 0 };
	struct fxq_call call = {
		.n_in = 1, .n_out = 1, .in = t, .out = &out,
		.n_attrs = 1, .attrs = &to, .threads = 1,
	};
	int err;

	if (t->dtype == dtype)
		return 0;
	err = fx_op_run(fx_op_find("cast"), &call);
	if (err)
		return io_fail(err, "%s", call.error);
	fxq_tensor_free(t);
	*t = out;
	return 0;
}

/* Vectors whose length their module learns from data: one for each channel. */
static bool may_resize(const struct load *l, const char *key,
		       const struct fxq_tensor *from,
		       const struct fxq_tensor *to)
{
	const char *dot = strrchr(key, '.');
	char *path = strndup(key, dot ? dot - key : 0);
	struct fx_module *m;

	if (!path)
		abort();
	m = fx_module_at(l->m, path);
	free(path);
	return m && m->class->flags & FX_CLASS_RESIZES && from->rank == 1 &&
	       to->rank == 1;
}

static int compare(struct load *l, const char *key, struct fxq_tensor *from,
		   const struct fxq_tensor *to)
{
	bool fits = same_shape(from, to) || may_resize(l, key, from, to);

	if (fits && converts(from, to))
		return cast(from, to->dtype);

	list_key(&l->wrong, key);
	if (fits) {
		fprintf(l->wrong.to, " is %s in the file and %s in the model",
			fxq_dtype_name(from->dtype), fxq_dtype_name(to->dtype));
		return 0;
	}
	fputs(" is ", l->wrong.to);
	print_shape(from, l->wrong.to);
	fputs(" in the file and ", l->wrong.to);
	print_shape(to, l->wrong.to);
	fputs(" in the model", l->wrong.to);
	return 0;
}

/* torch began to count batches later than it began to save models. */
static bool may_miss(const char *key)
{
	const char *dot = strrchr(key, '.');

	return !strcmp(dot ? dot + 1 : key, "num_batches_tracked");
}

static int compare_tensor(const char *key, enum fx_member_kind kind,
			  struct fxq_tensor *to, void *ctx)
{
	struct load *l = ctx;
	const struct fxq_tensor *from = tensors_find(&l->file, key);
	size_t i = from - l->file.tensor;

	if (!from && !may_miss(key))
		list_key(&l->missing, key);
	if (!from)
		return 0;
	l->known[i] = true;
	return compare(l, key, &l->file.tensor[i], to);
}

static int compare_all(struct load *l, struct fx_module *m)
{
	int err;

	list_open(&l->missing);
	list_open(&l->unexpected);
	list_open(&l->wrong);
	err = fx_module_each_tensor(m, compare_tensor, l);
	for (size_t i = 0; !err && i < l->file.n; i++)
		if (!l->known[i])
			list_key(&l->unexpected, l->file.name[i]);
	fclose(l->missing.to);
	fclose(l->unexpected.to);
	fclose(l->wrong.to);
	return err;
}

/* Every list that is not empty. */
static int report(const struct load *l, const char *path, bool strict,
		  char *error, size_t error_size)
{
	const struct list *m = &l->missing, *u = &l->unexpected;
	bool keys = m->size || u->size;

	if (l->wrong.size) {
		snprintf(error, error_size, "%s: %s; make the model as the file's was",
			 path, l->wrong.text);
		return -EINVAL;
	}
	snprintf(error, error_size, "%s%s%s%s%s%s%s", keys ? path : "",
		 m->size ? ": missing keys: " : "", m->text,
		 !u->size ? "" : m->size ? "; unexpected keys: " :
				 ": unexpected keys: ", u->text,
		 keys && strict ? "; make the model as the file's was, " : "",
		 keys && strict ? "or load without strict" : "");
	return keys && strict ? -EINVAL : 0;
}

static int copy_tensor(const char *key, enum fx_member_kind kind,
		       struct fxq_tensor *to, void *ctx)
{
	struct tensors *file = ctx;
	const struct fxq_tensor *found = tensors_find(file, key);
	struct fxq_tensor *from, old = *to;

	if (!found)
		return 0;
	if (same_shape(found, to)) {
		memcpy(to->data, found->data, fxq_tensor_bytes(to));
		return 0;
	}
	/* The file's tensor for the model's, which goes with the file. */
	from = &file->tensor[found - file->tensor];
	*to = *from;
	*from = old;
	return 0;
}

static int read_tensors(const char *path, struct tensors *ret)
{
	struct bytes file;
	int err;

	err = file_read(path, &file);
	if (err)
		return err;
	err = is_zip(file.data, file.size) ?
	      npz_parse(path, file.data, file.size, ret) :
	      safetensors_parse(path, file.data, file.size, ret);
	bytes_free(&file);
	return err;
}

int fx_load_state(struct fx_module *m, const char *path, bool strict,
		  char *error, size_t error_size)
{
	struct load l = { .m = m };
	int err;

	err = read_tensors(path, &l.file);
	if (err)
		return tell(error, error_size, err);
	l.known = calloc(l.file.n + 1, sizeof(*l.known));
	if (!l.known)
		abort();

	err = compare_all(&l, m);
	if (err)
		tell(error, error_size, err);
	else
		err = report(&l, path, strict, error, error_size);
	if (!err)
		fx_module_each_tensor(m, copy_tensor, &l.file);
	free(l.missing.text);
	free(l.unexpected.text);
	free(l.wrong.text);
	free(l.known);
	tensors_free(&l.file);
	return err;
}

/* Saving */

static int add_tensor(const char *key, enum fx_member_kind kind,
		      struct fxq_tensor *t, void *ctx)
{
	struct tensors *all = ctx;
	size_t n = all->n + 1;

	all->name = realloc(all->name, n * sizeof(*all->name));
	all->tensor = realloc(all->tensor, n * sizeof(*all->tensor));
	if (!all->name || !all->tensor)
		abort();
	all->name[all->n] = strdup(key);
	if (!all->name[all->n])
		abort();
	all->tensor[all->n++] = *t;
	return 0;
}

static const struct {
	const char *ending;
	int (*format)(const char *name, const struct tensors *t,
		      struct bytes *ret);
} formats[] = {
	{ ".safetensors", safetensors_format },
	{ ".npz", npz_format },
};

static int format_as(const char *path, const struct tensors *t,
		     struct bytes *ret)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].ending, dot))
			return formats[i].format(path, t, ret);
	return io_fail(-EINVAL,
		       "%s: a file of parameters ends with .safetensors or .npz",
		       path);
}

int fx_save_state(struct fx_module *m, const char *path,
		  char *error, size_t error_size)
{
	struct tensors all = { 0 };
	struct bytes file = { 0 };
	int err;

	fx_module_each_tensor(m, add_tensor, &all);
	err = format_as(path, &all, &file);
	if (!err)
		err = file_write(path, file.data, file.size);
	bytes_free(&file);
	/* The elements are the model's. */
	for (size_t i = 0; i < all.n; i++)
		all.tensor[i].data = NULL;
	tensors_free(&all);
	return tell(error, error_size, err);
}
