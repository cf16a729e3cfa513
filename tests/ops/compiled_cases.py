"""Runs the cases of a folder through generated code: compile_cases in several processes."""

import concurrent.futures
import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def _run_share(program, folder, first, stride, count):
    """number -> (word, reason) of every stride-th case; a crash is a failure of the case it met."""
    results = {}
    while first < count:
        process = subprocess.Popen(
            [program, folder, str(first), str(stride)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        output, errors = process.communicate()
        current = first
        for line in output.splitlines():
            word, number, *reason = line.split(" ", 2)
            current = int(number)
            if word != "RUN":
                results[current] = (word, *reason, "")[:2]
        if process.returncode == 0:
            break
        results[current] = ("FAILED", f"crashed with exit status {process.returncode}: {errors.strip()[-300:]}")
        first = current + stride
    return results


def run_cases(folder, jobs=None):
    """(row of cases.json, word, reason) for every case; word is OK, REFUSED or FAILED."""
    build = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build"))
    program = build / "bin" / "compile_cases"
    rows = json.loads((Path(folder) / "cases.json").read_text())
    jobs = jobs or os.cpu_count()
    results = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for share in pool.map(lambda first: _run_share(program, folder, first, jobs, len(rows)), range(jobs)):
            results |= share
    return [(row, *results[number]) for number, row in enumerate(rows)]
