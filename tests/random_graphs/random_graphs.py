#!/usr/bin/env python3
"""Random graphs through generated code, against onnxruntime.

    random_graphs.py [--first SEED] [--count N]

Graphs of 3 to 30 nodes over the operators that the compiler lists, with random shapes (1s, odd ones,
sometimes 0), types, attributes and symbolic dimensions; where there are such, one library runs twice, in
other sizes. A graph is left out when onnxruntime refuses it, or when inputs that differ in the last digits
change its answer. A seed that fails is printed with
the line that repeats it and the graph cut down.
"""

import argparse
import collections
import concurrent.futures
import concurrent.futures.process
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import onnx
import reduce as reducer
from control_flow import ROWS
from graph import Extent, Graph, Rejected, check_values, fixed, names_read, run
from operators import MEANS, NARROW, in_range, numbers
from stability import is_stable

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build"))
OPSETS = (13, 15, 17, 18, 20, 21, 23, 25)
EXTENTS = (1, 1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 33)
# What the compiler may refuse of operators that it has; anything else that it refuses is a failure.
# (An axis that must hold an extreme has no extent 0: such a library states bounds, or checks in the run.)
LIMITS = (
    "is not supported; there is 'constant'",
    "this library was built for 1..",
    "which has no extreme",
    "is 0, expected at least 1",
)
SHOWN = 5


def supported():
    listed = subprocess.run([BUILD / "bin" / "dovetail", "operators", "--json"], capture_output=True, check=True).stdout
    return [(row["name"], row["since"], row["until"]) for row in json.loads(listed) if not row["domain"]]


def sizes_of_symbols(random):
    return {name: int(random.choice([0, 1, 2, 3, 5, 6], p=[0.03, 0.17, 0.2, 0.2, 0.2, 0.2])) for name in "nm"}


def add_inputs(g):
    symbols = sizes_of_symbols(g.random)
    dtypes = ["float32", "float32", "float32", "float64", "int64", "int32", "bool", "uint8"]
    main = "float64" if g.random.integers(8) == 0 else "float32"
    shape = ()
    for index in range(g.random.integers(1, 4)):
        if not shape or g.random.integers(2):
            extents = [fixed(g.random.choice(EXTENTS)) for _ in range(g.random.integers(1, 5))]
            for k in range(len(extents)):
                if g.random.random() < (0.4 if k == 0 else 0.1):
                    name = str(g.random.choice(list(symbols)))
                    extents[k] = Extent(symbols[name], name)
                elif g.random.random() < 0.01:
                    extents[k] = fixed(0)
            shape = tuple(extents)
        dtype = main if index == 0 else str(g.random.choice(dtypes))
        g.input(numbers(g, [e.size for e in shape], dtype), shape)


def grow(seed, operators):
    """A graph; Rejected when too little came of it."""
    random = np.random.default_rng(seed)
    opset = int(random.choice(OPSETS))
    g = Graph(random, ROWS, {name for name, since, until in operators if since <= opset <= until}, opset)
    add_inputs(g)
    g.grow(int(random.integers(3, 31)))
    if len(g.nodes) < 3:
        raise Rejected("too few nodes")
    return g


def is_defined(model, values):
    """Whether the standard says what the nodes make of the values."""
    for node in model.graph.node:
        x = np.asarray(values[node.input[0]]) if node.input and node.input[0] in values else np.zeros(1)
        if node.op_type in MEANS and x.size == 0:
            return False
        result = np.asarray(values[node.output[0]])
        if node.op_type in ("Cast", "CastLike") and str(result.dtype) in NARROW and not in_range(x, result.dtype):
            return False
    return True


def other_run(g, model):
    """[(inputs of other sizes, expected outputs)], or nothing where they do not tell anything."""
    sizes = sizes_of_symbols(g.random)
    shapes = {v.name: [e.size if e.fixed else sizes[e.key] for e in v.shape] for v in g.inputs}
    feeds = {v.name: numbers(g, shapes[v.name], v.dtype) for v in g.inputs}
    if all(feeds[name].shape == array.shape for name, array in g.feeds().items()):
        return []
    try:
        values = reducer.all_values(model, feeds)
        for array in values.values():
            check_values(np.asarray(array))
        if not is_defined(model, values):
            return []
        expected = [np.asarray(a) for a in run(model, feeds)]
        return [(feeds, expected)] if is_stable(model, feeds, expected, g.random) else []
    except Rejected:
        return []


def make(seed, operators):
    """(serialized model, its runs: inputs and expected outputs), or None when the seed gives no graph to compare."""
    try:
        g = grow(seed, operators)
        read = set(names_read(g.nodes))
        made = [name for node in g.nodes for name in node.output]
        outputs = [name for name in made if name not in read]
        extra = made[int(g.random.integers(len(made)))]
        model = g.model(outputs + [extra] * (extra not in outputs))
        if "float32" in g.dtypes:
            model.doc_string = "x_single"  # of float32 somewhere: the tolerance is that of float32
        expected = [np.asarray(a) for a in run(model, g.feeds())]
        if not is_stable(model, g.feeds(), expected, g.random):
            return None
        return model.SerializeToString(), [(g.feeds(), expected), *other_run(g, model)]
    except Rejected:
        return None


def make_batch(seeds, operators):
    """make() of each seed. onnxruntime crashes on some graphs with empty tensors: such a seed gives none."""
    try:
        with concurrent.futures.ProcessPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(make, seeds, itertools.repeat(operators), chunksize=max(1, len(seeds) // 10)))
    except concurrent.futures.process.BrokenProcessPool:
        if len(seeds) == 1:
            return [None]
        half = len(seeds) // 2
        return make_batch(seeds[:half], operators) + make_batch(seeds[half:], operators)


def write_cases(folder, first, count):
    """`count` graphs from seed `first` on; how many seeds gave none."""
    operators = supported()
    writer, skipped = reducer.CaseWriter(folder), 0
    batch = min(count, 100)
    for start in itertools.count(first, batch):
        seeds = range(start, start + batch)
        for seed, made in zip(seeds, make_batch(seeds, operators)):
            if made is None:
                skipped += 1
                continue
            model = onnx.ModelProto.FromString(made[0])
            reducer.add_case(writer, f"seed {seed}", model, made[1])
            if len(writer.rows) == count:
                writer.finish()
                return skipped


def show(folder, row, reason):
    model = onnx.load(folder / row["model"])
    failed = row["later"][0] if reason.startswith("run 1:") else row
    feeds = {i.name: np.load(folder / file) for i, file in zip(model.graph.input, failed["inputs"], strict=True)}
    number = row["name"].split()[1]
    print(f"{row['name']}: {reason}\n  repeat: {sys.executable} {Path(__file__).relative_to(ROOT)} --first {number} --count 1")
    small, small_feeds, small_reason = reducer.reduced(model, feeds)
    print(f"  reduced: {small_reason}\n{reducer.text_of(small, small_feeds)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--count", type=int, default=1000, metavar="N")
    options = parser.parse_args()
    folder = BUILD / "cases" / f"random_{options.first}_{options.count}"
    skipped = write_cases(folder, options.first, options.count)
    results = reducer.run_cases(folder)
    words = collections.Counter()
    shown = 0
    for row, word, reason in results:
        if word == "FAILED" and any(limit in reason for limit in LIMITS):
            word = "REFUSED"
        words[word] += 1
        if word == "FAILED":
            shown += 1
            show(folder, row, reason) if shown <= SHOWN else print(f"{row['name']}: {reason}")
    print(
        f"random graphs: {words['OK']} agree, {words['REFUSED']} refused, {words['FAILED']} FAILED"
        f" ({skipped} seeds gave none to compare)"
    )
    return 1 if words["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
