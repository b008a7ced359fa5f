#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""ioctl.py net.fxq /dev/accel/accel0 < inputs > outputs

What userspace/examples/ioctl.c does, without libdrm, libelf or a header: the
numbers of drm/fxq_accel.h and fxq/fxq_image.h are all that it takes. A change
to the ioctls that breaks programs breaks this one.
"""
import ctypes
import fcntl
import mmap
import os
import struct
import sys

# struct fxq_image_step, fxq_image_binding, fxq_image_tensor
STEP = struct.Struct("<14I2Q")
BINDING = struct.Struct("<4IQ")
TENSOR = struct.Struct("<4I8qIiQQ")
DEVICE_STEP = 1
WEIGHTS, SCRATCH, INPUT, OUTPUT = 1, 2, 3, 4
DESC_BYTES = 128

# Ioctls: number, direction, and the structure without what C calls names.
READ, WRITE = 2, 1
GEM_CLOSE = (0x09, WRITE, "<2I")
SYNCOBJ_CREATE = (0xBF, READ | WRITE, "<2I")
SYNCOBJ_TIMELINE_WAIT = (0xCA, READ | WRITE, "<2Qq4I")
COMMAND_BASE = 0x40
DEV_QUERY = (COMMAND_BASE + 0x00, READ | WRITE, "<2IQ")
BO_CREATE = (COMMAND_BASE + 0x01, READ | WRITE, "<Q2I")
BO_MMAP_OFFSET = (COMMAND_BASE + 0x02, READ | WRITE, "<2IQ")
STREAM_CREATE = (COMMAND_BASE + 0x03, READ | WRITE, "<2Q6I")
STREAM_DESTROY = (COMMAND_BASE + 0x04, WRITE, "<2I")
CTX_CREATE = (COMMAND_BASE + 0x05, READ | WRITE, "<4I")
CTX_DESTROY = (COMMAND_BASE + 0x06, WRITE, "<2I")
CTX_QUERY = (COMMAND_BASE + 0x07, READ | WRITE, "<2Ii3IQ4I2Q")
JOB_CREATE = (COMMAND_BASE + 0x08, READ | WRITE, "<2IQ4I")
JOB_DESTROY = (COMMAND_BASE + 0x09, WRITE, "<2I")
JOB_QUERY = (COMMAND_BASE + 0x0A, READ | WRITE, "<Ii2Q")
SUBMIT = (COMMAND_BASE + 0x0B, WRITE, "<2I3Q4I")
QUERY_DEVICE = 1
DEVICE_INFO = struct.Struct("<12IQ32s")
REGION = struct.Struct("<2I2Q")
SYNC = struct.Struct("<2IQ")
NO_MMAP, DEVICE_READ_ONLY = 1 << 0, 1 << 1
MAX_REGIONS = 16
REGION_ALIGN = 64


class Image:
    """The sections of an ELF file, and the first device step among them."""

    def __init__(self, path):
        with open(path, "rb") as f:
            data = f.read()
        offset, = struct.unpack_from("<Q", data, 0x28)
        size, count, strings = struct.unpack_from("<3H", data, 0x3A)
        heads = [struct.unpack_from("<2I4Q2I2Q", data, offset + i * size)
                 for i in range(count)]
        names = data[heads[strings][4]:][:heads[strings][5]]
        self.sections = {}
        for head in heads:
            name = names[head[0]:names.index(b"\0", head[0])].decode()
            self.sections[name] = data[head[4]:head[4] + head[5]]
        steps = self.records(".fxq.steps", STEP)
        number = [step[0] for step in steps].index(DEVICE_STEP)
        step = steps[number]
        self.tensors = self.records(".fxq.tensors", TENSOR)
        self.bindings = self.records(".fxq.bindings",
                                     BINDING)[step[11]:step[11] + step[12]]
        self.scratch_bytes = step[14]
        self.stream = self.sections[".fxq.stream.%d" % number]
        self.contract = self.sections[".fxq.header"][8:40]
        self.weights = self.sections[".fxq.weights"]

    def records(self, name, kind):
        return list(kind.iter_unpack(self.sections[name]))

    def bytes_of(self, tensor):
        return self.tensors[tensor][15]


class Device:
    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def call(self, ioctl, *fields):
        """Missing fields are 0; returns all as the kernel leaves them."""
        number, direction, layout = ioctl
        fields += (0,) * (len(struct.unpack(layout, bytes(
            struct.calcsize(layout)))) - len(fields))
        args = bytearray(struct.pack(layout, *fields))
        request = direction << 30 | len(args) << 16 | ord("d") << 8 | number
        fcntl.ioctl(self.fd, request, args)
        return struct.unpack(layout, args)

    def buffer(self, size, flags=0):
        """A handle, and memory if the CPU may have it."""
        handle = self.call(BO_CREATE, size, flags)[2]
        if flags & NO_MMAP:
            return handle, None
        offset = self.call(BO_MMAP_OFFSET, handle)[2]
        return handle, mmap.mmap(self.fd, size, offset=offset)


def address(data):
    return ctypes.addressof(data)


def check_contract(device, image):
    """The device and the compiler must mean the same by a descriptor."""
    info = ctypes.create_string_buffer(DEVICE_INFO.size)
    size = device.call(DEV_QUERY, QUERY_DEVICE, len(info), address(info))[1]
    contract = DEVICE_INFO.unpack(info)[-1]
    if size < len(info) or contract != image.contract:
        sys.exit("the device follows another contract than the image")


def bind(device, image, binding):
    """The buffer of a binding: handle, memory, size."""
    kind, _, tensor, _, _ = binding
    if kind == SCRATCH:
        size = image.scratch_bytes
        return device.buffer(size, NO_MMAP) + (size,)
    if kind == WEIGHTS:
        handle, memory = device.buffer(len(image.weights), DEVICE_READ_ONLY)
        memory[:] = image.weights
        return handle, memory, len(image.weights)
    size = image.bytes_of(tensor)
    handle, memory = device.buffer(size)
    if kind == INPUT:
        memory[:] = sys.stdin.buffer.read(size)
    return handle, memory, size


def run(device, ctx, job):
    line = device.call(SYNCOBJ_CREATE)[0]
    jobs = ctypes.c_uint32(job)
    signal = ctypes.create_string_buffer(SYNC.pack(line, 0, 1))
    device.call(SUBMIT, ctx, 0, address(jobs), 0, address(signal), 1, 0, 1,
                SYNC.size)
    handles, points = ctypes.c_uint32(line), ctypes.c_uint64(1)
    device.call(SYNCOBJ_TIMELINE_WAIT, address(handles), address(points),
                2**63 - 1, 1)
    _, status, runs, cycles = device.call(JOB_QUERY, job)
    if status:
        sys.exit("the run failed: %s; the context: %s" % (
            os.strerror(-status), device.call(CTX_QUERY, ctx)))
    print("%d run, %d cycles" % (runs, cycles), file=sys.stderr)


def main():
    image, device = Image(sys.argv[1]), Device(sys.argv[2])
    check_contract(device, image)
    regions = ctypes.create_string_buffer(MAX_REGIONS * REGION.size)
    buffers = []
    for binding in image.bindings:
        handle, memory, size = bind(device, image, binding)
        buffers.append((binding, handle, memory, size))
        REGION.pack_into(regions, binding[1] * REGION.size, handle, 0, 0,
                         -(-size // REGION_ALIGN) * REGION_ALIGN)
    ctx = device.call(CTX_CREATE)[2]
    descs = ctypes.create_string_buffer(image.stream, len(image.stream))
    stream = device.call(STREAM_CREATE, address(descs), 0,
                         len(image.stream) // DESC_BYTES)[5]
    job = device.call(JOB_CREATE, ctx, stream, address(regions), MAX_REGIONS,
                      REGION.size)[6]
    # The job has what it needs: names may go before it runs.
    device.call(STREAM_DESTROY, stream)
    for _, handle, _, _ in buffers:
        device.call(GEM_CLOSE, handle)
    run(device, ctx, job)
    for binding, _, memory, size in buffers:
        if binding[0] == OUTPUT:
            sys.stdout.buffer.write(memory[:size])
    device.call(JOB_DESTROY, job)
    device.call(CTX_DESTROY, ctx)
    return 0


if __name__ == "__main__":
    sys.exit(main())
