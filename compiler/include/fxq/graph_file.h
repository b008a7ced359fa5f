/* SPDX-License-Identifier: MIT */
/*
 * graph_file.h - graphs in files: calibrate today, compile tomorrow
 *
 * A .fxg file is a safetensors file: its tensors are the graph's constants, and
 * its metadata, under "fxq_graph", the nodes in JSON. It holds a graph in
 * functional form (fx.h), float or converted, with the type, scale and zero
 * point of each value. What was saved, loaded and saved again has the same
 * bytes. Files are not trusted.
 *
 * Each function returns 0 or a negative errno; the sentence that explains a
 * failure goes to @error (at most @error_size bytes with the NUL).
 */
#ifndef FXQ_GRAPH_FILE_H
#define FXQ_GRAPH_FILE_H

#include <fxq/fx.h>

/* Raised when a file can say what older readers would misunderstand. */
#define FX_GRAPH_FILE_VERSION	1

/* -ENOTSUP: the graph calls modules or wrapped functions, which are code. */
int fx_graph_save(const struct fx_graph *g, const char *path, char *error,
		  size_t error_size);
/* The caller frees *ret_graph, which lint accepts. */
int fx_graph_load(const char *path, struct fx_graph **ret_graph, char *error,
		  size_t error_size);
int fx_graph_load_memory(const char *name, const void *data, size_t size,
			 struct fx_graph **ret_graph, char *error,
			 size_t error_size);

#endif /* FXQ_GRAPH_FILE_H */
