// SPDX-License-Identifier: MIT
/*
 * backend.c - the tables of the two backends
 */
#include "verbs.h"

static const struct fx_backend *const backends[] = {
	&fx_backend_fxq, &fx_backend_torch,
};

const struct fx_backend *backend_named(const char *name)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends); i++)
		if (!strcmp(backends[i]->name, name))
			return backends[i];
	return NULL;
}

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

#define OWN_CLASS(name)		{ .class = name, .observe = FX_OBSERVE_OWN }
#define OWN(name)		{ .function = name, .observe = FX_OBSERVE_OWN }
#define TERMS(name)		{ .function = name, .observe = FX_OBSERVE_TERMS }
#define SHARED_CLASS(name)	{ .class = name, .observe = FX_OBSERVE_SHARED }
#define SHARED(name)		\
	{ .function = name, .observe = FX_OBSERVE_SHARED }
#define SHARED_METHOD(name)	{ .method = name, .observe = FX_OBSERVE_SHARED }
#define SHARED_KEPT(name)	{ .kept = name, .observe = FX_OBSERVE_SHARED }
#define FIXED_CLASS(name, ...)	\
	{ .class = name, .observe = FX_OBSERVE_FIXED, .range = { __VA_ARGS__ } }
#define FIXED(name, ...)	\
	{ .function = name, .observe = FX_OBSERVE_FIXED, \
	  .range = { __VA_ARGS__ } }

#define FIXED_METHOD(name, ...)	\
	{ .method = name, .observe = FX_OBSERVE_FIXED, \
	  .range = { __VA_ARGS__ } }

/* What both have. */
#define OPS								\
	TERMS("add"), TERMS("torch_add"), TERMS("mul"), TERMS("torch_mul"), \
	OWN("matmul"), OWN("torch_matmul"),				\
	OWN_CLASS("Hardswish"), OWN("hardswish"), OWN_CLASS("LeakyReLU"), \
	OWN_CLASS("PReLU"),						\
	FIXED_CLASS("Sigmoid", 0, 1), FIXED("sigmoid", 0, 1),		\
	FIXED_CLASS("Hardsigmoid", 0, 1), FIXED_CLASS("Softmax", 0, 1),	\
	FIXED_CLASS("Tanh", -1, 1), FIXED("tanh", -1, 1),		\
	FIXED_METHOD("sigmoid", 0, 1), FIXED_METHOD("tanh", -1, 1),	\
	SHARED_CLASS("AdaptiveAvgPool1d"), SHARED_CLASS("AvgPool1d"),	\
	SHARED_CLASS("MaxPool1d"), SHARED("adaptive_avg_pool1d"),	\
	SHARED("avg_pool1d"), SHARED("max_pool1d"),			\
	SHARED("cat"), SHARED_CLASS("AdaptiveAvgPool2d"),		\
	SHARED_CLASS("AvgPool2d"), SHARED_CLASS("MaxPool2d"),		\
	SHARED_CLASS("Identity"), SHARED_CLASS("ReLU"),			\
	SHARED_CLASS("ReLU6"), SHARED("adaptive_avg_pool2d"),		\
	SHARED("avg_pool2d"), SHARED("max_pool2d"), SHARED("relu"),	\
	SHARED("relu6"), SHARED("clamp"), SHARED("flatten"),		\
	SHARED("transpose"), SHARED("squeeze"), SHARED("unsqueeze"),	\
	SHARED("stack"),						\
	SHARED_METHOD("permute"), SHARED_METHOD("view"),		\
	SHARED_METHOD("reshape"), SHARED_METHOD("transpose"),		\
	SHARED_METHOD("squeeze"), SHARED_METHOD("unsqueeze"),		\
	SHARED_METHOD("contiguous"), SHARED_METHOD("detach"),		\
	SHARED_METHOD("repeat"), SHARED_METHOD("clamp"),		\
	SHARED_METHOD("relu")

/* Its own, of which nothing is removed. */
static const struct fx_backend_op torch_ops[] = {
	OPS,
	SHARED("interpolate"), SHARED("mean"), SHARED_METHOD("mean"),
	{ NULL }
};

const struct fx_backend fx_backend_torch = {
	.name = "torch",
	.layers = torch_layers,
	.ops = torch_ops,
	.adds_relu = true,
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

/* Here all that moves elements keeps their scale. */
static const struct fx_backend_op fxq_ops[] = {
	OPS,
	OWN("sub"), OWN_CLASS("GELU"), OWN_CLASS("SiLU"), OWN_CLASS("LayerNorm"),
	SHARED_CLASS("Dropout"), SHARED_CLASS("Flatten"),
	SHARED_METHOD("flatten"),
	SHARED_CLASS("Upsample"), SHARED("getitem"), SHARED("pad"),
	SHARED("reshape"), SHARED("permute"), SHARED("pixel_shuffle"),
	SHARED_METHOD("t"), SHARED_METHOD("expand"), SHARED_METHOD("clone"),
	FIXED_METHOD("softmax", 0, 1),
	{ .function = "split", .observe = FX_OBSERVE_PARTS },
	{ .function = "chunk", .observe = FX_OBSERVE_PARTS },
	{ .method = "chunk", .observe = FX_OBSERVE_PARTS },
	{ .kept = "split", .observe = FX_OBSERVE_PARTS },
	SHARED_KEPT("reshape"), SHARED_KEPT("flatten"), SHARED_KEPT("permute"),
	SHARED_KEPT("squeeze"), SHARED_KEPT("unsqueeze"), SHARED_KEPT("slice"),
	SHARED_KEPT("gather"), SHARED_KEPT("pad"), SHARED_KEPT("expand"),
	SHARED_KEPT("tile"), SHARED_KEPT("depth_to_space"),
	SHARED_KEPT("space_to_depth"), SHARED_KEPT("resize"),
	{ .kept = "hardsigmoid", .observe = FX_OBSERVE_FIXED, .range = { 0, 1 } },
	{ NULL }
};

const struct fx_backend fx_backend_fxq = {
	.name = "fxq",
	.layers = fxq_layers,
	.ops = fxq_ops,
	.adds_relu = true,
	.makes_modules = true,
};
