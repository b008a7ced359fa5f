// SPDX-License-Identifier: MIT
/*
 * peer.c - how far fxq's integers are from ONNX Runtime's, operator by operator
 *
 * usage: peer [-n RUNS] [-vw] LIBRARY MODEL.onnx...
 *
 * Each model, whose scales fxq keeps, runs on noise over the range of its input.
 * Prints a row for each operator of fxq's and what ONNX Runtime made of it:
 * groups, values, and how many of these are equal, one or two units apart, or
 * more. With -v it tells of each operator that differs, with -w each works on
 * what fxq itself had before. Exit status: 0; 1 if a layer that ONNX Runtime
 * computes in integers differs though its inputs do not, or there is none; 2 if a
 * model cannot be compared.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fxq/compile.h>
#include <fxq/onnx.h>

#include "peer.h"

#define MAX_ROWS	64

/* struct tally - of values, by how far they are apart */
struct tally {
	uint64_t groups, equal_groups, values, apart[4];
};

/*
 * struct place - a value of the integer graph that ONNX Runtime has, too
 * @value: its name there; NULL: it has none
 * @maker: what makes it there
 * @agrees: what goes into it is the same
 */
struct place {
	const struct fx_node *node;
	const char *value, *maker;
	bool agrees;
	struct tally t;
};

struct row {
	char name[48], maker[48];
	bool agrees;
	struct tally t;
};

struct peer {
	const char *path;
	struct model model, optimized;
	struct session *session;
	struct fx_graph *g, *q;
	struct place *places;
	size_t n;
	bool whole;
	uint64_t numbers, equal_numbers;	/* that leave in float */
	char why[PEER_REASON];
};

static struct row rows[MAX_ROWS];
static size_t n_rows;

static bool is_layer(const char *op)
{
	return !strncmp(op, "qconv", 5) || !strcmp(op, "qlinear") ||
	       !strcmp(op, "qmatmul");
}

/* Does ONNX Runtime compute @maker's product in integers? */
static bool is_integer_layer(const char *maker)
{
	return !strcmp(maker, "QLinearConv") || !strcmp(maker, "QGemm") ||
	       !strcmp(maker, "QLinearMatMul");
}

/* Places */

static struct place *place_of(const struct peer *p, const struct fx_node *n)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->places[i].node == n)
			return &p->places[i];
	return NULL;
}

static bool is_moved(const struct fx_node *n)
{
	return n->op && (n->op->flags & (FX_OP_VIEW | FX_OP_MOVES) ||
			 fx_node_is(n, "qscale"));
}

static bool agree(const struct peer *p, const struct fx_node *n);

/* Has ONNX Runtime what @n's value is, here and there? */
static bool is_known(const struct peer *p, const struct fx_node *n)
{
	const struct place *at = place_of(p, n);

	return n->opcode != FX_CALL_FUNCTION || (at && at->value) ||
	       (is_moved(n) && agree(p, n));
}

static bool agree(const struct peer *p, const struct fx_node *n)
{
	for (size_t i = 0; i < n->n_args; i++)
		if (fx_node_in(n, i) && !is_known(p, fx_node_in(n, i)))
			return false;
	return true;
}

static void find_places(struct peer *p)
{
	size_t room = 0;

	fx_for_each_node(count, p->q)
		room++;
	p->places = calloc(room, sizeof(*p->places));
	fx_for_each_node(n, p->q) {
		struct place *at = &p->places[p->n];

		if (n->opcode != FX_CALL_FUNCTION || n->n_out != 1 ||
		    n->out[0].dtype != FXQ_DTYPE_I8)
			continue;
		at->node = n;
		at->value = model_find_rounded(&p->model, n->source,
					       n->out[0].scale,
					       n->out[0].zero_point);
		at->maker = at->value ?
			    model_maker(&p->optimized, at->value) : NULL;
		at->maker = at->maker ? at->maker : "nothing";
		p->n++;
	}
	for (size_t i = 0; i < p->n; i++)
		p->places[i].agrees = agree(p, p->places[i].node);
}

/* Running */

static void compare(struct tally *t, const int8_t *a, const int8_t *b,
		    int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		int d = abs(a[i] - b[i]);

		t->apart[d < 3 ? d : 3]++;
	}
	t->values += (uint64_t)n;
}

/* Compares what came out with what ONNX Runtime has, and goes on with that. */
static int observe(struct fx_node *n, int out_index, struct fxq_tensor *value,
		   void *ctx)
{
	struct peer *p = ctx;
	struct place *at = place_of(p, n);
	const void *theirs;
	int64_t count;

	if (!at || !at->value)
		return 0;
	theirs = session_value(p->session, at->value, &count);
	if (!theirs || count != fxq_tensor_count(value)) {
		at->value = NULL;	/* it is laid out otherwise */
		return 0;
	}
	compare(&at->t, value->data, theirs, count);
	if (!p->whole)
		memcpy(value->data, theirs, (size_t)count);
	return 0;
}

/* Noise over the range that @n is quantized to, or from -1 to 1. */
static void fill(const struct peer *p, const struct fx_node *n,
		 struct fxq_tensor *t, uint32_t *chance)
{
	float lo = -1, hi = 1;

	fx_for_each_node(u, p->q)
		if (fx_node_is(u, "quantize") && fx_node_in(u, 0) == n) {
			lo = (float)(-128 - u->out[0].zero_point) *
			     u->out[0].scale;
			hi = (float)(127 - u->out[0].zero_point) *
			     u->out[0].scale;
		}
	for (int64_t i = 0; i < fxq_tensor_count(t); i++) {
		*chance = *chance * 1664525 + 1013904223;
		((float *)t->data)[i] = lo + (hi - lo) *
					(float)(*chance >> 8) * 0x1p-24f;
	}
}

static size_t count_outputs(const struct fx_graph *g)
{
	const struct fx_arg *a = fx_graph_output(g)->args;

	return a->kind == FX_ARG_NODE ? fx_graph_output(g)->n_args : a->count;
}

/* The network's results, bit by bit. */
static void compare_outputs(struct peer *p, const struct fxq_tensor *out,
			    size_t n)
{
	const Onnx__GraphProto *g = p->model.proto->graph;

	for (size_t i = 0; i < n && i < g->n_output; i++) {
		int64_t count;
		const uint32_t *ours = out[i].data;
		const uint32_t *theirs = session_value(p->session,
						       g->output[i]->name,
						       &count);

		if (!theirs || count != fxq_tensor_count(&out[i]) ||
		    out[i].dtype != FXQ_DTYPE_F32)
			continue;
		p->numbers += (uint64_t)count;
		for (int64_t k = 0; k < count; k++)
			p->equal_numbers += ours[k] == theirs[k];
	}
}

static bool run_once(struct peer *p, struct fxq_tensor *in, char **names,
		     size_t n_in)
{
	const struct fx_run run = { .threads = 1, .observe = observe,
				    .ctx = p };
	size_t n_out = count_outputs(p->q);
	struct fxq_tensor *out = calloc(n_out + 1, sizeof(*out));
	int err;

	if (!session_run(p->session, names, in, n_in, p->why)) {
		free(out);
		return false;
	}
	err = fx_graph_run(p->q, &run, in, n_in, out, n_out);
	if (!err)
		compare_outputs(p, out, n_out);
	for (size_t i = 0; i < n_out; i++)
		fxq_tensor_free(&out[i]);
	free(out);
	if (err)
		snprintf(p->why, sizeof(p->why), "%s", fx_graph_error(p->q));
	return !err;
}

static bool run(struct peer *p, int runs)
{
	struct fxq_tensor in[16] = { 0 };
	char *names[16];
	uint32_t chance = 1;
	size_t n = 0;
	bool ok = true;

	for (int i = 0; ok && i < runs; i++) {
		n = 0;
		fx_for_each_node(x, p->q) {
			if (x->opcode != FX_PLACEHOLDER || n == 16)
				continue;
			if (!i) {
				in[n] = x->out[0];
				in[n].data = NULL;
				ok = ok && !fxq_tensor_alloc(&in[n]);
			}
			if (ok)
				fill(p, x, &in[n], &chance);
			names[n++] = (char *)x->target;
		}
		ok = ok && run_once(p, in, names, n);
	}
	for (size_t i = 0; i < n; i++)
		fxq_tensor_free(&in[i]);
	return ok;
}

/* Opening */

static bool open_theirs(struct peer *p)
{
	char optimized[] = "/tmp/fxq-peer-XXXXXX";
	int fd = mkstemp(optimized);
	size_t size;
	void *data;
	bool ok;

	if (!model_read(p->path, &p->model, p->why) || fd < 0)
		return false;
	close(fd);
	data = model_with_outputs(&p->model, &size);
	p->session = data ? session_open(data, size, optimized, p->why) : NULL;
	ok = p->session && model_read(optimized, &p->optimized, p->why);
	free(data);
	unlink(optimized);
	return ok;
}

static bool open_ours(struct peer *p)
{
	const struct fx_import_options import = { .default_batch = 1 };
	/* Layers and what follows them one by one. */
	const struct fx_qconfig config = { .portable = true };
	struct fx_calibration *cal;
	int err;

	if (fx_import_onnx(p->path, &import, &p->g, p->why, sizeof(p->why)))
		return false;
	err = fx_fuse(p->g);
	if (!err && !fx_scales_given(p->g))
		err = fx_graph_fail(p->g, -EINVAL, "the model brings no scales");
	if (!err)
		err = fx_calibration_begin(p->g, &config, &cal);
	if (!err) {
		err = fx_convert(p->g, cal, &config, &p->q);
		fx_calibration_free(cal);
	}
	if (err)
		snprintf(p->why, sizeof(p->why), "%s", fx_graph_error(p->g));
	return !err;
}

static void close_both(struct peer *p)
{
	session_close(p->session);
	model_free(&p->model);
	model_free(&p->optimized);
	fx_graph_free(p->q);
	fx_graph_free(p->g);
	free(p->places);
}

/* Telling */

static struct row *row_for(const struct place *at)
{
	struct row *r;

	for (r = rows; r < rows + n_rows; r++)
		if (!strcmp(r->name, at->node->target) &&
		    !strcmp(r->maker, at->maker) && r->agrees == at->agrees)
			return r;
	if (n_rows == MAX_ROWS)
		abort();
	snprintf(r->name, sizeof(r->name), "%s", at->node->target);
	snprintf(r->maker, sizeof(r->maker), "%s", at->maker);
	r->agrees = at->agrees;
	n_rows++;
	return r;
}

static void add(struct tally *to, const struct tally *t)
{
	to->groups++;
	to->equal_groups += t->apart[0] == t->values;
	to->values += t->values;
	for (int i = 0; i < 4; i++)
		to->apart[i] += t->apart[i];
}

static void sum_up(struct peer *p, bool verbose)
{
	struct tally layers = { 0 }, all = { 0 };
	size_t unseen = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct place *at = &p->places[i];

		if (!at->value) {
			unseen++;
			continue;
		}
		add(&row_for(at)->t, &at->t);
		add(&all, &at->t);
		if (at->agrees && is_layer(at->node->target) &&
		    is_integer_layer(at->maker))
			add(&layers, &at->t);
		if (verbose && at->t.apart[0] != at->t.values)
			printf("  %s (%s, %s): %" PRIu64 " of %" PRIu64
			       " apart, %" PRIu64 " by more than 2\n",
			       at->node->source, at->node->target, at->maker,
			       at->t.values - at->t.apart[0], at->t.values,
			       at->t.apart[3]);
	}
	printf("%s: %" PRIu64 " of %" PRIu64 " layers equal, %" PRIu64 " of %"
	       PRIu64 " operators, %" PRIu64 " of %" PRIu64
	       " values, %" PRIu64 " of %" PRIu64
	       " results; %zu operators have no value there\n", p->path,
	       layers.equal_groups, layers.groups, all.equal_groups, all.groups,
	       all.apart[0], all.values, p->equal_numbers, p->numbers, unseen);
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int d = strcmp(x->name, y->name);

	d = d ? d : strcmp(x->maker, y->maker);
	return d ? d : y->agrees - x->agrees;
}

/* The table, and whether all layers that are computed alike are equal. */
static bool print_rows(void)
{
	static const char line[] =
		"=================  ==========================  ======  ======  ======  ==========  ==========  ======  =====  =====";
	struct tally layers = { 0 };

	qsort(rows, n_rows, sizeof(*rows), by_name);
	printf("\n%s\n%-17s  %-26s  %-6s  %6s  %6s  %10s  %10s  %6s  %5s  %5s\n%s\n",
	       line, "fxq", "ONNX Runtime", "inputs", "groups", "equal",
	       "values", "equal", "by 1", "by 2", "more", line);
	for (size_t i = 0; i < n_rows; i++) {
		const struct row *r = &rows[i];

		printf("%-17s  %-26s  %-6s  %6" PRIu64 "  %6" PRIu64
		       "  %10" PRIu64 "  %10" PRIu64 "  %6" PRIu64
		       "  %5" PRIu64 "  %5" PRIu64 "\n", r->name, r->maker,
		       r->agrees ? "same" : "other", r->t.groups,
		       r->t.equal_groups, r->t.values, r->t.apart[0],
		       r->t.apart[1], r->t.apart[2], r->t.apart[3]);
		if (!r->agrees || !is_layer(r->name) ||
		    !is_integer_layer(r->maker))
			continue;
		layers.groups += r->t.groups;
		layers.equal_groups += r->t.equal_groups;
	}
	printf("%s\n\n%" PRIu64 " of %" PRIu64 " layers that ONNX Runtime computes in integers, from the same inputs, are equal to the bit\n",
	       line, layers.equal_groups, layers.groups);
	return layers.groups && layers.equal_groups == layers.groups;
}

int main(int argc, char **argv)
{
	bool verbose = false, whole = false, ok = true;
	char why[PEER_REASON];
	int opt, runs = 5;

	while ((opt = getopt(argc, argv, "n:vw")) != -1) {
		if (opt == 'n')
			runs = atoi(optarg);
		verbose |= opt == 'v';
		whole |= opt == 'w';
	}
	if (argc - optind < 2 || !ort_open(argv[optind], why)) {
		fprintf(stderr, "peer: %s\n", argc - optind < 2 ?
			"usage: peer LIBRARY MODEL.onnx..." : why);
		return 2;
	}
	for (int i = optind + 1; i < argc; i++) {
		struct peer p = { .path = argv[i], .whole = whole };
		bool done = open_theirs(&p) && open_ours(&p);

		if (done) {
			find_places(&p);
			done = run(&p, runs);
		}
		if (done)
			sum_up(&p, verbose);
		else
			fprintf(stderr, "peer: %s: %s\n", argv[i], p.why);
		ok &= done;
		close_both(&p);
	}
	return !ok ? 2 : !print_rows();
}
