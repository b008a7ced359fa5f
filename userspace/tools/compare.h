/* SPDX-License-Identifier: MIT */
/*
 * compare.h - what eight bits cost, layer by layer
 */
#ifndef FXQ_COMPARE_H
#define FXQ_COMPARE_H

#include "capture.h"

/*
 * struct deviation - numbers beside those they should be, summed up
 * @signal, @noise: squares of what should be, and of the differences
 * @other, @product: squares of what is, and products of both
 * @most: the largest difference
 */
struct deviation {
	double signal, noise, other, product, most;
};

/* Ratio of signal to noise in dB, infinite without noise; NaN without data. */
double deviation_db(const struct deviation *d);
double deviation_cosine(const struct deviation *d);
/*
 * Adds that @x, float, came as @q, quantized as @type says. False if the two
 * cannot be compared.
 */
bool deviation_add(struct deviation *d, const struct fxq_tensor *x,
		   const struct fxq_tensor *q, const struct fxq_tensor *type);

/*
 * struct layer - a node of the converted graph beside the value of the float
 * graph that it stands for
 * @node: converted
 * @twin: the name of that value; NULL if it stands for none
 * @whole: after all that was rounded before it
 * @alone: with the inputs that float had, rounded
 * @fake: beside the float graph that rounds its values as this one does
 * @clipped: of @count elements, those that lie beyond what int8 reaches
 * @headroom: bits of the 32-bit sum that are sure to stay unused; NaN: no sum
 * @weights_db: of the weights, each channel at the scale that fits it best; NaN
 * @output_db: of the worst output if this layer alone is rounded; NaN: not asked
 * @device: NULL: not kept; "yes" or "NO": equal to the reference to the bit
 */
struct layer {
	struct fx_node *node;
	const char *twin;
	struct deviation whole, alone, fake;
	uint64_t clipped, count;
	double headroom, weights_db, output_db;
	const char *device;
};

/*
 * struct notes - what the graphs say of themselves, in sentences
 * @kind: "qconfig", "not fused", "on the CPU" or "shared"
 */
struct notes {
	struct note {
		const char *kind;
		char *text;
	} *list;
	size_t n;
};

/*
 * struct comparison
 * @outputs: of the network, by name; of those that are no floats, how many of
 *	     @count elements are the @same
 * @samples: how many were run
 */
struct comparison {
	struct layer *layers;
	size_t n;
	struct {
		const char *name;
		struct deviation d;
		uint64_t same, count;
	} *outputs;
	size_t n_outputs;
	uint64_t samples;
	unsigned int findings;
	struct notes notes;
};

/*
 * Runs samples 0, 1, … of @f, at most @count, through float graph and integer
 * reference, and the first one through the device as well. @sensitivity: finds
 * each layer's output_db, with a run of the float graph for each.
 */
int compare_run(const struct model *m, struct build *b, const struct options *o,
		const struct feed *f, uint64_t count, bool sensitivity,
		struct comparison *ret);
void compare_free(struct comparison *c);

/* How near output @i is to float's, in words: malloced, NULL without memory. */
char *output_text(const struct comparison *c, size_t i);

/* Largest error in units of the layer's result; NaN if it has no scale. */
double layer_lsb(const struct layer *l, const struct deviation *d);

/* compare_layers.c: a layer for each call of @b, with its value in @flt */
int compare_list_layers(const struct build *b, const struct capture *flt,
			struct comparison *c);

/*
 * compare_alone.c: each layer's output_db. @flt and @alone are what float made
 * of @sample, and what each integer layer makes of float's values.
 */
int compare_alone(const struct model *m, struct build *b,
		  const struct options *o, const struct fxq_tensor *sample,
		  const struct capture *flt, const struct capture *alone,
		  struct comparison *c);

/* compare_notes.c: of @b, which is built of @m; short of memory, fewer. */
struct notes compare_notes(const struct model *m, const struct build *b,
			   const struct options *o);
void notes_free(struct notes *notes);

/* compare_html.c: one page, nothing of which comes from elsewhere. */
void compare_html(const struct comparison *c, const char *name, FILE *to);

#endif /* FXQ_COMPARE_H */
