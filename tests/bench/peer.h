/* SPDX-License-Identifier: MIT */
/*
 * peer.h - ONNX Runtime's integers beside fxq's, value by value
 *
 * A quantized model is run by ONNX Runtime with every rounded value made an
 * output. fxq's integer graph then runs on the same input, but each operator is
 * given what ONNX Runtime had at that place: so it is one operator's difference
 * that is seen, and not what came before.
 */
#ifndef FXQ_BENCH_PEER_H
#define FXQ_BENCH_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fxq/fx.h>

#include "onnx.pb-c.h"

#define PEER_REASON	512

/* peer_model.c: the model, as a graph of names */

struct model {
	Onnx__ModelProto *proto;
	void *data;
	size_t size;
};

/* Reads the file; false with the reason in @why. */
bool model_read(const char *path, struct model *ret, char *why);
bool model_parse(void *data, size_t size, struct model *ret, char *why);
void model_free(struct model *m);
/* Packs the model with the output of each QuantizeLinear as an output. */
void *model_with_outputs(struct model *m, size_t *ret_size);
/* The QuantizeLinear's whose outputs these are; NULL after the last. */
const Onnx__NodeProto *model_rounding(const struct model *m, size_t i);
/*
 * The rounded value, of @scale and @zero_point as int8 has it, that is made of
 * what node or input @source makes, by nodes that round nothing; NULL: none.
 */
const char *model_find_rounded(const struct model *m, const char *source,
			       float scale, int zero_point);
/* Which operator makes value @name; NULL: none. */
const char *model_maker(const struct model *m, const char *name);

/* peer_ort.c */

struct session;

/* Loads @library. Returns its version, or NULL with the reason in @why. */
const char *ort_open(const char *library, char *why);
/* @optimized: where the model that really runs is written to */
struct session *session_open(const void *data, size_t size,
			     const char *optimized, char *why);
void session_close(struct session *s);
/*
 * Runs on @in, named @names. Afterwards session_value() finds the output called
 * @name: its elements, or NULL, and how many. uint8 have become int8.
 */
bool session_run(struct session *s, char *const *names,
		 const struct fxq_tensor *in, size_t n, char *why);
const void *session_value(const struct session *s, const char *name,
			  int64_t *ret_count);

#endif /* FXQ_BENCH_PEER_H */
