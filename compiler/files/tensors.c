// SPDX-License-Identifier: MIT
/*
 * tensors.c - what is in a file of named tensors
 */
#include <stdlib.h>
#include <string.h>

#include <fxq/fx.h>

#include "files.h"

void tensors_free(struct tensors *t)
{
	for (size_t i = 0; i < t->n; i++) {
		free(t->name[i]);
		fxq_tensor_free(&t->tensor[i]);
	}
	free(t->name);
	free(t->tensor);
	free(t->note);
	*t = (struct tensors){ 0 };
}

const struct fxq_tensor *tensors_find(const struct tensors *t,
				      const char *name)
{
	for (size_t i = 0; i < t->n; i++)
		if (!strcmp(t->name[i], name))
			return &t->tensor[i];
	return NULL;
}
