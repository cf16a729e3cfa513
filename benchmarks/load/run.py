#!/usr/bin/env python3
"""How long until a model can run: a library of ours beside a session of onnxruntime, in one process?

    run.py [--check] [--json FILE] [MODEL...]

Ours is opened and an executor made; then both are closed, so that the next time is a whole one. The sides
take turns, so that each finds the processor's caches full of what the other left. The table gives the best and
the median of each, with the files in the system's cache. --check fails when ours takes more than 1/20 of
onnxruntime's time for any model that compiles.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(Path(__file__).resolve().parent)]

import dovetail_library
import fetch_models
import onnxruntime_session

LIMIT = 20  # times as fast, at least
TURNS = 20
HEAD = f"{'model':20}{'ours best':>10}{'median':>9}{'ORT best':>10}{'median':>10}{'1/ratio':>9}"


def timed(load, unload):
    """Milliseconds."""
    start = time.perf_counter()
    made = load()
    end = time.perf_counter()
    unload(made)
    return (end - start) * 1e3


def measure_model(model, build_dir):
    """A row of figures; None, after a line that says why, when the model cannot be compiled."""
    path = fetch_models.fetch(model)
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / f"{model['name']}.so"
        command = [build_dir / "bin" / "dovetail", "build", path, "-o", library]
        compiled = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
        if compiled.returncode != 0:
            print(f"{model['name']:20} cannot be compiled: {compiled.stderr.strip().splitlines()[-1][:150]}")
            return None
        sides = [dovetail_library.prepare(library, build_dir), onnxruntime_session.prepare(path)]
        times = ([], [])
        for _ in range(TURNS):
            for side, list_of_times in zip(sides, times):
                list_of_times.append(timed(*side))
    ours, theirs = times
    return {
        "model": model["name"],
        "ours_best_ms": min(ours),
        "ours_median_ms": statistics.median(ours),
        "onnxruntime_best_ms": min(theirs),
        "onnxruntime_median_ms": statistics.median(theirs),
        "times_as_fast": min(theirs) / min(ours),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help=f"fail when less than {LIMIT} times as fast")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to FILE")
    parser.add_argument("names", metavar="MODEL", nargs="*")
    options = parser.parse_args()
    models = {m["name"]: m for m in json.loads(fetch_models.MANIFEST.read_text())}
    build_dir = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")).resolve()
    rows = []
    print(HEAD)
    for name in options.names or models:
        row = measure_model(models[name], build_dir)
        if row is None:
            continue
        rows.append(row)
        print(
            f"{row['model']:20}{row['ours_best_ms']:10.3f}{row['ours_median_ms']:9.3f}"
            f"{row['onnxruntime_best_ms']:10.2f}{row['onnxruntime_median_ms']:10.2f}{row['times_as_fast']:9.0f}",
            flush=True,
        )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n")
    slow = [f"{row['model']}: 1/{row['times_as_fast']:.1f}" for row in rows if row["times_as_fast"] < LIMIT]
    if options.check and (slow or not rows):
        sys.exit(f"bench-check: loading takes more than 1/{LIMIT} of onnxruntime's time: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
