#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A grey PGM as PNG, perhaps upside down.

	png.py IN.pgm OUT.png [turned]
"""
import struct
import sys
import zlib


def chunk(kind, data):
    return (struct.pack(">I", len(data)) + kind + data +
            struct.pack(">I", zlib.crc32(kind + data)))


def main(source, to, *turned):
    with open(source, "rb") as f:
        if f.readline() != b"P5\n":
            sys.exit("%s: not a binary PGM" % source)
        width, height = map(int, f.readline().split())
        f.readline()
        pixels = f.read(width * height)
    if turned:
        pixels = pixels[::-1]
    rows = b"".join(b"\0" + pixels[y * width:(y + 1) * width]
                    for y in range(height))
    with open(to, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" +
                chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0,
                                           0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


main(*sys.argv[1:])
