// SPDX-License-Identifier: MIT
/*
 * test_image.c - what is written is read back, and nothing else is
 *
 * Most of it is one table of damages: a field of a good image gets a bad
 * value, and the refusal must name it.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image_kit.h"

static int open_copy(const void *data, size_t size, struct fxq_image **image)
{
	/* Heap memory of just this size, so that reading past it is seen. */
	void *copy = malloc(size ? size : 1);
	int ret;

	memcpy(copy, data, size);
	ret = fxq_image_open_memory(copy, size, image);
	free(copy);
	return ret;
}

static void written_image_tells_all(void **state)
{
	struct fxq_image *image = kit_open(kit_negate());
	struct fxq_preprocess_info p;
	const struct fxq_attr *self;
	struct fxq_tensor_info t;
	struct fxq_image_info i;
	struct fxq_step_info s;
	struct fxq_tag_info tag;

	fxq_image_info(image, &i);
	assert_string_equal(i.name, "negate");
	assert_string_equal(i.producer, "kit 1");
	assert_int_equal(strlen(i.contract), 64);
	assert_true(i.training);
	assert_int_equal(i.n_tensors, 5);
	assert_int_equal(i.n_steps, 3);
	assert_int_equal(i.weight_bytes, FXQ_LUT_BYTES);
	assert_int_equal(i.macs_device, 100);
	assert_int_equal(i.macs_cpu, 20);
	assert_int_equal(i.mx_bound, 3);
	assert_int_equal(i.cycles, 1000);

	assert_int_equal(fxq_image_input_info(image, 0, &t), 0);
	assert_string_equal(t.name, "x");
	assert_int_equal(t.type.dtype, FXQ_DTYPE_F32);
	assert_int_equal(t.type.dims[1], ELEMENTS);
	assert_int_equal(t.bytes, 4 * ELEMENTS);
	assert_null(t.type.data);
	assert_int_equal(fxq_image_tensor_info(image, 4, &t), 0);
	assert_true(((float *)t.type.data)[2] == 3);

	assert_int_equal(fxq_image_step_info(image, 0, &s), 0);
	assert_int_equal(s.kind, FXQ_STEP_CPU);
	assert_string_equal(s.name, "quantize");
	assert_string_equal(s.reason, "float32 on one side");
	assert_int_equal(s.n_attrs, 3);
	assert_string_equal(s.attrs[2].s, "torch");
	assert_true(s.attrs[0].f == 0.5);
	assert_int_equal(fxq_image_step_info(image, 1, &s), 0);
	assert_int_equal(s.kind, FXQ_STEP_DEVICE);
	assert_int_equal(s.n_descs, 4);
	assert_int_equal(s.stream[2].opcode, FXQ_OP_LUT);
	assert_int_equal(s.in[0], 1);
	assert_int_equal(s.out[0], 2);

	assert_int_equal(fxq_image_tag_info(image, 0, &tag), 0);
	assert_string_equal(tag.layer, "negate");
	assert_int_equal(fxq_image_preprocess_info(image, 0, &p), 0);
	assert_int_equal(p.width, 16);
	assert_true(p.std[0] == 1);
	assert_int_equal(i.n_self, 2);
	self = fxq_image_self(image);
	assert_string_equal(self[0].name, "classes");
	assert_int_equal(self[0].ints[1], 9);
	assert_true(self[1].f == 0.25);
	fxq_image_close(image);
}

static void asking_past_the_end_is_refused(void **state)
{
	struct fxq_image *image = kit_open(kit_negate());
	struct fxq_preprocess_info p;
	struct fxq_tensor_info t;
	struct fxq_step_info s;
	struct fxq_tag_info tag;

	assert_int_equal(fxq_image_tensor_info(image, 5, &t), -ENOENT);
	assert_int_equal(fxq_image_input_info(image, 1, &t), -ENOENT);
	assert_int_equal(fxq_image_output_info(image, 1, &t), -ENOENT);
	assert_int_equal(fxq_image_step_info(image, 3, &s), -ENOENT);
	assert_int_equal(fxq_image_tag_info(image, 1, &tag), -ENOENT);
	assert_int_equal(fxq_image_preprocess_info(image, 1, &p), -ENOENT);
	assert_non_null(strstr(fxq_error(), "no preprocessing 1"));
	fxq_image_close(image);
}

static void equal_calls_give_equal_bytes(void **state)
{
	size_t a_size, b_size;
	void *a = kit_finish(kit_negate(), &a_size);
	void *b = kit_finish(kit_negate(), &b_size);

	assert_int_equal(a_size, b_size);
	assert_memory_equal(a, b, a_size);
	free(a);
	free(b);
}

static void file_is_what_memory_is(void **state)
{
	char path[] = "/tmp/fxq-image-XXXXXX";
	struct fxq_writer *w = kit_negate();
	struct fxq_image *image;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(fxq_writer_finish(w, path), 0);
	fxq_writer_free(w);
	assert_int_equal(fxq_image_open(path, &image), 0);
	unlink(path);
	fxq_image_close(image);
}

static void missing_file_is_named(void **state)
{
	struct fxq_image *image = NULL;

	assert_int_equal(fxq_image_open("/nonexistent/x.fxq", &image), -ENOENT);
	assert_non_null(strstr(fxq_error(), "/nonexistent/x.fxq"));
	assert_int_equal(fxq_image_open("/tmp", &image), -EINVAL);
	assert_non_null(strstr(fxq_error(), "not a regular file"));
	assert_null(image);
}

/* Letters of any script stay; what steers a terminal, and half a letter, do not. */
static void names_are_told_as_they_are(void **state)
{
	struct fxq_image *image;
	char name[120], cut[120] = "";

	assert_int_equal(fxq_image_open("größe \x1b[2m.fxq", &image), -ENOENT);
	assert_non_null(strstr(fxq_error(), "größe ?[2m.fxq cannot"));
	for (int odd = 0; odd < 2; odd++) {
		strcpy(name, odd ? "x" : "");
		while (strlen(name) + 2 < sizeof(name))
			strcat(name, "ж");
		snprintf(cut, sizeof(cut), "%.*s... cannot",
			 odd ? 91 : 92, name);
		assert_int_equal(fxq_image_open(name, &image), -ENOENT);
		assert_non_null(strstr(fxq_error(), cut));
	}
}

/* What binutils say of it: a well-formed ELF with our sections. */
static void readelf_understands_it(void **state)
{
	char path[] = "/tmp/fxq-image-XXXXXX", command[128], line[256];
	struct fxq_writer *w = kit_negate();
	int fd = mkstemp(path), sections = 0;
	FILE *p;

	if (system("command -v readelf >/dev/null")) {
		unlink(path);
		close(fd);
		fxq_writer_free(w);
		skip();
	}
	close(fd);
	assert_int_equal(fxq_writer_finish(w, path), 0);
	fxq_writer_free(w);
	snprintf(command, sizeof(command), "readelf -SW %s 2>&1", path);
	p = popen(command, "r");
	while (fgets(line, sizeof(line), p)) {
		assert_null(strstr(line, "Warning"));
		assert_null(strstr(line, "Error"));
		sections += !!strstr(line, " .fxq.");
	}
	assert_int_equal(pclose(p), 0);
	unlink(path);
	assert_int_equal(sections, 13);
}

static void writer_keeps_its_first_error(void **state)
{
	const struct fxq_tensor bad = { .dtype = 77 };
	struct fxq_writer *w = kit_writer("bad");
	uint32_t nine = 9;
	void *data = NULL;
	size_t size;

	fxq_writer_inputs(w, &nine, 1);
	assert_non_null(strstr(fxq_writer_error(w), "tensor 9"));
	fxq_writer_tensor(w, "t", &bad, 0);
	assert_int_equal(fxq_writer_finish_memory(w, &data, &size), -EINVAL);
	assert_null(data);
	assert_non_null(strstr(fxq_writer_error(w), "tensor 9"));
	fxq_writer_free(w);
}

static void writer_leaves_no_file_behind(void **state)
{
	const char *path = "/nonexistent/x.fxq";
	struct fxq_writer *w = kit_negate();

	assert_int_equal(fxq_writer_finish(w, path), -ENOENT);
	assert_non_null(strstr(fxq_writer_error(w), path));
	fxq_writer_free(w);
}

/* What a damage is done to besides the sections themselves. */
#define ELF_HEADER	"(header)"	/* field of Elf64_Ehdr */
#define SECTION_OF(s)	"@" s		/* field of the section's Elf64_Shdr */

/*
 * struct damage - a good image with one field changed
 * @section: where; @at: offset of the field; @width: 1, 2, 4, 8 bytes
 * @says: a part of the refusal
 */
struct damage {
	const char *section;
	size_t at, width;
	uint64_t value;
	const char *says;
};

#define WIDTH(type, field)	sizeof(((struct type *)0)->field)
#define FIELD(section, type, i, field)					\
	section, (i) * sizeof(struct type) + offsetof(struct type, field), \
	WIDTH(type, field)
#define HEADER(field)	FIELD(FXQ_SECTION_HEADER, fxq_image_header, 0, field)
#define TENSOR(i, field) FIELD(FXQ_SECTION_TENSORS, fxq_image_tensor, i, field)
#define STEP(i, field)	FIELD(FXQ_SECTION_STEPS, fxq_image_step, i, field)
#define BINDING(i, field) \
	FIELD(FXQ_SECTION_BINDINGS, fxq_image_binding, i, field)
#define ATTR(i, field)	FIELD(FXQ_SECTION_ATTRS, fxq_image_attr, i, field)
#define TAG(i, field)	FIELD(FXQ_SECTION_TAGS, fxq_image_tag, i, field)
#define PICTURE(field) \
	FIELD(FXQ_SECTION_PREPROCESS, fxq_image_preprocess, 0, field)
#define DESC(i, field)	FIELD(FXQ_SECTION_STREAM "1", fxq_desc, i, field)
#define ARG(i)		FXQ_SECTION_ARGS, (i) * 4, 4
#define ELF(field)	ELF_HEADER, offsetof(Elf64_Ehdr, field), \
			sizeof(((Elf64_Ehdr *)0)->field)
#define SHDR(name, field) SECTION_OF(name), offsetof(Elf64_Shdr, field), \
			sizeof(((Elf64_Shdr *)0)->field)

static const struct damage damages[] = {
	{ ELF(e_ident), 0, "begin as an ELF" },
	{ ELF_HEADER, EI_CLASS, 1, ELFCLASS32, "64-bit little-endian" },
	{ ELF_HEADER, EI_DATA, 1, ELFDATA2MSB, "64-bit little-endian" },
	{ ELF(e_type), ET_EXEC, "is a program, not an image" },
	{ ELF(e_machine), EM_X86_64, "is a program, not an image" },
	{ ELF(e_shentsize), 63, "section headers have 63 bytes" },
	{ ELF(e_shoff), 1ull << 40, "lies at 1099511627776" },
	{ ELF(e_shoff), 1020, "lies at 1020, not a multiple of 8" },
	{ ELF(e_shnum), 60000, "" },
	{ ELF(e_shnum), 9, "" },
	{ ELF(e_shstrndx), 400, "" },
	{ ELF(e_shoff), 0, "" },

	{ SHDR(FXQ_SECTION_WEIGHTS, sh_offset), 1ull << 40, "past the end" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_size), ~0ull, "past the end" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_offset), 0, "overlap" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_offset), 65, "multiple of 64" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_type), SHT_NOBITS, "plain contents" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_flags), SHF_COMPRESSED, "plain" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_name), 0xffffff, "no readable name" },
	{ SHDR(FXQ_SECTION_WEIGHTS, sh_name), 2, ".fxq.weights is missing" },
	{ SHDR(FXQ_SECTION_TENSORS, sh_size), 103, "multiple of its records" },
	{ SHDR(FXQ_SECTION_STEPS, sh_size), 72, "" },
	{ SHDR(FXQ_SECTION_HEADER, sh_size), 0, "0 records instead of one" },
	{ SHDR(FXQ_SECTION_STREAM "1", sh_size), 384, "has 3 descriptors" },
	{ SHDR(FXQ_SECTION_STREAM "1", sh_size), 100, "multiple of its" },

	{ HEADER(magic), 1, ".fxq.header.magic" },
	{ HEADER(training), 2, ".fxq.header.training is 2" },
	{ HEADER(quantize_rule), 7, "quantize_rule is 7" },
	{ HEADER(name), 1 << 20, ".fxq.header[0].name is 1048576" },
	{ HEADER(producer), ~0u, ".fxq.header[0].producer" },
	{ HEADER(n_inputs), ~0u, "4294967295 inputs at" },
	{ HEADER(first_output), ~0u, "outputs at 4294967295" },
	{ HEADER(n_outputs), 0, "answers nothing" },
	{ HEADER(n_self), 600, "600 attributes" },
	{ HEADER(first_self), ~0u, "2 attributes at 4294967295" },

	{ TENSOR(0, name), 5000, ".fxq.tensors[0].name is 5000" },
	{ TENSOR(1, dtype), 0, ".fxq.tensors[1].dtype is 0" },
	{ TENSOR(1, dtype), 99, ".fxq.tensors[1].dtype is 99" },
	{ TENSOR(1, rank), 9, ".fxq.tensors[1].rank is 9" },
	{ TENSOR(1, rank), 1, ".fxq.tensors[1].dims[1] is 128" },
	{ TENSOR(2, dims[0]), -1ull, ".fxq.tensors[2].dims[0] is -1" },
	{ TENSOR(2, dims[0]), 1ull << 62, ".fxq.tensors[2]" },
	{ TENSOR(2, dims[0]), 2, "bytes is 128, but int8 2x128 has 256" },
	{ TENSOR(3, bytes), 4, ".fxq.tensors[3].bytes is 4" },
	{ TENSOR(3, flags), 4, ".fxq.tensors[3].flags is 0x4" },
	{ TENSOR(3, offset), 64, "is no constant" },
	{ TENSOR(3, scale), 0x7fc00000, "scale is nan" },
	{ TENSOR(3, scale), 1, "not a normal number" },
	{ TENSOR(3, scale), 0xbf800000, "scale is -1" },
	{ TENSOR(3, zero_point), 3, "zero_point is 3" },
	{ TENSOR(2, zero_point), 128, "zero_point is 128" },
	{ TENSOR(4, offset), 32, "offset is 32, not a multiple" },
	{ TENSOR(4, offset), 64, "past the end of .fxq.consts" },
	{ TENSOR(4, offset), ~63ull, "past the end of .fxq.consts" },

	{ ATTR(0, name), 7777, ".fxq.attrs[0].name is 7777" },
	{ ATTR(0, name), 0, "no attribute" },
	{ ATTR(0, type), 9, "type 9" },
	{ ATTR(0, count), 2, ".fxq.attrs[0].count is 2" },
	{ ATTR(0, reserved), 2, "reserved 2" },
	{ ATTR(2, value), 1ull << 32, ".fxq.attrs[2].value is 4294967296" },
	{ ATTR(3, count), 3, "3 values at 0, past the end of .fxq.values" },
	{ ATTR(3, value), ~0ull, "past the end of .fxq.values" },
	{ TAG(0, layer), 9999, ".fxq.tags[0].layer is 9999" },
	{ TAG(0, op), 9999, ".fxq.tags[0].op is 9999" },

	{ PICTURE(input), 1, "input is 1, but there are 1 inputs" },
	{ PICTURE(order), 3, "order 3" },
	{ PICTURE(nhwc), 2, "nhwc 2" },
	{ PICTURE(width), 0, "a picture of 0x8" },
	{ PICTURE(height), 1u << 31, "a picture of 16x2147483648" },
	{ PICTURE(channels), 3, "channels is 3" },
	{ PICTURE(width), 17, "makes 1x8x17 floats of a picture, and the 512 bytes of input 0 are no batch" },
	{ PICTURE(height), 1, "makes 1x1x16 floats" },
	{ PICTURE(std[0]), 0, "std 0 in channel 0" },
	{ PICTURE(mean[0]), 0x7f800000, "mean inf" },

	{ STEP(0, kind), 0, ".fxq.steps[0].kind is 0" },
	{ STEP(0, kind), 4, ".fxq.steps[0].kind is 4" },
	{ STEP(0, kind), FXQ_STEP_DEVICE, "uses fields of another" },
	{ STEP(0, name), 0, "names no function" },
	{ STEP(0, name), ~0u, ".fxq.steps[0] has a name at" },
	{ STEP(0, layer), ~0u, ".fxq.steps[0] has a name at" },
	{ STEP(0, reason), ~0u, ".fxq.steps[0] has a name at" },
	{ STEP(0, n_in), 5000, "5000 inputs, more than" },
	{ STEP(0, n_in), 20, "20 inputs at" },
	{ STEP(0, first_out), ~0u, "outputs at 4294967295" },
	{ STEP(0, n_attrs), 200, "200 attributes at" },
	{ STEP(0, n_attrs), ~0u, "attributes, more than" },
	{ STEP(0, is_method), 1, "uses fields of another" },
	{ STEP(0, cycles), 1, "uses fields of another" },
	{ STEP(0, n_descs), 1, "uses fields of another" },
	{ STEP(1, n_bindings), 2, "1 inputs and 1 outputs, but binds 1 and 0" },
	{ STEP(1, first_binding), 9, "3 bindings at 9" },
	{ STEP(1, n_descs), 5, "but step 1 says 5" },
	{ STEP(1, reason), 1, "uses fields of another" },
	{ STEP(1, scratch_bytes), ~0ull, "scratch_bytes is" },
	{ STEP(2, kind), FXQ_STEP_DEVICE, "uses fields of another" },

	{ ARG(0), 7, "is tensor 7, but .fxq.tensors has 5" },
	{ ARG(0), 4, "is tensor 4, a constant" },
	{ ARG(1), 3, "tensor 3, which has no value yet" },
	{ ARG(1), FXQ_ARG_ABSENT - 1, "is tensor 4294967294" },
	{ ARG(2), 0, "tensor 0, which has a value already" },
	{ ARG(2), 4, "tensor 4, a constant" },
	{ ARG(3), FXQ_ARG_ABSENT, "is tensor 4294967295" },
	{ ARG(3), 0, "binding 1 is of tensor 1, which is not input 0" },
	{ ARG(7), 9, "output 0 is tensor 9" },

	{ BINDING(0, kind), 0, ".fxq.bindings[0].kind is 0" },
	{ BINDING(0, kind), 5, ".fxq.bindings[0].kind is 5" },
	{ BINDING(0, kind), FXQ_BIND_SCRATCH, "binding 0 of region 0 is empty" },
	{ BINDING(0, region), 16, ".fxq.bindings[0].region is 16" },
	{ BINDING(0, region), 2, "region 2 is bound as kind 1 and as kind 3" },
	{ BINDING(0, region), 5, "uses region 0, which step 1 does not bind" },
	{ BINDING(0, tensor), 1, "not its own" },
	{ BINDING(0, offset), 64, "not its own" },
	{ BINDING(0, reserved), 1, "not its own" },
	{ BINDING(1, offset), 63, ".fxq.bindings[1].offset is 63" },
	{ BINDING(1, offset), ~63ull, "too large" },
	{ BINDING(1, tensor), 2, "binding 1 is of tensor 2" },
	{ BINDING(2, kind), FXQ_BIND_INPUT, "which is not input 1" },
	{ BINDING(2, region), 2, "region 2 is bound as kind 3 and as kind 4" },

	{ DESC(0, opcode), 0, "descriptor 0 (invalid): unknown opcode" },
	{ DESC(0, opcode), 200, "unknown opcode" },
	{ DESC(2, wait[0]), 3, "descriptor 2 (lut): waits for more" },
	{ DESC(2, wait[3]), 1, "waits for its own engine" },
	{ DESC(2, flags), 1, "flag unknown" },
	{ DESC(0, tag), 1, "descriptor 0 has tag 1, but .fxq.tags has 1" },
	{ DESC(0, dma.n[0]), 0, "size is zero" },
	{ DESC(0, dma.n[0]), 129, "reaches byte 129 of region 2" },
	{ DESC(0, dma.offset), 1, "reaches byte 129 of region 2" },
	{ DESC(0, dma.offset), 1ull << 60, "of region 2" },
	{ DESC(1, dma.n[0]), 257, "reaches byte 257 of region 0" },
	{ DESC(3, dma.region), 2, "writes region 2, which step 1 binds to be read" },
	{ DESC(3, dma.region), 9, "uses region 9, which step 1 does not bind" },
	{ DESC(3, dma.offset), 64, "reaches byte 192 of region 3" },
	{ DESC(2, unary.out.addr), 1 << 20, "reaches outside the scratchpad" },
	{ DESC(2, unary.out.addr), 0, "result overlaps an operand" },
	{ DESC(2, unary.table), 1, "not a multiple of 64" },
	{ DESC(2, unary.w), 5, "descriptor 2 (lut)" },
};

/* Where the damaged field is. */
static uint8_t *place_of(void *data, const struct damage *d)
{
	Elf64_Shdr *s;

	if (!strcmp(d->section, ELF_HEADER))
		return (uint8_t *)data + d->at;
	s = kit_section(data, d->section + (*d->section == '@'));
	assert_non_null(s);
	if (*d->section == '@')
		return (uint8_t *)s + d->at;
	return (uint8_t *)data + s->sh_offset + d->at;
}

static void each_damage_is_refused_in_words(void **state)
{
	size_t size;
	void *good = kit_finish(kit_negate(), &size);

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];
		struct fxq_image *image = NULL;
		void *bad = malloc(size);
		int ret;

		memcpy(bad, good, size);
		memcpy(place_of(bad, d), &d->value,
		       d->width < 8 ? d->width : 8);
		ret = open_copy(bad, size, &image);
		free(bad);
		if (ret != -EBADMSG || image)
			fail_msg("damage %zu (%s + %zu) gives %d", i,
				 d->section, d->at, ret);
		if (!strstr(fxq_error(), d->says) ||
		    !strstr(fxq_error(), "compile the model again"))
			fail_msg("damage %zu (%s + %zu) says: %s", i,
				 d->section, d->at, fxq_error());
	}
	free(good);
}

static void pictures_become_floats(void **state)
{
	const struct fxq_image_preprocess p = {
		.order = FXQ_PIXEL_GRAY, .width = 16, .height = 8,
		.channels = 1, .std = { 0x3f800000 },
	};
	struct fxq_writer *w = kit_negate_bytes();
	struct fxq_image *image = NULL;
	size_t size;
	void *bytes;

	fxq_writer_preprocess(w, &p);
	bytes = kit_finish(w, &size);
	assert_int_equal(fxq_image_open_memory(bytes, size, &image), -EBADMSG);
	assert_non_null(strstr(fxq_error(),
			       "makes floats of pictures, and input 0 takes none"));
	free(bytes);
}

static void a_batch_has_pictures(void **state)
{
	const struct fxq_image_preprocess p = {
		.order = FXQ_PIXEL_GRAY, .width = 16, .height = 8,
		.channels = 1, .std = { 0x3f800000 },
	};
	struct fxq_tensor none = kit_type(FXQ_DTYPE_F32, ELEMENTS);
	struct fxq_writer *w = kit_writer("none");
	struct fxq_image *image = NULL;
	uint32_t x, y;
	size_t size;
	void *bytes;

	none.dims[0] = 0;
	x = fxq_writer_tensor(w, "x", &none, 0);
	y = fxq_writer_tensor(w, "y", &none, 0);
	fxq_writer_inputs(w, &x, 1);
	kit_call(w, true, "guess", x, y, NULL, 0);
	fxq_writer_outputs(w, &y, 1);
	fxq_writer_preprocess(w, &p);
	bytes = kit_finish(w, &size);
	assert_int_equal(fxq_image_open_memory(bytes, size, &image), -EBADMSG);
	assert_non_null(strstr(fxq_error(),
			       "the 0 bytes of input 0 are no batch of these"));
	free(bytes);
}

static void names_must_end(void **state)
{
	struct fxq_image *image = NULL;
	size_t size;
	uint8_t *data = kit_finish(kit_negate(), &size);
	Elf64_Shdr *s = kit_section(data, FXQ_SECTION_STRINGS);

	data[s->sh_offset + s->sh_size - 1] = 'x';
	assert_int_equal(open_copy(data, size, &image), -EBADMSG);
	assert_non_null(strstr(fxq_error(), ".fxq.strings"));
	free(data);
}

static void other_contract_is_told(void **state)
{
	struct fxq_image *image = NULL;
	size_t size;
	uint8_t *data = kit_finish(kit_negate(), &size);
	Elf64_Shdr *s = kit_section(data, FXQ_SECTION_HEADER);
	struct fxq_image_header *h = (void *)(data + s->sh_offset);

	memset(h->contract, 0xab, sizeof(h->contract));
	assert_int_equal(open_copy(data, size, &image), -EPROTO);
	assert_non_null(strstr(fxq_error(), "abababababab"));
	assert_non_null(strstr(fxq_error(), "compile the model again"));
	assert_null(image);
	free(data);
}

static void two_tensors_cannot_overlap_in_a_region(void **state)
{
	const struct fxq_tensor q = kit_type(FXQ_DTYPE_I8, ELEMENTS);
	struct fxq_writer *w = kit_writer("overlap");
	const uint32_t in[] = {
		fxq_writer_tensor(w, "a", &q, 0),
		fxq_writer_tensor(w, "b", &q, 0),
	};
	uint32_t out = fxq_writer_tensor(w, "y", &q, 0);
	const struct fxq_image_binding bindings[] = {
		{ FXQ_BIND_INPUT, REGION_IN, in[0], 0, 0 },
		{ FXQ_BIND_INPUT, REGION_IN, in[1], 0, 64 },
		{ FXQ_BIND_OUTPUT, REGION_OUT, out, 0, 0 },
		{ FXQ_BIND_WEIGHTS, REGION_WEIGHTS, 0, 0, 0 },
	};
	struct fxq_desc stream[4];
	const struct fxq_writer_device step = {
		.stream = stream, .n_descs = kit_lut(stream),
		.bindings = bindings, .n_bindings = 4,
	};
	struct fxq_image *image = NULL;
	size_t size;
	void *data;

	fxq_writer_inputs(w, in, 2);
	fxq_writer_device_step(w, &step);
	fxq_writer_outputs(w, &out, 1);
	data = kit_finish(w, &size);
	assert_int_equal(open_copy(data, size, &image), -EBADMSG);
	assert_non_null(strstr(fxq_error(), "bindings 0 and 1 overlap"));
	free(data);
}

static void every_truncation_is_refused(void **state)
{
	size_t size;
	void *data = kit_finish(kit_negate(), &size);

	for (size_t n = 0; n < size; n++) {
		struct fxq_image *image = NULL;
		int ret = open_copy(data, n, &image);

		if (ret != -EBADMSG || image)
			fail_msg("%zu of %zu bytes give %d", n, size, ret);
	}
	free(data);
}

/* Whatever a flipped bit does, it is refused in a sentence or harmless. */
static void flipped_bits_do_no_harm(void **state)
{
	uint64_t random = 1;
	size_t size;
	uint8_t *data = kit_finish(kit_negate(), &size);

	for (int round = 0; round < 20000; round++) {
		struct fxq_image *image = NULL;
		uint64_t bit;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		bit = (random >> 20) % (8 * size);
		data[bit / 8] ^= 1 << bit % 8;
		if (open_copy(data, size, &image)) {
			assert_null(image);
			assert_true(strlen(fxq_error()) > 10);
		} else {
			fxq_image_close(image);
		}
		data[bit / 8] ^= 1 << bit % 8;
	}
	free(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_image_tells_all),
		cmocka_unit_test(asking_past_the_end_is_refused),
		cmocka_unit_test(equal_calls_give_equal_bytes),
		cmocka_unit_test(file_is_what_memory_is),
		cmocka_unit_test(missing_file_is_named),
		cmocka_unit_test(names_are_told_as_they_are),
		cmocka_unit_test(readelf_understands_it),
		cmocka_unit_test(writer_keeps_its_first_error),
		cmocka_unit_test(writer_leaves_no_file_behind),
		cmocka_unit_test(each_damage_is_refused_in_words),
		cmocka_unit_test(pictures_become_floats),
		cmocka_unit_test(a_batch_has_pictures),
		cmocka_unit_test(names_must_end),
		cmocka_unit_test(other_contract_is_told),
		cmocka_unit_test(two_tensors_cannot_overlap_in_a_region),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(flipped_bits_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
