/* SPDX-License-Identifier: MIT */
/*
 * image_kit.h - small images, built by hand with the writer
 *
 * The machine's part of each is a stream of a few descriptors whose answer
 * can be said in a sentence: a table looked up, two tensors added.
 */
#ifndef TEST_IMAGE_KIT_H
#define TEST_IMAGE_KIT_H

#include <elf.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <fxq/fxq.h>
#include <fxq/image.h>

#define PIXELS		4		/* of a tensor, each 32 channels */
#define ELEMENTS	(PIXELS * 32)

/* Regions that all streams here use. */
enum { REGION_WEIGHTS, REGION_SCRATCH, REGION_IN, REGION_OUT };

static inline struct fxq_tensor kit_type(uint32_t dtype, int64_t n)
{
	struct fxq_tensor t = { .dtype = dtype, .rank = 2, .dims = { 1, n } };

	if (dtype == FXQ_DTYPE_I8)
		t.scale = 0.5f;
	return t;
}

static inline struct fxq_fm kit_fm(uint32_t addr)
{
	return (struct fxq_fm){ .addr = addr, .plane = PIXELS * 32,
				.row = PIXELS, .c = 32 };
}

/* @bytes from @offset in @region to @spm, or back. */
static inline struct fxq_desc kit_move(uint8_t opcode, uint8_t region,
				       uint64_t offset, uint32_t spm,
				       uint32_t bytes)
{
	return (struct fxq_desc){
		.opcode = opcode,
		.engine = opcode == FXQ_OP_STORE ? FXQ_ENGINE_ST :
						   FXQ_ENGINE_LD,
		.dma = {
			.offset = offset,
			.spm = spm,
			.n = { bytes, 1, 1, 1 },
			.mem_stride = { 1, 0, 0, 0 },
			.spm_stride = { 1, 0, 0, 0 },
			.region = region,
			.elem = 1,
		},
	};
}

/* out = table[in + 128], ELEMENTS of them; table is at the weights' start. */
static inline uint32_t kit_lut(struct fxq_desc d[4])
{
	d[0] = kit_move(FXQ_OP_LOAD, REGION_IN, 0, 0, ELEMENTS);
	d[1] = kit_move(FXQ_OP_LOAD, REGION_WEIGHTS, 0, 4096, FXQ_LUT_BYTES);
	d[2] = (struct fxq_desc){
		.opcode = FXQ_OP_LUT,
		.engine = FXQ_ENGINE_VX,
		.wait = { [FXQ_ENGINE_LD] = 2 },
		.unary = { .in = kit_fm(0), .out = kit_fm(1024),
			   .table = 4096, .h = 1, .w = PIXELS, .c = 32 },
	};
	d[3] = kit_move(FXQ_OP_STORE, REGION_OUT, 0, 1024, ELEMENTS);
	d[3].wait[FXQ_ENGINE_VX] = 1;
	return 4;
}

/* The table of all images here: y = -x, and -128 to 127. */
static inline void kit_table(int8_t table[FXQ_LUT_BYTES])
{
	for (int q = -128; q < 128; q++)
		table[q + 128] = q == -128 ? 127 : -q;
}

/* A device step: kit_lut() from tensor @in to tensor @out. */
static inline uint32_t kit_lut_step(struct fxq_writer *w, const char *layer,
				    uint32_t in, uint32_t out)
{
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
		{ FXQ_BIND_INPUT, REGION_IN, in, 0, 0 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, out, 0, 0 },
	};
	struct fxq_desc stream[4];
	const struct fxq_writer_device step = {
		.layer = layer,
		.stream = stream,
		.n_descs = kit_lut(stream),
		.bindings = bindings,
		.n_bindings = 3,
		.cycles = 1000,
	};

	return fxq_writer_device_step(w, &step);
}

static inline uint32_t kit_call(struct fxq_writer *w, bool wrapped,
				const char *name, uint32_t in, uint32_t out,
				const struct fxq_attr *attrs, uint32_t n_attrs)
{
	const struct fxq_writer_call step = {
		.wrapped = wrapped,
		.is_method = wrapped,
		.name = name,
		.layer = name,
		.reason = wrapped ? NULL : "float32 on one side",
		.in = &in,
		.n_in = 1,
		.out = &out,
		.n_out = 1,
		.attrs = attrs,
		.n_attrs = n_attrs,
	};

	return fxq_writer_call_step(w, &step);
}

static inline uint32_t kit_quantize(struct fxq_writer *w, uint32_t in,
				    uint32_t out)
{
	const struct fxq_attr attrs[] = {
		{ .name = "scale", .type = FXQ_ATTR_FLOAT, .count = 1,
		  .f = 0.5 },
		{ .name = "zero_point", .type = FXQ_ATTR_INT, .count = 1,
		  .i = 0 },
		{ .name = "rule", .type = FXQ_ATTR_STRING, .count = 1,
		  .s = "torch" },
	};

	return kit_call(w, false, "quantize", in, out, attrs, 3);
}

/* A writer with the weights, a tag and nothing else. */
static inline struct fxq_writer *kit_writer(const char *name)
{
	struct fxq_writer *w = fxq_writer_new(name, "kit 1");
	int8_t table[FXQ_LUT_BYTES];

	assert_non_null(w);
	kit_table(table);
	assert_int_equal(fxq_writer_weights(w, table, sizeof(table)), 0);
	assert_int_equal(fxq_writer_tag(w, "negate", "lut", 0), 0);
	return w;
}

/* x float32 -> quantize -> device: negate -> dequantize -> y float32. */
static inline struct fxq_writer *kit_negate(void)
{
	const struct fxq_attr self[] = {
		{ .name = "classes", .type = FXQ_ATTR_INTS, .count = 2,
		  .ints = (const int64_t[]){ 7, 9 } },
		{ .name = "threshold", .type = FXQ_ATTR_FLOAT, .count = 1,
		  .f = 0.25 },
	};
	const struct fxq_tensor f = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	const float spare[3] = { 1, 2, 3 };
	const struct fxq_tensor constant = {
		.dtype = FXQ_DTYPE_F32, .rank = 1, .dims = { 3 },
		.data = (void *)spare,
	};
	struct fxq_image_preprocess p = {
		.order = FXQ_PIXEL_GRAY, .width = 16, .height = 8,
		.channels = 1, .std = { 0x3f800000 },
	};
	struct fxq_writer *w = kit_writer("negate");
	uint32_t x, qx, qy, y;

	x = fxq_writer_tensor(w, "x", &f, 0);
	qx = fxq_writer_tensor(w, "x_q", &q, 0);
	qy = fxq_writer_tensor(w, "y_q", &q, 0);
	y = fxq_writer_tensor(w, "y", &f, 0);
	fxq_writer_tensor(w, "spare", &constant, FXQ_TENSOR_CONST);
	fxq_writer_inputs(w, &x, 1);
	kit_quantize(w, x, qx);
	kit_lut_step(w, "negate", qx, qy);
	kit_call(w, false, "dequantize", qy, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	fxq_writer_self(w, true, self, 2);
	fxq_writer_preprocess(w, &p);
	fxq_writer_numbers(w, FXQ_QUANTIZE_TORCH, 100, 20, 3);
	return w;
}

/* x int8 -> device: negate -> y int8: nothing on the CPU. */
static inline struct fxq_writer *kit_negate_bytes(void)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("negate bytes");
	uint32_t x, y;

	x = fxq_writer_tensor(w, "x", &q, 0);
	y = fxq_writer_tensor(w, "y", &q, 0);
	fxq_writer_inputs(w, &x, 1);
	kit_lut_step(w, "negate", x, y);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/*
 * x int8 -> device: resize -> y int8. The row table is data and so no checker's
 * concern: @table, or with NULL the input's first bytes. With zeros it runs; one
 * that points outside the box stops the run.
 */
static inline struct fxq_writer *kit_resize(const uint16_t table[8])
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("resize");
	struct fxq_desc d[4] = {
		kit_move(FXQ_OP_LOAD, REGION_IN, 0, 0, ELEMENTS),
		kit_move(FXQ_OP_LOAD, table ? REGION_WEIGHTS : REGION_IN,
			 table ? FXQ_LUT_BYTES : 0, 4096, 16),
		{ .opcode = FXQ_OP_RESIZE, .engine = FXQ_ENGINE_VX,
		  .wait = { [FXQ_ENGINE_LD] = 2 }, .tag = 1 },
		kit_move(FXQ_OP_STORE, REGION_OUT, 0, 2048, 32),
	};
	uint32_t x = fxq_writer_tensor(w, "x", &q, 0);
	uint32_t y = fxq_writer_tensor(w, "y", &q, 0);
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
		{ FXQ_BIND_INPUT, REGION_IN, x, 0, 0 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, y, 0, 0 },
	};
	const struct fxq_writer_device step = {
		.layer = "step", .stream = d, .n_descs = 4,
		.bindings = bindings + !table, .n_bindings = 3 - !table,
	};

	d[2].resize = (struct fxq_body_resize){
		.in = kit_fm(0), .out = kit_fm(2048), .ytab = 4096,
		.xtab = 4096, .m = 0x3f800000, .ih = 1, .iw = PIXELS,
		.oh = 1, .ow = 1, .c = 32, .lo = -128, .hi = 127,
	};
	d[3].wait[FXQ_ENGINE_VX] = 1;
	if (table)
		fxq_writer_weights(w, table, 8 * sizeof(*table));
	assert_int_equal(fxq_writer_tag(w, "upsample", "resize", 0), 1);
	fxq_writer_inputs(w, &x, 1);
	fxq_writer_device_step(w, &step);
	fxq_writer_outputs(w, &y, 1);
	return w;
}

/* The table's first row is outside the box. */
static inline struct fxq_writer *kit_faulty(void)
{
	return kit_resize((const uint16_t[8]){ 999 });
}

/* Finishes @w to memory that the caller frees, and frees @w. */
static inline void *kit_finish(struct fxq_writer *w, size_t *size)
{
	void *data = NULL;
	int ret = fxq_writer_finish_memory(w, &data, size);

	if (ret)
		fail_msg("writer: %s", fxq_writer_error(w));
	fxq_writer_free(w);
	return data;
}

static inline struct fxq_image *kit_open(struct fxq_writer *w)
{
	struct fxq_image *image = NULL;
	size_t size;
	void *data = kit_finish(w, &size);
	int ret = fxq_image_open_memory(data, size, &image);

	free(data);
	if (ret)
		fail_msg("image: %s", fxq_error());
	return image;
}

/* The header of the section called @name in the ELF at @data; NULL: none. */
static inline Elf64_Shdr *kit_section(void *data, const char *name)
{
	Elf64_Ehdr *h = data;
	Elf64_Shdr *s = (void *)((uint8_t *)data + h->e_shoff);
	const char *names = (char *)data + s[h->e_shstrndx].sh_offset;

	for (unsigned int i = 1; i < h->e_shnum; i++)
		if (!strcmp(names + s[i].sh_name, name))
			return &s[i];
	return NULL;
}

#endif /* TEST_IMAGE_KIT_H */
