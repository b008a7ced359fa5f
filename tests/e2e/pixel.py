#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""pixel.py FILE.png X Y   prints a pixel of an 8-bit RGB picture"""
import struct
import sys
import zlib


def rows(path):
    """The rows of the picture, PNG's filters undone."""
    with open(path, "rb") as file:
        data = file.read()
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert (depth, colour) == (8, 2), "not 8-bit RGB"
        if kind == b"IDAT":
            packed += body
        at += size + 12
    raw, stride = zlib.decompress(packed), 3 * width
    above = bytes(stride)
    for y in range(len(raw) // (stride + 1)):
        line = raw[y * (stride + 1):(y + 1) * (stride + 1)]
        row = bytearray(line[1:])
        for i in range(stride):
            left = row[i - 3] if i >= 3 else 0
            corner = above[i - 3] if i >= 3 else 0
            guess = left + above[i] - corner
            nearest = min((left, above[i], corner),
                          key=lambda v: abs(guess - v))
            row[i] = (row[i] + (0, left, above[i], (left + above[i]) // 2,
                                nearest)[line[0]]) % 256
        above = row
        yield row


def main():
    x, y = int(sys.argv[2]), int(sys.argv[3])
    row = list(rows(sys.argv[1]))[y]
    print(*row[3 * x:3 * x + 3])


main()
