/* SPDX-License-Identifier: MIT */
/*
 * quant_priv.h - what the passes from float to integer share
 */
#ifndef FXQ_QUANT_PRIV_H
#define FXQ_QUANT_PRIV_H

#include <fxq/compile.h>

#include "observe/ranges.h"

/* util.c: asking about nodes */

/* The type of a node's (first) result. */
static inline const struct fxq_tensor *type_of(const struct fx_node *n)
{
	return &n->out[0];
}

bool is_float(const struct fx_node *n);
/* Elements of a float32 constant; NULL if @n is none. */
const float *const_floats(const struct fx_node *n);
/* Is @n a float constant of one element? Then *@ret_value is it. */
bool const_scalar(const struct fx_node *n, float *ret_value);
/* The only node that uses @n; NULL if none or several do. */
struct fx_node *only_user(const struct fx_node *n);
bool is_conv(const struct fx_node *n);		/* conv2d, conv_transpose2d */
bool is_linear(const struct fx_node *n);
/* Axis of channels: 1 for images (rank 4), the last one otherwise. */
int channel_axis(const struct fxq_tensor *t);
/* Axis of the output channels of a convolution or linear layer. */
int layer_axis(const struct fx_node *n);
/*
 * Does @c hold one value, or one for each channel of @t? Fills a[channels]
 * from it if so.
 */
bool per_channel(const struct fx_node *c, const struct fxq_tensor *t, float *a);
int64_t channels_of(const struct fxq_tensor *t);
/* Output channels of a convolution or linear layer, by its weights. */
int64_t out_channels(const struct fx_node *n);
/* The output channel that element @i of @layer's weights belongs to. */
int64_t weight_channel(const struct fx_node *layer, int64_t i);
/* Fills v[count] from the kwarg, if there is one; one number stands for all. */
void spatial(const struct fx_node *n, const char *name, int64_t *v,
	     size_t count);
/* A float32 constant named after @n, @values copied. */
struct fx_node *add_const(struct fx_graph *g, const struct fx_node *n,
			  const char *what, uint32_t dtype, uint32_t rank,
			  const int64_t *dims, const void *values);
/* Erases @n if nobody uses it, and then what only it used. */
void erase_unused(struct fx_node *n);
/* @to becomes what @n was, also to the scale that the model gives @n. */
void take_place(struct fx_node *n, struct fx_node *to);

/* fuse.c */

/* y = a[c] * x + b[c], the thing that folds into what comes before it. */
struct affine {
	struct fx_node *x;
	float *a, *b;
	bool scalar;		/* the same for all channels */
};

bool affine_of(struct fx_node *n, struct affine *ret);
/* A layer that can take an affine function of its channels. */
bool is_layer_with_constants(const struct fx_node *n);
/* @n, which is @f of what @layer gives, goes into the layer. */
void fold_affine(struct fx_node *layer, const struct affine *f,
		 struct fx_node *n);
/* @f as a depthwise 1x1 layer before @n, whose type its result has. */
struct fx_node *depthwise(struct fx_node *n, const struct affine *f);
/* A call of @op where @n stands, with the type of @n and from the same source. */
struct fx_node *call_for(struct fx_node *n, const char *op,
			 struct fx_node *const *in, size_t n_in,
			 const struct fx_kwarg *kwargs, size_t n_kwargs);

/*
 * A rewrite of one node, see fuse.c, fuse_norm.c, fuse_shape.c, fuse_line.c: true if
 * the graph has changed. They are tried in order, on each node, until none applies.
 */
typedef bool (*rewrite)(struct fx_node *n);
void rewrite_all(struct fx_graph *g, const rewrite *list, size_t count);
bool rewrite_nothing(struct fx_node *n);
bool rewrite_matmul(struct fx_node *n);
bool rewrite_mean(struct fx_node *n);
bool rewrite_pad(struct fx_node *n);
bool rewrite_concat(struct fx_node *n);
bool rewrite_layer_norm(struct fx_node *n);	/* spelled in primitives */
bool rewrite_views(struct fx_node *n);		/* a view of a view */
bool rewrite_rows(struct fx_node *n);		/* a view before a layer */
bool rewrite_line(struct fx_node *n);		/* of one dimension */
bool rewrite_on_line(struct fx_node *n);	/* a view before a function */

/* fuse_shape.c: elements as they are, in another shape */

bool is_view(const struct fx_node *n);
/* A reshape of @x to the sizes, and with the scale, of @to. */
struct fx_node *view_as(struct fx_node *x, const struct fxq_tensor *to,
			const char *source);

bool rewrite_pair(struct fx_node *n);		/* given.c */

/*
 * leave.c: does nobody but the CPU see @n's values, by way of operators of its
 * own, or of outputs if @outputs is true?
 */
bool only_leaves(const struct fx_node *n, bool outputs);
/* A softmax over more elements than the device sums: the CPU's. */
bool is_long_softmax(const struct fx_node *n);

/* pointwise.c: functions of one value, spelled in one node or in many */

/*
 * struct pointwise - what n->data of each node begins with
 * @root: the node of whose values alone each value of n is a function, through
 *	  operators that work element by element; n itself if there is none
 * @barrier: n is a root whatever it computes
 */
struct pointwise {
	struct fx_node *root;
	bool barrier;
};

/* Sets the roots of all nodes. */
void pointwise_roots(struct fx_graph *g);
static inline struct fx_node *pointwise_root(const struct fx_node *n)
{
	return ((struct pointwise *)n->data)->root;
}

/* f(x[i]) in double, f leading from @root to @n. */
int pointwise_eval(struct fx_node *n, struct fx_node *root, const double *x,
		   double *y, size_t count);

/* calibrate.c */

/* The range of @n's values; -ENOENT if calibration has not seen it. */
int calibration_range(const struct fx_calibration *cal,
		      const struct fx_node *n, struct range *ret_range);
/* Scale and zero point if they were loaded, not observed; else -ENOENT. */
int calibration_fixed(const struct fx_calibration *cal,
		      const struct fx_node *n, float *ret_scale,
		      int *ret_zero_point);

/*
 * How far each of @n's channels reaches from 0, of channels_of(type_of(n));
 * NULL if calibration has not seen it.
 */
const float *calibration_reach(const struct fx_calibration *cal,
			       const struct fx_node *n);
/* NULL if layer @n's windows were not looked at. */
const struct moments *calibration_moments(const struct fx_calibration *cal,
					  const struct fx_node *n);

/* NULL if the data did not come by a third time. */
const struct simulation *
calibration_simulation(const struct fx_calibration *cal);
/* Runs @g, showing each value to @see, and drops the outputs. */
int run_observed(struct fx_graph *g, fx_observe_fn see, void *ctx,
		 const struct fxq_tensor *in, size_t n_in, int threads);

/* equalize.c: gives the channels of a value more alike a reach */
void equalize(struct fx_graph *g, const struct fx_calibration *cal);

/* moments.c: what a layer's windows look like */

#define MAX_TAPS	1200

/*
 * struct moments - of one layer's windows, group by group
 * @taps: of a window
 * @per_batch: windows taken from each batch
 * @count: taken
 * @sum: of each tap
 * @product: of each pair of taps, the lower triangle of (taps, taps)
 * @column, @gathered: windows not added yet
 * @chance: the state of a generator
 */
struct moments {
	const struct fx_node *layer;
	int64_t groups, taps, per_batch;
	uint64_t count, chance;
	double *sum, *product, *column;
	int gathered;
};

/* NULL: @n is not a layer whose weights are rounded together. */
struct moments *moments_new(const struct fx_node *n, uint64_t batches);
void moments_free(struct moments *m);
/* @t: a batch of the layer's input. */
void moments_feed(struct moments *m, const struct fxq_tensor *t);

/* observer.c: finding a tensor's range */

struct observer;

struct observer *observer_new(const struct fx_qconfig *qconfig);
void observer_free(struct observer *o);
void observer_feed(struct observer *o, const float *x, int64_t n);
bool observer_seen(const struct observer *o);
struct range observer_range(const struct observer *o);

/* qparams.c: from ranges to scales, as torch computes them */

struct qparams {
	float scale;
	int zero_point;
};

static inline struct qparams qparams_of_node(const struct fx_node *n)
{
	return (struct qparams){ n->out[0].scale, n->out[0].zero_point };
}

static inline bool same_qparams(struct qparams a, struct qparams b)
{
	return a.scale == b.scale && a.zero_point == b.zero_point;
}

/* Does the model itself say what float value @n is quantized with? */
static inline bool is_given(const struct fx_node *n)
{
	return n->out[0].scale != 0;
}

/* Does the model round @n to another scale than its first input's? */
static inline bool is_rounded_anew(const struct fx_node *n)
{
	return is_given(n) &&
	       !same_qparams(qparams_of_node(n),
			     qparams_of_node(fx_node_in(n, 0)));
}

/* int8 over [-128, 127], affine. */
extern const struct target int8_affine;
struct qparams affine_qparams(struct range r);
/* Symmetric over [-127, 127]. */
float symmetric_scale(float max_abs);
/* Neither zero, infinite, NaN nor denormal. */
bool scale_ok(float s);

/* weights.c: weights and bias of a convolution or linear layer */

/*
 * struct layer_weights - in the graph's arena
 * @w: int8, in the float weights' own order
 * @scale: of each output channel
 * @bias: in units of s_x * scale
 */
struct layer_weights {
	int8_t *w;
	float *scale;
	int32_t *bias;
};

/*
 * Quantizes the weights of float layer @n for inputs of scale @s_x and a
 * result whose unit in the last place is @s_y (0: int32 result). A channel
 * whose scale is too small for its bias gets a larger one; -ERANGE with the
 * sentence if that costs more than half a unit of the result.
 */
int quantize_layer(struct fx_graph *g, const struct fx_node *n, float s_x,
		   float s_y, const struct range *x, bool per_tensor,
		   struct layer_weights *ret);
/* Takes shift[channel] off a layer's sums, where 32 bits hold the bias then. */
void shift_biases(const struct fx_node *n, float s_x, const double *shift,
		  struct layer_weights *w);

/* round.c: rounds @w once more, for the windows that @m saw */
void round_layer(const struct fx_node *n, float s_x, const struct moments *m,
		 struct layer_weights *w);

/* simulate.c: by how much layers are off on average, from a run that rounds */

/*
 * @g has just been converted and is run beside a copy that rounds. Of @batches
 * to come some are enough.
 */
struct simulation *simulation_new(struct fx_graph *g, uint64_t batches);
void simulation_free(struct simulation *s);
int simulation_feed(struct simulation *s, const struct fxq_tensor *in,
		    size_t n_in, int threads);
/* Fills shift[channels] of float layer @layer; false if it was not seen. */
bool simulation_shift(const struct simulation *s, const struct fx_node *layer,
		      double *shift);

#endif /* FXQ_QUANT_PRIV_H */
