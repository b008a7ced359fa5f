/* SPDX-License-Identifier: MIT */
/*
 * state.h - a model's parameters and buffers, in files that torch shares
 *
 *	safetensors.torch.save_file(model.state_dict(), "net.safetensors")
 *	numpy.savez("net.npz", **{k: v.numpy() for k, v in state.items()})
 *
 * Keys, layouts and types are those of torch's state_dict(), so that either file
 * loads as it is. Files are not trusted.
 *
 * Each function returns 0 or a negative errno; the sentence that explains a
 * failure goes to @error (at most @error_size bytes with the NUL; may be NULL
 * with size 0).
 */
#ifndef FXQ_STATE_H
#define FXQ_STATE_H

#include <fxq/nn.h>

/*
 * Gives the parameters and buffers of @m the values of a safetensors or npz
 * file, which is told by how it begins. Any type of number becomes the model's:
 * float16, bfloat16 and float64 become float32. With @strict, keys that the
 * file lacks and keys that the model lacks are an error that lists them; else
 * they are left as they are, and listed in @error, which is "" if there are
 * none. As in torch, num_batches_tracked may be missing. On failure, a shape
 * that differs among them, nothing of @m has changed.
 */
int fx_load_state(struct fx_module *m, const char *path, bool strict,
		  char *error, size_t error_size);

/* Writes them, as the name's ending says: ".safetensors" or ".npz". */
int fx_save_state(struct fx_module *m, const char *path,
		  char *error, size_t error_size);

#endif /* FXQ_STATE_H */
