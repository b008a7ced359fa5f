/* SPDX-License-Identifier: MIT */
/*
 * value.h - fxv: what flows through a model written in C
 *
 * A value is a small struct, passed by value: a tensor, a number, a tuple, or,
 * while a tracer listens, the node that will compute it. Since it is a struct,
 * `if (x)`, `!x`, `x && y` and `x == y` do not compile: a tensor has no truth
 * at the time a graph is written down. The ways from a value to C are the
 * accessors below; each of them is an error under the tracer, in words.
 *
 * Nobody frees a value inside a forward: temporaries belong to the scope of
 * the forward that is running and go when it returns. What a forward returns
 * belongs to its caller, up to the outermost call, whose result the program
 * owns and gives back with fx_release(). A value made where no forward is
 * running is the program's as well.
 *
 * An error is a value too. An operation that fails gives a poisoned value,
 * operations on a poisoned value pass it on, and a forward in which anything
 * failed returns the first error: no function is ever left by a jump.
 */
#ifndef FXQ_VALUE_H
#define FXQ_VALUE_H

#include <fxq/each.h>
#include <fxq/fx.h>

enum fx_value_kind {
	FX_VALUE_NONE,		/* Python's None */
	FX_VALUE_BOOL,		/* b */
	FX_VALUE_INT,		/* i */
	FX_VALUE_FLOAT,		/* f */
	FX_VALUE_STR,		/* s */
	FX_VALUE_TENSOR,	/* tensor */
	FX_VALUE_TUPLE,		/* tuple */
	FX_VALUE_LIST,		/* tuple, in square brackets when printed */
	FX_VALUE_SLICE,		/* tuple: start, stop, step */
	FX_VALUE_DICT,		/* tuple: key, value, key, value ... */
	FX_VALUE_NAME,		/* s, a name of Python's: Ellipsis */
	FX_VALUE_NODE,		/* node: the tracer listens */
	FX_VALUE_SELF,		/* module, as argument of a wrapped method */
	FX_VALUE_DEFAULT,	/* an argument that was not given */
	FX_VALUE_VARARGS,	/* as a default: takes a tuple of arguments */
	FX_VALUE_KWARGS,	/* as a default: takes a dict of them */
	FX_VALUE_POISON,	/* error */
	FX_VALUE_END,		/* after the last item of a list of arguments */
};

/*
 * struct fx_value - use it as fxv, and only through the functions below
 * @kind: enum fx_value_kind
 * @keyword: given by its name; see fx_named()
 */
typedef struct fx_value {
	uint32_t kind;
	uint32_t keyword;
	union {
		bool b;
		int64_t i;
		double f;
		const char *s;
		struct fx_tensor *tensor;
		struct fx_tuple *tuple;
		struct fx_node *node;
		struct fx_module *module;
		struct fx_error *error;
	};
} fxv;

/* Initialisers of constant values, for tables and default arguments. */
#define FX_NONE		{ .kind = FX_VALUE_NONE }
#define FX_BOOL(v)	{ .kind = FX_VALUE_BOOL, .b = (v) }
#define FX_INT(v)	{ .kind = FX_VALUE_INT, .i = (v) }
#define FX_FLOAT(v)	{ .kind = FX_VALUE_FLOAT, .f = (v) }
#define FX_STR(v)	{ .kind = FX_VALUE_STR, .s = (v) }
#define FX_END		{ .kind = FX_VALUE_END }
/* In place of a default: Python's *args and **kwargs. */
#define FX_VARARGS	{ .kind = FX_VALUE_VARARGS }
#define FX_KWARGS	{ .kind = FX_VALUE_KWARGS }

/* Arguments as an array that ends by itself. */
#define FX_ARGS(...)	\
	((const fxv[]){ __VA_ARGS__ __VA_OPT__(,) FX_END })
/* Where a call stands, for nodes and errors. */
#define FX_HERE(text)	\
	(&(const struct fx_loc){ __FILE__, __LINE__, text, __func__ })

static inline fxv fx_same(fxv v) { return v; }
static inline fxv fx_of_bool(bool v) { return (fxv)FX_BOOL(v); }
static inline fxv fx_of_int(int64_t v) { return (fxv)FX_INT(v); }
static inline fxv fx_of_float(double v) { return (fxv)FX_FLOAT(v); }
static inline fxv fx_of_str(const char *v) { return (fxv)FX_STR(v); }

/* A value from a C bool, integer, floating number, string or value. */
#define fx_value(x)		FX_VALUE_OF(x, __COUNTER__)
#define FX_VALUE_OF(x, n)	FX_VALUE_NAMED(x, n)
#define FX_VALUE_NAMED(x, n)	FX_VALUE_IN(x, fx_value_##n)
#define FX_VALUE_IN(x, once)						\
	({								\
		__auto_type once = (x);					\
		_Generic(once,						\
			 fxv: fx_same,					\
			 bool: fx_of_bool,				\
			 int: fx_of_int,				\
			 unsigned int: fx_of_int,			\
			 long: fx_of_int,				\
			 unsigned long: fx_of_int,			\
			 long long: fx_of_int,				\
			 float: fx_of_float,				\
			 double: fx_of_float,				\
			 char *: fx_of_str,				\
			 const char *: fx_of_str)(once);		\
	})

/* None; an argument left at its default; an argument given by its name. */
#define fx_none		((fxv)FX_NONE)
#define fx_default	((fxv){ .kind = FX_VALUE_DEFAULT })
#define fx_named(x)	fx_as_keyword(fx_value(x))
static inline fxv fx_as_keyword(fxv v) { v.keyword = 1; return v; }

/* As FX_ARGS, of values and C numbers. */
#define FX_VALUES(...)	\
	((const fxv[]){ FX_EACH(FX_VALUE_ITEM, __VA_ARGS__) FX_END })
#define FX_VALUE_ITEM(i, item)	fx_value(item),

/*
 * Several values as one, in round or square brackets, or by their keys:
 * fx_tuple(x, 2), fx_dict("cls", x, "box", y). A slice as Python has it is
 * fx_slice(stop), (start, stop) or (start, stop, step), each an integer or
 * fx_none; fx_all is Python's `:`, fx_ellipsis its `...`.
 */
#define fx_tuple(...)	fx_tuple_of(FX_VALUE_TUPLE, FX_VALUES(__VA_ARGS__))
#define fx_list(...)	fx_tuple_of(FX_VALUE_LIST, FX_VALUES(__VA_ARGS__))
#define fx_dict(...)	fx_tuple_of(FX_VALUE_DICT, FX_VALUES(__VA_ARGS__))
#define fx_slice(...)	fx_slice_of(FX_VALUES(__VA_ARGS__))
#define fx_all		fx_slice(fx_none)
#define fx_ellipsis	((fxv){ .kind = FX_VALUE_NAME, .s = "Ellipsis" })
/* torch's types of elements: fx_dtype(float16) */
#define fx_dtype(name)	((fxv){ .kind = FX_VALUE_NAME, .s = "torch." #name })
fxv fx_tuple_of(enum fx_value_kind kind, const fxv *items);
fxv fx_slice_of(const fxv *items);

/* tensor.c: float32 tensors of given sizes: fx_zeros(3, 1, 1) */

#define FX_DIMS(...)							\
	(const int64_t[]){ __VA_ARGS__ __VA_OPT__(,) -1 }
#define fx_zeros(...)	fx_full_of(0.0f, FX_DIMS(__VA_ARGS__))
#define fx_ones(...)	fx_full_of(1.0f, FX_DIMS(__VA_ARGS__))
#define fx_full(value, ...)	fx_full_of(value, FX_DIMS(__VA_ARGS__))
/* A tensor of one dimension with these elements: fx_tensor(1.0, 2.0) */
#define fx_tensor(...)							\
	fx_tensor_of((const float[]){ __VA_ARGS__ },			\
		     sizeof((const float[]){ __VA_ARGS__ }) / sizeof(float))
/* Uniform in [0, 1), from the generator that fx_manual_seed() sets. */
#define fx_rand(...)	fx_rand_of(FX_DIMS(__VA_ARGS__))
/*
 * The numbers of a 32-bit linear congruential generator, k / 64 * scale with
 * -128 <= k < 128: any language makes the same tensor from the same seed.
 */
#define fx_gen(seed, scale, ...)	\
	fx_gen_of(seed, scale, FX_DIMS(__VA_ARGS__))
fxv fx_full_of(float value, const int64_t *dims);
fxv fx_tensor_of(const float *elements, size_t n);
fxv fx_rand_of(const int64_t *dims);
fxv fx_gen_of(uint32_t seed, float scale, const int64_t *dims);
/* Starts the generator of initial weights, fx_rand() and dropout again. */
void fx_manual_seed(uint64_t seed);

/* A tensor with a copy of the elements of @t (zeros if it has none). */
fxv fx_copy_of(const struct fxq_tensor *t);
/* A tensor over the elements of @t, which must outlive it; not written to. */
fxv fx_view_of(const struct fxq_tensor *t);

/* From a value to C */

/* The tensor of @v, valid as long as @v is; NULL if it is none. */
const struct fxq_tensor *fx_data(fxv v);
/* The error of a poisoned value, one sentence; NULL if it is not poisoned. */
const char *fx_error(fxv v);
/* The class that Python would raise, "builtins.TypeError"; NULL likewise. */
const char *fx_error_class(fxv v);
/* Python's `x is None`; a traced value is not. */
static inline bool fx_is_none(fxv v) { return v.kind == FX_VALUE_NONE; }
/*
 * How many items a tuple, list or slice has, keys and values of a dict, and one
 * of them; anything else has one: itself.
 */
size_t fx_tuple_count(fxv v);
fxv fx_tuple_item(fxv v, size_t i);

/*
 * The number that @v is, or its truth. Under the tracer a traced value has
 * none: the forward that asks returns an error, and the accessor 0.
 */
#define fx_int(v)	fx_int_at(FX_HERE("fx_int(" #v ")"), v)
#define fx_float(v)	fx_float_at(FX_HERE("fx_float(" #v ")"), v)
#define fx_truth(v)	fx_truth_at(FX_HERE("fx_truth(" #v ")"), v)
int64_t fx_int_at(const struct fx_loc *at, fxv v);
double fx_float_at(const struct fx_loc *at, fxv v);
bool fx_truth_at(const struct fx_loc *at, fxv v);

/*
 * What Python asks of a value without a function's name. A traced value has no
 * answer, and asking is torch's error; of others:
 *
 *	fx_len(v)		how many items: of a tensor, its first size
 *	fx_range(v)		the list of integers from 0 to v - 1
 *	fx_contains(v, item)	whether an item, or an element, equals @item
 *	fx_kwargs(v)		v, which must be a dict
 *	fx_setitem(v, i, item)	v[i] = item, in place
 *	fx_assert(v, message)	an error that says so unless v is true
 *	fx_opaque(type)		true: stands for an argument that no graph can
 *				hold, of the Python type that is named
 *
 * len is recorded instead in a file that says FX_WRAP_BUILTIN(len) at its top,
 * and assertions are if the tracer is told to (trace.h).
 */
#define fx_len(v)		\
	fx_len_at(FX_HERE("fx_len(" #v ")"), v, fx_wraps_len)
#define fx_range(v)		fx_range_at(FX_HERE("fx_range(" #v ")"), v)
#define fx_contains(v, item)	\
	fx_contains_at(FX_HERE("fx_contains(" #v ", " #item ")"), v,	\
		       fx_value(item))
#define fx_kwargs(v)		fx_kwargs_at(FX_HERE("fx_kwargs(" #v ")"), v)
#define fx_setitem(v, i, item)	\
	fx_setitem_at(FX_HERE("fx_setitem(" #v ", " #i ", " #item ")"),	\
		      v, fx_value(i), fx_value(item))
#define fx_assert(v, message)	\
	fx_assert_at(FX_HERE("fx_assert(" #v ")"), v, message)
#define fx_opaque(type)		\
	fx_opaque_at(FX_HERE("fx_opaque(" #type ")"), #type)
fxv fx_len_at(const struct fx_loc *at, fxv v, bool wrapped);
fxv fx_range_at(const struct fx_loc *at, fxv v);
fxv fx_contains_at(const struct fx_loc *at, fxv v, fxv item);
fxv fx_kwargs_at(const struct fx_loc *at, fxv v);
void fx_setitem_at(const struct fx_loc *at, fxv v, fxv i, fxv item);
void fx_assert_at(const struct fx_loc *at, fxv v, const char *message);
bool fx_opaque_at(const struct fx_loc *at, const char *type);

#define FX_WRAP_BUILTIN(name)	static const bool fx_wraps_##name = true;
/* Without an initialiser it yields to the one above, and is false alone. */
__attribute__((unused)) static const bool fx_wraps_len;

/*
 * for (struct fx_iter i = fx_iter(v); fx_next(&i, &item); ) visits the items
 * of a tuple, the keys of a dict, the rows of a tensor.
 */
struct fx_iter {
	fxv of;
	int64_t next, n;
};
#define fx_iter(v)		fx_iter_at(FX_HERE("fx_iter(" #v ")"), v)
struct fx_iter fx_iter_at(const struct fx_loc *at, fxv v);
bool fx_next(struct fx_iter *i, fxv *ret_item);

/*
 * a, b = v: each of the pointed to is an item, as many as there are pointers.
 * A traced value has as many as are asked for.
 */
#define fx_unpack(v, ...)	\
	fx_unpack_at(FX_HERE("fx_unpack(" #v ", " #__VA_ARGS__ ")"), v,	\
		     (fxv *[]){ __VA_ARGS__, NULL })
void fx_unpack_at(const struct fx_loc *at, fxv v, fxv *const *items);

/* A failure, as a value: @text has no newline and says the remedy. */
fxv fx_poison(const struct fx_loc *at, int err, const char *text, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Gives a value back before its time, and makes it None. In a forward only
 * its temporaries can be released; elsewhere what the program owns.
 */
#define fx_release(v)	(fx_drop(v), (v) = fx_none)
void fx_drop(fxv v);

#endif /* FXQ_VALUE_H */
