// SPDX-License-Identifier: MIT
/*
 * infer_results.c - outputs of a network in words and as JSON
 *
 * A row of numbers, one for each class, is shown as the largest of them; boxes
 * that a wrapped function found are listed; anything else is shown by its
 * shape, range and first elements.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "infer.h"

#define FIRST	8		/* elements shown of an output */
#define CLASSES	100000

/* left, top, right, bottom, score, class: what post-processing returns */
#define BOX_COLUMNS	6

int results_init(struct results *res, const struct fxq_image *image, size_t n)
{
	struct fxq_image_info info;
	struct fxq_tensor_info t;
	bool whole = true;

	fxq_image_info(image, &info);
	*res = (struct results){
		.n_runs = n,
		.n_out = info.n_outputs,
		.runs = calloc(n + 1, sizeof(*res->runs)),
		.name = calloc(info.n_outputs + 1, sizeof(*res->name)),
		.dynamic = calloc(info.n_outputs + 1, sizeof(*res->dynamic)),
	};
	for (size_t i = 0; res->runs && i < n; i++) {
		res->runs[i].out = calloc(info.n_outputs + 1,
					  sizeof(*res->runs[i].out));
		whole &= res->runs[i].out != NULL;
	}
	whole &= res->dynamic != NULL;
	for (uint32_t k = 0; res->name && whole && k < info.n_outputs; k++) {
		fxq_image_output_info(image, k, &t);
		res->dynamic[k] = t.flags & FXQ_TENSOR_DYNAMIC;
		res->name[k] = strdup(t.name);
		whole &= res->name[k] != NULL;
	}
	if (whole && res->runs && res->name)
		return TOOL_OK;
	results_finish(res);
	return complain_io(io_fail_memory("outputs"));
}

void results_finish(struct results *res)
{
	for (size_t i = 0; res->runs && i < res->n_runs; i++) {
		for (size_t k = 0; res->runs[i].out && k < res->n_out; k++)
			fxq_tensor_free(&res->runs[i].out[k]);
		free(res->runs[i].out);
	}
	for (size_t k = 0; res->name && k < res->n_out; k++)
		free(res->name[k]);
	free(res->runs);
	free(res->name);
	free(res->dynamic);
}

int read_labels(const char *path, struct list *ret)
{
	struct list l = { 0 };
	struct bytes file;
	char *text, *line, *rest;
	int err;

	err = file_read(path, &file);
	if (err)
		return complain_io(err);
	text = strndup((char *)file.data, file.size);
	bytes_free(&file);
	rest = text;
	while (text && (line = strsep(&rest, "\n"))) {
		char **more = realloc(l.path, (l.n + 1) * sizeof(*more));

		if (!more)
			break;
		l.path = more;
		line[strcspn(line, "\r")] = '\0';
		l.path[l.n] = strdup(line);
		l.n += l.path[l.n] != NULL;
	}
	free(text);
	*ret = l;
	return TOOL_OK;
}

/* How many classes a row of @t has; 0: it is not of that kind. */
static int64_t classes_in(const struct fxq_tensor *t, const struct list *labels)
{
	int64_t n = t->rank ? t->dims[t->rank - 1] : 0;
	int64_t last = t->rank ? n : 0, all = fxq_tensor_count(t);

	if (t->dtype != FXQ_DTYPE_F32 && t->scale == 0)
		return 0;
	/* 1xN, 1xNx1x1: a single row */
	for (uint32_t d = t->rank; n == 1 && d--;)
		n = t->dims[d];
	if (n < 2 || n > CLASSES || all % n || (last != n && all != n))
		return 0;
	return t->rank <= 2 || all == n || labels->n == (size_t)n ? n : 0;
}

static const char *label_of(const struct list *labels, int64_t class)
{
	return (size_t)class < labels->n ? labels->path[class] : NULL;
}

/* Fills @best with the @top largest of the @n elements from @first on. */
static uint64_t find_top(const struct fxq_tensor *t, int64_t first, int64_t n,
			 uint64_t top, int64_t *best)
{
	uint64_t count = 0;

	for (int64_t i = 0; i < n; i++) {
		uint64_t at = count < top ? count++ : top;

		/* Insertion keeps the first of equals in front. */
		while (at && element(t, first + i) >
			     element(t, first + best[at - 1])) {
			if (at < top)
				best[at] = best[at - 1];
			at--;
		}
		if (at < top)
			best[at] = i;
	}
	return count;
}

static void print_top(const struct fxq_tensor *t, int64_t n,
		      const struct list *labels, uint64_t top)
{
	int64_t best[1000];

	for (int64_t row = 0; row < fxq_tensor_count(t) / n; row++) {
		uint64_t count = find_top(t, row * n, n, top, best);

		for (uint64_t i = 0; i < count; i++) {
			const char *label = label_of(labels, best[i]);

			printf("%10.4f  %lld%s%s\n",
			       element(t, row * n + best[i]),
			       (long long)best[i], label ? "  " : "",
			       label ? plain(label) : "");
		}
	}
}

static bool is_boxes(const struct results *res, size_t k,
		     const struct fxq_tensor *t)
{
	return res->dynamic[k] && t->dtype == FXQ_DTYPE_F32 && t->rank == 2 &&
	       t->dims[1] == BOX_COLUMNS;
}

static void print_boxes(const struct fxq_tensor *t, const struct list *labels)
{
	printf("%8s %8s %8s %8s %8s  class\n", "left", "top", "right",
	       "bottom", "score");
	for (int64_t i = 0; i < t->dims[0]; i++) {
		int64_t at = i * BOX_COLUMNS;
		double class = element(t, at + BOX_COLUMNS - 1);
		const char *label = class >= 0 && class < CLASSES ?
				    label_of(labels, (int64_t)class) : NULL;

		for (int c = 0; c < BOX_COLUMNS - 1; c++)
			printf("%8.4f ", element(t, at + c));
		printf(" %g%s%s\n", class, label ? "  " : "",
		       label ? plain(label) : "");
	}
}

static void print_summary(const char *name, const struct fxq_tensor *t)
{
	int64_t n = fxq_tensor_count(t);
	double lo = INFINITY, hi = -INFINITY, sum = 0;
	char text[TYPE_TEXT_MAX];

	for (int64_t i = 0; i < n; i++) {
		double v = element(t, i);

		lo = v < lo ? v : lo;
		hi = v > hi ? v : hi;
		sum += v;
	}
	printf("%s: %s", plain(name), type_text(t, text));
	if (n)
		printf(", %g to %g, mean %g:", lo, hi, sum / n);
	for (int64_t i = 0; i < n && i < FIRST; i++)
		printf(" %g", element(t, i));
	puts(n > FIRST ? " ..." : "");
}

void print_results(const struct results *res, const struct list *labels,
		   uint64_t top)
{
	for (size_t i = 0; i < res->n_runs; i++) {
		if (res->n_runs > 1)
			printf("sample %zu\n", i);
		for (size_t k = 0; k < res->n_out; k++) {
			const struct fxq_tensor *t = &res->runs[i].out[k];
			int64_t n = classes_in(t, labels);

			if (is_boxes(res, k, t))
				print_boxes(t, labels);
			else if (n)
				print_top(t, n, labels, top);
			else
				print_summary(res->name[k], t);
		}
	}
}

static json_t *json_values(const struct fxq_tensor *t)
{
	json_t *list = json_array();

	for (int64_t i = 0; i < fxq_tensor_count(t); i++)
		json_array_append_new(list, json_number(element(t, i)));
	return list;
}

static json_t *json_label(const struct list *labels, int64_t class)
{
	const char *label = label_of(labels, class);

	return label ? json_text(label) : NULL;
}

static json_t *json_top(const struct fxq_tensor *t, int64_t n,
			const struct list *labels, uint64_t top)
{
	json_t *list = json_array();
	int64_t best[1000];
	uint64_t count = find_top(t, 0, n, top, best);

	for (uint64_t i = 0; i < count; i++)
		json_array_append_new(list,
			json_pack("{s:I, s:o, s:o*}", "class",
				  (json_int_t)best[i], "value",
				  json_number(element(t, best[i])), "label",
				  json_label(labels, best[i])));
	return list;
}

static json_t *json_boxes(const struct fxq_tensor *t)
{
	static const char *const column[BOX_COLUMNS] = {
		"left", "top", "right", "bottom", "score", "class",
	};
	json_t *list = json_array();

	for (int64_t i = 0; i < t->dims[0]; i++) {
		json_t *box = json_object();

		for (int c = 0; c < BOX_COLUMNS; c++)
			json_object_set_new(box, column[c],
				json_number(element(t, i * BOX_COLUMNS + c)));
		json_array_append_new(list, box);
	}
	return list;
}

json_t *results_json(const struct results *res, const struct list *labels,
		     uint64_t top)
{
	json_t *samples = json_array();

	for (size_t i = 0; i < res->n_runs; i++) {
		const struct run *run = &res->runs[i];
		json_t *outputs = json_array();

		for (size_t k = 0; k < res->n_out; k++) {
			json_t *o = json_tensor(res->name[k], &run->out[k]);
			int64_t n = classes_in(&run->out[k], labels);

			if (is_boxes(res, k, &run->out[k]))
				json_object_set_new(o, "boxes",
					json_boxes(&run->out[k]));
			else if (n)
				json_object_set_new(o, "top",
					json_top(&run->out[k], n, labels, top));
			json_object_set_new(o, "values",
					    json_values(&run->out[k]));
			json_array_append_new(outputs, o);
		}
		json_array_append_new(samples,
			json_pack("{s:I, s:f, s:o}", "cycles",
				  (json_int_t)run->cycles, "ms",
				  run->ns * 1e-6, "outputs", outputs));
	}
	return json_pack("{s:o}", "samples", samples);
}
