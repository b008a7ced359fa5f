/* SPDX-License-Identifier: MIT */
/*
 * tool.h - what the commands of fxq-run share
 *
 * A command parses its arguments, does its work and returns an exit code.
 * Functions here that can fail return an exit code, too, and have then said
 * why on standard error: libraries return, programs speak. Standard output
 * is for data.
 */
#ifndef FXQ_TOOL_H
#define FXQ_TOOL_H

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <fxq/compile.h>
#include <fxq/fx.h>
#include <fxq/fxq.h>
#include <fxq/nn.h>
#include <fxq/onnx.h>

#include "io/io.h"

/* X(id, number, meaning): how fxq-run ends; the man page has this table. */
#define EXIT_CODES(X)							  \
	X(OK,          0, "done")					  \
	X(DIFFERS,     1, "a comparison found a difference")		  \
	X(USAGE,       2, "the arguments are wrong")			  \
	X(INPUT,       3, "a file is missing, damaged or does not fit")	  \
	X(DEVICE,      4, "the device or a program on it failed")	  \
	X(UNSUPPORTED, 5, "the model needs what fxq does not have")	  \
	X(OUTPUT,      6, "a result could not be written")

enum exit_code {
#define X(id, number, meaning) TOOL_##id = number,
	EXIT_CODES(X)
#undef X
};

/*
 * struct command - @run gets the command's name as argv[0], and returns an
 * exit code
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
};

/* X(name, summary): each is cmd_NAME.c */
#define COMMANDS(X)							       \
	X(check,   "tell which operators the device runs, and why not others") \
	X(show,    "print a model's graph, its code or a picture of it")       \
	X(build,   "make a plugin of a network written in C")		       \
	X(compile, "turn a model, from ONNX or in C, into an image")	       \
	X(quantize, "write a network in 8 bits as ONNX, for any runtime")      \
	X(train,   "teach a model what labelled data say")		       \
	X(qat,     "train on with the error of 8 bits, into an image")	       \
	X(info,    "say what an image is and holds")			       \
	X(infer,   "run an image on a picture or on tensors")		       \
	X(eval,    "measure accuracy on labelled data, int8 beside float")     \
	X(bench,   "measure speed, layer by layer if asked")		       \
	X(profile, "tell where time goes, as a timeline if asked")	       \
	X(verify,  "compare float, integer reference and machine by layer")    \
	X(compare, "tell what int8 costs, layer by layer")		       \
	X(dump,    "print an image's streams and tables in words")	       \
	X(devices, "list the devices of this computer")			       \
	X(top,     "show who uses the devices, second by second")

#define X(name, summary) int cmd_##name(int argc, char **argv);
COMMANDS(X)
#undef X

/* say.c */

/* Set by main: "fxq-run compile". */
extern const char *tool_name;

/* "NAME: sentence" on standard error; returns @code. */
int complain(int code, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* The same with "warning: ", and no code. */
void warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The exit code for a negative errno of compiler or io. */
int code_of(int err);
/* What compiler, io or libfxq said when @err came back. */
int complain_graph(const struct fx_graph *g, int err);
int complain_io(int err);
int complain_fxq(int err);
/* @text without what would steer a terminal; one of eight buffers. */
const char *plain(const char *text);
/* A string that may not be UTF-8; a number that may not be finite. */
json_t *json_text(const char *text);
json_t *json_number(double v);
/* Prints @value, and drops it. */
int print_json(json_t *value);
json_t *json_tensor(const char *name, const struct fxq_tensor *type);
/* Everything printed has arrived, or the exit code that says otherwise. */
int finish_output(void);
/*
 * From away to back, what is printed on standard output, as wrapped functions
 * do, goes to standard error.
 */
void stdout_away(void);
void stdout_back(void);
double now_s(void);

/* table.c: columns that line up */

struct table;

/* @heads: "<name" for a column to the left, ">name" to the right; NULL last */
struct table *table_new(const char *const *heads);
/* The next cell of the current row, or the first of a new one. */
void table_cell(struct table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void table_print(struct table *t, FILE *to);	/* and frees it */

/* progress.c: a bar on a terminal for what takes longer than two seconds */

void progress_begin(const char *what, uint64_t total);
void progress_at(uint64_t done);
void progress_end(void);

/* options.c: what several commands take */

#define MAX_SHAPES	16

enum mode {
	MODE_DEFAULT,
	MODE_TRAIN,
	MODE_EVAL,
};

/*
 * struct pictures - how a picture becomes a tensor, as given; see
 * pictures_for()
 * @white: 255: mean and std are of pixels 0..255 instead of 0..1
 */
struct pictures {
	bool given;
	float mean[4], std[4];
	unsigned int n_mean, n_std;
	unsigned int white;
	uint32_t width, height;
	int order;			/* enum fxq_pixel_order, -1: not said */
	int nhwc;			/* -1: not said */
};

struct options {
	/* common_argp */
	bool json;
	int threads;			/* all processors by default */
	const char *device;
	uint64_t seed;
	/* subject_argp, image_argp */
	const char *model, *image;
	/* model_argp */
	struct fx_shape_binding shapes[MAX_SHAPES];
	size_t n_shapes;
	enum mode mode;
	const char *weights;		/* of a plugin: fxq/state.h; or NULL */
	const char *plugin;		/* whose code a saved graph calls, or NULL */
	/* picture_argp */
	struct pictures pictures;
	/* calibrate_argp */
	const char *calibrate;
	uint64_t calibrate_count;
	enum fx_observer observer;
	double percentile;		/* of the observer; 0: its own */
	const char *scales, *save_scales;
	bool int8_ends;			/* compile's alone */
};

/* Sets the defaults and hands @state->input on to the children. */
void options_init(struct options *o, struct argp_state *state);
extern const struct argp common_argp, device_argp, subject_argp, image_argp,
	model_argp, picture_argp, calibrate_argp;
/* The pictures' where the help has no room for them. */
extern const struct argp picture_quiet_argp;
/* --plugin: its functions go to libfxq, and saved graphs find its classes. */
void options_plugin(struct options *o, const char *path);
/* Keys of long options: those of commands begin at OPTION_OWN. */
#define OPTION_SHARED	256
#define OPTION_OWN	512
/* argp's help without its note on options, and ours. */
char *help_filter(int key, const char *text, void *input);
/* The index of @text in @names, which ends with NULL. */
int parse_choice(struct argp_state *state, const char *option,
		 const char *text, const char *const *names);
uint64_t parse_number(struct argp_state *state, const char *option,
		      const char *text, uint64_t lo, uint64_t hi);

/* model.c: a network in floating point */

/*
 * struct model
 * @name: the file's, without folder and ending
 * @graph: functional, types known, not fused
 * @traced: of a plugin, as the tracer wrote it; else NULL
 * @object, @module: of a plugin; functions that the graph wraps live there. Or
 *		     @module is a graph module, saved or made of an ONNX file
 */
struct model {
	char *name;
	struct fx_graph *graph, *traced;
	void *object;
	struct fx_module *module;
	bool training;
};

int model_open(const char *path, const struct options *o, struct model *ret);
/* The same, of a plugin only as far as @traced. */
int model_open_traced(const char *path, const struct options *o,
		      struct model *ret);
/*
 * A graph without modules gets them, as fx_module_of_graph() makes them. What is
 * asked of graphs goes to @graph still.
 */
int model_need_module(struct model *m);
/* Does it bring scales, as QDQ and QOperator files do? */
bool is_quantized(const struct fx_graph *g);
void model_close(struct model *m);
/* Opens the model of @o, does @work with it, and closes it. */
int model_do(const struct options *o, int (*work)(void *args, struct model *m),
	     void *args);
/* The graph that calls modules; NULL: operators are all that is known. */
static inline struct fx_graph *model_traced(const struct model *m)
{
	return m->traced ? m->traced : m->module ? m->module->graph : NULL;
}
/* The graph that its author knows: as traced, or as imported. */
static inline const struct fx_graph *model_graph(const struct model *m)
{
	return model_traced(m) ? model_traced(m) : m->graph;
}
/* Placeholders and results of a graph, in order; malloced. */
struct fx_node **graph_inputs(const struct fx_graph *g, size_t *ret_n);
struct fx_node **graph_outputs(const struct fx_graph *g, size_t *ret_n);

/* A name before @ending, as in "net.fxq"? */
bool ends_with(const char *path, const char *ending);

/* plugin.c */
bool is_plugin(const char *path);
/* Loads the functions of the plugin at @path, if it is one, into libfxq. */
int plugin_functions(const char *path);
int plugin_open(const char *path, const struct options *o, struct model *m);
/* Parameters from a file of fxq/state.h; all, and no others. */
int load_weights(const char *path, struct fx_module *m);
/* As far as the traced graph, which needs no shapes. */
struct fxq_plugin;
int plugin_trace(const char *path, const struct options *o, struct model *m,
		 const struct fxq_plugin **ret);

struct fx_load_options;
/* What the plugin at @path has that a saved graph may name; opens m->object. */
int plugin_code(const char *path, struct model *m,
		const struct fx_class *ret_classes[2],
		struct fx_load_options *ret);
/*
 * Gives the inputs of @g the shapes of @o, or for those without one @rank and
 * @dims; rank 0: what they have.
 */
int type_inputs(const char *path, struct fx_graph *g, const struct options *o,
		uint32_t rank, const int64_t *dims);

/* saved.c: graph modules in .fxg files */

bool is_saved(const char *path);
/* As far as the graph that calls modules. */
int saved_trace(const char *path, const struct options *o, struct model *m);
int saved_open(const char *path, const struct options *o, struct model *m);
/* Has it observers, so that its scales are known? */
bool is_prepared(const struct fx_module *m);
/* Does it compute on integers? */
bool is_integer(const struct fx_graph *g);
/* What @m is on integers, a graph of its own: prepared, or converted already. */
int saved_integers(const struct model *m, struct fx_graph **ret);
/* The graph module that @m is, or is traced to; the caller puts it. */
struct fx_module *saved_module(const struct model *m);
/* Before it is observed or trained: has a .fxg room for all of @m? */
int saved_check(const struct model *m, const char *path);
/* Writes @gm down, its inputs as @in says. */
struct feed_inputs;
int saved_write(struct fx_module *gm, const struct feed_inputs *in,
		const char *path);

/* prepared.c */
/* The model, calibrated by the verbs, on integers or still @prepared. */
int prepared_write(struct model *m, const struct options *o, bool prepared,
		   const char *path);

/* feed.c: samples, from whatever holds them */

/*
 * struct feed_inputs - what a sample must fill
 * @pre: how pictures become input pre.input; only if @has_pre
 */
struct feed_inputs {
	size_t n;
	char **name;
	struct fxq_tensor *type;	/* data NULL */
	bool has_pre;
	struct fxq_preprocess_info pre;
};

int feed_inputs_of_graph(const struct fx_graph *g, const struct pictures *p,
			 struct feed_inputs *ret);
int feed_inputs_of_image(const struct fxq_image *image,
			 struct feed_inputs *ret);
void feed_inputs_free(struct feed_inputs *in);
/* Memory for one sample, to be filled; free with sample_free(). */
struct fxq_tensor *sample_new(const struct feed_inputs *in);
void sample_free(struct fxq_tensor *sample, size_t n);

struct feed;

/*
 * @data: "random", a folder of pictures or tensors (or of one folder for each
 * class), a picture, npy, npz, idx or .pb. @in must outlive the feed.
 */
int feed_open(const char *data, const struct feed_inputs *in, uint64_t seed,
	      struct feed **ret);
/* One tensor file for each input; no pictures. */
int feed_open_each(const char *const *paths, const struct feed_inputs *in,
		   struct feed **ret);
void feed_close(struct feed *f);
size_t feed_count(const struct feed *f);	/* SIZE_MAX: without end */
/* Did pictures become tensors? Then the image keeps how. */
bool feed_has_pictures(const struct feed *f);
/* Fills @sample, by any thread. A negative errno, the sentence in io_error(). */
int feed_get(const struct feed *f, size_t i, struct fxq_tensor *sample);
/* Items, such as pictures, in a sample. */
size_t feed_batch(const struct feed *f);
/* The class of item @i; -1: not known. */
int64_t feed_label(const struct feed *f, size_t i);
/* Takes labels from the tensor file @path. */
int feed_read_labels(struct feed *f, const char *path);

/* pictures.c */

/* How pictures become the input @name of @type; or why they cannot. */
int pictures_for(const struct pictures *p, const char *name,
		 const struct fxq_tensor *type,
		 struct fxq_preprocess_info *ret);

/* build.c: from float to image */

struct fx_qconfig options_qconfig(const struct options *o);
/* That what was calibrated on made-up numbers is no good for real ones. */
void warn_of_random(const struct options *o);

/* How many samples calibrate; the @i-th, so that sorted data are seen whole. */
size_t calibrate_count(const struct options *o, const struct feed *f);
size_t calibrate_sample(const struct feed *f, size_t i, size_t count);

struct fxq_writer;

/*
 * struct build
 * @graph: float, fused; @converted: integer, partitioned
 * @cal: what decided the scales
 * @in: of @graph
 */
struct build {
	struct fx_graph *graph, *converted;
	struct fx_calibration *cal;
	struct feed_inputs in;
	bool keep_preprocess;
};

/* Fuses and calibrates; @dump as in fx_lower_options. */
int build_scales(struct model *m, const struct options *o, FILE *dump,
		 struct build *ret);
/* The same, converts and partitions. */
int build_graph(struct model *m, const struct options *o, FILE *dump,
		struct build *ret);
/* Lowers @b to an image in memory. */
int build_image(struct build *b, const struct model *m, bool keep_layers,
		FILE *dump, struct bytes *ret);
void build_free(struct build *b);

/* runner.c: an image on a device */

struct runner {
	struct fxq_device *dev;
	struct fxq_program *prog;
	struct fxq_io *io;
};

int image_open(const char *path, struct fxq_image **ret);
/* Opens the image of @o, does @work with it, and closes it. */
int image_do(const struct options *o,
	     int (*work)(void *args, struct fxq_image *image), void *args);

/* @config: of the device */
int runner_open(struct fxq_image *image, const char *device,
		const struct fxq_device_config *config,
		const struct fxq_program_config *program, struct runner *ret);
void runner_close(struct runner *r);
/*
 * Does @device check and time descriptors? Only the embedded one does, and where
 * that is asked for it is what NULL stands for.
 */
bool is_embedded(const char *device);
/* Utilization of the MAC array, in 0..1. */
double utilization(uint64_t macs, uint64_t cycles);

/* cmd_dump.c */
/* A descriptor in the words of fxq_print_desc(). */
json_t *json_desc(const struct fxq_desc *d, uint32_t i);

/* coredump.c: what the driver kept of a run that failed */

bool is_coredump(const char *path);
/* @image: NULL: layers have no names */
int coredump_print(const char *path, const char *image, bool json);

/* evaluate.c: what a network answers to every sample */

/*
 * struct answers
 * @count: of samples that are run
 * @answer: the class of each of their items; free it
 * @cycles: Output: modelled, of an image
 */
struct answers {
	const struct feed *feed;
	const struct feed_inputs *in;
	size_t count;
	int64_t *answer;
	double seconds;
	uint64_t cycles;
};

/* Of @count items, or of all if it is 0. */
int answers_init(struct answers *a, const struct feed *f,
		 const struct feed_inputs *in, uint64_t count);
size_t answers_items(const struct answers *a);
int answers_of_image(struct fxq_image *image, const char *device, int threads,
		     struct answers *a);
int answers_of_graph(const struct fx_graph *g, int threads, struct answers *a);
double percent_right(const struct answers *a);
/* How many of @n answers are the same. */
double percent_same(const int64_t *a, const int64_t *b, size_t n);

/* values.c: elements as numbers */

/* Element @i, dequantized if it has a scale. */
double element(const struct fxq_tensor *t, int64_t i);
/* The index of the largest of the @n elements from @first on, the first such. */
int64_t largest(const struct fxq_tensor *t, int64_t first, int64_t n);
/* The class that row @row of @rows in @t names: its number, or the largest. */
int64_t class_of(const struct fxq_tensor *t, int64_t row, int64_t rows);

#endif /* FXQ_TOOL_H */
