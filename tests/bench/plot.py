#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# plot.py BENCH.json BENCH.svg   the race as a picture
#
# A row for each network, in the order of the file. On the left how many times
# as fast as ONNX Runtime's better form fxq is, on a logarithmic axis on which
# bars begin at 1; on the right how near fxq and ONNX Runtime's int8 come to what
# the processor multiplies at most. The standard library is all it needs.
import json
import math
import sys

from svg import Svg

ROW = 34                # of a network: a bar for each number of threads
BAR = 12
TOP = 64
NAMES = 170             # width of the column of names
PANEL = 330
GAP = 70
WIDTH = NAMES + 2 * PANEL + GAP + 60
COLORS = {1: "#1f5a94", 2: "#8fb9dd"}
PEER = "#c2703d"
LEAST = 0.25            # ratios below end at the border


def by_network(bench):
    """Rows: a name, and its result for each number of threads."""
    rows = {}
    for m in bench["models"]:
        rows.setdefault(m["name"], {})[m["threads"]] = m
    return rows


def draw_ratios(svg, bench, rows, bottom):
    left = NAMES
    ratios = [m["ratio"] for m in bench["models"] if m["ratio"]]
    most = max([2.0, *ratios]) * 1.15
    span = math.log(most / LEAST)

    def at(ratio):
        ratio = min(max(ratio, LEAST), most)
        return left + PANEL * math.log(ratio / LEAST) / span

    svg.text(left, TOP - 34, "times as fast as ONNX Runtime", size=14)
    if bench["geomean"]:
        svg.line(at(bench["geomean"]), TOP, bottom, "#2a8a4a", "4 3")
        svg.text(at(bench["geomean"]), bottom + 30,
                 f'geometric mean {bench["geomean"]:.2f}', "middle", "#2a8a4a")
    else:
        svg.text(left, bottom + 30, "no ratios: " +
                 (bench.get("skipped") or "ONNX Runtime runs none of these"))
    for i in range(-2, 8):
        if LEAST <= 2.0 ** i <= most:
            svg.line(at(2.0 ** i), TOP, bottom, "#222" if i == 0 else "#ddd")
            svg.text(at(2.0 ** i), bottom + 14, f"{2.0 ** i:g}", "middle")
    for i, row in enumerate(rows.values()):
        for k, (threads, m) in enumerate(sorted(row.items())):
            y = TOP + i * ROW + 4 + k * (BAR + 1)
            if m.get("failed"):
                svg.text(at(1) + 4, y + BAR - 2, "does not run", size=11)
            elif m["ratio"]:
                svg.bar(at(1), at(m["ratio"]), y, BAR, COLORS[threads])
                svg.text(max(at(m["ratio"]), at(1)) + 4, y + BAR - 2,
                         f'{m["ratio"]:.2f}', size=11)


def draw_mark(svg, x, y):
    svg.bar(x - 1.5, x + 1.5, y - 1, BAR + 2, PEER)


def draw_peaks(svg, rows, bottom):
    left = NAMES + PANEL + GAP

    def share(m, key):
        if not m[key] or not m["macs"] or not m["peak_gops"]:
            return None
        return 2e-6 * m["macs"] / m[key] / m["peak_gops"]

    svg.text(left, TOP - 34, "% of what the processor multiplies at most",
             size=14)
    for percent in range(0, 101, 20):
        x = left + PANEL * percent / 100
        svg.line(x, TOP, bottom, "#ddd")
        svg.text(x, bottom + 14, str(percent), "middle")
    for i, row in enumerate(rows.values()):
        for k, (threads, m) in enumerate(sorted(row.items())):
            y = TOP + i * ROW + 4 + k * (BAR + 1)
            ours, theirs = share(m, "fxq_ms"), share(m, "ort_int8_ms")
            if ours:
                svg.bar(left, left + PANEL * min(ours, 1), y, BAR,
                        COLORS[threads])
            if theirs:
                draw_mark(svg, left + PANEL * min(theirs, 1), y)


def draw_legend(svg):
    x = NAMES
    for threads, words in ((1, "1 thread"), (2, "2 threads")):
        svg.bar(x, x + 12, TOP - 22, BAR, COLORS[threads])
        svg.text(x + 18, TOP - 12, words)
        x += 90
    x = NAMES + PANEL + GAP
    svg.bar(x, x + 12, TOP - 22, BAR, COLORS[1])
    svg.text(x + 18, TOP - 12, "fxq")
    draw_mark(svg, x + 66, TOP - 22)
    svg.text(x + 74, TOP - 12, "ONNX Runtime, int8")


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: plot.py BENCH.json BENCH.svg")
    with open(sys.argv[1]) as f:
        bench = json.load(f)
    rows = by_network(bench)
    bottom = TOP + ROW * len(rows)
    svg = Svg(WIDTH, bottom + 44)
    draw_legend(svg)
    for i, name in enumerate(rows):
        svg.text(NAMES - 10, TOP + i * ROW + 21, name, "end")
    draw_ratios(svg, bench, rows, bottom)
    draw_peaks(svg, rows, bottom)
    svg.write(sys.argv[2])


main()
