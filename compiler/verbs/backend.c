// SPDX-License-Identifier: MIT
/*
 * backend.c - the tables of the two backends
 */
#include "verbs.h"

#define BIT(parts)	(1u << (parts))

#define FUSE_BN		BIT(FX_PART_BN)
#define FUSE_RELU	BIT(FX_PART_RELU)
#define FUSE_BN_RELU	BIT(FX_PART_BN | FX_PART_RELU)

/* Torch's patterns that have a fuser. */
static const struct fx_backend_layer torch_layers[] = {
	{ "Conv1d", "BatchNorm1d", FUSE_BN | FUSE_RELU | FUSE_BN_RELU },
	{ "Conv2d", "BatchNorm2d", FUSE_BN | FUSE_RELU | FUSE_BN_RELU },
	{ "Conv3d", "BatchNorm3d", FUSE_BN | FUSE_RELU | FUSE_BN_RELU },
	{ "ConvTranspose1d", "BatchNorm1d", FUSE_BN },
	{ "ConvTranspose2d", "BatchNorm2d", FUSE_BN },
	{ "ConvTranspose3d", "BatchNorm3d", FUSE_BN },
	{ "Linear", "BatchNorm1d", FUSE_BN | FUSE_RELU },
	{ "BatchNorm2d", NULL, FUSE_RELU },
	{ "BatchNorm3d", NULL, FUSE_RELU },
	{ NULL }
};

const struct fx_backend fx_backend_torch = {
	.name = "torch",
	.layers = torch_layers,
};

/* Every combination with at most one activation, and at least one part. */
#define FUSE_WITH(act)							\
	(BIT(act) | BIT(FX_PART_BN | (act)) | BIT(FX_PART_ADD | (act)) | \
	 BIT(FX_PART_BN | FX_PART_ADD | (act)))
#define FUSE_ALL	\
	((FUSE_WITH(0) | FUSE_WITH(FX_PART_RELU) | FUSE_WITH(FX_PART_RELU6)) & \
	 ~BIT(0))

static const struct fx_backend_layer fxq_layers[] = {
	{ "Conv1d", "BatchNorm1d", FUSE_ALL },
	{ "Conv2d", "BatchNorm2d", FUSE_ALL },
	{ "Conv3d", "BatchNorm3d", FUSE_ALL },
	{ "ConvTranspose1d", "BatchNorm1d", FUSE_ALL },
	{ "ConvTranspose2d", "BatchNorm2d", FUSE_ALL },
	{ "ConvTranspose3d", "BatchNorm3d", FUSE_ALL },
	{ "Linear", "BatchNorm1d", FUSE_ALL },
	{ NULL }
};

const struct fx_backend fx_backend_fxq = {
	.name = "fxq",
	.layers = fxq_layers,
};
