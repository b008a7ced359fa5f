#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# timeline_plot.py TRACE.json TIMELINE.svg [MILLISECONDS]   a timeline as a picture
#
# The middle of what `fxq-run profile --trace` kept, so many milliseconds of it (or
# three frames): a row for each thread, for the device's runs and engines, and for
# each slot. Each frame has a colour of its own wherever it is; waits are grey. The
# standard library is all it needs.
import json
import sys

from svg import Svg

CPU, DEVICE, FRAMES = 1, 2, 3
ROW, BAR = 22, 16
TOP, LEFT, WIDTH = 40, 110, 900
COLORS = ["#1f5a94", "#c2703d", "#2a8a4a", "#8a4a9a", "#b0a030", "#3a9aa0"]
WAIT, SUBMIT = "#dddddd", "#222222"


def in_order(events, category):
    return sorted((e for e in events if e["cat"] == category),
                  key=lambda e: e["ts"])


def give_frames(events):
    """The device knows no frames, but has steps done in the order it got them."""
    runs = in_order(events, "run")
    for run, step in zip(runs, in_order(events, "device")):
        run["args"] = step["args"]
    for e in in_order(events, "engine"):
        while len(runs) > 1 and runs[1]["ts"] <= e["ts"]:
            runs.pop(0)
        e["args"] = runs[0]["args"]


def window(events, ms):
    """From when, and how long, in microseconds."""
    frames = sorted((e for e in events if e["cat"] == "frame"),
                    key=lambda e: e["ts"])
    ends = sorted(e["ts"] + e["dur"] for e in frames)
    middle = len(ends) // 2
    if ms:
        return ends[middle] - ms * 500, ms * 1000
    first = max(middle - 2, 0)
    last = min(first + 3, len(ends) - 1)
    return ends[first], max(ends[last] - ends[first], 1)


def rows_of(trace, events):
    names = {(e["pid"], e.get("tid")): e["args"]["name"]
             for e in trace["traceEvents"] if e["name"] == "thread_name"}
    used = sorted({(e["pid"], e["tid"]) for e in events})
    return [(row, names.get(row, f"slot {row[1]}")) for row in used]


def color_of(e):
    if e["cat"] == "wait":
        return WAIT
    if e["cat"] == "submit":
        return SUBMIT
    return COLORS[e["args"]["frame"] % len(COLORS)] if "args" in e else "#888"


def draw_rows(svg, rows, events, start, length):
    groups = {CPU: "CPU", DEVICE: "device", FRAMES: "frames"}
    scale = (WIDTH - LEFT - 20) / length
    # What lies within another is drawn on top, and submissions on top of all.
    order = {"frame": 0, "wait": 0, "run": 0, "submit": 2}
    seen, y = None, TOP
    for row, name in rows:
        if row[0] != seen:
            y += 8
            svg.text(8, y + BAR - 3, groups[row[0]], size=13)
            seen = row[0]
        svg.text(LEFT - 8, y + BAR - 3, name, "end")
        inside = [e for e in events if (e["pid"], e["tid"]) == row
                  and e["ts"] < start + length and e["ts"] + e["dur"] > start]
        for e in sorted(inside, key=lambda e: order.get(e["cat"], 1)):
            x0 = LEFT + max(e["ts"] - start, 0) * scale
            x1 = LEFT + min(e["ts"] + e["dur"] - start, length) * scale
            thin = e["cat"] in ("frame", "submit")
            color = color_of(e)
            if row[0] == FRAMES and e["cat"] == "device":
                color += "80"
            svg.bar(x0, max(x1, x0 + 0.4), y + (BAR - 4 if thin else 0),
                    4 if thin else BAR, color,
                    f'{e["name"]} ({e["cat"]}), {e["dur"] / 1e3:.3f} ms')
        y += ROW
    return y


def main():
    if len(sys.argv) not in (3, 4):
        sys.exit("usage: timeline_plot.py TRACE.json TIMELINE.svg [MILLISECONDS]")
    with open(sys.argv[1]) as f:
        trace = json.load(f)
    events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    give_frames(events)
    start, length = window(events, float(sys.argv[3]) if sys.argv[3:] else 0)
    rows = rows_of(trace, events)
    bottom = TOP + 24 + ROW * len(rows)
    svg = Svg(WIDTH, bottom + 40)
    svg.text(LEFT, 20, "a colour is a frame; grey: the thread waits; black: it "
             "submits; pale: queued for the device, or on it", color="#555")
    step = 10 ** max(0, len(str(int(length / 1000))) - 1)
    for i in range(0, int(length / 1000) + 1, step):
        x = LEFT + (WIDTH - LEFT - 20) * i * 1000 / length
        svg.line(x, TOP, bottom, "#eee")
        svg.text(x, bottom + 14, f"{i} ms", "middle", "#555", 11)
    draw_rows(svg, rows, events, start, length)
    svg.write(sys.argv[2])


main()
