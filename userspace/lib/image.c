// SPDX-License-Identifier: MIT
/*
 * image.c - opening an image, and asking it questions
 *
 * The file is read, not mapped: one that is cut while in use then harms
 * nobody. Checks follow from the outside inwards, each relying on those
 * before: sections, header, records, steps, streams.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "image.h"

int image_bad(const struct fxq_image *image, const char *fmt, ...)
{
	char what[FXQ_ERROR_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(what, sizeof(what), fmt, args);
	va_end(args);
	return fxq_fail(-EBADMSG,
			"%s: %s; the image is damaged, compile the model again",
			image->file, what);
}

struct fxq_image *image_get(struct fxq_image *image)
{
	atomic_fetch_add(&image->refs, 1);
	return image;
}

FXQ_PUBLIC void fxq_image_close(struct fxq_image *image)
{
	if (!image || atomic_fetch_sub(&image->refs, 1) > 1)
		return;
	free(image->decoded);
	free(image->n_stream);
	free(image->stream);
	fxq_pages_free(image->mem, image->size);
	free(image->file);
	free(image);
}

/* An image of @size bytes still to be filled in. */
static int new_image(const char *file, uint64_t size,
		     struct fxq_image **ret_image)
{
	struct fxq_image *image = calloc(1, sizeof(*image));

	if (!image)
		return fxq_fail_memory("an image");
	atomic_init(&image->refs, 1);
	image->size = size;
	image->file = strdup(file);
	if (!image->file) {
		fxq_image_close(image);
		return fxq_fail_memory("an image");
	}
	image->mem = fxq_pages_alloc(size);
	if (!image->mem) {
		fxq_image_close(image);
		if (!size)
			return fxq_fail(-EBADMSG,
					"%s: is empty; compile the model again",
					fxq_quote(file));
		return fxq_fail(-ENOMEM, "%s: no memory for %llu bytes",
				fxq_quote(file), (unsigned long long)size);
	}
	*ret_image = image;
	return 0;
}

static int check(struct fxq_image *image)
{
	static const struct fxq_caps caps = FXQ_CAPS_DEFAULT;
	int ret;

	ret = image_find_sections(image);
	if (!ret)
		ret = image_check_header(image);
	if (!ret)
		ret = image_check_records(image);
	if (!ret)
		ret = image_check_steps(image);
	if (!ret)
		ret = image_find_streams(image);
	if (!ret)
		ret = image_check_streams(image, &caps);
	return ret;
}

static int check_or_close(struct fxq_image *image,
			  struct fxq_image **ret_image)
{
	int ret = check(image);

	if (ret)
		fxq_image_close(image);
	else
		*ret_image = image;
	return ret;
}

FXQ_PUBLIC int fxq_image_open_memory(const void *data, size_t size,
				     struct fxq_image **ret_image)
{
	struct fxq_image *image = NULL;
	int ret;

	ret = new_image("image in memory", size, &image);
	if (ret)
		return ret;

	memcpy(image->mem, data, size);
	return check_or_close(image, ret_image);
}

static int read_all(int fd, uint8_t *to, uint64_t size)
{
	while (size) {
		ssize_t n = read(fd, to, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EIO;	/* cut since fstat() */
		to += n;
		size -= n;
	}
	return 0;
}

FXQ_PUBLIC int fxq_image_open(const char *path, struct fxq_image **ret_image)
{
	struct fxq_image *image = NULL;
	struct stat st;
	int fd, ret;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st)) {
		ret = fxq_fail(-errno, "%s cannot be opened: %s",
			       fxq_quote(path), strerror(errno));
		goto close_fd;
	}
	if (!S_ISREG(st.st_mode)) {
		ret = fxq_fail(-EINVAL,
			       "%s is not a regular file; name a .fxq file",
			       fxq_quote(path));
		goto close_fd;
	}

	ret = new_image(fxq_quote(path), st.st_size, &image);
	if (ret)
		goto close_fd;

	ret = read_all(fd, image->mem, st.st_size);
	if (ret) {
		fxq_image_close(image);
		fxq_fail(ret, "%s cannot be read: %s", fxq_quote(path),
			 strerror(-ret));
		goto close_fd;
	}
	ret = check_or_close(image, ret_image);

close_fd:
	if (fd >= 0)
		close(fd);
	return ret;
}

const char *image_layer(const struct fxq_image *image, uint32_t step)
{
	const char *layer = image_string(image, image->steps[step].layer);
	char number[32];

	if (*layer)
		return fxq_quote(layer);
	snprintf(number, sizeof(number), "step %u", step);
	return fxq_quote(number);
}

struct fxq_tensor image_type(const struct fxq_image *image, uint32_t tensor)
{
	const struct fxq_image_tensor *t = &image->tensors[tensor];
	struct fxq_tensor type = {
		.dtype = t->dtype,
		.rank = t->rank,
		.zero_point = t->zero_point,
	};

	for (uint32_t i = 0; i < t->rank; i++)
		type.dims[i] = t->dims[i];
	memcpy(&type.scale, &t->scale, sizeof(type.scale));
	if (t->flags & FXQ_TENSOR_CONST)
		type.data = (void *)(image->consts + t->offset);
	return type;
}
