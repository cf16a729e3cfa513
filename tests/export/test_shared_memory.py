"""Weights are mapped from the file, never copied: no private page, and processes share them."""

import subprocess
import sys

import pytest

# Opens the library, reads every byte of its weights and prints the mapping's figures in kB; waits for a
# line on stdin before and after, so that two processes can hold the pages at once.
READER = r"""
import ctypes, re, sys

class Library(ctypes.Structure):
    _fields_ = [("magic", ctypes.c_char * 8), ("abi", ctypes.c_uint32), ("size", ctypes.c_uint32)] + [
        (name, ctypes.c_void_p) for name in ("target", "producer", "api", "models", "weights")
    ] + [("weights_size", ctypes.c_uint64), ("num_models", ctypes.c_uint64)]

handle = ctypes.CDLL(sys.argv[1])
library = Library.in_dll(handle, "light_squeezenet_library")
total = sum(ctypes.string_at(library.weights, library.weights_size)[::512])
print("ready", flush=True)
sys.stdin.readline()
figures = {}
inside = False
for line in open("/proc/self/smaps"):
    bounds = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line)
    if bounds:
        inside = int(bounds[1], 16) <= library.weights < int(bounds[2], 16)
        if inside:
            figures["permissions"] = bounds[3]
    elif inside:
        key, value = line.split(":")
        figures[key] = value.split()[0]
print(figures["permissions"], figures["Rss"], figures["Anonymous"],
      int(figures["Shared_Clean"]) + int(figures["Shared_Dirty"]), library.weights_size, flush=True)
sys.stdin.readline()
"""


@pytest.fixture(scope="module")
def library(run_dovetail, model, tmp_path_factory):
    library = tmp_path_factory.mktemp("shared") / "squeezenet.so"
    run_dovetail("build", model("light_squeezenet"), "-o", library)
    return library


def start(library):
    process = subprocess.Popen(
        [sys.executable, "-c", READER, str(library)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def figures(process):
    process.stdin.write("\n")
    process.stdin.flush()
    return process.stdout.readline().split()


def finish(process):
    process.stdin.write("\n")
    process.stdin.close()
    assert process.wait(timeout=60) == 0


def test_reading_all_weights_makes_no_private_page(library):
    process = start(library)
    permissions, rss, anonymous, _, size = figures(process)
    finish(process)
    assert permissions == "r--p"
    assert anonymous == "0"
    assert int(rss) * 1024 >= int(size)


def test_two_processes_share_every_page(library):
    first, second = start(library), start(library)
    _, rss, anonymous, shared, _ = figures(first)
    finish(first)
    figures(second)
    finish(second)
    assert anonymous == "0"
    assert shared == rss
