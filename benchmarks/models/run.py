#!/usr/bin/env python3
"""How fast is a library of ours beside onnxruntime, one thread each, in one process?

    run.py [--check] [--json FILE] [MODEL...]

Both sides get the same input and must agree before anything is timed. Then they take turns: the
table gives the best and the median run of each, the ratio of the best ones (ours / theirs: below 1
we are faster), and what the model costs beside: seconds and peak memory of the compiler, the size of
the library and the time to load it. The geometric mean of the ratios stands below. Models that cannot
be compiled are named. --check looks at the models of limits.json and fails when a ratio is above the
one there. --json also writes the figures to a file.
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
sys.path[:0] = [str(ROOT / "scripts"), str(BENCHMARKS)]

import fetch_models
from model_inputs import model_inputs
from models import dovetail_library, onnxruntime_session
from timing import compare, measure

TOLERANCE = 1e-4  # max|a-b| / max|a|
HEAD = (
    f"{'model':20}{'ours best':>10}{'median':>9}{'ORT best':>10}{'median':>9}{'ratio':>7}"
    f"{'compile s':>11}{'peak MB':>9}{'library MB':>12}{'load ms':>9}"
)


def measure_model(model, dovetail):
    """A row of figures; Refused when the model cannot be compiled."""
    path, inputs = fetch_models.fetch(model), model_inputs(model)
    with tempfile.TemporaryDirectory() as workdir:
        ours, costs = dovetail_library.prepare(path, inputs, Path(workdir), dovetail)
        theirs = onnxruntime_session.prepare(path, inputs)
        deviation = compare(ours(), theirs())
        if not deviation <= TOLERANCE:
            sys.exit(f"bench: {model['name']}: outputs differ by {deviation:.2g}, allowed {TOLERANCE:g}")
        times = measure(ours, theirs)
    best, median = [min(t) * 1e3 for t in times], [statistics.median(t) * 1e3 for t in times]
    return {
        "model": model["name"],
        "ours_best_ms": best[0],
        "ours_median_ms": median[0],
        "onnxruntime_best_ms": best[1],
        "onnxruntime_median_ms": median[1],
        "ratio": best[0] / best[1],
        "deviation": deviation,
        **dataclasses.asdict(costs),
    }


def print_row(row):
    print(
        f"{row['model']:20}{row['ours_best_ms']:10.3f}{row['ours_median_ms']:9.3f}"
        f"{row['onnxruntime_best_ms']:10.3f}{row['onnxruntime_median_ms']:9.3f}{row['ratio']:7.2f}"
        f"{row['compile_s']:11.2f}{row['compile_mb']:9.0f}{row['library_mb']:12.2f}{row['load_ms']:9.2f}",
        flush=True,
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail above the ratios of limits.json")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("names", metavar="MODEL", nargs="*")
    options = parser.parse_args()
    models = {m["name"]: m for m in json.loads(fetch_models.MANIFEST.read_text())}
    limits = json.loads((BENCHMARKS / "limits.json").read_text())["models"]
    dovetail = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")) / "bin" / "dovetail"
    rows, slow = [], []
    print(HEAD)
    for name in options.names or (limits if options.check else models):
        try:
            row = measure_model(models[name], dovetail)
        except dovetail_library.Refused as refusal:
            print(f"{name:20} cannot be compiled: {str(refusal)[:150]}")
            if options.check:
                slow.append(f"{name}: cannot be compiled")
            continue
        rows.append(row)
        print_row(row)
        if options.check and row["ratio"] > limits.get(name, float("inf")):
            slow.append(f"{name}: {row['ratio']:.2f}, at most {limits[name]}")
    if rows:
        mean = statistics.geometric_mean(row["ratio"] for row in rows)
        print(f"geometric mean of {len(rows)} ratios: {mean:.3f}")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    if slow:
        sys.exit("bench-check: slower than allowed: " + "; ".join(slow))


if __name__ == "__main__":
    main()
