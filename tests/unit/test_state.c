// SPDX-License-Identifier: MIT
/*
 * test_state.c - state dictionaries in files, torch's and unsound ones
 *
 * tests/golden/nn has what torch wrote of one model, in both kinds of file.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <fxq/observer.h>
#include <fxq/state.h>

#include "files/files.h"

#define NPZ		GOLDEN_NN "/state.npz"
#define SAFETENSORS	GOLDEN_NN "/state.safetensors"

static char error[1024];
static char path[64];		/* of a file that a test writes */

static struct fx_module *net(void)
{
	return Sequential(Conv2d(2, 3, 3), BatchNorm2d(3), Flatten(),
			  Linear(12, 2));
}

static const char *temporary(const char *ending)
{
	snprintf(path, sizeof(path), "/tmp/fxq-state-%d%s", (int)getpid(),
		 ending);
	return path;
}

static void write_file(const void *data, size_t size)
{
	assert_int_equal(file_write(path, data, size), 0);
}

/* A safetensors file of this header and so many bytes, counting up from 0. */
static void write_tensors(const char *header, size_t size)
{
	size_t n = strlen(header);
	uint8_t b[8 + 2048] = { n, n >> 8 };

	assert_true(n + size <= 2048);
	memcpy(b + 8, header, n);
	for (size_t i = 0; i < size; i++)
		b[8 + n + i] = i;
	temporary(".safetensors");
	write_file(b, 8 + n + size);
}

static void loads(struct fx_module *m, const char *file)
{
	assert_int_equal(fx_load_state(m, file, true, error, sizeof(error)), 0);
	assert_string_equal(error, "");
}

static void refuses(struct fx_module *m, const char *file, const char *why)
{
	assert_int_equal(fx_load_state(m, file, true, error, sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, file));
	assert_string_equal(strstr(error, file) + strlen(file), why);
}

static int same_tensor(const char *key, enum fx_member_kind kind,
		       struct fxq_tensor *t, void *ctx)
{
	const struct fxq_tensor *other = fx_module_tensor(ctx, key);

	assert_memory_equal(t->data, other->data, fxq_tensor_bytes(t));
	return 0;
}

/* What torch wrote */

static void torch_s_files_load_as_they_are(void **state)
{
	struct fx_module *a = net(), *b = net();

	loads(a, NPZ);
	assert_int_equal(*(int64_t *)fx_module_tensor(a, "1.num_batches_tracked")
			 ->data, 2);
	assert_true(*(float *)fx_module_tensor(a, "1.running_var")->data < 1);
	loads(b, SAFETENSORS);
	fx_module_each_tensor(a, same_tensor, b);
	fx_module_put(a);
	fx_module_put(b);
}

static void what_is_saved_has_torch_s_bytes(void **state)
{
	struct fx_module *m = net();
	struct bytes torch, ours;

	loads(m, NPZ);
	temporary(".safetensors");
	assert_int_equal(fx_save_state(m, path, error, sizeof(error)), 0);
	assert_int_equal(file_read(path, &ours), 0);
	assert_int_equal(file_read(SAFETENSORS, &torch), 0);
	assert_int_equal(ours.size, torch.size);
	assert_memory_equal(ours.data, torch.data, torch.size);
	bytes_free(&torch);
	bytes_free(&ours);
	unlink(path);
	fx_module_put(m);
}

static void what_is_saved_loads(void **state)
{
	struct fx_module *a = net(), *b = net();

	temporary(".npz");
	assert_int_equal(fx_save_state(a, path, error, sizeof(error)), 0);
	loads(b, path);
	fx_module_each_tensor(a, same_tensor, b);
	unlink(path);
	assert_int_equal(fx_save_state(a, "/tmp/net.pt", error, sizeof(error)),
			 -EINVAL);
	assert_string_equal(error, "/tmp/net.pt: a file of parameters ends with .safetensors or .npz");
	fx_module_put(a);
	fx_module_put(b);
}

static void other_floats_become_the_model_s(void **state)
{
	static const struct {
		const char *type;
		int width;
		uint8_t one[8];		/* 1.5 */
	} types[] = {
		{ "F16", 2, { 0, 0x3e } },
		{ "BF16", 2, { 0xc0, 0x3f } },
		{ "F64", 8, { 0, 0, 0, 0, 0, 0, 0xf8, 0x3f } },
	};
	struct fx_module *m = Linear(1, 1, .bias = false);
	char header[128];
	uint8_t b[256] = { 0 };

	temporary(".safetensors");
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		b[0] = snprintf(header, sizeof(header), "{\"weight\":{\"dtype\":\"%s\",\"shape\":[1,1],\"data_offsets\":[0,%d]}}",
				types[i].type, types[i].width);
		memcpy(b + 8, header, b[0]);
		memcpy(b + 8 + b[0], types[i].one, types[i].width);
		write_file(b, 8 + b[0] + types[i].width);
		loads(m, path);
		assert_true(*(float *)fx_module_tensor(m, "weight")->data == 1.5f);
	}
	unlink(path);
	fx_module_put(m);
}

/* What does not fit */

static void keys_that_do_not_fit_are_listed(void **state)
{
	struct fx_module *m = Sequential(Linear(1, 1), Linear(1, 1));

	write_tensors("{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]},"
		      "\"0.gamma\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[4,8]},"
		      "\"2.bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}", 12);
	refuses(m, path, ": missing keys: 0.bias, 1.weight, 1.bias; unexpected keys: 0.gamma, 2.bias; make the model as the file's was, or load without strict");
	assert_int_equal(fx_load_state(m, path, false, error, sizeof(error)), 0);
	assert_non_null(strstr(error, ": missing keys: 0.bias, 1.weight, 1.bias; unexpected keys: 0.gamma, 2.bias"));
	assert_memory_equal(fx_module_tensor(m, "0.weight")->data,
			    "\0\1\2\3", 4);
	unlink(path);
	fx_module_put(m);
}

static void a_count_of_batches_may_be_missing(void **state)
{
	struct fx_module *m = BatchNorm2d(1);

	write_tensors("{\"weight\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
		      "\"bias\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]},"
		      "\"running_mean\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]},"
		      "\"running_var\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[12,16]}}", 16);
	loads(m, path);
	unlink(path);
	fx_module_put(m);
}

static void shapes_and_types_that_differ_are_named(void **state)
{
	struct fx_module *m = Sequential(Linear(2, 1), BatchNorm2d(1));
	float before[2];

	memcpy(before, fx_module_tensor(m, "0.weight")->data, sizeof(before));
	write_tensors("{\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]},"
		      "\"0.bias\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[8,16]},"
		      "\"1.num_batches_tracked\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[16,20]}}", 20);
	refuses(m, path, ": 0.bias is (1, 2) in the file and (1) in the model, 1.num_batches_tracked is float32 in the file and int64 in the model; make the model as the file's was");
	assert_memory_equal(before, fx_module_tensor(m, "0.weight")->data,
			    sizeof(before));
	unlink(path);
	fx_module_put(m);
}

/* What is no file of tensors */

static struct fx_module *channels(void)
{
	return Sequential(FakeQuantize(PerChannelMinMaxObserver()));
}

/* Calibrated today, to be trained tomorrow. */
static void scales_of_channels_load_where_nothing_was_seen(void **state)
{
	static const char *const endings[] = { ".npz", ".safetensors" };
	struct fx_module *m = channels();
	fxv x = fx_gen(4, 1, 3, 5), y = fx_call(m, x);
	struct fx_qparams q;
	float *scale = fx_module_tensor(m, "0.scale")->data;

	assert_null(fx_error(y));
	for (int i = 0; i < 2; i++) {
		struct fx_module *fresh = channels();

		temporary(endings[i]);
		assert_int_equal(fx_save_state(m, path, error, sizeof(error)),
				 0);
		loads(fresh, path);
		assert_int_equal(fx_module_tensor(fresh, "0.scale")->dims[0],
				 3);
		assert_int_equal(fx_calculate_qparams(
			fx_module_at(fresh, "0"), &q), 0);
		assert_int_equal(q.n, 3);
		assert_memory_equal(q.scale, scale, 3 * sizeof(float));
		fx_qparams_free(&q);
		fx_module_put(fresh);
		unlink(path);
	}
	fx_release(x);
	fx_release(y);
	fx_module_put(m);
}

/* Two least values and one largest are no extremes. */
static void extremes_that_do_not_match_are_none(void **state)
{
	struct fx_module *m = PerChannelMinMaxObserver();
	struct fx_qparams q;

	write_tensors("{\"min_val\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		      "\"max_val\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}",
		      12);
	assert_int_equal(fx_load_state(m, path, false, error, sizeof(error)),
			 0);
	assert_int_equal(fx_module_tensor(m, "min_val")->dims[0], 2);
	assert_int_equal(fx_calculate_qparams(m, &q), -ENODATA);
	unlink(path);
	fx_module_put(m);
}

static void unsound_headers_are_refused(void **state)
{
#define A(type, shape, begin, end)	\
	"\"a\":{\"dtype\":\"" type "\",\"shape\":[" shape "],\"data_offsets\":[" begin "," end "]}"
#define REMEDY "; write it with safetensors.torch.save_file()"
	static const struct {
		const char *header;
		size_t bytes;
		const char *why;
	} files[] = {
		{ "{", 0, ": byte 1 of its header: string or '}' expected near end of file" },
		{ "{" A("F32", "1", "0", "4") "," A("F32", "1", "0", "4") "}",
		  4, ": byte 57 of its header: duplicate object key near '\"a\"'" },
		{ "{\"a\":7}", 0, ": tensor 'a' is not described" REMEDY },
		{ "{" A("F8_E4M3", "4", "0", "4") "}", 4, ": tensor 'a' has elements of type 'F8_E4M3'; save it as F32" },
		{ "{" A("F32", "-1", "0", "4") "}", 4, ": tensor 'a' has a shape that is no list of sizes" REMEDY },
		{ "{" A("F32", "1.0", "0", "4") "}", 4, ": tensor 'a' has a shape that is no list of sizes" REMEDY },
		{ "{" A("F32", "1,1,1,1,1,1,1,1,1", "0", "4") "}", 4, ": tensor 'a' has 9 dimensions and 8 are possible; reshape it" },
		{ "{\"a\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, ": tensor 'a' has no shape" REMEDY },
		{ "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, ": tensor 'a' has data_offsets that are no beginning and end" REMEDY },
		{ "{" A("F32", "1", "4", "0") "}", 4, ": tensor 'a' has data_offsets that are no beginning and end" REMEDY },
		{ "{" A("F32", "1", "-4", "0") "}", 4, ": tensor 'a' has data_offsets that are no beginning and end" REMEDY },
		{ "{" A("F32", "2", "0", "8") "}", 4, ": tensor 'a' ends at byte 8 of 4; the file is cut short" },
		{ "{" A("F32", "1", "0", "9223372036854775807") "}", 4, ": tensor 'a' ends at byte 9223372036854775807 of 4; the file is cut short" },
		{ "{" A("F32", "2", "0", "4") "}", 4, ": tensor 'a' has 4 bytes, which is not what its shape needs" REMEDY },
		/* A product that wraps to 4 bytes in 64 bits. */
		{ "{" A("F32", "4294967297,4294967296,4611686018427387904", "0", "4") "}", 4, ": tensor 'a' has 4 bytes, which is not what its shape needs" REMEDY },
		{ "{" A("F32", "1", "0", "4") ",\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[2,6]}}", 6, ": tensors 'a' and 'b' overlap" REMEDY },
		{ "{" A("F32", "1", "4", "8") "}", 8, ": tensor 'a' begins behind bytes that are nobody's" REMEDY },
		{ "{" A("F32", "1", "0", "4") "}", 8, ": its tensors end at byte 4 of 8" REMEDY },
	};
	struct fx_module *m = Linear(1, 1, .bias = false);

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		write_tensors(files[i].header, files[i].bytes);
		refuses(m, path, files[i].why);
	}
	unlink(path);
	fx_module_put(m);
}

static void other_files_are_refused(void **state)
{
	static const uint8_t long_header[9] = { 0, 0, 0, 0, 0, 0, 0, 0x80, '{' };
	struct fx_module *m = Linear(1, 1);

	temporary(".safetensors");
	write_file("hello", 5);
	refuses(m, path, ": this is no safetensors file, or it is cut short" REMEDY);
	write_file(long_header, sizeof(long_header));
	refuses(m, path, ": this is no safetensors file, or it is cut short" REMEDY);
	unlink(path);
	assert_int_equal(fx_load_state(m, path, true, error, sizeof(error)),
			 -ENOENT);
	assert_non_null(strstr(error, ": No such file or directory"));
	fx_module_put(m);
}

/* Each tensor has a place in the header, or there is no file. */
static void names_that_a_header_cannot_hold_are_refused(void **state)
{
	static char *const names[][2] = {
		{ "a", "a" }, { "a", "\xff" }, { "__metadata__", "a" },
	};
	float zero = 0;
	struct fxq_tensor t[2] = {
		{ .dtype = FXQ_DTYPE_F32, .data = &zero },
		{ .dtype = FXQ_DTYPE_F32, .data = &zero },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct tensors all = { (char **)names[i], t, 2, "note" };
		struct bytes b;

		assert_int_equal(safetensors_format("f", &all, &b), -EINVAL);
		assert_string_equal(io_error(), "f: a tensor's name, or the note, is no UTF-8, or two tensors have one name; rename them");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(torch_s_files_load_as_they_are),
		cmocka_unit_test(what_is_saved_has_torch_s_bytes),
		cmocka_unit_test(what_is_saved_loads),
		cmocka_unit_test(other_floats_become_the_model_s),
		cmocka_unit_test(keys_that_do_not_fit_are_listed),
		cmocka_unit_test(a_count_of_batches_may_be_missing),
		cmocka_unit_test(shapes_and_types_that_differ_are_named),
		cmocka_unit_test(scales_of_channels_load_where_nothing_was_seen),
		cmocka_unit_test(extremes_that_do_not_match_are_none),
		cmocka_unit_test(unsound_headers_are_refused),
		cmocka_unit_test(other_files_are_refused),
		cmocka_unit_test(names_that_a_header_cannot_hold_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
