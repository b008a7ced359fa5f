// SPDX-License-Identifier: MIT
/*
 * image_write.c - the contents of an image, section by section
 *
 * Each call appends records to the sections it concerns and returns an index
 * or offset; nothing is kept twice. The first error stays and turns later
 * calls into no-ops. Whether steps and tensors make sense together is for the
 * reader in libfxq to say, which trusts no writer; here only indices are
 * checked, where the mistake is made.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fxq_contract.h"
#include "image_priv.h"

static const uint8_t dtype_bytes[FXQ_DTYPE_COUNT] = {
#define X(id, name, bytes) [FXQ_DTYPE_##id] = bytes,
	FXQ_DTYPES(X)
#undef X
};

/* Appends tensor indices to .fxq.args; returns the first's place there. */
static uint32_t add_args(struct fxq_writer *w, const char *what,
			 const uint32_t *tensors, uint32_t n, bool may_lack)
{
	uint32_t first = section_count(w, ARGS, sizeof(uint32_t));

	for (uint32_t i = 0; i < n; i++)
		if (tensors[i] >= w->n_tensors &&
		    !(may_lack && tensors[i] == FXQ_ARG_ABSENT))
			image_fail(w, -EINVAL,
				   "%s %u is tensor %u, but only %u tensors have been added",
				   what, i, tensors[i], w->n_tensors);
	section_append(w, ARGS, tensors, n * sizeof(*tensors));
	return first;
}

/* The value of @a: itself, an offset in strings, or an index in values. */
static uint64_t attr_value(struct fxq_writer *w, const struct fxq_attr *a)
{
	uint64_t value = section_count(w, VALUES, sizeof(value));

	switch (a->type) {
	case FXQ_ATTR_INT:
		return a->i;
	case FXQ_ATTR_FLOAT:
		memcpy(&value, &a->f, sizeof(value));
		return value;
	case FXQ_ATTR_STRING:
		return image_string(w, a->s);
	case FXQ_ATTR_INTS:
		section_append(w, VALUES, a->ints, a->count * sizeof(*a->ints));
		return value;
	case FXQ_ATTR_FLOATS:
		section_append(w, VALUES, a->floats,
			       a->count * sizeof(*a->floats));
		return value;
	default:
		image_fail(w, -EINVAL, "attribute %s has the unknown type %u",
			   a->name, a->type);
		return 0;
	}
}

static uint32_t add_attrs(struct fxq_writer *w, const struct fxq_attr *attrs,
			  uint32_t n)
{
	uint32_t first = section_count(w, ATTRS, sizeof(struct fxq_image_attr));

	for (uint32_t i = 0; i < n; i++) {
		const struct fxq_attr *a = &attrs[i];
		struct fxq_image_attr attr = {
			.name = image_string(w, a->name),
			.type = a->type,
			.count = a->type == FXQ_ATTR_INTS ||
				 a->type == FXQ_ATTR_FLOATS ? a->count : 1,
			.value = attr_value(w, a),
		};

		section_append(w, ATTRS, &attr, sizeof(attr));
	}
	return first;
}

struct fxq_writer *fxq_writer_new(const char *name, const char *producer)
{
	static const uint8_t contract[] = FXQ_CONTRACT_HASH;
	struct fxq_writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
#define X(id, name, align) section_new(w, name, align);
	SECTIONS(X)
#undef X
	if (w->err) {
		fxq_writer_free(w);
		return NULL;
	}
	section_append(w, STRINGS, "", 1);
	w->header.magic = FXQ_IMAGE_MAGIC;
	w->header.version = FXQ_IMAGE_VERSION;
	memcpy(w->header.contract, contract, sizeof(contract));
	w->header.name = image_string(w, name);
	w->header.producer = image_string(w, producer);
	return w;
}

void fxq_writer_free(struct fxq_writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < w->n_sections; i++)
		free(w->sections[i].data);
	free(w->sections);
	free(w->strings);
	free(w);
}

/* The bytes of a tensor's data; fails if it has none that can be stored. */
static uint64_t data_bytes(struct fxq_writer *w, const char *name,
			   const struct fxq_tensor *t)
{
	uint64_t bytes;

	if (!name)
		name = "(unnamed)";
	if (t->dtype >= FXQ_DTYPE_COUNT || !dtype_bytes[t->dtype] ||
	    t->rank > FXQ_MAX_RANK) {
		image_fail(w, -EINVAL,
			   "tensor %s has dtype %u and rank %u, which an image cannot hold",
			   name, t->dtype, t->rank);
		return 0;
	}
	bytes = dtype_bytes[t->dtype];
	for (uint32_t i = 0; i < t->rank; i++)
		if (t->dims[i] < 0 ||
		    __builtin_mul_overflow(bytes, t->dims[i], &bytes)) {
			image_fail(w, -EINVAL,
				   "tensor %s has the size %" PRId64 " in dimension %u; an image needs fixed sizes",
				   name, t->dims[i], i);
			return 0;
		}
	return bytes;
}

uint32_t fxq_writer_tensor(struct fxq_writer *w, const char *name,
			   const struct fxq_tensor *type, uint32_t flags)
{
	struct fxq_image_tensor t = {
		.name = image_string(w, name),
		.dtype = type->dtype,
		.rank = type->rank,
		.flags = flags,
		.zero_point = type->zero_point,
		.bytes = data_bytes(w, name, type),
	};

	if (w->err)
		return 0;
	for (uint32_t i = 0; i < type->rank; i++)
		t.dims[i] = type->dims[i];
	if (type->scale != 0)
		memcpy(&t.scale, &type->scale, sizeof(t.scale));
	if (flags & FXQ_TENSOR_CONST)
		t.offset = section_append_aligned(w, CONSTS, type->data,
						  t.bytes);
	section_append(w, TENSORS, &t, sizeof(t));
	return w->n_tensors++;
}

uint64_t fxq_writer_weights(struct fxq_writer *w, const void *data,
			    uint64_t bytes)
{
	return section_append_aligned(w, WEIGHTS, data, bytes);
}

uint32_t fxq_writer_tag(struct fxq_writer *w, const char *layer,
			const char *op, uint64_t macs)
{
	struct fxq_image_tag tag = {
		.layer = image_string(w, layer),
		.op = image_string(w, op),
		.macs = macs,
	};

	section_append(w, TAGS, &tag, sizeof(tag));
	return w->n_tags++;
}

/* The tensors of @kind that the bindings of a step name, to .fxq.args. */
static uint32_t add_bound(struct fxq_writer *w,
			  const struct fxq_writer_device *step, uint32_t kind,
			  uint32_t *ret_n)
{
	uint32_t first = section_count(w, ARGS, sizeof(uint32_t));

	*ret_n = 0;
	for (uint32_t i = 0; i < step->n_bindings; i++) {
		if (step->bindings[i].kind != kind)
			continue;
		add_args(w, "binding", &step->bindings[i].tensor, 1, false);
		++*ret_n;
	}
	return first;
}

uint32_t fxq_writer_device_step(struct fxq_writer *w,
				const struct fxq_writer_device *step)
{
	struct fxq_image_step s = {
		.kind = FXQ_STEP_DEVICE,
		.layer = image_string(w, step->layer),
		.first_binding = section_count(w, BINDINGS,
					       sizeof(struct fxq_image_binding)),
		.n_bindings = step->n_bindings,
		.n_descs = step->n_descs,
		.scratch_bytes = step->scratch_bytes,
		.cycles = step->cycles,
	};
	struct image_section *stream;
	char name[32];
	void *to;

	s.first_in = add_bound(w, step, FXQ_BIND_INPUT, &s.n_in);
	s.first_out = add_bound(w, step, FXQ_BIND_OUTPUT, &s.n_out);
	section_append(w, BINDINGS, step->bindings,
		       step->n_bindings * sizeof(*step->bindings));
	snprintf(name, sizeof(name), FXQ_SECTION_STREAM "%u", w->n_steps);
	stream = section_new(w, name, FXQ_DESC_BYTES);
	to = stream ? section_extend(w, stream, (size_t)step->n_descs *
				     sizeof(*step->stream)) : NULL;
	if (to && step->n_descs)
		memcpy(to, step->stream,
		       (size_t)step->n_descs * sizeof(*step->stream));
	section_append(w, STEPS, &s, sizeof(s));
	return w->n_steps++;
}

uint32_t fxq_writer_call_step(struct fxq_writer *w,
			      const struct fxq_writer_call *step)
{
	struct fxq_image_step s = {
		.kind = step->wrapped ? FXQ_STEP_WRAPPED : FXQ_STEP_CPU,
		.name = image_string(w, step->name),
		.layer = image_string(w, step->layer),
		.reason = image_string(w, step->reason),
		.n_in = step->n_in,
		.n_out = step->n_out,
		.n_attrs = step->n_attrs,
		.is_method = step->is_method,
	};

	if (!s.name)
		image_fail(w, -EINVAL, "step %u on the CPU has no function name",
			   w->n_steps);
	s.first_in = add_args(w, "input", step->in, step->n_in, true);
	s.first_out = add_args(w, "output", step->out, step->n_out, false);
	s.first_attr = add_attrs(w, step->attrs, step->n_attrs);
	section_append(w, STEPS, &s, sizeof(s));
	return w->n_steps++;
}

void fxq_writer_inputs(struct fxq_writer *w, const uint32_t *tensors,
		       uint32_t n)
{
	w->header.first_input = add_args(w, "graph input", tensors, n, false);
	w->header.n_inputs = n;
}

void fxq_writer_outputs(struct fxq_writer *w, const uint32_t *tensors,
			uint32_t n)
{
	w->header.first_output = add_args(w, "graph output", tensors, n, false);
	w->header.n_outputs = n;
}

void fxq_writer_self(struct fxq_writer *w, bool training,
		     const struct fxq_attr *attrs, uint32_t n)
{
	w->header.training = training;
	w->header.first_self = add_attrs(w, attrs, n);
	w->header.n_self = n;
}

void fxq_writer_preprocess(struct fxq_writer *w,
			   const struct fxq_image_preprocess *p)
{
	section_append(w, PREPROCESS, p, sizeof(*p));
}

void fxq_writer_numbers(struct fxq_writer *w, enum fxq_quantize_rule rule,
			uint64_t macs_device, uint64_t macs_cpu,
			uint64_t mx_bound)
{
	w->header.quantize_rule = rule;
	w->header.macs_device = macs_device;
	w->header.macs_cpu = macs_cpu;
	w->header.mx_bound = mx_bound;
}

const char *fxq_writer_error(const struct fxq_writer *w)
{
	return w->error;
}

int fxq_writer_finish_memory(struct fxq_writer *w, void **ret_data,
			     size_t *ret_size)
{
	int ret;

	w->sections[HEADER].len = 0;
	section_append(w, HEADER, &w->header, sizeof(w->header));
	if (w->err)
		return w->err;

	ret = image_elf(w->sections, w->n_sections, ret_data, ret_size,
			w->error, sizeof(w->error));
	if (ret == -ENOMEM)
		image_fail_memory(w);
	w->err = ret;
	return ret;
}

static int write_all(int fd, const uint8_t *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		size -= n;
	}
	return 0;
}

int fxq_writer_finish(struct fxq_writer *w, const char *path)
{
	struct stat st;
	size_t size;
	void *data;
	int fd, ret;

	ret = fxq_writer_finish_memory(w, &data, &size);
	if (ret)
		return ret;

	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		image_fail(w, -errno, "%s cannot be written: %s", path,
			   strerror(errno));
		goto free_data;
	}

	ret = write_all(fd, data, size);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret) {
		image_fail(w, ret, "%s cannot be written: %s", path, strerror(-ret));
		if (!lstat(path, &st) && S_ISREG(st.st_mode))
			unlink(path);
	}

free_data:
	free(data);
	return w->err;
}
