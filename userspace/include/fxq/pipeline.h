/* SPDX-License-Identifier: MIT */
/*
 * pipeline.h - frames one behind the other, device and CPU busy at once
 *
 * A pipeline has a fixed number of frames, each with inputs and outputs in
 * memory of the device's. While the device works on one frame, threads do the
 * CPU steps of those before it and the caller fills those behind it; results
 * come in the order of submission. An input that a device step reads is filled
 * where the device reads it, an output is read where it was written: a frame is
 * not copied.
 *
 * A frame goes round like this, and is the caller's from acquire to submit and
 * from wait to release:
 *
 *	acquire -> fill frame->in -> submit -> wait -> read frame->out -> release
 *
 * One thread does both ends, if it does not wait for a frame that only it can
 * give back:
 *
 *	do {
 *		while (more && !fxq_pipeline_acquire(pipe, 0, &frame)) {
 *			more = fill(frame->in);
 *			fxq_pipeline_submit(pipe, frame);
 *		}
 *		if (!more)
 *			fxq_pipeline_finish(pipe);
 *		err = fxq_pipeline_wait(pipe, UINT64_MAX, &frame);
 *		if (!err) {
 *			use(frame);
 *			fxq_pipeline_release(pipe, frame);
 *		}
 *	} while (err != -ENODATA);
 *
 * or one thread fills and another uses. Steps of one frame run one after the
 * other: a CPU step begins when the device step before it has ended, a device
 * step is submitted when the CPU step before it has returned.
 */
#ifndef FXQ_PIPELINE_H
#define FXQ_PIPELINE_H

#include <fxq/fxq.h>

#ifdef __cplusplus
extern "C" {
#endif

struct fxq_pipeline;

/*
 * struct fxq_frame - one run of the program on memory of its own
 * @in: to fill. What a frame held when it was submitted last is still there.
 *	Of FXQ_TENSOR_DYNAMIC inputs the caller sets dims; an input may point to
 *	other memory for one submission, which then costs a copy if the device
 *	reads it
 * @out: results, valid from wait to release; dims are the true ones
 * @n_in, @n_out: how many
 * @user_data: the caller's
 * @number: its place in the order of submission, from 0
 * @done: how it ended, valid from wait on; see struct fxq_completion
 */
struct fxq_frame {
	struct fxq_tensor *in, *out;
	uint32_t n_in, n_out;
	void *user_data;
	uint64_t number;
	struct fxq_completion done;
};

/*
 * Makes a pipeline of @depth frames, which take as many of the program's slots
 * until it is closed; 0: all that are free. Workers of the program do CPU
 * steps, and so does whoever waits here. -EBUSY: fewer slots are free.
 */
int fxq_pipeline_open(struct fxq_program *prog, uint32_t depth,
		      struct fxq_pipeline **ret_pipe);
/*
 * Cancels what is under way, waits for it and frees all frames, those in the
 * caller's hands too. Before the program is unloaded.
 */
void fxq_pipeline_close(struct fxq_pipeline *pipe);
uint32_t fxq_pipeline_depth(const struct fxq_pipeline *pipe);

/*
 * The next frame to fill, waiting up to @timeout_ns (0: not at all, UINT64_MAX:
 * without end) until one is released. -EBUSY: all are taken; -EPIPE: the
 * pipeline is finished.
 */
int fxq_pipeline_acquire(struct fxq_pipeline *pipe, uint64_t timeout_ns,
			 struct fxq_frame **ret_frame);
/*
 * Starts an acquired frame. CPU steps before the first device step run in this
 * call. When it fails the frame stays the caller's: -EINVAL for inputs that do
 * not fit, or a frame that was not acquired; -EPIPE.
 */
int fxq_pipeline_submit(struct fxq_pipeline *pipe, struct fxq_frame *frame);
/*
 * The next frame in order of submission, when it has ended: well or not is in
 * frame->done.result. Does CPU steps meanwhile. -ETIME: it has not ended in
 * time, or none was submitted; -ENODATA: the pipeline is finished, and all
 * frames have been given.
 */
int fxq_pipeline_wait(struct fxq_pipeline *pipe, uint64_t timeout_ns,
		      struct fxq_frame **ret_frame);
/* Gives back a frame that was waited for, or acquired and not submitted. */
int fxq_pipeline_release(struct fxq_pipeline *pipe, struct fxq_frame *frame);

/* No frame is acquired or submitted from now on; who waits learns of the end. */
void fxq_pipeline_finish(struct fxq_pipeline *pipe);
/*
 * Frames under way end before their next step, with -ECANCELED, unless that was
 * the last; they are waited for like others. Frames submitted later are not
 * touched.
 */
void fxq_pipeline_cancel(struct fxq_pipeline *pipe);

#ifdef __cplusplus
}
#endif

#endif /* FXQ_PIPELINE_H */
