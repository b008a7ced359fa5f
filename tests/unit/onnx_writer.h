/* SPDX-License-Identifier: MIT */
/*
 * onnx_writer.h - ONNX models written by hand, byte by byte
 *
 * Just enough of protobuf's wire format to make small models, sound and
 * unsound ones, without the library that reads them. Field numbers are those
 * of onnx.proto. A message is begun, filled and ended; ending one puts its
 * length in front of it.
 */
#ifndef FXQ_ONNX_WRITER_H
#define FXQ_ONNX_WRITER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct ow {
	uint8_t *data;
	size_t size, room;
	size_t open[16];		/* where each message begins */
	int depth;
};

static inline void ow_raw(struct ow *w, const void *bytes, size_t n)
{
	if (w->size + n > w->room) {
		w->room = 2 * (w->size + n) + 256;
		w->data = realloc(w->data, w->room);
		if (!w->data)
			abort();
	}
	if (n)
		memcpy(w->data + w->size, bytes, n);
	w->size += n;
}

static inline void ow_varint(struct ow *w, uint64_t v)
{
	uint8_t b;

	do {
		b = (v & 127) | (v > 127) << 7;
		ow_raw(w, &b, 1);
		v >>= 7;
	} while (v);
}

static inline void ow_int(struct ow *w, int field, int64_t v)
{
	ow_varint(w, field << 3);
	ow_varint(w, v);
}

static inline void ow_bytes(struct ow *w, int field, const void *p, size_t n)
{
	ow_varint(w, field << 3 | 2);
	ow_varint(w, n);
	ow_raw(w, p, n);
}

static inline void ow_str(struct ow *w, int field, const char *s)
{
	ow_bytes(w, field, s, strlen(s));
}

static inline void ow_float(struct ow *w, int field, float v)
{
	ow_varint(w, field << 3 | 5);
	ow_raw(w, &v, 4);
}

static inline void ow_begin(struct ow *w, int field)
{
	ow_varint(w, field << 3 | 2);
	w->open[w->depth++] = w->size;
}

static inline void ow_end(struct ow *w)
{
	size_t at = w->open[--w->depth], n = w->size - at;
	struct ow body = { 0 };

	ow_raw(&body, w->data + at, n);
	w->size = at;
	ow_varint(w, n);
	ow_raw(w, body.data, n);
	free(body.data);
}

/* ModelProto: the version of the operators, then the graph is open. */
static inline void ow_model(struct ow *w, int64_t opset)
{
	ow_int(w, 1, 8);
	ow_begin(w, 8);
	ow_int(w, 2, opset);
	ow_end(w);
	ow_begin(w, 7);
}

/* A value of type @elem (1: float); a dimension < 0 is open, called "n". */
static inline void ow_value(struct ow *w, int field, const char *name,
			    int elem, const int64_t *dims, int rank)
{
	ow_begin(w, field);
	ow_str(w, 1, name);
	ow_begin(w, 2);			/* type */
	ow_begin(w, 1);			/* tensor_type */
	ow_int(w, 1, elem);
	if (rank >= 0) {
		ow_begin(w, 2);		/* shape */
		for (int i = 0; i < rank; i++) {
			ow_begin(w, 1);
			if (dims[i] < 0)
				ow_str(w, 2, "n");
			else
				ow_int(w, 1, dims[i]);
			ow_end(w);
		}
		ow_end(w);
	}
	ow_end(w);
	ow_end(w);
	ow_end(w);
}

#define OW_INPUT	11
#define OW_OUTPUT	12

/* TensorProto in field @field: the graph's initializers are 5. */
static inline void ow_tensor(struct ow *w, int field, const char *name,
			     int type, const int64_t *dims, int rank,
			     const void *raw, size_t bytes)
{
	ow_begin(w, field);
	for (int i = 0; i < rank; i++)
		ow_int(w, 1, dims[i]);
	ow_int(w, 2, type);
	ow_str(w, 8, name);
	ow_bytes(w, 9, raw, bytes);
	ow_end(w);
}

/* Opens a node; "" is an absent input. Attributes may follow, then ow_end. */
static inline void ow_node(struct ow *w, const char *op, const char *name,
			   const char *const *in, int n_in, const char *out)
{
	ow_begin(w, 1);
	for (int i = 0; i < n_in; i++)
		ow_str(w, 1, in[i]);
	ow_str(w, 2, out);
	ow_str(w, 3, name);
	ow_str(w, 4, op);
}

static inline void ow_attr_int(struct ow *w, const char *name, int64_t v)
{
	ow_begin(w, 5);
	ow_str(w, 1, name);
	ow_int(w, 20, 2);
	ow_int(w, 3, v);
	ow_end(w);
}

static inline void ow_attr_float(struct ow *w, const char *name, float v)
{
	ow_begin(w, 5);
	ow_str(w, 1, name);
	ow_int(w, 20, 1);
	ow_float(w, 2, v);
	ow_end(w);
}

static inline void ow_attr_str(struct ow *w, const char *name, const char *s)
{
	ow_begin(w, 5);
	ow_str(w, 1, name);
	ow_int(w, 20, 3);
	ow_str(w, 4, s);
	ow_end(w);
}

static inline void ow_attr_ints(struct ow *w, const char *name,
				const int64_t *v, int n)
{
	ow_begin(w, 5);
	ow_str(w, 1, name);
	ow_int(w, 20, 7);
	for (int i = 0; i < n; i++)
		ow_int(w, 8, v[i]);
	ow_end(w);
}

#define OW_DIMS(...)	(const int64_t[]){ __VA_ARGS__ },		\
	(int)(sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))
#define OW_NAMES(...)	(const char *const[]){ __VA_ARGS__ },		\
	(int)(sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

#endif
