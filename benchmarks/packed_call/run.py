#!/usr/bin/env python3
"""What does a packed call that does nothing cost, beside tvm_ffi's own C++, in one process?

    run.py [--check]

Prints nanoseconds per call, the best of many turns, for functions of a program (without arguments, with
three integers, with three tensors that the function holds), of a library, and with three tensors in a program
that has started a thread. --check fails when one of ours costs more than 1.2 times theirs, the last 1.3: it
measures little but six atomic counts, on our side std::shared_ptr's.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import onnx
from onnx import helper
from tvm_ffi import libinfo

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")).resolve()
LIMIT = 1.2
LIMITS = {"three tensors, threads": 1.3}


def save_model(path):
    """Any model: a library has the function that is called."""
    x, y = (helper.make_tensor_value_info(name, 1, [4]) for name in "xy")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "graph", [x], [y])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), path)


def build(folder):
    """The benchmark's command."""
    save_model(folder / "model.onnx")
    subprocess.run([BUILD / "bin" / "dovetail", "build", folder / "model.onnx", "-o", folder / "ours.so"], check=True)
    theirs = Path(libinfo.find_libtvm_ffi())
    compiler = ["g++", "-std=c++20", "-O2", "-I", ROOT / "include", "-isystem", libinfo.find_include_path()]
    link = [theirs, "-L", BUILD / "lib", "-ldovetail_runtime", f"-Wl,-rpath,{theirs.parent}:{BUILD / 'lib'}"]
    sources = [HERE / name for name in ("main.cc", "dovetail.cc", "tvm_ffi.cc")]
    subprocess.run([*compiler, *sources, *link, "-o", folder / "calls"], check=True)
    exported = ["-shared", "-fPIC", HERE / "exported.cc", *link]
    subprocess.run([*compiler, *exported, "-o", folder / "theirs.so"], check=True)
    return [folder / "calls", folder / "ours.so", folder / "theirs.so"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail above the limits")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        lines = subprocess.run(build(Path(folder)), capture_output=True, text=True, check=True).stdout.splitlines()
    slow = []
    print(f"{'packed call':24}{'ours ns':>10}{'tvm_ffi ns':>12}{'ratio':>8}")
    for line in lines:
        name, ours, theirs, ratio = line.split("\t")
        print(f"{name:24}{ours:>10}{theirs:>12}{float(ratio):8.2f}")
        if float(ratio) > (limit := LIMITS.get(name, LIMIT)):
            slow.append(f"{name}: {ratio} (limit {limit})")
    if options.check and slow:
        sys.exit(f"bench-check: packed calls cost too many times tvm_ffi's time: {'; '.join(slow)}")


if __name__ == "__main__":
    main()
