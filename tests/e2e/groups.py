#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Photographs of groups, from the portraits that come with scikit-image.

	groups.py lfw_subset.npy SIDE FOLDER

The file's first hundred pictures are faces of as many people, 25 x 25 grey
numbers of 0 to 1 each. FOLDER gets SIDE x SIDE of them a picture, as PGM.
"""
import struct
import sys

SIDE = 25
AREA = SIDE * SIDE
PEOPLE = 100


def face(values, i):
    """The rows of pixels of portrait i."""
    at = values[i * AREA:(i + 1) * AREA]
    return [bytes(int(255 * v) for v in at[y:y + SIDE])
            for y in range(0, AREA, SIDE)]


def group(values, first, side):
    """The pixels of side x side portraits, from the one that is first."""
    rows = []
    for across in range(first, first + side * side, side):
        faces = [face(values, i) for i in range(across, across + side)]
        rows += [b"".join(f[y] for f in faces) for y in range(SIDE)]
    return b"".join(rows)


def main(path, side, folder):
    with open(path, "rb") as f:
        data = f.read()
    size = PEOPLE * 2 * AREA * 8
    values = struct.unpack("<%dd" % (size // 8), data[-size:])
    for n in range(PEOPLE // side ** 2):
        with open("%s/%d-%d.pgm" % (folder, side, n), "wb") as f:
            f.write(b"P5\n%d %d\n255\n" % (SIDE * side, SIDE * side))
            f.write(group(values, n * side ** 2, side))


main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
