/* SPDX-License-Identifier: MIT */
/*
 * program_kit.h - programs of small images, on the device that the test is told
 *
 * The images are built by hand, so that each answer can be said beforehand: the
 * device negates, a function halves, and all numbers are exact in int8.
 */
#ifndef TEST_PROGRAM_KIT_H
#define TEST_PROGRAM_KIT_H

#include "image_kit.h"

static const char *device_name = "embedded";

static inline struct fxq_device *open_device(void)
{
	struct fxq_device *dev = NULL;

	if (fxq_device_open(device_name, NULL, &dev))
		fail_msg("device: %s", fxq_error());
	return dev;
}

static inline struct fxq_program *
load_with(struct fxq_device *dev, struct fxq_writer *w,
	  const struct fxq_program_config *config)
{
	struct fxq_image *image = kit_open(w);
	struct fxq_program *prog = NULL;
	int ret = fxq_program_load(dev, image, config, &prog);

	fxq_image_close(image);
	if (ret)
		fail_msg("program: %s", fxq_error());
	return prog;
}

static inline struct fxq_program *load(struct fxq_device *dev,
				       struct fxq_writer *w)
{
	return load_with(dev, w, NULL);
}

static inline struct fxq_io *new_io(struct fxq_program *prog)
{
	struct fxq_io *io = NULL;

	if (fxq_io_create(prog, &io))
		fail_msg("io: %s", fxq_error());
	return io;
}

/* x[i] = (i - 64 + shift) / 2: exact in int8 at the scale of 0.5. */
static inline void fill(struct fxq_io *io, int shift)
{
	float *x = io->in[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		x[i] = (float)(i - 64 + shift) / 2;
}

static inline void assert_times(const struct fxq_io *io, int shift,
				float factor)
{
	const float *y = io->out[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		if (y[i] != factor * (float)(i - 64 + shift) / 2)
			fail_msg("y[%d] is %g", i, (double)y[i]);
}

/* int8 -> int8: q / 2 where self is in eval mode, q / 4 in training mode. */
static inline int eval_shrink(struct fxq_call *call)
{
	const int8_t *x = call->in[0].data;
	int8_t *y = call->out[0].data;

	assert_non_null(call->self);
	for (int i = 0; i < ELEMENTS; i++)
		y[i] = x[i] / (call->self->training ? 4 : 2);
	return 0;
}

static inline int infer_same(struct fxq_call *call)
{
	call->out[0].dtype = call->in[0].dtype;
	call->out[0].rank = call->in[0].rank;
	memcpy(call->out[0].dims, call->in[0].dims, sizeof(call->in[0].dims));
	return 0;
}

static const struct fxq_function shrink = { "shrink", infer_same, eval_shrink };

/* quantize, device, shrink on the CPU, device, dequantize */
static inline struct fxq_writer *back_and_forth(void)
{
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("back and forth");
	uint32_t t[6];

	for (int i = 0; i < 6; i++)
		t[i] = fxq_writer_tensor(w, NULL, i % 5 ? &q : &f, 0);
	fxq_writer_inputs(w, &t[0], 1);
	kit_quantize(w, t[0], t[1]);
	kit_lut_step(w, "there", t[1], t[2]);
	kit_call(w, true, "shrink", t[2], t[3], NULL, 0);
	kit_lut_step(w, "back", t[3], t[4]);
	kit_call(w, false, "dequantize", t[4], t[5], NULL, 0);
	fxq_writer_outputs(w, &t[5], 1);
	return w;
}

#endif /* TEST_PROGRAM_KIT_H */
