#!/usr/bin/env python3
"""How fast is a library of ours beside onnxruntime, one thread each, in one process?

    run.py [--check] [MODEL...]

Both sides get the same input and must agree before anything is timed. Then they take turns: the
table gives the best and the median run of each, and the ratio of the best ones (ours / theirs: below
1 we are faster). --check fails when a ratio is above the one in limits.json.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]

import fetch_models
from model_inputs import model_inputs
from single_thread import dovetail_library, onnxruntime_session

TOLERANCE = 1e-5  # max|a-b| / max|a|
SECONDS = 2.0  # of runs per side and model
MIN_RUNS = 10


def compare(ours, theirs):
    """The largest deviation of any output, relative to that output's largest value."""
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
        worst = max(worst, float(np.max(np.abs(a - b)) / np.max(np.abs(b))))
    return worst


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(ours, theirs):
    """(our times, their times) in seconds, taken in turns."""
    times = ([], [])
    end = time.perf_counter() + 2 * SECONDS
    while time.perf_counter() < end or len(times[0]) < MIN_RUNS:
        times[0].append(seconds_of(ours))
        times[1].append(seconds_of(theirs))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail above the ratios of limits.json")
    parser.add_argument("names", metavar="MODEL", nargs="*")
    options = parser.parse_args()
    models = {m["name"]: m for m in json.loads(fetch_models.MANIFEST.read_text())}
    limits = json.loads((Path(__file__).parent / "limits.json").read_text())
    build = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build"))
    slow = []
    print(f"{'model':24}{'ours best':>11}{'median':>9}{'ORT best':>11}{'median':>9}{'ratio':>8}  ms")
    for name in options.names or models:
        path, inputs = fetch_models.fetch(models[name]), model_inputs(models[name])
        with tempfile.TemporaryDirectory() as workdir:
            theirs = onnxruntime_session.prepare(path, inputs)
            reference = theirs()
            run = dovetail_library.prepare(path, inputs, Path(workdir), build / "bin" / "dovetail")
            ours = lambda: run(len(reference))
            deviation = compare(ours(), reference)
            if not deviation <= TOLERANCE:
                sys.exit(f"bench: {name}: outputs differ by {deviation:.2g}, allowed {TOLERANCE:g}")
            times = measure(ours, theirs)
        best, median = [min(t) * 1e3 for t in times], [statistics.median(t) * 1e3 for t in times]
        ratio = best[0] / best[1]
        print(f"{name:24}{best[0]:11.3f}{median[0]:9.3f}{best[1]:11.3f}{median[1]:9.3f}{ratio:8.2f}")
        if options.check and ratio > limits[name]:
            slow.append(f"{name}: {ratio:.2f}, at most {limits[name]}")
    if slow:
        sys.exit("bench-check: slower than allowed: " + "; ".join(slow))


if __name__ == "__main__":
    main()
