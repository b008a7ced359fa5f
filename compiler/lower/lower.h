/* SPDX-License-Identifier: MIT */
/*
 * lower.h - what the passes from a partitioned graph to streams share
 *
 *	select    nodes become operations on feature maps      ops_*.c, view.c
 *	plan      what stays in the SPM, what is tiled         plan.c
 *	emit      operations become descriptors                emit*.c, dma.c
 *	schedule  loads move up to where they are hidden       schedule.c
 *	allocate  buffers get SPM addresses                    stream.c
 *	hazards   descriptors get their waits                  hazards.c
 *
 * From emit to allocate, descriptors name *virtual* addresses: each buffer has
 * its own range of a 4 GiB space, so that lifetimes can be read off the
 * descriptors themselves and addresses are chosen last.
 */
#ifndef FXQ_LOWER_H
#define FXQ_LOWER_H

#include <fxq/compile.h>
#include <fxq/fxq_spm.h>

#define REGION_WEIGHTS	0
#define REGION_SCRATCH	1

/* weights.c: what streams load and never write, each piece once */

struct blob {
	uint8_t *data;
	size_t size, room;
	struct blob_piece *pieces;
	size_t n_pieces, room_pieces;
	bool failed;
};

/* Copies @bytes in, unless they are there; the offset, 64-aligned. */
uint64_t blob_add(struct blob *b, const void *data, size_t bytes);
/* Forgets all pieces from offset @size on. */
void blob_truncate(struct blob *b, size_t size);
void blob_finish(struct blob *b);

/* stream.c: descriptors under construction */

/*
 * struct buffer - a range of a virtual space
 * @at: its final address
 * @first, @last: when it is alive: indices of descriptors, or of slots
 */
struct buffer {
	uint64_t base, size;
	uint64_t at;
	uint32_t first, last;
	uint32_t stamp;			/* alloc.c's */
	bool used;
};

struct space {
	struct buffer *bufs;
	uint32_t n, room;
	uint64_t next;
};

struct stream {
	struct fxq_desc *d;
	uint32_t n, room;
	struct space spm, scratch;
	bool failed;			/* no memory, or a space overflowed */
};

uint64_t space_buffer(struct stream *s, struct space *sp, uint64_t bytes);
struct buffer *space_find(const struct space *sp, uint64_t address);
/* Appends a zeroed descriptor; never NULL: a spare one when memory is out. */
struct fxq_desc *stream_add(struct stream *s, enum fxq_op op, uint32_t tag);
/* Pointers to the SPM addresses that @d names; returns how many. */
unsigned int desc_addresses(struct fxq_desc *d, uint32_t *field[8]);
/* Sets first and last of every buffer. */
void stream_lifetimes(struct stream *s);
/* Replaces virtual addresses by final ones. */
void stream_relocate(struct stream *s);
void stream_finish(struct stream *s);

/* alloc.c: addresses below @limit for buffers whose lifetimes are known */

struct alloc {
	uint64_t limit, end;		/* @end: of the highest buffer */
	struct bucket *buckets;
	uint32_t n_buckets;
	struct buffer **alive;
	uint32_t stamp;
};

int alloc_init(struct alloc *a, uint32_t n_times, uint32_t n_buffers,
	       uint64_t limit);
void alloc_finish(struct alloc *a);
/* An address for @b, given those that have one. False: there is none. */
bool alloc_put(struct alloc *a, struct buffer *b);
/* The same for all used buffers of @sp. -ENOSPC, -ENOMEM */
int alloc_all(struct alloc *a, struct space *sp);
/* Lets @b, which has an address, live from @first on; it may move. */
bool alloc_extend(struct alloc *a, struct buffer *b, uint32_t first);

/*
 * schedule.c: allocates the SPM, of @limit bytes, and moves loads up.
 * -ENOSPC: no addresses can be found even if all loads stay where they are.
 */
int stream_schedule(struct stream *s, uint64_t limit);

/* hazards.c: fills wait[] of a relocated stream. -ENOMEM */
int stream_hazards(struct stream *s, const struct fxq_caps *caps);

/* select: feature maps, and how values lie in them */

enum home_kind {
	HOME_NONE,
	HOME_STRIDED,		/* (c, y, x) is at offset + c*sc + y*sy + x*sx */
	HOME_BLOCKED,		/* as the SPM holds it, planes 64-aligned */
};

/* Where in memory a map's elements are, or go. */
struct home {
	enum home_kind kind;
	uint32_t region;
	uint64_t offset;
	int64_t sc, sy, sx;
};

struct box {
	uint32_t c0, c1, y0, y1, x0, x1;
};

/* struct held - a box of a map in the SPM; addr 0: it is not there */
struct held {
	uint32_t addr, plane;
	struct box box;
};

/*
 * struct fmap - a feature map, [ceil(c/32)][h][w][32] where it is in the SPM
 * @parent: the map that this one is a box of, from channel @pc, row @py,
 *	    column @px on; NULL for most. A concatenation is a parent
 * @written: its elements come from operations, else from @home alone
 * @small: it can be asked for whole at any time
 * @spill: each part is stored to @home when it has been written
 * @first_op, @last_op: operations that touch it
 * @resident: plan: it is whole in the SPM (or will be when it is written)
 * @held: emit: where it is now
 * @rows: emit: how many of its rows are there already, if it is being loaded
 * @need: the box that a tile needs of it; y1 0: none
 */
struct fmap {
	const char *name;
	uint32_t c, h, w, elem;
	struct fmap *parent;
	uint32_t pc, py, px;
	struct home home;
	bool written, spill, small;
	unsigned int index;
	unsigned int first_op, last_op;
	bool resident;
	struct held held;
	uint32_t rows;
	struct box need;
};

/*
 * struct operand - a box of a map as an operation sees it
 * @c0, @p0: first channel, first pixel (row * width + column)
 * @row: pixels from one of the operation's rows to the next; where this is
 *	 not the map's width, the map must be held whole
 */
struct operand {
	struct fmap *t;
	uint32_t c0, p0, row;
	uint32_t c, h, w;
};

#define VIEW_FACTORS	16

/*
 * struct view - a value: where each of its elements lies in a map
 *
 * The row-major index of an element is split over @f, outermost first; a
 * step of f[i] goes @cs channels and @ps pixels further. A reshape changes
 * nothing here; a permutation orders the factors anew.
 */
struct view {
	struct fmap *t;
	int64_t c0, p0;
	unsigned int n;
	struct factor {
		int64_t size, cs, ps;
	} f[VIEW_FACTORS];
};

/* struct conv_weights - of CONV and DWCONV, [oc][ic / groups][kh][kw] */
struct conv_weights {
	const int8_t *w;
	int32_t *bias;			/* b' of fxq_param */
	const float *m, *n;
	const int8_t *lut;		/* or NULL */
};

/*
 * How a value that leaves the SPM can be cut. Element i of the view goes to
 * home.offset plus the sum of its factors' indices * mem.
 */
enum store_kind {
	STORE_WHOLE,		/* not at all */
	STORE_ROWS,		/* by units of rows */
	STORE_BOXES,		/* at will: home has a stride for each direction */
};

/*
 * struct op - one operation on whole maps, before tiling
 * @d: its descriptor, with the sizes of the whole result and no address;
 *     opcode STORE: in[0] goes to memory
 * @in, @n_in: operands: CONV in, res; MATMUL a, b; binary a, b; else in
 * @out: none (t NULL) for STORE
 * @weights: CONV, DWCONV
 * @table, @table_bytes: what table (ytab, xtab) is to point to
 * @store, @view, @mem, @home: STORE, see enum store_kind
 * @copies: it moves elements, whatever its operator
 * @done: emit: rows of the result that are there, in a rolling group
 * @unit, @row_factor: STORE_ROWS: rows that belong together, and the factor
 *		       that steps from one such unit to the next
 */
struct op {
	const struct fx_node *node;
	uint32_t tag;
	struct fxq_desc d;
	struct operand in[3], out;
	unsigned int n_in;
	struct conv_weights *weights;
	const void *table[2];
	uint32_t table_bytes[2];
	enum store_kind store;
	struct view view;
	int64_t mem[VIEW_FACTORS];
	struct home home;
	uint32_t unit;
	unsigned int row_factor;
	uint32_t done;
	bool copies;
};

/*
 * struct segment - one device segment
 * @ports: values that cross its border, inputs first
 * @keep: every layer's result is an output
 */
struct port {
	struct fx_node *node;
	bool output;
	struct home home;
	bool stored;			/* an operation has put it there */
};

struct segment {
	struct fx_graph *g;
	struct fxq_caps caps;
	struct blob *blob;
	struct port *ports;
	unsigned int n_ports;
	struct op *ops;
	unsigned int n_ops, room_ops;
	struct fmap **maps;
	unsigned int n_maps, room_maps;
	struct stream stream;
	int segment;			/* its number */
	const struct fx_node *node;	/* the one being selected */
	uint32_t tag;			/* and its tag */
	int err;
};

/* view.c */

struct value {
	struct view view;
	struct port *port;		/* if the value is stored already */
};

struct fmap *map_new(struct segment *s, const char *name, uint32_t c,
		     uint32_t h, uint32_t w, uint32_t elem);
/* A map for @type with channels along @axis, and the view of it as @type. */
struct fmap *map_for(struct segment *s, const char *name,
		     const struct fxq_tensor *type, int axis,
		     struct view *ret_view);
struct view view_of_map(struct fmap *t, const struct fxq_tensor *type,
			int axis);
/* Splits factors so that each dimension has its own; where dimension i
 * begins goes to start[i], start[rank] is the end. False: impossible. */
bool view_align(struct view *v, uint32_t rank, const int64_t *dims,
		unsigned int *start);
void view_merge(struct view *v);
/* Which dimension walks the channels one by one; -1: none does. */
int view_axis(const struct view *v, uint32_t rank, const int64_t *dims);
/* As a box with channels along @axis, rows and columns from the others. */
bool view_operand(const struct view *v, uint32_t rank, const int64_t *dims,
		  int axis, struct operand *ret);
/*
 * The same where channels are spread over the map: chan[i], counted in *ret,
 * is where channel i of dims[axis] is.
 */
bool view_gather(const struct view *v, uint32_t rank, const int64_t *dims,
		 int axis, struct operand *ret, uint32_t *chan);
/* As view_operand(), for operators to which all pixels are alike. */
bool view_pixels(const struct view *v, uint32_t rank, const int64_t *dims,
		 int axis, struct operand *ret);
uint64_t map_bytes(const struct fmap *t, const struct box *b);
uint32_t map_plane(const struct fmap *t, const struct box *b);
struct box map_box(const struct fmap *t);

/* select.c, store.c */

struct value *value_of(struct segment *s, struct fx_node *n);
void set_value(struct segment *s, struct fx_node *n, const struct view *v);
/* Along which dimension the value of @n has its channels. */
int value_axis(struct segment *s, struct fx_node *n);
struct op *op_new(struct segment *s, enum fxq_op opcode);
/*
 * The value of @n as an operand with channels along @axis; copied into a map
 * of its own where it does not lie so. pixels_of(): any rows and columns do.
 */
struct operand operand_of(struct segment *s, struct fx_node *n, int axis);
struct operand pixels_of(struct segment *s, struct fx_node *n, int axis);
struct operand operand_of_map(struct fmap *t);
/* The node being selected has a new map of @h x @w pixels as its value. */
struct operand result_like(struct segment *s, int axis, uint32_t h, uint32_t w);
/*
 * A copy of @v in a map with channels along @axis: gathered by a convolution
 * where only channels are spread, else by way of memory.
 */
struct view view_copy(struct segment *s, const struct view *v,
		      const struct fxq_tensor *type, int axis);
/* The first of the two; false: it cannot, or memory is quicker. */
bool gather_copy(struct segment *s, const struct view *v,
		 const struct fxq_tensor *type, int axis, struct view *ret);
/* Room in scratch for @t, in the order [c][y][x]. */
void map_scratch(struct segment *s, struct fmap *t);
/* Stores @v to the home of the map of @to, where @to sees the same elements. */
void store_view(struct segment *s, const struct view *v,
		const struct view *to, const struct fxq_tensor *type);
/* Stores @v to @home: a step of factor i goes mem[i] bytes further. */
void op_store(struct segment *s, const struct view *v, struct home home,
	      const int64_t *mem);
int segment_select(struct segment *s);
int segment_fail(struct segment *s, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * struct op_rule - how the device takes an operator
 * @check: NULL if it does take node @n, else why not, in words (in the
 *	   graph's memory)
 * @lower: appends operations for s->node
 * @moves: copies elements only
 */
struct op_rule {
	const char *name;
	const char *(*check)(struct fx_node *n, const struct fxq_caps *caps);
	void (*lower)(struct segment *s, struct fx_node *n);
	bool moves;
};

/* rules.c */
const struct op_rule *op_rule_find(const struct fx_node *n);
uint64_t node_macs(const struct fx_node *n);

/* ops_*.c */
/* Rank 4, one image, sizes that a descriptor's fields hold; else why not. */
const char *check_image(struct fx_node *n, const struct fxq_tensor *t);
#define OP_RULES(X)		\
	X(conv) X(conv_transpose) X(linear) X(matmul)			\
	X(binary) X(max_pool) X(avg_pool) X(mean_pool) X(reduce)	\
	X(lut) X(requant) X(resize) X(softmax) X(layer_norm)		\
	X(view) X(permute) X(slice) X(concat) X(pad) X(split)		\
	X(getitem) X(gather) X(expand) X(shuffle)
#define X(name)								\
	const char *check_##name(struct fx_node *n,			\
				 const struct fxq_caps *caps);		\
	void lower_##name(struct segment *s, struct fx_node *n);
OP_RULES(X)
#undef X

/* tile.c: a part of an operation */

/* The box of operand @i that box @out of the result depends on. */
struct box op_needs(const struct op *op, const struct box *out,
		    unsigned int i);
struct box op_result(const struct op *op);
/* May the result be made a few channels, or columns, at a time? */
bool op_splits_channels(const struct op *op);
bool op_splits_columns(const struct op *op);
/* Its tiles are multiples of so many rows. */
uint32_t op_row_unit(const struct op *op);
/* The descriptor for box @out of the result, without addresses. */
struct fxq_desc op_slice(const struct op *op, const struct box *out);
/* The cycles it takes. */
uint64_t op_cost(const struct op *op, const struct box *out);
/* Are its rows not the map's rows? Then the map must be held whole. */
bool operand_is_flat(const struct operand *o);
/* Box @b of the operand in coordinates of its map. */
struct box operand_box(const struct operand *o, const struct box *b);

/* consts.c: what an operation reads beside its operands */

/*
 * struct slice - output channels and input channels of a part of a CONV
 * @first, @last: of the chain that sums over the input channels
 */
struct slice {
	uint32_t oc0, oc1, ic0, ic1;
	bool first, last;
};

/*
 * The @i-th part of a CONV or DWCONV over channels [c0, c1) of its result,
 * so that the weights of each fit the SPM easily; false: there is none.
 */
bool op_slice_channels(const struct segment *s, const struct op *op,
		       const struct box *out, unsigned int i,
		       struct slice *ret);
/* Bytes of constants for box @out: all, and of the largest part. */
uint64_t op_const_bytes(const struct segment *s, const struct op *op,
			const struct box *out, uint64_t *ret_part);
/* Is each part a chain? It then works on boxes of this many pixels. */
uint32_t op_chain_pixels(const struct segment *s, const struct op *op);
/* Packs weights, parameters and table of a slice; offsets within the piece. */
uint64_t pack_slice(struct segment *s, const struct op *op,
		    const struct slice *slice, uint64_t *ret_bytes,
		    uint32_t *ret_params, uint32_t *ret_lut);
/* The same for parameters of a MATMUL: @n equal ones. */
uint64_t pack_params(struct segment *s, float m, uint32_t n,
		     uint64_t *ret_bytes);

/* plan.c */

/*
 * struct group - operations done together, tile by tile of the last's result
 * @first, @n: in segment.ops
 * @tc, @th, @tw: channels, rows and columns of a tile
 * @resident_out: the last result is kept whole in the SPM
 * @stream_weights: weights are loaded again for each tile
 * @rolling: all results are kept whole, and each tile makes only what rows of
 *	     them are not there yet
 * @reload: maps that are loaded whole, as far as each tile needs them
 * @evict: maps that leave the SPM first
 */
struct group {
	unsigned int first, n;
	uint32_t tc, th, tw;
	bool resident_out, stream_weights, rolling;
	struct fmap **reload, **evict;
	unsigned int n_reload, n_evict;
};

struct plan {
	struct group *groups;
	unsigned int n;
};

/*
 * Groups all operations so that what is alive at once takes at most @budget
 * bytes; in the graph's memory. @dma_part: one of so many cycles of DMA counts
 * even if it is hidden. -ENOSPC if some operation does not fit.
 */
int segment_plan(struct segment *s, uint64_t budget, uint64_t dma_part,
		 struct plan *ret_plan);

/* plan_print.c */
void plan_print(FILE *to, const struct segment *s, const struct plan *p);

/*
 * For each operation of @g, from the last back, the box of its result that
 * tile @tile needs goes to boxes[]; map->need to those of the maps.
 */
void group_needs(struct segment *s, const struct group *g,
		 const struct box *tile, struct box *boxes);

/* dma.c */

/* LOAD or STORE of box @b (map coordinates) between @h and the map's home. */
void dma_box(struct stream *s, enum fxq_op op, uint32_t tag,
	     const struct fmap *t, const struct held *h, const struct box *b);
/* LOAD or STORE of a view of a map held whole; see struct op. */
void dma_view(struct stream *s, enum fxq_op op, uint32_t tag,
	      const struct view *v, const struct held *h, uint32_t elem,
	      const int64_t *mem, uint32_t region, uint64_t offset);
/* LOAD of constants: @bytes from the blob to a new buffer, which it returns. */
uint32_t dma_blob(struct stream *s, uint32_t tag, uint64_t offset,
		  uint64_t bytes);
/* FILL of all that @h holds with the int8 @value. */
void dma_fill(struct stream *s, uint32_t tag, const struct held *h,
	      int value);

/* emit.c */
int segment_emit(struct segment *s, const struct plan *p);

/* segment.c: all of the above, until a stream fits */
int segment_lower(struct segment *s, FILE *dump, uint64_t *ret_scratch,
		  uint64_t *ret_cycles);

#endif /* FXQ_LOWER_H */
