// SPDX-License-Identifier: MIT
/*
 * test_verbs_device.c - what convert_fx makes runs on the device, to the bit
 *
 * The networks of tests/golden/quant go through the verbs with the backend of
 * this machine, become functional graphs, are lowered, and run on the embedded
 * machine. The floats that come out are those of the graph module on the CPU.
 * Printed beside it: how far they are from the float network, and how far what
 * torch's backend makes of the same network is.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/compile.h>
#include <fxq/fxq.h>
#include <fxq/image.h>
#include <fxq/quantize_fx.h>

#include "../golden/quant/golden.h"

#define X(name) extern const struct golden_quant_net golden_quant_##name;
GOLDEN_QUANT_NETS(X)
#undef X

static const struct golden_quant_net *const nets[] = {
#define X(name) &golden_quant_##name,
	GOLDEN_QUANT_NETS(X)
#undef X
};
#define N_NETS	(sizeof(nets) / sizeof(*nets))

/* The device takes images one by one. */
static const int64_t *one_image(const struct golden_quant_net *net,
				int64_t dims[FXQ_MAX_RANK + 1])
{
	int rank = 0;

	while ((dims[rank] = net->dims[rank]) >= 0)
		rank++;
	if (rank == 4)
		dims[0] = 1;
	return dims;
}

static fxv call(struct fx_module *m, fxv x)
{
	fxv y = fx_call(m, x);

	if (fx_error(y))
		fail_msg("%s", fx_error(y));
	return y;
}

static struct fx_module *converted(const struct golden_quant_net *net,
				   struct fx_module *model,
				   const struct fx_backend *backend)
{
	struct fx_module_qconfig qconfig =
		QConfig(MinMaxObserver(),
			PerChannelMinMaxObserver(.dtype = "qint8",
				.qscheme = "per_channel_symmetric",
				.quant_min = -127, .quant_max = 127));
	struct fx_module *prepared, *gm;

	prepared = prepare_calibration_fx(model,
		fx_qconfig_dict({ "", NULL, &qconfig }), .backend = backend);
	fx_qconfig_put(&qconfig);
	for (uint32_t i = 0; i < 3; i++) {
		fxv x = fx_gen_of(42 + i, 1, net->dims);
		fxv y = call(prepared, x);

		fx_release(y);
		fx_release(x);
	}
	gm = convert_fx(prepared);
	if (gm->error)
		fail_msg("%s", gm->error);
	fx_module_put(prepared);
	return gm;
}

/* In decibels: the float network's energy over that of the difference. */
static double sqnr(fxv wanted, fxv got)
{
	const float *a = fx_data(wanted)->data, *b = fx_data(got)->data;
	double signal = 0, noise = 0;

	for (int64_t i = 0; i < fxq_tensor_count(fx_data(wanted)); i++) {
		signal += (double)a[i] * a[i];
		noise += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
	}
	return 10 * log10(signal / noise);
}

static struct fxq_image *make_image(const struct golden_quant_net *net,
				    struct fx_module *gm, fxv x)
{
	struct fx_lower_options options = { .name = net->name };
	struct fx_graph *g;
	struct fxq_image *image;
	struct fxq_writer *w;
	void *data;
	size_t size, device = 0;

	fx_node_set_type(fx_graph_first(gm->graph), fx_data(x));
	if (fx_functionalize(gm->graph, gm, &g))
		fail_msg("%s: %s", net->name, fx_graph_error(gm->graph));
	if (fx_graph_infer(g) || fx_partition(g, NULL))
		fail_msg("%s: %s", net->name, fx_graph_error(g));
	fx_for_each_node(n, g)
		device += n->place == FX_PLACE_DEVICE;
	assert_true(device > 0);
	if (fx_lower(g, &options, &w))
		fail_msg("%s: %s", net->name, fx_graph_error(g));
	if (fxq_writer_finish_memory(w, &data, &size))
		fail_msg("%s: %s", net->name, fxq_writer_error(w));
	fxq_writer_free(w);
	if (fxq_image_open_memory(data, size, &image))
		fail_msg("%s: %s", net->name, fxq_error());
	free(data);
	fx_graph_free(g);
	return image;
}

static void assert_device(const struct golden_quant_net *net,
			  struct fx_module *gm, fxv x, fxv wanted)
{
	struct fxq_image *image = make_image(net, gm, x);
	struct fxq_program *program;
	struct fxq_device *device;
	struct fxq_io *io;

	if (fxq_device_open(NULL, NULL, &device) ||
	    fxq_program_load(device, image, NULL, &program) ||
	    fxq_io_create(program, &io))
		fail_msg("%s", fxq_error());
	memcpy(io->in[0].data, fx_data(x)->data, fxq_tensor_bytes(fx_data(x)));
	if (fxq_run(program, io->in, io->out))
		fail_msg("%s: %s", net->name, fxq_error());
	assert_int_equal(fxq_tensor_bytes(&io->out[0]),
			 fxq_tensor_bytes(fx_data(wanted)));
	assert_memory_equal(io->out[0].data, fx_data(wanted)->data,
			    fxq_tensor_bytes(fx_data(wanted)));
	fxq_io_destroy(io);
	fxq_program_unload(program);
	fxq_device_close(device);
	fxq_image_close(image);
}

static void a_converted_network_runs_on_the_device(void **state)
{
	const struct golden_quant_net *net = *state;
	struct fx_module *model = fx_eval(net->model()), *own, *torch;
	int64_t dims[FXQ_MAX_RANK + 1];
	fxv x = fx_gen_of(42, 1, one_image(net, dims)), y, floats, other;

	fx_module_fill(model, 1000 + (uint32_t)strlen(net->name));
	own = converted(net, model, &fx_backend_fxq);
	torch = converted(net, model, &fx_backend_torch);
	floats = call(model, x);
	y = call(own, x);
	other = call(torch, x);
	print_message("%-16s fxq %.2f dB, torch %.2f dB\n", net->name,
		      sqnr(floats, y), sqnr(floats, other));
	assert_true(sqnr(floats, y) > 25);
	assert_device(net, own, x, y);

	fx_release(floats);
	fx_release(y);
	fx_release(other);
	fx_release(x);
	fx_module_put(own);
	fx_module_put(torch);
	fx_module_put(model);
}

int main(void)
{
	struct CMUnitTest tests[N_NETS];

	for (size_t i = 0; i < N_NETS; i++)
		tests[i] = (struct CMUnitTest){
			.name = nets[i]->name,
			.test_func = a_converted_network_runs_on_the_device,
			.initial_state = (void *)nets[i],
		};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
