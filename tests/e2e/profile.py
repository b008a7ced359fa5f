#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
#
# profile.py INFO DUMP BENCH TABLE   is BENCH the profile of that image?
#
# Rows, operators, MACs and the bytes of each are found once more in what
# `fxq-run info --json` and `dump --json` say.
import json
import re
import sys


def bytes_of(line):
    """What a LOAD or STORE moves, from its words."""
    total = int(re.search(r" (\d+) B x", line).group(1))
    for n in re.findall(r" x(\d+)\(", line):
        total *= int(n)
    return total


def expected(info, dump):
    """Rows but for the last: step kind, layer, operator, MACs, bytes."""
    for about, step in zip(info["steps"], dump["steps"]):
        if about["kind"] != "device":
            yield "cpu", about["layer"], about["name"], 0, None
            continue
        moved = {}
        for line in step["stream"]:
            tag = int(re.search(r"\btag (\d+)", line).group(1))
            moves = re.search(r" (load|store) ", line)
            moved.setdefault(tag, 0)
            moved[tag] += bytes_of(line) if moves else 0
        for tag, total in moved.items():
            of = dump["tags"][tag]
            yield "device", of["layer"], of["op"], of["macs"], total


def main():
    info, dump, bench = (json.load(open(p)) for p in sys.argv[1:4])
    rows = bench["layers"]
    want = list(expected(info, dump))

    rest = rows.pop()
    assert rest["kind"] == "rest" and rest["layer"] is None, rest
    got = [(r["kind"], r["layer"], r["operator"], r["macs"],
            r["bytes"] if r["kind"] == "device" else None) for r in rows]
    assert sorted(map(str, got)) == sorted(map(str, want)), (got, want)
    # Layers stand in the order in which they end, steps in that of the image.
    assert [k for k, *_ in got] == [k for k, *_ in want], got

    share = sum(r["share"] for r in rows) + rest["share"]
    assert abs(share - 1) < 1e-6, share
    assert sum(r["cycles"] for r in rows) == info["cycles"]
    assert sum(r["macs"] for r in rows) == info["macs_device"]
    for r in rows:
        assert r["ns"] > 0 and 0 <= r["peak_share"] < 1, r
        spent = r["spent"]
        assert abs(sum(spent.values()) - 1) < 1e-6, r
        assert spent[r["bound"]] == max(spent.values()), r
        device = r["kind"] == "device"
        assert r["bound"] in (["compute", "bytes", "vector"] if device
                              else ["cpu"]), r
        assert not r["macs"] or not bench["peak_gops"] or r["peak_share"], r
        assert r["bytes"] > 0 or device, r
    # No run is shorter than its parts.
    least = sum(r["ns"] for r in rows) * 1e-6
    assert bench["latency_ms"]["max"] >= least / 2, (bench, least)

    table = open(sys.argv[4]).read().splitlines()
    names = [line.split()[0] for line in table[1:len(rows) + 3]]
    assert names == [r["layer"].split()[0] for r in rows] + ["(rest)", "sum"], \
        names
    assert not any(line.endswith(" ") for line in table), table


main()
