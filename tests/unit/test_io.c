// SPDX-License-Identifier: MIT
/*
 * test_io.c - files that hold tensors: round trips, refusals
 *
 * Files that other programs wrote are here as bytes: an array as
 * numpy.lib.format describes it, a deflated archive made with zlib. Every
 * format, of pictures too, is also cut short at each byte and has each bit
 * flipped, where a sanitizer sees what the tests cannot.
 */
#include <math.h>
#include <unistd.h>

#include "io_kit.h"

/* An npy file of version 1 with the dictionary @dict. */
static struct bytes npy(const char *dict, const void *values, size_t size)
{
	size_t n = strlen(dict);
	struct bytes b = { malloc(10 + n + size), 10 + n + size };

	memcpy(b.data, "\x93NUMPY\x01\x00", 8);
	b.data[8] = n;
	b.data[9] = n >> 8;
	memcpy(b.data + 10, dict, n);
	memcpy(b.data + 10 + n, values, size);
	return b;
}

static const float six[6] = { 1, 2, 3, 4, 5, 6 };

static struct fxq_tensor matrix(void)
{
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_F32, 2,
					      (int64_t[]){ 2, 3 });

	t.data = (void *)six;
	return t;
}

/* npy */

static void npy_refused(const char *dict, size_t size, const char *sentence)
{
	struct bytes b = npy(dict, six, size);
	struct fxq_tensor t = { .data = NULL };

	assert_refused(npy_parse("x.npy", b.data, b.size, &t), sentence);
	assert_null(t.data);
	bytes_free(&b);
}

static void npy_every_type_comes_back(void **state)
{
	for (uint32_t dtype = 1; dtype < FXQ_DTYPE_COUNT; dtype++) {
		struct fxq_tensor t, back;
		struct bytes b;
		uint8_t *values;

		t = fxq_tensor_type(dtype, 3, (int64_t[]){ 2, 1, 5 });
		assert_int_equal(fxq_tensor_alloc(&t), 0);
		values = t.data;
		for (size_t i = 0; i < fxq_tensor_bytes(&t); i++)
			values[i] = dtype == FXQ_DTYPE_BOOL ? i % 2 : i * 37;
		assert_int_equal(npy_format("t", &t, &b), 0);
		/* NumPy wants the elements on 64 bytes. */
		assert_int_equal((b.size - fxq_tensor_bytes(&t)) % 64, 0);
		assert_int_equal(npy_parse("t", b.data, b.size, &back), 0);
		assert_int_equal(back.dtype, dtype);
		assert_int_equal(back.rank, 3);
		assert_memory_equal(back.dims, t.dims, sizeof(t.dims));
		assert_memory_equal(back.data, t.data, fxq_tensor_bytes(&t));
		fxq_tensor_free(&t);
		fxq_tensor_free(&back);
		bytes_free(&b);
	}
}

static void npy_of_one_number_has_rank_zero(void **state)
{
	struct bytes b = npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }\n", six, 4);
	struct fxq_tensor t;

	assert_int_equal(npy_parse("x.npy", b.data, b.size, &t), 0);
	assert_int_equal(t.rank, 0);
	assert_true(*(float *)t.data == 1);
	fxq_tensor_free(&t);
	bytes_free(&b);
}

static void npy_entries_may_come_in_any_order_and_spacing(void **state)
{
	struct bytes b = npy("{\"shape\":(3L,2),'descr' :'=f4' , 'fortran_order':False}", six, 24);
	struct fxq_tensor t;

	assert_int_equal(npy_parse("x.npy", b.data, b.size, &t), 0);
	assert_int_equal(t.rank, 2);
	assert_int_equal(t.dims[0], 3);
	assert_int_equal(t.dims[1], 2);
	fxq_tensor_free(&t);
	bytes_free(&b);
}

static void npy_of_half_floats_is_read_as_float(void **state)
{
	/* 1, -2, the largest, the smallest, the largest below normal, infinity */
	const uint16_t half[6] = { 0x3c00, 0xc000, 0x7bff, 1, 0x3ff, 0x7c00 };
	const float expected[6] = { 1, -2, 65504, 0x1p-24f, 0x1.ff8p-15f,
				    INFINITY };
	struct bytes b = npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 3)}", half, 12);
	struct fxq_tensor t;

	assert_int_equal(npy_parse("x.npy", b.data, b.size, &t), 0);
	assert_int_equal(t.dtype, FXQ_DTYPE_F32);
	assert_int_equal(t.dims[1], 3);
	assert_memory_equal(t.data, expected, sizeof(expected));
	fxq_tensor_free(&t);
	bytes_free(&b);
}

static void npy_in_fortran_order_is_transposed(void **state)
{
	struct bytes b = npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3)}", six, 24);
	const float expected[6] = { 1, 3, 5, 2, 4, 6 };
	struct fxq_tensor t;

	assert_int_equal(npy_parse("x.npy", b.data, b.size, &t), 0);
	assert_memory_equal(t.data, expected, sizeof(expected));
	fxq_tensor_free(&t);
	bytes_free(&b);
}

static void npy_says_how_to_save_what_is_not_read(void **state)
{
	npy_refused("{'descr': '>f4', 'fortran_order': False, 'shape': (6,)}", 24,
		    "x.npy: its elements are big-endian ('>f4'); save x.astype('<f4')");
	npy_refused("{'descr': '<c8', 'fortran_order': False, 'shape': (3,)}", 24,
		    "x.npy: elements of type '<c8' are not read; save x.astype('<f4')");
	npy_refused("{'descr': '|O', 'fortran_order': False, 'shape': (6,)}", 12,
		    "x.npy: elements of type '|O' are not read; save x.astype('<f4')");
	npy_refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,)}", 24,
		    "x.npy: its elements are not of one plain type; save one array of numbers");
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6)}", 24,
		    "x.npy: it has more than 8 dimensions; reshape it");
}

static void npy_refuses_a_damaged_dictionary(void **state)
{
	npy_refused("'descr': '<f4'", 24,
		    "x.npy: its npy header is not a dictionary; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'shape': (6,)}", 24,
		    "x.npy: its npy header lacks descr, fortran_order or shape; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (6,)}", 24,
		    "x.npy: its npy header names an entry twice; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'fortran_order': 1, 'shape': (6,)}", 24,
		    "x.npy: its npy header has a fortran_order that is neither True nor False; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (-6,)}", 24,
		    "x.npy: its npy header has a shape that is not a tuple of sizes; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (6,)} exec", 24,
		    "x.npy: its npy header goes on after the dictionary; write it with numpy.save()");
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", 24,
		    "x.npy: its npy header has a size above 2^48; write it with numpy.save()");
}

static void npy_compares_its_shape_with_what_is_there(void **state)
{
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (7,)}", 24,
		    "x.npy: its shape needs 28 bytes of elements and the file has 24; it is cut short or holds several arrays");
	npy_refused("{'descr': '<f4', 'fortran_order': False, 'shape': (5,)}", 24,
		    "x.npy: its shape needs 20 bytes of elements and the file has 24; it is cut short or holds several arrays");
	/* A product that wraps to 24 bytes in 64 bits. */
	npy_refused("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", 0,
		    "x.npy: its shape needs 18446744073709551615 bytes of elements and the file has 0; it is cut short or holds several arrays");
}

/* npz */

static struct bytes two_arrays(void)
{
	struct fxq_tensor t[2] = { matrix(), matrix() };
	struct tensors npz = { (char *[]){ "left", "right" }, t, 2 };
	struct bytes b;

	t[1].dims[0] = 1;
	t[1].data = (void *)(six + 3);
	assert_int_equal(npz_format("t", &npz, &b), 0);
	return b;
}

static void npz_comes_back(void **state)
{
	struct bytes b = two_arrays();
	const struct fxq_tensor *right;
	struct tensors npz;

	assert_int_equal(npz_parse("x.npz", b.data, b.size, &npz), 0);
	assert_int_equal(npz.n, 2);
	assert_string_equal(npz.name[0], "left");
	assert_null(tensors_find(&npz, "middle"));
	right = tensors_find(&npz, "right");
	assert_int_equal(right->dims[0], 1);
	assert_memory_equal(right->data, six + 3, 12);
	tensors_free(&npz);
	bytes_free(&b);
}

static uint8_t *put(uint8_t *p, uint32_t v, int n)
{
	for (; n; n--, v >>= 8)
		*p++ = v;
	return p;
}

/*
 * A zip file of one member "x.npy", @packed bytes of which are said to
 * unpack to @size.
 */
static struct bytes zip_of(const uint8_t *packed, size_t n, uint32_t size,
			   uint32_t crc, uint32_t method)
{
	struct bytes b = { calloc(1, 30 + 5 + n + 46 + 5 + 22), 0 };
	uint8_t *p = put(b.data, 0x04034b50, 4), *at;

	p = put(p, 20 | 0 << 16, 4);
	p = put(put(p, method, 2), 0, 4);
	p = put(put(put(p, crc, 4), n, 4), size, 4);
	p = put(put(p, 5, 2), 0, 2);
	p = mempcpy(mempcpy(p, "x.npy", 5), packed, n);
	at = p;
	p = put(put(p, 0x02014b50, 4), 20 | 20 << 16, 4);
	p = put(put(put(p, 0, 2), method, 2), 0, 4);
	p = put(put(put(p, crc, 4), n, 4), size, 4);
	p = mempcpy(put(put(p, 5, 2), 0, 16), "x.npy", 5);
	size = p - at;
	p = put(put(put(p, 0x06054b50, 4), 0, 4), 1 | 1 << 16, 4);
	p = put(put(put(p, size, 4), at - b.data, 4), 0, 2);
	b.size = p - b.data;
	return b;
}

static struct bytes deflated(const struct bytes *plain)
{
	struct bytes b = { malloc(1 << 16), 0 };
	z_stream z = { .next_in = plain->data, .avail_in = plain->size,
		       .next_out = b.data, .avail_out = 1 << 16 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, 0),
			 Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.size = z.total_out;
	deflateEnd(&z);
	return b;
}

static void npz_with_deflated_members_is_read(void **state)
{
	struct fxq_tensor t = matrix();
	struct bytes plain, packed, file;
	struct tensors npz;

	assert_int_equal(npy_format("t", &t, &plain), 0);
	packed = deflated(&plain);
	file = zip_of(packed.data, packed.size, plain.size,
		      crc32(0, plain.data, plain.size), 8);
	assert_int_equal(npz_parse("x.npz", file.data, file.size, &npz), 0);
	assert_int_equal(npz.n, 1);
	assert_string_equal(npz.name[0], "x");
	assert_memory_equal(npz.tensor[0].data, six, sizeof(six));
	tensors_free(&npz);
	bytes_free(&plain);
	bytes_free(&packed);
	bytes_free(&file);
}

static void npz_refused(const struct bytes *packed, uint32_t size,
			uint32_t crc, uint32_t method, const char *sentence)
{
	struct bytes file = zip_of(packed->data, packed->size, size, crc,
				   method);
	struct tensors npz;

	assert_refused(npz_parse("x.npz", file.data, file.size, &npz),
		       sentence);
	bytes_free(&file);
}

/* Eight bytes below the last address there could be, as zip64 can say. */
static void npz_refuses_a_member_at_no_address(void **state)
{
	struct bytes file = zip_of((const uint8_t *)"x", 1, 1, 0, 0), wide;
	size_t entry = 30 + 5 + 1, end = entry + 46 + 5;
	struct tensors npz;
	uint8_t *p;

	wide = (struct bytes){ malloc(file.size + 12), file.size + 12 };
	p = mempcpy(wide.data, file.data, end);
	p = put(put(put(p, 1, 2), 8, 2), 0xfffffff8, 4);
	p = put(p, 0xffffffff, 4);
	memcpy(p, file.data + end, file.size - end);
	put(wide.data + entry + 30, 12, 2);
	put(wide.data + entry + 42, 0xffffffff, 4);
	put(p + 12, (uint32_t)(p - wide.data - entry), 4);
	assert_refused(npz_parse("x.npz", wide.data, wide.size, &npz),
		       "x.npz: a member is not where the directory says; write it with numpy.savez()");
	bytes_free(&wide);
	bytes_free(&file);
}

static void npz_refuses_members_that_are_not_what_they_say(void **state)
{
	struct fxq_tensor t = matrix();
	struct bytes plain, packed;
	uint32_t crc;

	assert_int_equal(npy_format("t", &t, &plain), 0);
	crc = crc32(0, plain.data, plain.size);
	packed = deflated(&plain);
	npz_refused(&packed, plain.size, crc + 1, 8,
		    "x.npz: a member's bytes do not match its checksum; write it with numpy.savez()");
	npz_refused(&packed, plain.size - 1, crc, 8,
		    "x.npz: a member does not unpack; write it with numpy.savez()");
	npz_refused(&packed, plain.size + 1, crc, 8,
		    "x.npz: a member does not unpack; write it with numpy.savez()");
	npz_refused(&packed, 0xfffffff0, crc, 8,
		    "x.npz: a member's size is not what it holds; write it with numpy.savez()");
	npz_refused(&packed, plain.size, crc, 14,
		    "x.npz: a member is packed in an unknown way; write it with numpy.savez()");
	npz_refused(&plain, plain.size + 1, crc, 0,
		    "x.npz: a member's size is not what it holds; write it with numpy.savez()");
	bytes_free(&plain);
	bytes_free(&packed);
}

/* idx */

static const uint8_t idx[] = {
	0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 10, 20, 30, 40, 50, 60,
};

static void idx_is_read(void **state)
{
	struct fxq_tensor t;

	assert_int_equal(idx_parse("x", idx, sizeof(idx), &t), 0);
	assert_int_equal(t.dtype, FXQ_DTYPE_U8);
	assert_int_equal(t.rank, 3);
	assert_int_equal(t.dims[0], 2);
	assert_int_equal(t.dims[2], 3);
	assert_memory_equal(t.data, idx + 16, 6);
	fxq_tensor_free(&t);
}

static void idx_numbers_are_turned_round(void **state)
{
	const uint8_t file[] = { 0, 0, 0x0c, 1, 0, 0, 0, 1, 1, 2, 3, 4 };
	struct fxq_tensor t;

	assert_int_equal(idx_parse("x", file, sizeof(file), &t), 0);
	assert_int_equal(*(int32_t *)t.data, 0x01020304);
	fxq_tensor_free(&t);
}

static struct bytes gzipped(const void *data, size_t size)
{
	struct bytes b = { malloc(1 << 20), 0 };
	z_stream z = { .next_in = (void *)data, .avail_in = size,
		       .next_out = b.data, .avail_out = 1 << 20 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, 0),
			 Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	b.size = z.total_out;
	deflateEnd(&z);
	return b;
}

static void idx_may_be_gzipped(void **state)
{
	struct bytes b = gzipped(idx, sizeof(idx));
	struct fxq_tensor t;

	assert_int_equal(idx_parse("x", b.data, b.size, &t), 0);
	assert_memory_equal(t.data, idx + 16, 6);
	fxq_tensor_free(&t);
	bytes_free(&b);
}

static void idx_size_must_be_what_its_header_says(void **state)
{
	struct fxq_tensor t;
	uint8_t bad[sizeof(idx)];
	struct bytes b;

	assert_refused(idx_parse("x", idx, sizeof(idx) - 1, &t),
		       "x: its size is not what its header says; an idx file is expected here");
	b = gzipped(idx, sizeof(idx) - 1);
	assert_refused(idx_parse("x", b.data, b.size, &t),
		       "x: its size is not what its header says; an idx file is expected here");
	bytes_free(&b);
	memcpy(bad, idx, sizeof(idx));
	bad[4] = bad[8] = 0x7f;
	b = gzipped(bad, sizeof(bad));
	assert_refused(idx_parse("x", b.data, b.size, &t),
		       "x: its header promises more than it holds; an idx file is expected here");
	bytes_free(&b);
}

/* tensors from files */

static void convert_takes_numbers_to_float(void **state)
{
	int64_t from[2] = { -3, 1 << 20 };
	struct fxq_tensor t = fxq_tensor_type(FXQ_DTYPE_I64, 1,
					      (int64_t[]){ 2 }), f;

	t.data = from;
	assert_int_equal(tensor_convert("x", &t, FXQ_DTYPE_F32, &f), 0);
	assert_true(((float *)f.data)[0] == -3 &&
		    ((float *)f.data)[1] == 1 << 20);
	fxq_tensor_free(&f);
	assert_refused(tensor_convert("x", &t, FXQ_DTYPE_I32, &f),
		       "x: its elements are int64 and must be int32; save x.astype('int32')");
}

static void raw_file_must_have_the_size_of_its_input(void **state)
{
	char path[] = "/tmp/test_io.XXXXXX";
	struct fxq_tensor like = matrix(), t;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(file_write(path, six, sizeof(six)), 0);
	assert_int_equal(load_tensor(path, NULL, &like, &t), 0);
	assert_memory_equal(t.data, six, sizeof(six));
	fxq_tensor_free(&t);
	like.dims[0] = 3;
	assert_int_equal(load_tensor(path, NULL, &like, &t), -EINVAL);
	assert_non_null(strstr(io_error(), "raw elements of float32 3x3 are 36 bytes and the file has 24"));
	assert_int_equal(load_tensor(path, NULL, NULL, &t), -EINVAL);
	unlink(path);
	assert_int_equal(load_tensor(path, NULL, NULL, &t), -ENOENT);
}

static void sentences_do_not_steer_terminals(void **state)
{
	io_fail(-EINVAL, "%s", "a\x1b[2Jb\n");
	assert_string_equal(io_error(), "a?[2Jb?");
}

static void file_that_cannot_be_written_leaves_nothing(void **state)
{
	assert_int_equal(file_write("/nonexistent/x", six, 4), -ENOENT);
	assert_int_equal(file_write("/dev/full", six, 4), -ENOSPC);
	assert_int_equal(access("/dev/full", F_OK), 0);
}

/* damage */

static void read_any(const uint8_t *data, size_t size)
{
	/* A copy of just this size, so that a read past it is seen. */
	uint8_t *copy = malloc(size ? size : 1);
	struct fxq_tensor t;
	struct picture p;
	struct tensors npz;

	memcpy(copy, data, size);
	if (!npy_parse("x", copy, size, &t))
		fxq_tensor_free(&t);
	if (!idx_parse("x", copy, size, &t))
		fxq_tensor_free(&t);
	if (!npz_parse("x", copy, size, &npz))
		tensors_free(&npz);
	if (!picture_parse("x", copy, size, &p))
		picture_free(&p);
	free(copy);
}

static void damage(struct bytes b)
{
	for (size_t i = 0; i < b.size; i++) {
		read_any(b.data, i);
		for (int bit = 0; bit < 8; bit++) {
			b.data[i] ^= 1 << bit;
			read_any(b.data, b.size);
			b.data[i] ^= 1 << bit;
		}
	}
	bytes_free(&b);
}

static void damaged_files_are_survived(void **state)
{
	struct fxq_tensor t = matrix();
	struct picture p = gradient(9, 6, 3);
	struct bytes b;

	assert_int_equal(npy_format("t", &t, &b), 0);
	damage(b);
	damage(two_arrays());
	damage(gzipped(idx, sizeof(idx)));
	damage(deep_png());
	assert_int_equal(png_format("p", &p, &b), 0);
	damage(b);
	damage(jpeg_of(&p));
	picture_free(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(npy_every_type_comes_back),
		cmocka_unit_test(npy_of_one_number_has_rank_zero),
		cmocka_unit_test(npy_entries_may_come_in_any_order_and_spacing),
		cmocka_unit_test(npy_of_half_floats_is_read_as_float),
		cmocka_unit_test(npy_in_fortran_order_is_transposed),
		cmocka_unit_test(npy_says_how_to_save_what_is_not_read),
		cmocka_unit_test(npy_refuses_a_damaged_dictionary),
		cmocka_unit_test(npy_compares_its_shape_with_what_is_there),
		cmocka_unit_test(npz_comes_back),
		cmocka_unit_test(npz_with_deflated_members_is_read),
		cmocka_unit_test(npz_refuses_a_member_at_no_address),
		cmocka_unit_test(npz_refuses_members_that_are_not_what_they_say),
		cmocka_unit_test(idx_is_read),
		cmocka_unit_test(idx_numbers_are_turned_round),
		cmocka_unit_test(idx_may_be_gzipped),
		cmocka_unit_test(idx_size_must_be_what_its_header_says),
		cmocka_unit_test(convert_takes_numbers_to_float),
		cmocka_unit_test(raw_file_must_have_the_size_of_its_input),
		cmocka_unit_test(sentences_do_not_steer_terminals),
		cmocka_unit_test(file_that_cannot_be_written_leaves_nothing),
		cmocka_unit_test(damaged_files_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
