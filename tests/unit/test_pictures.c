// SPDX-License-Identifier: MIT
/*
 * test_pictures.c - pictures that fxq-run reads and writes, and what a network
 * gets of them
 */
#include "io_kit.h"

static void png_comes_back(void **state)
{
	for (uint32_t channels = 1; channels <= 3; channels += 2) {
		struct picture p = gradient(7, 5, channels), back;
		struct bytes b;

		assert_int_equal(png_format("p", &p, &b), 0);
		assert_true(is_picture(b.data, b.size));
		assert_int_equal(picture_parse("p", b.data, b.size, &back), 0);
		assert_int_equal(back.width, 7);
		assert_int_equal(back.height, 5);
		assert_int_equal(back.channels, channels);
		assert_memory_equal(back.pixels, p.pixels, 35 * channels);
		picture_free(&p);
		picture_free(&back);
		bytes_free(&b);
	}
}

static void png_of_16_bits_loses_depth_and_alpha(void **state)
{
	struct bytes b = deep_png();
	struct picture p;

	assert_int_equal(picture_parse("p", b.data, b.size, &p), 0);
	assert_int_equal(p.channels, 3);
	assert_int_equal(p.pixels[0], 255);
	assert_int_equal(p.pixels[1], 128);
	assert_int_equal(p.pixels[2], 0);
	picture_free(&p);
	bytes_free(&b);
}

static void png_that_promises_too_much_is_refused(void **state)
{
	const uint8_t head[13] = { 0, 0, 0x40, 0, 0, 0, 0x20, 0, 8, 2, 0, 0, 0 };
	uint8_t file[100], *p = mempcpy(file, "\x89PNG\r\n\x1a\n", 8);
	struct picture picture;

	p = chunk(p, "IHDR", head, sizeof(head));
	p = chunk(p, "IDAT", "x", 1);
	assert_refused(picture_parse("p.png", file, p - file, &picture),
		       "p.png: this PNG promises 16384x8192 pixels and cannot hold them");
}

static void jpeg_is_read(void **state)
{
	struct picture p = gradient(16, 8, 3), back;
	struct bytes b;

	memset(p.pixels, 100, 16 * 8 * 3);
	b = jpeg_of(&p);
	assert_int_equal(picture_parse("p", b.data, b.size, &back), 0);
	assert_int_equal(back.width, 16);
	assert_int_equal(back.height, 8);
	assert_int_equal(back.channels, 3);
	/* An even grey survives the transform but for rounding. */
	for (int i = 0; i < 16 * 8 * 3; i++)
		assert_in_range(back.pixels[i], 99, 101);
	picture_free(&p);
	picture_free(&back);
	bytes_free(&b);
}

static void jpeg_of_tables_alone_is_refused(void **state)
{
	const uint8_t file[] = { 0xff, 0xd8, 0xff, 0xd9 };
	struct picture p;

	assert_refused(jpeg_parse("p.jpg", file, sizeof(file), &p),
		       "p.jpg: this picture has no pixels");
}

static void jpeg_that_ends_early_is_refused(void **state)
{
	struct picture p = gradient(64, 64, 3), back;
	struct bytes b = jpeg_of(&p);

	assert_int_equal(picture_parse("p.jpg", b.data, b.size / 2, &back),
			 -EINVAL);
	assert_non_null(strstr(io_error(), "p.jpg: this JPEG cannot be read: "));
	picture_free(&p);
	bytes_free(&b);
}

static void ppm_is_read(void **state)
{
	const char file[] = "P6 # a comment\n2 1\n255\n\1\2\3\4\5\6";
	struct picture p;

	assert_int_equal(picture_parse("p", file, sizeof(file) - 1, &p), 0);
	assert_int_equal(p.width, 2);
	assert_int_equal(p.height, 1);
	assert_memory_equal(p.pixels, "\1\2\3\4\5\6", 6);
	picture_free(&p);
	assert_refused(picture_parse("p", file, sizeof(file) - 2, &p),
		       "p: this picture is cut short");
}

static void pgm_of_16_bits_is_scaled(void **state)
{
	const char file[] = "P5\n2 1\n65535\n\xff\xff\x80\x80";
	struct picture p;

	assert_int_equal(picture_parse("p", file, sizeof(file) - 1, &p), 0);
	assert_int_equal(p.channels, 1);
	assert_int_equal(p.pixels[0], 255);
	assert_int_equal(p.pixels[1], 128);
	picture_free(&p);
}

static void picture_of_another_kind_is_named(void **state)
{
	struct picture p;

	assert_refused(picture_parse("p.gif", "GIF89a", 6, &p),
		       "p.gif: this is no PNG, JPEG, PPM (P6) or PGM (P5) picture; convert it to one");
}

static void picture_with_too_many_pixels_is_refused(void **state)
{
	const char file[] = "P5 4294967295 4294967295 255\n";
	struct picture p;

	assert_int_equal(picture_parse("p", file, sizeof(file) - 1, &p),
			 -EFBIG);
}

/* from pictures to inputs */

static void resize_to_the_same_size_changes_nothing(void **state)
{
	struct picture p = gradient(5, 4, 3), same;

	assert_int_equal(picture_resize("p", &p, 5, 4, &same), 0);
	assert_memory_equal(same.pixels, p.pixels, 60);
	picture_free(&p);
	picture_free(&same);
}

static void resize_halves_by_means_and_doubles_by_lines(void **state)
{
	struct picture p, q;

	assert_int_equal(picture_alloc("p", &p, 4, 1, 1), 0);
	memcpy(p.pixels, "\0\100\200\300", 4);
	/*
	 * Halved: centres at 1 and 3, weights fall to 0 two pixels away, so
	 * 3/4, 3/4, 1/4 of the first three: (0 * 3 + 64 * 3 + 128) / 7.
	 */
	assert_int_equal(picture_resize("p", &p, 2, 1, &q), 0);
	assert_int_equal(q.pixels[0], 46);
	assert_int_equal(q.pixels[1], 146);
	picture_free(&q);
	/* Doubled: a quarter of the way between neighbours, the edge held. */
	assert_int_equal(picture_resize("p", &p, 8, 1, &q), 0);
	assert_memory_equal(q.pixels, "\0\20\60\120\160\220\260\300", 8);
	picture_free(&p);
	picture_free(&q);
}

static struct fxq_preprocess_info to_two_pixels(enum fxq_pixel_order order)
{
	return (struct fxq_preprocess_info){
		.order = order, .width = 2, .height = 1, .channels = 3,
		.mean = { 0, 0.5, 0 }, .std = { 1, 2, 1 },
	};
}

static void preprocess_normalizes_planes(void **state)
{
	struct fxq_preprocess_info info = to_two_pixels(FXQ_PIXEL_RGB);
	uint8_t pixels[6] = { 255, 0, 51, 0, 255, 102 };
	const struct picture p = { 2, 1, 3, pixels };
	float x[6];

	assert_int_equal(preprocess("p", &info, &p, x), 0);
	assert_true(x[0] == 1.0f && x[1] == 0.0f);
	assert_true(x[2] == -0.25f && x[3] == 0.25f);
	assert_true(x[4] == 51 / 255.0f && x[5] == 102 / 255.0f);
}

static void preprocess_can_turn_colours_and_layout(void **state)
{
	struct fxq_preprocess_info info = to_two_pixels(FXQ_PIXEL_BGR);
	uint8_t pixels[6] = { 255, 0, 51, 0, 255, 102 };
	const struct picture p = { 2, 1, 3, pixels };
	float x[6];

	info.nhwc = true;
	assert_int_equal(preprocess("p", &info, &p, x), 0);
	assert_true(x[0] == 51 / 255.0f && x[1] == -0.25f && x[2] == 1.0f);
	assert_true(x[3] == 102 / 255.0f && x[4] == 0.25f && x[5] == 0.0f);
}

static void preprocess_makes_grey_of_colours(void **state)
{
	struct fxq_preprocess_info info = to_two_pixels(FXQ_PIXEL_GRAY);
	uint8_t pixels[6] = { 255, 255, 255, 255, 0, 0 };
	const struct picture p = { 2, 1, 3, pixels };
	float x[2];

	info.channels = 1;
	assert_int_equal(preprocess("p", &info, &p, x), 0);
	/* Red counts 0.299. */
	assert_true(x[0] == 1.0f && x[1] == 76 / 255.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(png_comes_back),
		cmocka_unit_test(png_of_16_bits_loses_depth_and_alpha),
		cmocka_unit_test(png_that_promises_too_much_is_refused),
		cmocka_unit_test(jpeg_is_read),
		cmocka_unit_test(jpeg_of_tables_alone_is_refused),
		cmocka_unit_test(jpeg_that_ends_early_is_refused),
		cmocka_unit_test(ppm_is_read),
		cmocka_unit_test(pgm_of_16_bits_is_scaled),
		cmocka_unit_test(picture_of_another_kind_is_named),
		cmocka_unit_test(picture_with_too_many_pixels_is_refused),
		cmocka_unit_test(resize_to_the_same_size_changes_nothing),
		cmocka_unit_test(resize_halves_by_means_and_doubles_by_lines),
		cmocka_unit_test(preprocess_normalizes_planes),
		cmocka_unit_test(preprocess_can_turn_colours_and_layout),
		cmocka_unit_test(preprocess_makes_grey_of_colours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
