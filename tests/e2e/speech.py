#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a keyword network hears of spoken words.

	speech.py WAVE... OUT.npy

Each wave file (one channel, 16 bits, 48,000 samples a second, as alsa-utils has
them) gives seconds that begin at several places. Of each second OUT gets ten
cepstral coefficients of 49 windows of 30 ms, 20 ms apart, as float32.
"""
import cmath
import math
import struct
import sys
import wave

RATE = 16000
WINDOW = 480
STEP = 320
FRAMES = 49
POINTS = 512
BANDS = 40
KEPT = 10
LOWEST, HIGHEST = 20.0, 4000.0
STARTS = [0.2, 0.3, 0.4]


def samples_of(path):
    """Numbers of -1 to 1: of three samples in a row the mean."""
    with wave.open(path) as w:
        kind = (w.getnchannels(), w.getsampwidth(), w.getframerate())
        if kind != (1, 2, 3 * RATE):
            sys.exit("%s: not 16 bits of one channel at 48 kHz" % path)
        data = w.readframes(w.getnframes())
    raw = struct.unpack("<%dh" % (len(data) // 2), data)
    mono = [sum(raw[i:i + 3]) / 3 for i in range(0, len(raw) - 2, 3)]
    most = max(map(abs, mono)) or 1
    return [v / most for v in mono]


def fft(x):
    """The discrete Fourier transform of a power of two of numbers."""
    n = len(x)
    if n == 1:
        return x
    even, odd = fft(x[::2]), fft(x[1::2])
    turned = [cmath.exp(-2j * math.pi * k / n) * odd[k] for k in range(n // 2)]
    return ([e + t for e, t in zip(even, turned)] +
            [e - t for e, t in zip(even, turned)])


def mel(hertz):
    return 1127 * math.log(1 + hertz / 700)


def band_weights():
    """Triangles on the mel scale: how much of each frequency a band takes."""
    low, high = mel(LOWEST), mel(HIGHEST)
    edges = [low + (high - low) * i / (BANDS + 1) for i in range(BANDS + 2)]
    at = [mel(RATE * k / POINTS) for k in range(POINTS // 2 + 1)]
    return [[max(0, min((m - a) / (b - a), (c - m) / (c - b)))
             for m in at[1:]]
            for a, b, c in zip(edges, edges[1:], edges[2:])]


HANN = [0.5 - 0.5 * math.cos(2 * math.pi * i / WINDOW) for i in range(WINDOW)]
WEIGHTS = band_weights()


def coefficients(frame):
    windowed = [v * h for v, h in zip(frame, HANN)]
    spectrum = fft(windowed + [0.0] * (POINTS - WINDOW))
    size = [abs(v) for v in spectrum[1:POINTS // 2 + 1]]
    logs = [math.log(sum(w * s for w, s in zip(band, size)) + 1e-6)
            for band in WEIGHTS]
    return [2 / math.sqrt(2 * BANDS) *
            sum(v * math.cos(math.pi * k * (2 * i + 1) / (2 * BANDS))
                for i, v in enumerate(logs)) for k in range(KEPT)]


def second(samples, start):
    cut = samples[int(start * RATE):][:RATE]
    cut += [0.0] * (RATE - len(cut))
    return [c for f in range(FRAMES)
            for c in coefficients(cut[f * STEP:f * STEP + WINDOW])]


def write_npy(path, rows):
    head = "{'descr': '<f4', 'fortran_order': False, 'shape': (%d, 1, %d, %d)}" \
        % (len(rows), FRAMES, KEPT)
    head += " " * (-(len(head) + 11) % 64) + "\n"
    with open(path, "wb") as f:
        f.write(b"\x93NUMPY\x01\0" + struct.pack("<H", len(head)))
        f.write(head.encode())
        for row in rows:
            f.write(struct.pack("<%df" % len(row), *row))


def main(paths, out):
    rows = []
    for path in paths:
        samples = samples_of(path)
        rows += [second(samples, start) for start in STARTS]
    write_npy(out, rows)


main(sys.argv[1:-1], sys.argv[-1])
