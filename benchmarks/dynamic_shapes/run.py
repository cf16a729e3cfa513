#!/usr/bin/env python3
"""What do free dimensions cost? Each model as it is beside the same model with every extent fixed.

    run.py [--check] [MODEL...]

Both libraries get the manifest's inputs on one thread, must agree, and take turns. The table gives
the best run of each and their ratio (1: free dimensions cost nothing). Models whose inputs have no
free dimensions are left out. --check looks at the models of limits.json and fails above the ratios
there.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

BENCHMARKS = Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent
sys.path[:0] = [str(ROOT / "scripts"), str(BENCHMARKS)]

import fetch_models
from model_inputs import model_inputs
from models import dovetail_library
from timing import compare, measure

TOLERANCE = 1e-4  # max|a-b| / max|a|


def shapes_of(model):
    """Arguments that fix every extent of the model's inputs."""
    for row in model["inputs"]:
        if row["shape"]:
            yield from ("--shape", f"{row['name']}={'x'.join(map(str, row['shape']))}")


def measure_model(model, dovetail):
    """(best with free dimensions, best with fixed ones) in ms; None when all are fixed anyway."""
    path, inputs = fetch_models.fetch(model), model_inputs(model)
    with tempfile.TemporaryDirectory() as workdir:
        sides = []
        for name, more in (("free", ()), ("fixed", tuple(shapes_of(model)))):
            library = Path(workdir) / f"{name}.so"
            dovetail_library.compile_model(path, library, dovetail, more)
            if not sides and not dovetail_library.has_dims(library, dovetail):
                return None
            sides.append(dovetail_library.load(library, inputs))
        deviation = compare(*(run() for run in sides))
        if not deviation <= TOLERANCE:
            sys.exit(f"dynamic_shapes: {model['name']}: outputs differ by {deviation:.2g}, allowed {TOLERANCE:g}")
        return [min(times) * 1e3 for times in measure(*sides)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail above the ratios of limits.json")
    parser.add_argument("names", metavar="MODEL", nargs="*")
    options = parser.parse_args()
    models = {m["name"]: m for m in json.loads(fetch_models.MANIFEST.read_text())}
    limits = json.loads((BENCHMARKS / "limits.json").read_text())["dynamic_shapes"]
    dovetail = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")) / "bin" / "dovetail"
    slow = []
    print(f"{'model':20}{'free ms':>10}{'fixed ms':>10}{'ratio':>7}")
    for name in options.names or (limits if options.check else models):
        best = measure_model(models[name], dovetail)
        if best is None:
            continue
        ratio = best[0] / best[1]
        print(f"{name:20}{best[0]:10.3f}{best[1]:10.3f}{ratio:7.2f}", flush=True)
        if options.check and ratio > limits.get(name, float("inf")):
            slow.append(f"{name}: {ratio:.2f}, at most {limits[name]}")
    if slow:
        sys.exit("bench-check: free dimensions cost more than allowed: " + "; ".join(slow))


if __name__ == "__main__":
    main()
