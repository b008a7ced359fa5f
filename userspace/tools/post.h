/* SPDX-License-Identifier: MIT */
/*
 * post.h - "--post NAME[:key=value,...]": post-processing of known networks
 */
#ifndef FXQ_TOOL_POST_H
#define FXQ_TOOL_POST_H

#include <stdio.h>

#include "tool.h"

/*
 * Makes what @spec names the end of @g, in which the types must be known:
 * a network that is known by name, whose outputs are then decoded and whose
 * way of reading pictures fills what @pictures leaves open (may be NULL); or
 * a function of fxq/post.h, called on all outputs. An exit code.
 */
int post_append(struct fx_graph *g, const char *spec,
		struct pictures *pictures);

/* The names and what they are for, a line each. */
void post_list(FILE *to);

#endif
