// SPDX-License-Identifier: MIT
/*
 * Runs ONNX's own conformance cases: each is a model, inputs, and the outputs
 * that they must give. A case runs in a process of its own, so that a crash or
 * an endless loop is told as that case's failure. Outputs are compared as
 * ONNX's runner does it: numbers within 1e-7 + 1e-3 × |expected|, everything
 * else exactly.
 *
 * usage: run_node_tests [-vx] [-w LIST] [-p LIST] [-d DATA] [FOLDER/CASE...]
 *
 * With -x each model is written and read once more before it runs; what cannot
 * be written in that opset counts as unsupported, listed or not.
 *
 * -p names the list of cases that must pass; those that this corpus does not
 * have are left out. -w writes the list of those that do. Prints a table, and
 * every case that did not pass with its reason. Exit status: 0, or 1 if a
 * listed case does not pass or fewer than half of the node cases do, or 77 if
 * there is no corpus.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fxq/fx.h>
#include <fxq/onnx.h>

#define DEFAULT_DATA	"/usr/share/libonnx-testdata/data"
#define RTOL		1e-3
#define ATOL		1e-7
#define TIME_LIMIT_S	60
#define TENSORS_MAX	64
#define EXIT_SKIP	77

static const char *const folders[] = {
	"node", "simple", "pytorch-converted", "pytorch-operator", "light",
};

#define LIGHT		4	/* the last one is laid out in its own way */
#define N_FOLDERS	(sizeof(folders) / sizeof(*folders))

enum outcome { PASSED, UNSUPPORTED, FAILED, N_OUTCOMES };

static const char *const outcome_names[N_OUTCOMES] = {
	"passed", "unsupported", "failed",
};

/* What the child tells: an outcome and, unless it passed, why. */
struct verdict {
	enum outcome outcome;
	char reason[400];
};

struct test {
	char name[160];			/* "node/test_abs" */
	size_t folder;
	struct verdict verdict;
};

struct suite {
	const char *data;
	struct test *tests;
	size_t n;
	bool verbose, exports;
};

__attribute__((format(printf, 3, 4)))
static void judge(struct verdict *v, enum outcome outcome, const char *fmt, ...)
{
	va_list ap;

	v->outcome = outcome;
	va_start(ap, fmt);
	vsnprintf(v->reason, sizeof(v->reason), fmt, ap);
	va_end(ap);
}

static double element(const struct fxq_tensor *t, int64_t i)
{
	if (t->dtype == FXQ_DTYPE_F64)
		return ((const double *)t->data)[i];
	return ((const float *)t->data)[i];
}

static bool close_enough(double got, double want)
{
	if (isnan(want) || isinf(want))
		return isnan(want) ? isnan(got) : got == want;
	return fabs(got - want) <= ATOL + RTOL * fabs(want);
}

static bool same_type(const struct fxq_tensor *a, const struct fxq_tensor *b)
{
	return a->dtype == b->dtype && a->rank == b->rank &&
	       !memcmp(a->dims, b->dims, a->rank * sizeof(*a->dims));
}

static const char *shape_text(const struct fxq_tensor *t, char *to, size_t size)
{
	size_t at = snprintf(to, size, "%s [", fxq_dtype_name(t->dtype));

	for (uint32_t d = 0; d < t->rank && at < size; d++)
		at += snprintf(to + at, size - at, "%s%lld", d ? ", " : "",
			       (long long)t->dims[d]);
	if (at < size)
		snprintf(to + at, size - at, "]");
	return to;
}

static bool compare(struct verdict *v, int i, const struct fxq_tensor *got,
		    const struct fxq_tensor *want)
{
	bool is_float = want->dtype == FXQ_DTYPE_F32 ||
			want->dtype == FXQ_DTYPE_F64;
	size_t bytes = fxq_dtype_bytes(want->dtype);
	int64_t n = fxq_tensor_count(want);
	char a[96], b[96];

	if (!same_type(got, want)) {
		judge(v, FAILED, "output %d is %s, not %s", i,
		      shape_text(got, a, sizeof(a)),
		      shape_text(want, b, sizeof(b)));
		return false;
	}
	for (int64_t k = 0; k < n; k++) {
		if (is_float && !close_enough(element(got, k),
					      element(want, k))) {
			judge(v, FAILED, "output %d, element %lld: %.9g, not %.9g",
			      i, (long long)k, element(got, k),
			      element(want, k));
			return false;
		}
		if (!is_float && memcmp((char *)got->data + k * bytes,
					(char *)want->data + k * bytes,
					bytes)) {
			judge(v, FAILED, "output %d, element %lld differs", i,
			      (long long)k);
			return false;
		}
	}
	return true;
}

/* Reads input_0.pb, … or output_0.pb, …; how many there are, or < 0. */
static int read_tensors(const char *dir, const char *kind,
			struct fxq_tensor *t, struct verdict *v)
{
	char path[600], error[FXQ_ERROR_MAX];
	struct stat st;
	int n, ret;

	for (n = 0; n < TENSORS_MAX; n++) {
		snprintf(path, sizeof(path), "%s/test_data_set_0/%s_%d.pb", dir,
			 kind, n);
		if (stat(path, &st))
			return n;
		ret = fx_read_tensor_pb(path, &t[n], error, sizeof(error));
		if (ret) {
			judge(v, ret == -ENOTSUP ? UNSUPPORTED : FAILED, "%s",
			      error);
			return ret;
		}
	}
	return n;
}

static size_t count_outputs(const struct fx_graph *g)
{
	const struct fx_arg *a = &fx_graph_output(g)->args[0];

	return a->kind == FX_ARG_NODE ? 1 : a->count;
}

static void judge_import(struct verdict *v, int err, const char *path,
			 const char *error)
{
	if (!strncmp(error, path, strlen(path)))
		error += strlen(path) + 2;
	judge(v, err == -ENOTSUP ? UNSUPPORTED : FAILED, "%s", error);
}

/* @g as it comes back from a file; NULL, and why. */
static struct fx_graph *through_file(struct fx_graph *g, struct verdict *v)
{
	const struct fx_import_options opts = { .allow_unknown = true };
	char error[400];
	void *data;
	size_t size;
	int ret;

	ret = fx_export_onnx_memory(g, "case", &data, &size);
	if (ret) {
		judge(v, ret == -ENOTSUP ? UNSUPPORTED : FAILED, "written: %s",
		      fx_graph_error(g));
		return NULL;
	}
	ret = fx_import_onnx_memory(data, size, &opts, &g, error,
				    sizeof(error));
	if (!ret)
		return g;
	judge(v, FAILED, "read back: %s", error);
	return NULL;
}

/* Runs @g and compares; what it allocates goes with the process. */
static void run_graph(struct fx_graph *g, const struct fxq_tensor *in,
		      int n_in, const struct fxq_tensor *want, int n_out,
		      struct verdict *v)
{
	const struct fx_run run = { .threads = 2 };
	struct fxq_tensor got[TENSORS_MAX];
	int ret;

	if (count_outputs(g) != (size_t)n_out) {
		judge(v, FAILED, "it has %zu outputs, not %d",
		      count_outputs(g), n_out);
		return;
	}
	ret = fx_graph_run(g, &run, in, n_in, got, n_out);
	if (ret) {
		judge(v, ret == -ENOTSUP ? UNSUPPORTED : FAILED, "%s",
		      fx_graph_error(g));
		return;
	}
	*v = (struct verdict){ .outcome = PASSED };
	for (int i = 0; i < n_out; i++)
		if (!compare(v, i, &got[i], &want[i]))
			return;
}

static void run_case(const char *dir, bool exports, struct verdict *v)
{
	struct fx_import_options opts = { .allow_unknown = true };
	struct fxq_tensor in[TENSORS_MAX], want[TENSORS_MAX];
	char path[600], error[400];
	struct fx_graph *g;
	int n_in, n_out, ret;

	n_in = read_tensors(dir, "input", in, v);
	n_out = n_in < 0 ? n_in : read_tensors(dir, "output", want, v);
	opts.default_batch = n_in > 0 && in[0].dims[0] ? in[0].dims[0] : 1;

	snprintf(path, sizeof(path), "%s/model.onnx", dir);
	ret = fx_import_onnx(path, &opts, &g, error, sizeof(error));
	if (ret) {
		judge_import(v, ret, path, error);
		return;
	}
	g = exports ? through_file(g, v) : g;
	if (g && n_out >= 0)
		run_graph(g, in, n_in, want, n_out, v);
}

/*
 * A light model is a known network with constants for weights. Its input is,
 * as in ONNX's runner, i / n for the i-th of n elements.
 */
static void run_light_case(const char *path, bool exports, struct verdict *v)
{
	struct fxq_tensor in = { 0 }, want;
	char output[600], error[400];
	struct fx_graph *g;
	int64_t n;
	int ret;

	ret = fx_import_onnx(path, NULL, &g, error, sizeof(error));
	if (ret) {
		judge_import(v, ret, path, error);
		return;
	}
	fx_for_each_node(node, g)
		if (node->opcode == FX_PLACEHOLDER)
			in = node->out[0];
	snprintf(output, sizeof(output), "%.*s_output_0.pb",
		 (int)strlen(path) - 5, path);
	ret = fx_read_tensor_pb(output, &want, error, sizeof(error));
	if (ret || fxq_tensor_alloc(&in)) {
		judge(v, FAILED, "%s", error);
		return;
	}
	n = fxq_tensor_count(&in);
	for (int64_t i = 0; i < n; i++)
		((float *)in.data)[i] = (double)i / n;
	g = exports ? through_file(g, v) : g;
	if (g)
		run_graph(g, &in, 1, &want, 1, v);
}

static void run_child(const char *path, size_t folder, bool exports, int fd)
{
	struct verdict v = { .outcome = FAILED };

	alarm(TIME_LIMIT_S);
	if (folder == LIGHT)
		run_light_case(path, exports, &v);
	else
		run_case(path, exports, &v);
	if (write(fd, &v, sizeof(v)) != sizeof(v))
		_exit(1);
	_exit(0);
}

static void run_test(const struct suite *s, struct test *t)
{
	char dir[400];
	int fd[2], status = 0;
	ssize_t n;
	pid_t pid;

	snprintf(dir, sizeof(dir), "%s/%s", s->data, t->name);
	fflush(NULL);
	if (pipe(fd) || (pid = fork()) < 0) {
		judge(&t->verdict, FAILED, "%s", strerror(errno));
		return;
	}
	if (!pid) {
		close(fd[0]);
		run_child(dir, t->folder, s->exports, fd[1]);
	}
	close(fd[1]);
	n = read(fd[0], &t->verdict, sizeof(t->verdict));
	close(fd[0]);
	waitpid(pid, &status, 0);
	if (n != sizeof(t->verdict)) {
		memset(&t->verdict, 0, sizeof(t->verdict));
		judge(&t->verdict, FAILED, "the process ended with %s %d",
		      WIFSIGNALED(status) ? "signal" : "status",
		      WIFSIGNALED(status) ? WTERMSIG(status) :
					    WEXITSTATUS(status));
	}
	if (s->verbose)
		printf("%-11s %s%s%s\n", outcome_names[t->verdict.outcome],
		       t->name, t->verdict.reason[0] ? ": " : "",
		       t->verdict.reason);
}

static void add_test(struct suite *s, size_t folder, const char *name)
{
	s->tests = realloc(s->tests, (s->n + 1) * sizeof(*s->tests));
	if (!s->tests)
		abort();
	s->tests[s->n] = (struct test){ .folder = folder };
	snprintf(s->tests[s->n].name, sizeof(s->tests[s->n].name), "%.*s",
		 (int)sizeof(s->tests[s->n].name) - 1, name);
	s->n++;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct test *)a)->name,
		      ((const struct test *)b)->name);
}

static bool is_test(size_t folder, const char *name)
{
	size_t length = strlen(name);

	if (folder == LIGHT)
		return length > 5 && !strcmp(name + length - 5, ".onnx");
	return !strncmp(name, "test_", 5);
}

static void find_tests(struct suite *s)
{
	for (size_t f = 0; f < N_FOLDERS; f++) {
		char path[512], name[512];
		struct dirent *e;
		DIR *dir;

		snprintf(path, sizeof(path), "%s/%s", s->data, folders[f]);
		dir = opendir(path);
		while (dir && (e = readdir(dir))) {
			if (!is_test(f, e->d_name))
				continue;
			snprintf(name, sizeof(name), "%s/%s", folders[f],
				 e->d_name);
			add_test(s, f, name);
		}
		if (dir)
			closedir(dir);
	}
	if (s->n)
		qsort(s->tests, s->n, sizeof(*s->tests), by_name);
}

static void print_reasons(const struct suite *s)
{
	for (int o = UNSUPPORTED; o < N_OUTCOMES; o++)
		for (size_t i = 0; i < s->n; i++)
			if ((int)s->tests[i].verdict.outcome == o)
				printf("%-11s %s: %s\n", outcome_names[o],
				       s->tests[i].name,
				       s->tests[i].verdict.reason);
}

/* The table; returns whether at least half of the node cases pass. */
static bool print_table(const struct suite *s)
{
	bool enough = true;

	printf("\n%-20s%8s%13s%8s%8s\n", "folder", "passed", "unsupported",
	       "failed", "all");
	for (size_t f = 0; f < N_FOLDERS; f++) {
		size_t count[N_OUTCOMES] = { 0 }, all = 0;

		for (size_t i = 0; i < s->n; i++)
			if (s->tests[i].folder == f) {
				count[s->tests[i].verdict.outcome]++;
				all++;
			}
		if (!all)
			continue;
		printf("%-20s%8zu%13zu%8zu%8zu\n", folders[f], count[PASSED],
		       count[UNSUPPORTED], count[FAILED], all);
		if (!f)
			enough = 2 * count[PASSED] >= all;
	}
	return enough;
}

static int write_passes(const struct suite *s, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return 1;
	}
	for (size_t i = 0; i < s->n; i++)
		if (s->tests[i].verdict.outcome == PASSED)
			fprintf(f, "%s\n", s->tests[i].name);
	return fclose(f) != 0;
}

/* How many of the listed cases are here and do not pass; < 0: no list. */
static int check_pinned(const struct suite *s, const char *path)
{
	size_t listed = 0, absent = 0;
	struct test key;
	int broken = 0;
	FILE *f;

	f = fopen(path, "r");
	if (!f) {
		perror(path);
		return -1;
	}
	while (fgets(key.name, sizeof(key.name), f)) {
		const struct test *t;

		key.name[strcspn(key.name, "\n")] = '\0';
		if (!key.name[0] || key.name[0] == '#')
			continue;
		listed++;
		t = s->n ? bsearch(&key, s->tests, s->n, sizeof(key), by_name) :
			   NULL;
		absent += !t;
		if (t && t->verdict.outcome != PASSED &&
		    !(s->exports && t->verdict.outcome == UNSUPPORTED)) {
			printf("must pass   %s\n", t->name);
			broken++;
		}
	}
	fclose(f);
	printf("\n%zu cases must pass: %d do not, %zu are not in this corpus\n",
	       listed, broken, absent);
	return broken;
}

int main(int argc, char **argv)
{
	struct suite s = { .data = DEFAULT_DATA };
	const char *passes = NULL, *pinned = NULL;
	bool bad, named;
	int opt;

	while ((opt = getopt(argc, argv, "vxd:w:p:")) != -1) {
		switch (opt) {
		case 'v':
			s.verbose = true;
			break;
		case 'x':
			s.exports = true;
			break;
		case 'd':
			s.data = optarg;
			break;
		case 'w':
			passes = optarg;
			break;
		case 'p':
			pinned = optarg;
			break;
		default:
			return 2;
		}
	}
	named = optind < argc;
	for (int i = optind; i < argc; i++)
		add_test(&s, strncmp(argv[i], "light/", 6) ? 0 : LIGHT,
			 argv[i]);
	if (!named)
		find_tests(&s);
	if (!s.n) {
		printf("no conformance cases in %s: install libonnx-testdata\n",
		       s.data);
		return EXIT_SKIP;
	}

	for (size_t i = 0; i < s.n; i++)
		run_test(&s, &s.tests[i]);
	if (!s.verbose)
		print_reasons(&s);
	bad = !print_table(&s) && !named;
	if (passes)
		bad |= write_passes(&s, passes);
	if (pinned)
		bad |= check_pinned(&s, pinned) != 0;
	free(s.tests);
	return bad;
}
