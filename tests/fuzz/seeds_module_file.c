// SPDX-License-Identifier: MIT
/*
 * seeds_module_file.c - small graph modules for fuzz_module_file to begin with
 *
 *	seeds_module_file FOLDER
 *
 * Of each network that torch quantized, float, in training and on integers; and
 * of a graph as importers make it, whose operator is no function of torch's.
 */
#include <stdio.h>

#include <fxq/graph_file.h>
#include <fxq/quantize_fx.h>

#include "../golden/quant/golden.h"

#define X(name) extern const struct golden_quant_net golden_quant_##name;
GOLDEN_QUANT_NETS(X)
#undef X

static int write_seed(const char *folder, const char *net, const char *stage,
		      struct fx_module *gm)
{
	char path[512], error[1024];

	snprintf(path, sizeof(path), "%s/%s-%s", folder, net, stage);
	if (!gm->error && !fx_save(gm, path, error, sizeof(error)))
		return 0;
	fprintf(stderr, "%s\n", gm->error ? gm->error : error);
	return 1;
}

static int write_seeds(const char *folder, const struct golden_quant_net *net)
{
	struct fx_module_qconfig q = QConfig(
		LSQFakeQuantize(MinMaxObserver(.dtype = "qint8")),
		FakeQuantize(PerChannelMinMaxObserver(.dtype = "qint8",
			.qscheme = "per_channel_symmetric")));
	struct fx_module *model = fx_eval(net->model());
	struct fx_module *fused = fuse_fx(model), *trained, *integers;
	fxv x = fx_gen_of(1, 1, net->dims);
	int failed;

	trained = prepare_qat_fx(fx_train(model),
				 fx_qconfig_dict({ "", NULL, &q }));
	fx_drop(fx_call(trained, x));
	integers = convert_fx(trained);
	failed = write_seed(folder, net->name, "float", fused) |
		 write_seed(folder, net->name, "trained", trained) |
		 write_seed(folder, net->name, "integers", integers);
	fx_drop(x);
	fx_module_put(integers);
	fx_module_put(trained);
	fx_module_put(fused);
	fx_module_put(model);
	fx_qconfig_put(&q);
	return failed;
}

static struct fx_module *imported(void)
{
	const struct fxq_tensor type = fxq_tensor_type(FXQ_DTYPE_F32, 2,
						       (int64_t[]){ 2, 3 });
	const struct fx_kwarg alpha = { "alpha", fx_arg_float(0.5) };
	struct fx_graph *g = fx_graph_new();
	struct fx_node *x = fx_graph_placeholder(g, "x", &type);
	struct fx_module *m;

	x = fx_graph_call(g, "thresholded_relu", &x, 1, &alpha, 1);
	fx_graph_set_output(g, &x, 1);
	fx_graph_infer(g);
	m = fx_module_of_graph(g);
	fx_graph_free(g);
	return m;
}

int main(int argc, char **argv)
{
	struct fx_module *m = imported();
	int failed = argc != 2;

#define X(name)	failed = failed || write_seeds(argv[1], &golden_quant_##name);
	GOLDEN_QUANT_NETS(X)
#undef X
	failed = failed || write_seed(argv[1], "operator", "float", m);
	fx_module_put(m);
	return failed;
}
