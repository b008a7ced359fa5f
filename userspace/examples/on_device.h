/* SPDX-License-Identifier: MIT */
/*
 * on_device.h - the way from a traced model to the embedded device
 */
#ifndef ON_DEVICE_H
#define ON_DEVICE_H

#include <fxq/trace.h>

/*
 * Calibrates @graph, traced from @model, on @data, compiles it, and runs it on
 * the embedded device once in training mode and once in evaluation mode, as
 * wrapped methods see it. @functions: the wrapped ones that the graph calls,
 * up to a NULL. Returns 0; says on stderr what went wrong otherwise.
 */
int run_on_device(struct fx_module *model, struct fx_graph *graph, fxv data,
		  const struct fxq_function *const *functions);

#endif /* ON_DEVICE_H */
