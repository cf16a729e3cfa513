#!/usr/bin/env python3
"""The ONNX backend node tests through generated code, and how many pass.

    node_tests.py [--absent]

--absent also lists the operators that are not there, with the number of tests that wait for each.
"""

import argparse
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import make_nodes
from compiled_cases import ROOT, run_cases


def line(title, words, absent, total):
    passed, refused, failed = (words.count(word) for word in ("OK", "REFUSED", "FAILED"))
    problem = f", {failed} FAILED" if failed else ""
    return f"{title}: {passed} passed, {refused} refused, {absent} of absent operators{problem}, {total} total"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--absent", action="store_true", help="list the operators that are not there")
    options = parser.parse_args()
    folder = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build")) / "cases" / "nodes"
    make_nodes.main(folder)
    counts = json.loads((folder / "counts.json").read_text())
    results = run_cases(folder)
    for row, word, reason in results:
        if word == "FAILED":
            print(f"{row['name']}: {reason}")
    if options.absent:
        print(", ".join(f"{name} {count}" for name, count in sorted(counts["absent"].items())))
    words = [word for _, word, _ in results]
    common = [word for row, word, _ in results if row["common"]]
    print(line("node tests", words, sum(counts["absent"].values()), counts["total"]))
    print(line(f"of types {' '.join(sorted(make_nodes.COMMON))}", common, counts["common_absent"], counts["common"]))
    return 1 if "FAILED" in words else 0


if __name__ == "__main__":
    sys.exit(main())
