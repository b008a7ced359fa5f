# SPDX-License-Identifier: MIT
#
# opencl.py NET.fxq X.npy Y.npy [PLATFORM]   the network as an OpenCL program:
# on every device of one context it makes Y of X, one by one and all at once.
# PLATFORM is another that must be listed too.
import sys

import numpy as np
import pyopencl as cl

net, x, y = open(sys.argv[1], "rb").read(), np.load(sys.argv[2]), np.load(sys.argv[3])
platforms = {platform.name: platform for platform in cl.get_platforms()}
assert set(platforms) >= {"fxq", *sys.argv[4:]}, platforms
devices = platforms["fxq"].get_devices()
context = cl.Context(devices)
flags = cl.mem_flags


def network():
    program = cl.Program(context, devices, [net] * len(devices)).build()
    assert program.get_info(cl.program_info.BINARIES) == [net] * len(devices)
    assert program.get_info(cl.program_info.KERNEL_NAMES) == "fmnist_res"
    kernel = program.fmnist_res
    name = cl.kernel_arg_info.TYPE_NAME
    assert kernel.get_arg_info(0, name) == "fxq.float32[1,1,28,28]"
    assert kernel.get_arg_info(1, name) == "fxq.float32[1,10]"
    return kernel


def check(device, kernel):
    queue = cl.CommandQueue(context, device,
                            cl.command_queue_properties.PROFILING_ENABLE)
    source = cl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=x)
    target = cl.Buffer(context, flags.WRITE_ONLY, y.nbytes)
    result = np.empty_like(y)
    done = kernel(queue, (len(x),), None, source, target)
    cl.enqueue_copy(queue, result, target)
    assert (result == y).all(), device.name
    # One after another, each with its place in the buffers as offset.
    cl.enqueue_fill_buffer(queue, target, np.zeros(1, "f"), 0, y.nbytes)
    for i in range(len(x)):
        kernel(queue, (1,), None, source, target, global_offset=(i,))
    cl.enqueue_copy(queue, result, target)
    assert (result == y).all(), device.name
    print(device.name, "makes the bytes of fxq-run,", len(x), "runs in",
          (done.profile.end - done.profile.start) // 1000, "us")


def windows(x, rows, columns, height, width, step_y, step_x):
    """For each result, what its window sees: (channel, row, column, y, x)"""
    view = np.lib.stride_tricks.sliding_window_view(x, (height, width), (1, 2))
    return view[:, ::step_y, ::step_x][:, :rows, :columns].astype("i8")


def convolution(device, height=3, width=2, step_y=1, step_x=2, depth=5, channels=9):
    random, rows, columns = np.random.default_rng(3), 6, 7
    x = random.integers(-128, 128, (depth, (rows - 1) * step_y + height,
                                    (columns - 1) * step_x + width)).astype("i1")
    w = random.integers(-127, 128, (channels, depth, height, width)).astype("i1")
    bias = random.integers(-3000, 3000, channels).astype("i4")
    scale = random.integers(2**30, 2**31 - 1, channels).astype("i4")
    shift = random.integers(-9, -7, channels).astype("i4")
    zero = np.array([3, -100], "i1")

    seen = windows(x, rows, columns, height, width, step_y, step_x) - 3
    sums = np.einsum("drcyx,kdyx->krc", seen, w.astype("i8")) + bias[:, None, None]
    factor = np.ldexp(scale.astype("f8"), shift - 31).astype("f4")
    wanted = np.rint(sums.astype("f4") * factor[:, None, None]) - 100
    wanted = np.clip(wanted, -100, 127).astype("i1")

    # PyOpenCL makes Python of the name, which has no dots in names.
    program = cl.create_program_with_built_in_kernels(
        context, [device], "pocl_dnn_conv2d_relu_i8")
    queue = cl.CommandQueue(context, device)
    result = np.empty_like(wanted)
    target = cl.Buffer(context, flags.WRITE_ONLY, result.nbytes)
    source, weights, *others = (
        cl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=a)
        for a in (x, w, bias, scale, shift, zero))
    cl.Kernel(program, "pocl_dnn_conv2d_relu_i8")(
        queue, (columns, rows, channels), None, source, weights, target, *others,
        *map(np.uint32, (width, height, step_x, step_y, depth)))
    cl.enqueue_copy(queue, result, target)
    assert (result == wanted).all() and len(np.unique(result)) > 50
    print(device.name, "convolves", result.size, "results right")


def refusals():
    try:
        cl.Program(context, "__kernel void f() {}").build()
    except cl.RuntimeError as error:
        assert error.code == cl.status_code.COMPILER_NOT_AVAILABLE, error
    else:
        raise AssertionError("source is compiled")
    try:
        cl.Program(context, devices, [net[:-100]] * len(devices))
    except cl.Error as error:
        assert error.code == cl.status_code.INVALID_BINARY, error
    else:
        raise AssertionError("half a network is taken")


for device in devices:
    check(device, network())
    convolution(device)
refusals()
