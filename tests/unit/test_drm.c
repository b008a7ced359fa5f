// SPDX-License-Identifier: MIT
/*
 * test_drm.c - what libfxq makes of a driver's answers
 */
#include <sys/wait.h>

#include <fxq/pipeline.h>

#include "fake_drm.h"

static struct fxq_device *dev;
static struct fxq_program *prog;
static struct fxq_io *io;

static int begin(void **state)
{
	fake_reset();
	dev = NULL;
	prog = NULL;
	io = NULL;
	return 0;
}

/* Nothing is left of a program and a device that are gone. */
static int end(void **state)
{
	fxq_io_destroy(io);
	fxq_program_unload(prog);
	fxq_device_close(dev);
	fake.live[FAKE_JOB] = 0;
	for (int kind = 0; kind < FAKE_KINDS; kind++)
		if (fake.live[kind])
			fail_msg("%d objects of kind %d are left",
				 fake.live[kind], kind);
	return 0;
}

static int load_image(struct fxq_writer *w, uint32_t slots)
{
	const struct fxq_program_config config = { .slots = slots };
	struct fxq_image *image = kit_open(w);
	int ret;

	if (!dev)
		assert_int_equal(fxq_device_open("accel0", NULL, &dev), 0);
	ret = fxq_program_load(dev, image, &config, &prog);
	fxq_image_close(image);
	if (!ret)
		assert_int_equal(fxq_io_create(prog, &io), 0);
	return ret;
}

static int load(uint32_t slots)
{
	return load_image(kit_negate(), slots);
}

static void said(const char *text)
{
	if (!strstr(fxq_error(), text))
		fail_msg("'%s' does not say: %s", fxq_error(), text);
}

static int run(float first)
{
	float *x = io->in[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		x[i] = first + (float)(i % 64) / 2;
	return fxq_run(prog, io->in, io->out);
}

static void assert_negated(void)
{
	const float *x = io->in[0].data, *y = io->out[0].data;

	for (int i = 0; i < ELEMENTS; i++)
		assert_true(y[i] == -x[i]);
}

static void a_node_is_a_device(void **state)
{
	struct fxq_device_caps caps;
	struct fxq_device_info info;

	assert_string_equal(fxq_device_name(0), "accel0");
	assert_string_equal(fxq_device_name(1), "embedded");
	assert_null(fxq_device_name(2));
	assert_int_equal(fxq_device_open(NULL, NULL, &dev), 0);
	fxq_device_info(dev, &info);
	assert_string_equal(info.name, "accel0");
	assert_string_equal(info.address, "0000:00:04.0");
	assert_string_equal(info.driver, "fxq");
	assert_string_equal(info.driver_version, "1.0.0");
	fxq_device_caps(dev, &caps);
	assert_int_equal(caps.max_inflight, 256);
	assert_int_equal(load(2), 0);
	assert_int_equal(fake.next[FAKE_STREAM], 1);
	assert_int_equal(fake.next[FAKE_JOB], 2);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(run(i), 0);
		assert_negated();
	}
	assert_int_equal(fake.next[FAKE_CTX], 1);
}

static void buffers_are_objects(void **state)
{
	struct fxq_bo *bo;

	assert_int_equal(fxq_device_open("accel0", NULL, &dev), 0);
	assert_int_equal(fxq_bo_create(dev, 100, 0, &bo), 0);
	assert_int_equal(fake.live[FAKE_BO], 1);
	memset(fxq_bo_map(bo), 1, fxq_bo_size(bo));
	fxq_bo_destroy(bo);
	fake_fail(DRM_IOCTL_FXQ_BO_CREATE, ENOMEM);
	assert_int_equal(fxq_bo_create(dev, 100, 0, &bo), -ENOMEM);
	fake_fail(DRM_IOCTL_FXQ_BO_MMAP_OFFSET, EINVAL);
	assert_int_equal(fxq_bo_create(dev, 100, 0, &bo), -EINVAL);
	said("buffer of 100 bytes");
}

static void no_times(void *priv, const struct fxq_desc *stream,
		     uint64_t began, const uint64_t *ns, uint32_t n)
{
}

static void a_node_that_does_not_open_says_why(void **state)
{
	static const struct fxq_device_config debug = { .debug = true };
	static const struct fxq_device_config profile = { .profile = no_times };
	struct fxq_device_info info;

	fake.open_error = EACCES;
	assert_int_equal(fxq_device_open("accel0", NULL, &dev), -EACCES);
	said("group render (udev rule 60-fxq.rules)");
	said("usermod -aG render");
	assert_int_equal(fxq_device_open(NULL, NULL, &dev), 0);
	fxq_device_info(dev, &info);
	assert_string_equal(info.name, "embedded");
	fxq_device_close(dev);
	dev = NULL;

	fake.open_error = ENOENT;
	assert_int_equal(fxq_device_open("accel0", NULL, &dev), -ENODEV);
	said("has no node /dev/accel/accel0; is udev running");
	fake.open_error = EMFILE;
	assert_int_equal(fxq_device_open("accel0", NULL, &dev), -EMFILE);
	fake.open_error = 0;

	fake.driver = "intel_vpu";
	assert_int_equal(fxq_device_open("accel0", NULL, &dev), -ENODEV);
	said("accel0 (0000:00:04.0) is a device of the driver intel_vpu, not of fxq");
	fake.driver = "fxq";
	assert_int_equal(fxq_device_open("accel1", NULL, &dev), -ENODEV);
	said("no device called accel1; there are accel0, embedded");
	assert_int_equal(fxq_device_open("accel0", &debug, &dev), -ENOTSUP);
	said("accel0 has no debug mode");
	assert_int_equal(fxq_device_open(NULL, &debug, &dev), 0);
	fxq_device_info(dev, &info);
	assert_string_equal(info.name, "embedded");
	fxq_device_close(dev);
	dev = NULL;
	assert_int_equal(fxq_device_open("accel0", &profile, &dev), -ENOTSUP);
	said("accel0 does not time the descriptors of a run");
	assert_int_equal(fxq_device_open(NULL, &profile, &dev), 0);
	fxq_device_info(dev, &info);
	assert_string_equal(info.name, "embedded");
}

static void another_contract_is_refused(void **state)
{
	fake.contract[0] ^= 0xff;
	assert_int_equal(fxq_device_open("0000:00:04.0", NULL, &dev), -EPROTO);
	said("accel0 and its driver (1.0.0) follow contract ");
	said("install driver and library of one version");
	fake.contract[0] ^= 0xff;
	fake_fail(DRM_IOCTL_FXQ_DEV_QUERY, ENODEV);
	assert_int_equal(fxq_device_open("accel0", NULL, &dev), -ENODEV);
	said("does not tell what it can do");
}

/* A load that fails leaves nothing behind; end() looks. */
static void what_a_load_lacks_is_told(void **state)
{
	static const struct {
		unsigned long request;
		int error;
		unsigned int after;
		const char *text;
	} cases[] = {
		{ DRM_IOCTL_FXQ_BO_CREATE, ENOMEM, 0, "fewer slots" },
		{ DRM_IOCTL_FXQ_BO_CREATE, ENOMEM, 4, "weights of a program" },
		{ DRM_IOCTL_FXQ_STREAM_CREATE, ENOSPC, 0,
		  "accel0 has no room for the streams of another program" },
		{ DRM_IOCTL_FXQ_STREAM_CREATE, EINVAL, 0,
		  "layer negate: accel0 refuses descriptor 3 of step 1: " },
		{ DRM_IOCTL_FXQ_CTX_CREATE, ENOSPC, 0,
		  "no room for the jobs of another program" },
		{ DRM_IOCTL_FXQ_JOB_CREATE, ENOSPC, 2,
		  "no room for the jobs of another program" },
		{ DRM_IOCTL_FXQ_JOB_CREATE, EINVAL, 0,
		  "accel0 does not take the jobs of a program: " },
		{ DRM_IOCTL_FXQ_BO_CREATE, ENODEV, 0, "accel0 is gone" },
		{ DRM_IOCTL_FXQ_BO_CREATE, ENODEV, 4, "accel0 is gone" },
		{ DRM_IOCTL_FXQ_STREAM_CREATE, ENODEV, 0, "accel0 is gone" },
		{ DRM_IOCTL_FXQ_CTX_CREATE, EIO, 0,
		  "accel0 failed, and a reset did not bring it back" },
		{ DRM_IOCTL_FXQ_JOB_CREATE, ENODEV, 0, "accel0 is gone" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake_fail(cases[i].request, cases[i].error);
		fake.calls = 0;
		fake.fail_after = cases[i].after;
		fake.cause = FXQ_CAUSE_OPCODE;
		assert_int_equal(load(4), -cases[i].error);
		said(cases[i].text);
		fake.fail = 0;
	}
}

static void a_fault_is_one_runs_own(void **state)
{
	assert_int_equal(load(4), 0);
	assert_int_equal(run(0), 0);
	fake.status[1] = -EIO;
	fake.cause = FXQ_CAUSE_BUS;
	assert_int_equal(run(1), -EIO);
	said("layer negate: descriptor 2 (lut) of step 1 failed: ");
	assert_int_equal(run(2), 0);
	assert_negated();
	fake.cause = 0;
	fake.status[3] = -ETIME;
	assert_int_equal(run(3), -ETIME);
	said("layer negate: step 1 hung, or took longer than the driver lets a run take; accel0 was reset");
	fake.status[4] = -ECANCELED;
	assert_int_equal(run(4), 0);
	assert_negated();
	/* One for each ban, and nothing is checked a second time. */
	assert_int_equal(fake.next[FAKE_CTX], 3);
	assert_int_equal(fake.live[FAKE_CTX], 1);
	assert_int_equal(fake.next[FAKE_STREAM], 1);
}

/* Four in flight, the second of which fails. */
static void those_behind_a_fault_run_again(void **state)
{
	struct fxq_completion done[4];
	struct fxq_io *ios[4];
	int n = 0, failed = 0;

	assert_int_equal(load(4), 0);
	fake.status[1] = -EIO;
	fake.cause = FXQ_CAUSE_BUS;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(fxq_io_create(prog, &ios[i]), 0);
		for (int k = 0; k < ELEMENTS; k++)
			((float *)ios[i]->in[0].data)[k] = i;
		assert_int_equal(fxq_submit(prog, ios[i]->in, ios[i]->out,
					    ios[i]), 0);
	}
	while (n < 4)
		n += fxq_poll(prog, done + n, 4 - n, UINT64_MAX);
	for (int i = 0; i < 4; i++) {
		struct fxq_io *of = done[i].user_data;

		failed += !!done[i].result;
		if (!done[i].result)
			assert_true(((float *)of->out[0].data)[9] ==
				    -((float *)of->in[0].data)[9]);
	}
	assert_int_equal(failed, 1);
	assert_int_equal(fake.next[FAKE_CTX], 2);
	for (int i = 0; i < 4; i++)
		fxq_io_destroy(ios[i]);
}

static void a_device_that_is_gone_says_so(void **state)
{
	assert_int_equal(load(1), 0);
	fake_fail(DRM_IOCTL_FXQ_SUBMIT, ENODEV);
	assert_int_equal(run(0), -ENODEV);
	said("layer negate: accel0 is gone, unplugged or without its driver");
	fake_fail(DRM_IOCTL_FXQ_SUBMIT, EIO);
	assert_int_equal(run(0), -EIO);
	said("accel0 failed, and a reset did not bring it back");
	fake_fail(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, ENODEV);
	assert_int_equal(run(0), -ENODEV);
	fake_fail(DRM_IOCTL_FXQ_JOB_QUERY, ENODEV);
	assert_int_equal(run(0), -ENODEV);
	said("is gone");
	fake_fail(DRM_IOCTL_FXQ_CTX_CREATE, ENOSPC);
	fake.banned[1] = true;
	assert_int_equal(run(0), -ENOSPC);
	fake.fail = 0;
	assert_int_equal(run(0), 0);
	assert_negated();
}

static void a_full_queue_is_waited_for(void **state)
{
	struct fxq_completion done;
	struct fxq_io *other;

	assert_int_equal(load(2), 0);
	assert_int_equal(fxq_io_create(prog, &other), 0);
	assert_int_equal(fxq_submit(prog, other->in, other->out, other), 0);
	fake_fail(DRM_IOCTL_FXQ_SUBMIT, EBUSY);
	fake.fail_times = 1;
	assert_int_equal(run(5), 0);
	assert_negated();
	assert_int_equal(fxq_poll(prog, &done, 1, UINT64_MAX), 1);
	assert_int_equal(done.result, 0);
	fxq_io_destroy(other);
	/* With nothing in flight nobody would ever make room. */
	fake_fail(DRM_IOCTL_FXQ_SUBMIT, EBUSY);
	assert_int_equal(run(5), -EBUSY);
	said("accel0 takes no streams: ");
}

/* What is filled in is in the buffer object at once, and results are read there. */
static void frames_are_the_devices_own_memory(void **state)
{
	struct fxq_pipeline *pipe;
	struct fxq_frame *frame;
	int8_t x[ELEMENTS];
	uint32_t job;

	assert_int_equal(load_image(kit_negate_bytes(), 2), 0);
	assert_int_equal(fxq_pipeline_open(prog, 1, &pipe), 0);
	job = fake.next[FAKE_JOB] - 1;
	for (int n = 1; n < 20; n++) {
		assert_int_equal(fxq_pipeline_acquire(pipe, 0, &frame), 0);
		memset(frame->in[0].data, n, ELEMENTS);
		assert_int_equal(pread(fake.memory, x, sizeof(x),
				       fake.job[job].in), sizeof(x));
		assert_memory_equal(x, frame->in[0].data, sizeof(x));
		assert_int_equal(fxq_pipeline_submit(pipe, frame), 0);
		assert_int_equal(fxq_pipeline_wait(pipe, UINT64_MAX, &frame),
				 0);
		memset(x, n + 100, sizeof(x));
		assert_int_equal(pwrite(fake.memory, x, sizeof(x),
					fake.job[job].out), sizeof(x));
		assert_memory_equal(x, frame->out[0].data, sizeof(x));
		assert_int_equal(fxq_pipeline_release(pipe, frame), 0);
	}
	fxq_pipeline_close(pipe);
}

#define DRM_TEST(name)	cmocka_unit_test_setup_teardown(name, begin, end)

/* A child has the node's file as well, and leaves the parent's objects alone. */
static void a_child_takes_nothing_away(void **state)
{
	int live[FAKE_KINDS], status;
	pid_t child;

	assert_int_equal(load(2), 0);
	memcpy(live, fake.live, sizeof(live));
	assert_true(live[FAKE_CTX] && live[FAKE_BO] && live[FAKE_LINE]);
	child = fork();
	if (!child) {
		fxq_program_unload(prog);
		fxq_device_close(dev);
		_exit(!!memcmp(live, fake.live, sizeof(live)));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(run(1), 0);
	assert_negated();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		DRM_TEST(a_node_is_a_device),
		DRM_TEST(buffers_are_objects),
		DRM_TEST(a_node_that_does_not_open_says_why),
		DRM_TEST(another_contract_is_refused),
		DRM_TEST(what_a_load_lacks_is_told),
		DRM_TEST(a_fault_is_one_runs_own),
		DRM_TEST(those_behind_a_fault_run_again),
		DRM_TEST(a_device_that_is_gone_says_so),
		DRM_TEST(a_full_queue_is_waited_for),
		DRM_TEST(frames_are_the_devices_own_memory),
		DRM_TEST(a_child_takes_nothing_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
