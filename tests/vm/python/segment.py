# SPDX-License-Identifier: MIT
"""segment.py IMAGE FOLDER   an input for the first device step of an image

Writes FOLDER/segment.in, int8, and FOLDER/segment.f32.raw, the float numbers
that the image's first CPU step makes just these of.
"""
import struct
import sys

from ioctl import INPUT, Image

image = Image(sys.argv[1])
tensor, = [b[2] for b in image.bindings if b[0] == INPUT]
bits, zero_point, _, size = image.tensors[tensor][12:16]
scale, = struct.unpack("<f", struct.pack("<I", bits))
values = [(i * 37 + i // 28 * 11) % 256 - 128 for i in range(size)]
with open(sys.argv[2] + "/segment.in", "wb") as f:
    f.write(struct.pack("<%db" % size, *values))
with open(sys.argv[2] + "/segment.f32.raw", "wb") as f:
    f.write(struct.pack("<%df" % size,
                        *[(v - zero_point) * scale for v in values]))
