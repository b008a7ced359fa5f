// SPDX-License-Identifier: MIT
/*
 * jpeg.c - JPEG through libjpeg-turbo
 *
 * The accurate inverse transform gives the same pixels on every CPU. Small
 * damage that the library repairs is let pass, as every viewer does; a picture
 * that ends early is refused.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include <turbojpeg.h>

#include "io.h"

static int bad_jpeg(const char *name, tjhandle tj)
{
	return io_fail(-EINVAL, "%s: this JPEG cannot be read: %s", name,
		       tjGetErrorStr2(tj));
}

static int read_pixels(const char *name, tjhandle tj, const void *data,
		       size_t size, struct picture *ret)
{
	/* Nothing is said of a file that holds only tables, and that is no error. */
	int width = 0, height = 0, sampling, space = TJCS_RGB, err;
	struct picture p;

	if (tjDecompressHeader3(tj, data, size, &width, &height, &sampling,
				&space))
		return bad_jpeg(name, tj);
	if (space == TJCS_CMYK || space == TJCS_YCCK)
		return io_fail(-EINVAL,
			       "%s: this JPEG has the colours of a printer (CMYK); convert it to RGB",
			       name);
	err = picture_alloc(name, &p, width, height,
			    space == TJCS_GRAY ? 1 : 3);
	if (err)
		return err;
	err = tjDecompress2(tj, data, size, p.pixels, width, 0, height,
			    p.channels == 1 ? TJPF_GRAY : TJPF_RGB,
			    TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS);
	if (err && (tjGetErrorCode(tj) != TJERR_WARNING ||
		    strstr(tjGetErrorStr2(tj), "Premature"))) {
		err = bad_jpeg(name, tj);
		picture_free(&p);
		return err;
	}
	*ret = p;
	return 0;
}

int jpeg_parse(const char *name, const void *data, size_t size,
	       struct picture *ret)
{
	tjhandle tj = tjInitDecompress();
	int err;

	if (!tj)
		return io_fail_memory(name);
	err = read_pixels(name, tj, data, size, ret);
	tjDestroy(tj);
	return err;
}
