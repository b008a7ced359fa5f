/* SPDX-License-Identifier: MIT */
/* graph_json.h - how arguments of several values are called in a .fxg file */
#ifndef FXQ_GRAPH_JSON_H
#define FXQ_GRAPH_JSON_H

static const char *const graph_sequences[] = {
	[FX_ARG_TUPLE] = "tuple",
	[FX_ARG_LIST] = "list",
	[FX_ARG_SLICE] = "slice",
	[FX_ARG_DICT] = "dict",
};

#endif /* FXQ_GRAPH_JSON_H */
