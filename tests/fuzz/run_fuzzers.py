#!/usr/bin/env python3
"""Builds the fuzzers into build-fuzz/ and runs them, as many at once as there are cores.

    run_fuzzers.py [--seconds N] [--seed N] [--build-only] [FUZZER...]

Prints a line for each; a crash is told by what the fuzzer said of it and one line that repeats it.
The corpus is made anew by make_seeds.py, so that a run depends on nothing but the sources and chance,
and with a seed not on chance.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = ROOT / "build-fuzz"
# Name and options of its own: the largest input, and the most seconds and MB that one may take.
FUZZERS = {
    "compile": ["-max_len=20000", "-timeout=20"],
    "import": ["-max_len=20000", "-timeout=10"],
    "library": ["-max_len=200000", "-timeout=5"],
    "npy": ["-max_len=4096", "-timeout=5"],
    "safetensors": ["-max_len=4096", "-timeout=5"],
}
# An input of 20 kB that takes more is an attack that was not refused.
MEMORY = ["-rss_limit_mb=2500", "-malloc_limit_mb=1000"]
SEEDS_IN_A_SECOND = 500  # time that is added for them


def build(names):
    flags = [
        "-DCMAKE_BUILD_TYPE=Debug",
        "-DCMAKE_C_COMPILER=clang-19",
        "-DCMAKE_CXX_COMPILER=clang++-19",
        "-DCMAKE_CXX_FLAGS=-w",  # the warnings are those of the release build
        "-DDOVETAIL_SANITIZE=fuzzer-no-link,address,undefined",
        f"-DDOVETAIL_VENV={ROOT}/build/venv",
    ]
    configure = ["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", *flags]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    targets = [f"{name}_fuzzer" for name in names]
    subprocess.run(["cmake", "--build", BUILD, "--target", *targets], check=True)


def last_number(pattern, text):
    found = re.findall(pattern, text)
    return found[-1] if found else "0"


def fuzz(name, seconds, seed):
    """A line on what happened, and what to show of a crash."""
    folder = BUILD / "fuzzing" / name
    found = folder / "found"
    shutil.rmtree(found, ignore_errors=True)
    found.mkdir(parents=True)
    seeds = folder / "seeds"
    time = seconds + len(list(seeds.iterdir())) // SEEDS_IN_A_SECOND
    command = [BUILD / "bin" / f"{name}_fuzzer", *FUZZERS[name], *MEMORY, f"-max_total_time={time}", f"-seed={seed}"]
    command += [f"-artifact_prefix={folder}/", "-print_final_stats=1", "-detect_leaks=0", found, seeds]
    environment = os.environ | {"ASAN_OPTIONS": "allocator_may_return_null=1:detect_container_overflow=0"}
    result = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    runs = last_number(r"stat::number_of_executed_units: (\d+)", result.stderr)
    coverage = last_number(r"cov: (\d+)", result.stderr)
    line = f"{name}: {runs} inputs in {seconds} s, {coverage} edges"
    if result.returncode == 0:
        return line, ""
    artifact = last_number(r"Test unit written to (\S+)", result.stderr)
    start = result.stderr.rfind("NEW_FUNC", 0, result.stderr.find("=="))
    told = [text for text in result.stderr[max(start, 0) :].splitlines() if not text.startswith(("#", "\tNEW", "MS:"))]
    return f"{line}, CRASHED", "\n".join(told[:40] + [f"repeat: {command[0]} {artifact}"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60, help="that each fuzzer runs")
    parser.add_argument("--seed", type=int, default=0, help="of the random numbers; 0 takes another one each time")
    parser.add_argument("--build-only", action="store_true")
    parser.add_argument("names", metavar="FUZZER", nargs="*", help=f"some of {', '.join(FUZZERS)}")
    options = parser.parse_args()
    names = options.names or list(FUZZERS)
    build(names)
    if options.build_only:
        return 0
    subprocess.run([sys.executable, HERE / "make_seeds.py", BUILD / "fuzzing"], check=True)
    crashed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for line, crash in pool.map(lambda name: fuzz(name, options.seconds, options.seed), names):
            print(line)
            if crash:
                crashed = True
                print(crash)
    return 1 if crashed else 0


if __name__ == "__main__":
    sys.exit(main())
