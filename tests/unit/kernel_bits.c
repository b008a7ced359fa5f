// SPDX-License-Identifier: MIT
/*
 * Prints a checksum of what each network operator makes of fixed inputs. The
 * program exists twice, once with every instruction set that the kernels know
 * and once in portable C; their outputs must be the same.
 */
#include <stdio.h>

#include "kernel_call.h"

static const struct {
	const char *name;
	fxq_call_fn infer, eval;
	int min_in, n_out;
} ops[] = {
#define X(name, path, repr, min_in, max_in, n_out, flags)	\
	{ #name, infer_##name, eval_##name, min_in, n_out },
	FX_OPS_NN(X)
#undef X
};

/* What an operator takes, when it is not one tensor of rank 4. */
struct recipe {
	const char *name;
	size_t rank[5];
	int64_t dims[5][5];
};

static const struct recipe recipes[] = {
	{ "conv1d", { 3, 3 }, { { 2, 6, 50 }, { 9, 6, 5 } } },
	{ "conv2d", { 4, 4 }, { { 2, 37, 21, 19 }, { 70, 37, 3, 3 } } },
	{ "conv3d", { 5, 5 }, { { 1, 3, 9, 8, 7 }, { 5, 3, 3, 2, 3 } } },
	{ "conv_transpose1d", { 3, 3 }, { { 2, 6, 50 }, { 6, 9, 5 } } },
	{ "conv_transpose2d", { 4, 4 }, { { 1, 9, 12, 7 }, { 9, 6, 4, 3 } } },
	{ "conv_transpose3d", { 5, 5 },
	  { { 1, 3, 5, 4, 7 }, { 3, 5, 2, 2, 2 } } },
	{ "linear", { 2, 2 }, { { 33, 400 }, { 65, 400 } } },
	{ "matmul", { 3, 3 }, { { 3, 21, 300 }, { 3, 300, 50 } } },
	{ "batch_norm", { 4, 1, 1, 1, 1 },
	  { { 2, 5, 9, 7 }, { 5 }, { 5 }, { 5 }, { 5 } } },
	{ "lstm", { 3, 2, 2, 1, 1 },
	  { { 7, 2, 9 }, { 20, 9 }, { 20, 5 }, { 20 }, { 20 } } },
	{ "prelu", { 4, 1 }, { { 2, 5, 9, 7 }, { 5 } } },
	{ "max_pool1d", { 3 }, { { 2, 6, 50 } } },
	{ "avg_pool1d", { 3 }, { { 2, 6, 50 } } },
	{ "max_pool3d", { 5 }, { { 1, 2, 7, 8, 9 } } },
	{ "avg_pool3d", { 5 }, { { 1, 2, 7, 8, 9 } } },
	{ "softmax", { 3 }, { { 21, 300, 1 } } },
	{ "lstm", { 3, 2, 2, 1, 1 },
	  { { 7, 2, 6 }, { 20, 6 }, { 20, 5 }, { 20 }, { 20 } } },
	{ "quantize_linear", { 4, 1 }, { { 2, 5, 9, 7 }, { 1 } } },
	{ "fake_quantize", { 4, 1 }, { { 2, 5, 9, 7 }, { 1 } } },
};

static const struct recipe usual = { "", { 4 }, { { 2, 5, 19, 23 } } };

static const struct recipe *find_recipe(const char *name)
{
	for (size_t i = 0; i < sizeof(recipes) / sizeof(*recipes); i++)
		if (!strcmp(recipes[i].name, name))
			return &recipes[i];
	return &usual;
}

static void checksum(uint64_t *sum, const struct fxq_tensor *t)
{
	const uint8_t *bytes = t->data;

	for (size_t i = 0; i < fxq_tensor_bytes(t); i++)
		*sum = (*sum ^ bytes[i]) * 0x100000001b3;
}

/* Attributes for all of them; each takes those that it knows. */
static void add_attrs(struct kc *k)
{
	static const int64_t sizes[] = { 2, 5, 31, 40 };

	kc_int(k, "kernel_size", 3);
	kc_int(k, "stride", 2);
	kc_int(k, "padding", 1);
	kc_int(k, "size", 3);
	kc_int(k, "hidden_size", 5);
	kc_ints(k, "output_size", 2, sizes + 2);
	kc_ints(k, "sizes", 4, sizes);
	kc_str(k, "mode", "linear");
}

int main(void)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		const struct recipe *r = find_recipe(ops[i].name);
		int n_out = ops[i].n_out < 0 ? 1 : ops[i].n_out;
		uint64_t sum = 0xcbf29ce484222325;
		struct kc k;
		int ret;

		if (!strcmp(ops[i].name, "dequantize_linear"))
			continue;	/* takes integers */
		kc_init(&k, (uint32_t)n_out);
		for (int in = 0; in < 5 && r->dims[in][0]; in++)
			kc_rand(&k, r->rank[in], r->dims[in]);
		add_attrs(&k);
		ret = kc_run(&k, ops[i].infer, ops[i].eval);
		if (ret) {
			fprintf(stderr, "%s: %s\n", ops[i].name, k.call.error);
			return 1;
		}
		for (uint32_t o = 0; o < k.n_out; o++)
			checksum(&sum, &k.out[o]);
		printf("%-24s %016llx\n", ops[i].name,
		       (unsigned long long)sum);
		kc_done(&k);
	}
	return 0;
}
