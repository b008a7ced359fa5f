// SPDX-License-Identifier: MIT
/*
 * on_device.c - the way from a traced model to the embedded device
 *
 * The graph in functional form goes through the compiler's passes into an
 * image in memory; libfxq loads the image, with the model's own wrapped
 * functions registered under their names.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fxq/compile.h>
#include <fxq/fxq.h>
#include <fxq/image.h>

#include "on_device.h"

/* One calibration batch: the data itself. */
static int batch(void *ctx, uint64_t i, struct fxq_tensor *in, size_t n_in)
{
	const struct fxq_tensor *data = ctx;

	if (i)
		return 0;
	memcpy(in[0].data, data->data, fxq_tensor_bytes(data));
	return 1;
}

static int compile(struct fx_graph *graph, const struct fxq_tensor *data,
		   void **ret_image, size_t *ret_size)
{
	struct fx_lower_options options = { .name = "example" };
	struct fx_qconfig qconfig = { 0 };
	struct fxq_writer *writer;
	int ret;

	fx_node_set_type(fx_graph_first(graph), data);
	ret = fx_compile(graph, &qconfig, batch, (void *)data, &options,
			 &writer);
	if (ret) {
		fprintf(stderr, "%s\n", fx_graph_error(graph));
		return ret;
	}
	ret = fxq_writer_finish_memory(writer, ret_image, ret_size);
	if (ret)
		fprintf(stderr, "%s\n", fxq_writer_error(writer));
	fxq_writer_free(writer);
	return ret;
}

static int run(struct fxq_program *program, const struct fxq_tensor *data,
	       bool training)
{
	struct fxq_completion done;
	struct fxq_io *io;
	int ret;

	fxq_program_train(program, training);
	ret = fxq_io_create(program, &io);
	if (ret)
		return ret;
	memcpy(io->in[0].data, data->data, fxq_tensor_bytes(data));
	ret = fxq_run_timed(program, io->in, io->out, &done);
	if (!ret)
		printf("%s: %s in %llu cycles\n",
		       training ? "training" : "evaluation",
		       fxq_dtype_name(io->out[0].dtype),
		       (unsigned long long)done.cycles);
	fxq_io_destroy(io);
	return ret;
}

static int load_and_run(const void *bytes, size_t size,
			const struct fxq_tensor *data)
{
	struct fxq_program *program = NULL;
	struct fxq_device *device = NULL;
	struct fxq_image *image = NULL;
	int ret;

	ret = fxq_image_open_memory(bytes, size, &image);
	if (!ret)
		ret = fxq_device_open(NULL, NULL, &device);
	if (!ret)
		ret = fxq_program_load(device, image, NULL, &program);
	if (!ret)
		ret = run(program, data, true);
	if (!ret)
		ret = run(program, data, false);
	if (ret)
		fprintf(stderr, "%s\n", fxq_error());
	fxq_program_unload(program);
	fxq_device_close(device);
	fxq_image_close(image);
	return ret;
}

int run_on_device(struct fx_module *model, struct fx_graph *graph, fxv data,
		  const struct fxq_function *const *functions)
{
	const struct fxq_tensor *tensor = fx_data(data);
	struct fx_graph *functional;
	void *image;
	size_t size;
	int ret;

	for (; *functions; functions++)
		fxq_register_function(*functions, NULL);
	ret = fx_functionalize(graph, model, &functional);
	if (ret) {
		fprintf(stderr, "%s\n", fx_graph_error(graph));
		return ret;
	}
	ret = compile(functional, tensor, &image, &size);
	fx_graph_free(functional);
	if (ret)
		return ret;
	ret = load_and_run(image, size, tensor);
	free(image);
	return ret;
}
