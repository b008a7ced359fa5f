// SPDX-License-Identifier: MIT
/*
 * train.c - epochs
 *
 * A step takes a batch, goes forward and back over it and changes the weights.
 * After each epoch the test data are counted, and what the next one needs is
 * written down: weights, the optimizer's tensors, and how many are done. Order,
 * changes of pictures and dropout follow from the seed and the step, so a run
 * that goes on from there gives the bits of one that was never stopped.
 *
 * A model with fake quantizers is calibrated first: it goes forward over some of
 * the data in evaluation. What it answers then, the float model before it and the
 * trained one after it, tells what quantization costs and what training wins back.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/state.h>

#include "train.h"

/*
 * struct school - a lesson under way
 * @x, @labels: a batch
 * @done: epochs; @recipe: what a checkpoint must agree with
 */
struct school {
	const struct lesson *l;
	const struct recipe *r;
	struct fx_tape *tape;
	struct fx_optimizer *optimizer;
	struct fx_samples train, test;
	struct fx_batches *batches;
	struct fxq_tensor x, labels;
	int64_t *train_labels, *test_labels, *answers;
	int64_t done, recipe[4];
};

static int get_sample(void *ctx, size_t i, float *to)
{
	const struct lesson *l = ((void **)ctx)[0];
	const struct feed *f = ((void **)ctx)[1];
	struct fxq_tensor sample = l->in->type[0];

	sample.data = to;
	return feed_get(f, i, &sample);
}

static int complain_tape(const struct school *s)
{
	return complain(TOOL_UNSUPPORTED, "%s", fx_tape_error(s->tape));
}

/* Right answers among the first @n of a batch; what failed is in the value. */
static size_t count_right(fxv y, const int64_t *labels, size_t n)
{
	const struct fxq_tensor *t = fx_data(y);
	size_t right = 0;

	for (size_t i = 0; i < n; i++)
		right += class_of(t, i, t->dims[0]) == labels[i];
	return right;
}

/* One answer for each sample, or more: scores of classes. */
static int check_answer(const struct school *s, fxv y)
{
	const struct fxq_tensor *t = fx_data(y);
	char text[TYPE_TEXT_MAX];

	if (fx_error(y) && s->l->model->graph && s->x.dims[0] > 1)
		return complain(TOOL_UNSUPPORTED, "%s; if the shapes in this network are those of one sample, give --batch 1",
				fx_error(y));
	if (fx_error(y))
		return complain(TOOL_UNSUPPORTED, "%s", fx_error(y));
	if (!t || t->dtype != FXQ_DTYPE_F32 || t->rank != 2 ||
	    t->dims[0] != s->x.dims[0])
		return complain(TOOL_UNSUPPORTED,
				"the model answers with %s; to be trained as a classifier it must give float32 scores of (samples, classes)",
				t ? type_text(t, text) : "several values");
	return TOOL_OK;
}

static int step(struct school *s, uint64_t number, double *loss, size_t *right)
{
	const struct recipe *r = s->r;
	fxv x, y, labels, error;
	int code;

	fx_manual_seed(r->seed + number);
	fx_tape_begin(s->tape);
	x = fx_view_of(&s->x);
	labels = fx_view_of(&s->labels);
	y = fx_call(s->l->model, x);
	code = check_answer(s, y);
	if (!code) {
		error = fx_cross_entropy(y, labels,
					 .label_smoothing = r->label_smoothing);
		if (fx_tape_backward(s->tape, error))
			code = complain_tape(s);
	}
	if (!code) {
		*loss += fx_float(error);
		*right += count_right(y, s->labels.data, r->batch);
		fx_optimizer_step(s->optimizer,
				  fx_schedule_at(&r->schedule, number));
		fx_release(error);
	}
	fx_tape_end(s->tape);
	fx_release(y);
	fx_release(labels);
	fx_release(x);
	return code;
}

static int run_epoch(struct school *s, uint64_t epoch, struct epoch *ret)
{
	size_t n = fx_batches_count(s->batches), right = 0;
	double begun = now_s(), loss = 0;
	int code = TOOL_OK;

	fx_train(s->l->model);
	if (s->l->original)
		set_fake_quantize(s->l->model, FX_QAT);
	progress_begin("training", n);
	for (size_t i = 0; !code && i < n; i++) {
		int err = fx_batches_get(s->batches, epoch, i, s->x.data,
					 s->labels.data);

		code = err ? complain_io(err) :
			     step(s, epoch * n + i, &loss, &right);
		progress_at(i + 1);
	}
	progress_end();
	ret->loss = loss / n;
	ret->train_top1 = 100.0 * right / (n * s->r->batch);
	ret->seconds = now_s() - begun;
	return code;
}

/* Sample @i as the @k-th of the batch. */
static int fill(struct school *s, const struct fx_samples *from, size_t i,
		size_t k)
{
	size_t one = fxq_tensor_count(&s->x) / s->r->batch;
	int err = get_sample(from->ctx, i, (float *)s->x.data + k * one);

	return err ? complain_io(err) : TOOL_OK;
}

/* The classes that @m gives to the first @n of the batch. */
static int answer(struct school *s, struct fx_module *m, int64_t *answers,
		  size_t n)
{
	fxv x, y;
	int code;

	fx_tape_begin(s->tape);
	x = fx_view_of(&s->x);
	y = fx_call(m, x);
	fx_tape_end(s->tape);
	code = check_answer(s, y);
	for (size_t i = 0; !code && i < n; i++)
		answers[i] = class_of(fx_data(y), i, s->r->batch);
	fx_release(y);
	fx_release(x);
	return code;
}

/* The last batch is filled up with what the one before had. */
static int answer_all(struct school *s, struct fx_module *m, int64_t *answers)
{
	size_t batch = s->r->batch, n;
	int code = TOOL_OK;

	fx_eval(m);
	for (size_t i = 0; !code && i < s->test.n; i += n) {
		n = s->test.n - i < batch ? s->test.n - i : batch;
		for (size_t k = 0; !code && k < n; k++)
			code = fill(s, &s->test, i + k, k);
		if (!code)
			code = answer(s, m, answers + i, n);
	}
	return code;
}

static int test(struct school *s, struct fx_module *m, int64_t *answers,
		double *ret_top1)
{
	int code;

	if (s->l->original)
		set_fake_quantize(s->l->model, FX_VALIDATION);
	code = answer_all(s, m, answers);
	*ret_top1 = percent_same(answers, s->test_labels, s->test.n);
	return code;
}

/* Over samples spread over all data, so that sorted ones are seen whole. */
static int calibrate(struct school *s)
{
	size_t batch = s->r->batch, n = s->train.n, batches;
	int64_t answers[1];
	int code = TOOL_OK;

	batches = (s->r->calibrate < n ? s->r->calibrate : n) / batch;
	if (!batches)
		batches = 1;
	fx_eval(s->l->model);
	set_fake_quantize(s->l->model, FX_CALIBRATION);
	progress_begin("calibrating", batches);
	for (size_t i = 0; !code && i < batches * batch; i++) {
		code = fill(s, &s->train, i * n / (batches * batch), i % batch);
		if (!code && i % batch == batch - 1)
			code = answer(s, s->l->model, answers, 1);
		progress_at(i / batch + 1);
	}
	progress_end();
	return code;
}

/*
 * Without its rounding a quantized file is another network: what it clips may be
 * a relu that was left away.
 */
static int test_file(struct school *s, struct outcome *ret)
{
	struct answers answers;
	int code;

	code = answers_init(&answers, s->l->test, s->l->in, 0);
	if (!code)
		code = answers_of_graph(s->l->file, s->l->threads, &answers);
	if (!code) {
		memcpy(ret->float_answers, answers.answer,
		       s->test.n * sizeof(*answers.answer));
		ret->float_top1 = percent_right(&answers);
	}
	free(answers.answer);
	return code;
}

/* What is known before training: float's answers, and those of calibration. */
static int begin_quantized(struct school *s, struct outcome *ret)
{
	int code = TOOL_OK;

	if (s->l->test && s->l->file)
		code = test_file(s, ret);
	else if (s->l->test)
		code = test(s, s->l->original, ret->float_answers,
			    &ret->float_top1);
	if (code || s->done)
		return code;
	code = s->l->calibrated ? TOOL_OK : calibrate(s);
	if (!code && s->l->test)
		code = test(s, s->l->model, s->answers, &ret->calibrated_top1);
	if (!code && s->l->test && !s->l->quiet)
		printf("of the test data %s has %.2f %% right, calibrated %.2f %%\n",
		       s->l->file ? "the file" : "float", ret->float_top1,
		       ret->calibrated_top1);
	fflush(stdout);
	return code;
}

/* Checkpoints */

static int add_state(const char *key, struct fxq_tensor *t, void *ctx)
{
	live_add(ctx, "optimizer.", key, t);
	return 0;
}

static void live_of_school(struct school *s, struct tensors *live)
{
	struct fxq_tensor done = { .dtype = FXQ_DTYPE_I64, .data = &s->done };
	struct fxq_tensor recipe = { .dtype = FXQ_DTYPE_I64, .rank = 1,
				     .dims = { 4 }, .data = s->recipe };

	live_of_module(live, s->l->model);
	fx_optimizer_each_tensor(s->optimizer, add_state, live);
	live_add(live, "train.", "epochs_done", &done);
	live_add(live, "train.", "recipe", &recipe);
}

static int save_checkpoint(struct school *s)
{
	struct tensors live = { 0 };
	int code;

	if (!s->r->checkpoint)
		return TOOL_OK;
	live_of_school(s, &live);
	code = live_save(s->r->checkpoint, &live);
	live_drop(&live);
	return code;
}

static int find_step(const char *key, struct fxq_tensor *t, void *ctx)
{
	if (!strcmp(key, "step"))
		*(int64_t *)ctx = *(int64_t *)t->data;
	return 0;
}

/* What is done is a part of all, and the optimizer has done as much. */
static int check_done(struct school *s)
{
	int64_t n = fx_batches_count(s->batches), step = 0;

	fx_optimizer_each_tensor(s->optimizer, find_step, &step);
	if (s->done < 0 || (uint64_t)s->done > s->r->epochs)
		return complain(TOOL_INPUT, "%s: %" PRId64 " epochs are done, of %" PRIu64 "; begin anew without --resume",
				s->r->checkpoint, s->done, s->r->epochs);
	if (step != s->done * n)
		return complain(TOOL_INPUT, "%s: its optimizer is at step %" PRId64 ", and %" PRId64 " epochs end at %" PRId64 "; begin anew without --resume",
				s->r->checkpoint, step, s->done, s->done * n);
	return TOOL_OK;
}

/*
 * Vectors of a fake quantizer are as long as it has seen channels, which a
 * model that has seen nothing does not know: they are loaded like weights.
 */
static int load_tensors(struct school *s)
{
	struct tensors live = { 0 };
	char error[2048];
	int code;

	if (fx_load_state(s->l->model, s->r->checkpoint, false, error,
			  sizeof(error)))
		return complain(TOOL_INPUT, "%s", error);
	live_of_school(s, &live);
	code = live_load(s->r->checkpoint, &live);
	live_drop(&live);
	return code;
}

static int load_checkpoint(struct school *s)
{
	static const char *const names[] = {
		"--seed", "--batch", "--epochs", "samples"
	};
	int64_t mine[4];
	int code;

	memcpy(mine, s->recipe, sizeof(mine));
	code = load_tensors(s);
	for (int i = 0; !code && i < 4; i++)
		if (s->recipe[i] != mine[i])
			code = complain(TOOL_USAGE,
					"%s: it was written with %s %" PRId64 " and this is %" PRId64 "; go on with what it began with",
					s->r->checkpoint, names[i],
					s->recipe[i], mine[i]);
	return code ? code : check_done(s);
}

/* Beginning and end */

static int64_t *labels_of(const struct feed *f)
{
	int64_t *labels = calloc(feed_count(f) + 1, sizeof(*labels));

	for (size_t i = 0; labels && i < feed_count(f); i++)
		labels[i] = feed_label(f, i);
	return labels;
}

static struct fx_samples samples_of(const struct lesson *l,
				    const struct feed *f, const int64_t *labels,
				    void **ctx)
{
	const struct fxq_tensor *t = &l->in->type[0];

	ctx[0] = (void *)l;
	ctx[1] = (void *)f;
	return (struct fx_samples){
		.n = feed_count(f), .channels = t->dims[1],
		.height = t->dims[2], .width = t->dims[3],
		.labels = labels, .get = get_sample, .ctx = ctx,
	};
}

static int open_school(struct school *s, void *train[2], void *test_data[2])
{
	const struct recipe *r = s->r;

	s->tape = fx_tape_new(s->l->model, s->l->threads);
	s->optimizer = fx_optimizer_new(s->tape, &r->optim);
	if (!s->optimizer)
		return complain(TOOL_USAGE, "%s", fx_tape_error(s->tape));

	s->train_labels = labels_of(s->l->train);
	s->train = samples_of(s->l, s->l->train, s->train_labels, train);
	if (s->l->test) {
		s->test_labels = labels_of(s->l->test);
		s->test = samples_of(s->l, s->l->test, s->test_labels,
				     test_data);
		s->answers = calloc(s->test.n + 1, sizeof(*s->answers));
	}
	s->batches = fx_batches_new(&s->train, &r->augment, r->batch, r->seed);
	s->x = s->l->in->type[0];
	s->x.dims[0] = r->batch;
	s->labels = (struct fxq_tensor){ .dtype = FXQ_DTYPE_I64, .rank = 1,
					 .dims = { r->batch } };
	if (!s->train_labels ||
	    (s->l->test && (!s->test_labels || !s->answers)) ||
	    !s->batches || fxq_tensor_alloc(&s->x) ||
	    fxq_tensor_alloc(&s->labels))
		return complain_io(io_fail_memory("training"));
	if (!fx_batches_count(s->batches))
		return complain(TOOL_USAGE, "there are %zu samples to train with, fewer than the %" PRIu64 " of --batch",
				s->train.n, r->batch);

	memcpy(s->recipe, (int64_t[]){ r->seed, r->batch, r->epochs,
				       s->train.n }, sizeof(s->recipe));
	return r->resume ? load_checkpoint(s) : TOOL_OK;
}

static void close_school(struct school *s)
{
	free(s->answers);
	fx_batches_free(s->batches);
	fx_optimizer_free(s->optimizer);
	fx_tape_free(s->tape);
	fxq_tensor_free(&s->x);
	fxq_tensor_free(&s->labels);
	free(s->train_labels);
	free(s->test_labels);
}

static void print_epoch(const struct school *s, const struct epoch *e)
{
	printf("epoch %" PRId64 " of %" PRIu64 ": loss %.4f, right %.2f %%",
	       s->done, s->r->epochs, e->loss, e->train_top1);
	if (e->test_top1 >= 0)
		printf(", of the test data %.2f %%", e->test_top1);
	printf(", %.1f s\n", e->seconds);
	fflush(stdout);
}

static int run_epochs(struct school *s, struct epoch *epochs, size_t *ret_n)
{
	const struct recipe *r = s->r;
	uint64_t until = r->until && r->until < r->epochs ? r->until :
			 r->epochs;
	int code = TOOL_OK;

	while (!code && (uint64_t)s->done < until) {
		struct epoch *e = &epochs[*ret_n];

		*e = (struct epoch){ .test_top1 = -1 };
		code = run_epoch(s, s->done, e);
		if (!code && s->l->test)
			code = test(s, s->l->model, s->answers, &e->test_top1);
		if (code)
			break;
		s->done++;
		++*ret_n;
		code = save_checkpoint(s);
		if (!s->l->quiet)
			print_epoch(s, e);
	}
	return code;
}

int train(const struct lesson *l, const struct recipe *r, struct epoch *epochs,
	  size_t *ret_n, struct outcome *ret)
{
	void *train_data[2], *test_data[2];
	struct recipe recipe = *r;
	struct school s = { .l = l, .r = &recipe };
	int code;

	*ret_n = 0;
	code = open_school(&s, train_data, test_data);
	if (!code && l->original)
		code = begin_quantized(&s, ret);
	if (!code) {
		recipe.schedule.steps = r->epochs * fx_batches_count(s.batches);
		code = run_epochs(&s, epochs, ret_n);
	}
	fx_eval(l->model);
	close_school(&s);
	return code;
}
