#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# timeline.py INFO TRACE SUMMARY RUNS INFLIGHT   is TRACE a timeline of so many
# runs of that image?
#
# Of each row the events stand one after the other or one within the other; each
# frame has each of the image's steps once, in order, one ending before the next
# begins; and no more frames are under way than were asked for.
import json
import sys

CPU, DEVICE, FRAMES = 1, 2, 3
EPSILON = 0.002         # microseconds: what printing rounds


def rows_of(events):
    rows = {}
    for e in events:
        rows.setdefault((e["pid"], e["tid"]), []).append(e)
    return rows


def check_nested(row):
    """No event ends within another that it began in front of."""
    open_ends = []
    for e in sorted(row, key=lambda e: (e["ts"], -e["dur"])):
        end = e["ts"] + e["dur"]
        while open_ends and open_ends[-1] <= e["ts"] + EPSILON:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1] + EPSILON, (e, open_ends)
        open_ends.append(end)


def check_frame(frame, steps, events):
    inside = [e for e in events if e["pid"] == FRAMES
              and e["args"]["frame"] == frame]
    whole = [e for e in inside if e["cat"] == "frame"]
    parts = sorted((e for e in inside if e["cat"] != "frame"),
                   key=lambda e: e["ts"])
    assert len(whole) == 1, whole
    assert whole[0]["name"] == f"frame {frame}"
    assert [(e["cat"], e["name"]) for e in parts] == steps, (parts, steps)
    at = whole[0]["ts"]
    for e in parts:
        assert e["ts"] >= at - EPSILON, (e, at)
        at = e["ts"] + e["dur"]
    assert at <= whole[0]["ts"] + whole[0]["dur"] + EPSILON, (at, whole)
    # The same steps on the CPU stand in the row of the thread that did them.
    on_threads = [e for e in events if e["pid"] == CPU and e["cat"] == "cpu"
                  and e["args"]["frame"] == frame]
    assert len(on_threads) == sum(c == "cpu" for c, _ in steps), on_threads
    return whole[0]


def most_at_once(spans):
    edges = sorted([(e["ts"] + EPSILON, 1) for e in spans] +
                   [(e["ts"] + e["dur"], -1) for e in spans])
    most = now = 0
    for _, step in edges:
        now += step
        most = max(most, now)
    return most


def main():
    info, trace, summary = (json.load(open(p)) for p in sys.argv[1:4])
    runs, inflight = int(sys.argv[4]), int(sys.argv[5])
    names = {(e["pid"], e.get("tid")): e["args"]["name"]
             for e in trace["traceEvents"] if e["name"] == "thread_name"}
    events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    steps = [("device" if s["kind"] == "device" else "cpu", s["layer"])
             for s in info["steps"]]
    n_device = sum(c == "device" for c, _ in steps)

    assert all(e["ts"] >= 0 and e["dur"] >= 0 for e in events)
    rows = rows_of(events)
    for row in rows.values():
        check_nested(row)
    frames = sorted(e["args"]["frame"] for e in events if e["cat"] == "frame")
    assert len(frames) == runs and frames == list(
        range(frames[0], frames[0] + runs)), frames
    whole = [check_frame(f, steps, events) for f in frames]
    assert 1 <= most_at_once(whole) <= inflight, most_at_once(whole)
    assert len({e["tid"] for e in whole}) <= inflight

    # One submission a frame, all by the caller; streams on the device.
    submits = [e for e in events if e["cat"] == "submit"]
    assert len(submits) == runs
    assert {names[CPU, e["tid"]] for e in submits} == {"caller"}
    streams = [e for e in events if e["cat"] == "run"]
    assert len(streams) == runs * n_device, len(streams)
    engines = [e for e in events if e["cat"] == "engine"]
    assert {names[DEVICE, e["tid"]] for e in engines} <= {"LD", "ST", "MX", "VX"}
    assert {names[DEVICE, e["tid"]] for e in engines} >= {"LD", "ST"}
    # Engines work one after the other here, and for all of a run.
    work, whole_run = (sum(e["dur"] for e in of) for of in (engines, streams))
    assert abs(work - whole_run) < 0.01 * len(engines), (work, whole_run)
    assert most_at_once(engines) == 1

    told = summary["trace"]
    assert told["events"] >= len(engines) + len(streams)
    assert 0 < told["device"] <= 1 and 0 < told["cpu"] <= 1, told
    assert told["both"] <= min(told["device"], told["cpu"]) + 1e-9, told
    if inflight == 1:
        assert told["both"] == 0, told


main()
