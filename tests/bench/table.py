#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# table.py BENCH.json FOLDER   the race as a table for the documentation
#
# A row for each network and number of threads: medians, the ratio, how near fxq
# comes to the processor's peak, and what its time goes into, which
# FOLDER/NAME.THREADS.json says, a profile of `fxq-run bench --layers --json`.
import json
import os
import sys

HEADS = ["network", "threads", "fxq ms", "int8 ms", "float ms", "ratio",
         "of peak", "the time goes into"]


def number(value, decimals):
    return "-" if value is None else f"{value:.{decimals}f}"


def peak(m):
    if not m["fxq_ms"] or not m["macs"] or not m["peak_gops"]:
        return "-"
    return f'{2e-4 * m["macs"] / m["fxq_ms"] / m["peak_gops"]:.0f} %'


def spent(m, folder):
    """Parts of the run in percent, the largest first."""
    path = os.path.join(folder, f'{m["name"]}.{m["threads"]}.json')
    if m.get("failed"):
        return "(does not run)"
    if not os.path.exists(path) or not os.path.getsize(path):
        return "-"
    parts = {}
    with open(path) as f:
        for row in json.load(f)["layers"]:
            if row["kind"] == "rest":
                parts["rest"] = row["share"]
                continue
            for what, share in row["spent"].items():
                parts[what] = parts.get(what, 0) + share * row["share"]
    order = sorted(parts, key=parts.get, reverse=True)
    return ", ".join(f"{what} {100 * parts[what]:.0f}" for what in order
                     if parts[what] >= 0.005)


def rows_of(bench, folder):
    for m in bench["models"]:
        yield [m["name"], str(m["threads"]), number(m["fxq_ms"], 3),
               number(m["ort_int8_ms"], 3), number(m["ort_fp32_ms"], 3),
               number(m["ratio"], 2), peak(m), spent(m, folder)]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: table.py BENCH.json FOLDER")
    with open(sys.argv[1]) as f:
        bench = json.load(f)
    rows = [HEADS, *rows_of(bench, sys.argv[2])]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADS))]
    border = "  ".join("=" * w for w in widths)
    lines = ["  ".join(c.ljust(w) for c, w in zip(row, widths)).rstrip()
             for row in rows]
    print("\n".join([border, lines[0], border, *lines[1:], border]))
    if bench["geomean"]:
        print(f'\nThe geometric mean of the ratios is {bench["geomean"]:.2f}.')


main()
