"""Two sides that do the same work: whether they agree, and how long each takes, in turns."""

import time

import numpy as np

SECONDS = 2.0  # of runs per side
MIN_RUNS = 10


def compare(ours, theirs):
    """The largest deviation of any output, relative to that output's largest value."""
    worst = 0.0
    for a, b in zip(ours, theirs, strict=True):
        if a.shape != b.shape:
            raise ValueError(f"shapes differ: {a.shape} and {b.shape}")
        worst = max(worst, float(np.max(np.abs(a.astype("float64") - b)) / np.max(np.abs(b))))
    return worst


def seconds_of(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def measure(*sides):
    """For each side its times in seconds, taken in turns."""
    times = [[] for _ in sides]
    end = time.perf_counter() + len(sides) * SECONDS
    while time.perf_counter() < end or len(times[0]) < MIN_RUNS:
        for side, taken in zip(sides, times):
            taken.append(seconds_of(side))
    return times
