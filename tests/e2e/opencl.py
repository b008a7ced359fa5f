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
refusals()
