/* SPDX-License-Identifier: MIT */
/*
 * post.h - functions that turn a network's numbers into answers
 *
 * Post-processing runs on the CPU and is kept whole: a graph names it as a
 * wrapped function, an image by name alone, and libfxq has these built in.
 * They take float32 tensors on the host, refuse what does not fit in a
 * sentence, and take no notice of values that are no numbers.
 *
 * Boxes are rows of FX_BOX_COLUMNS: left, top, right, bottom (0 to 1 across
 * the input picture), score, class. Parameters are attributes:
 *
 * anchor_boxes: for each scale a tensor of logits, one an anchor, and one of
 *	offsets (x, y, width, height, in pixels, ...), one row an anchor; box
 *	centres are those of the cells. size (256): side of the input;
 *	strides (16, 32), anchors (2, 6): of each scale, pixels and anchors to a
 *	cell. Every anchor becomes a row.
 * yunet_boxes: for each scale class score, object score and box, one row a
 *	cell. width (320), height (320): of the input; strides (8, 16, 32).
 *	Every cell becomes a row.
 * fastest_boxes: one map, (1, 5 + classes, height, width). Every cell becomes
 *	a row.
 * non_max_suppression: rows; or boxes (..., 4) and scores (..., classes) as
 *	two tensors, of which classes before first_class (0) do not count. score
 *	(0.5): the least that counts; iou (0.45): boxes of a class that overlap
 *	a better one by more are dropped; max (100): rows at most. The best come
 *	first.
 * db_boxes: a map of text probabilities, (1, 1, height, width). threshold
 *	(0.3): what is text; score (0.6): the least mean over a box; unclip
 *	(1.5): how far boxes grow, area / perimeter times this; min_side (3),
 *	in pixels; max (256): rows at most. Boxes are upright and come from top
 *	to bottom.
 * ctc_decode: (time, symbols) scores to int64 indices: the best symbol of each
 *	step, repeats once, without blank (0).
 *
 * non_max_suppression, db_boxes and ctc_decode return as many rows as they
 * find: they have no shape function, and what they may return at most is
 * declared where they are called.
 */
#ifndef FXQ_POST_H
#define FXQ_POST_H

#include <fxq/fx.h>

#define FX_BOX_COLUMNS	6

/* X(name) */
#define FX_POST_FUNCTIONS(X)	\
	X(anchor_boxes)		\
	X(yunet_boxes)		\
	X(fastest_boxes)	\
	X(non_max_suppression)	\
	X(db_boxes)		\
	X(ctc_decode)

#define X(name) extern const struct fxq_function fxq_builtin_##name;
FX_POST_FUNCTIONS(X)
#undef X

/* The function called @name; NULL if there is none. */
const struct fxq_function *fx_post_find(const char *name);

/*
 * Calls @fn on @in at the end of @g and makes the result the graph's only
 * output; what nobody uses any more is removed. @max_type is what it returns
 * at most; it may be NULL if @fn has a shape function. The function is called
 * by the name it has, so @fn may lack a body where the graph is not run.
 */
int fx_append_wrapped(struct fx_graph *g, const struct fxq_function *fn,
		      struct fx_node *const *in, size_t n_in,
		      const struct fx_kwarg *kwargs, size_t n_kwargs,
		      const struct fxq_tensor *max_type,
		      struct fx_node **ret_node);

#endif /* FXQ_POST_H */
