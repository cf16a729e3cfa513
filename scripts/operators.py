#!/usr/bin/env python3
"""Writes docs/operators.md from the compiler's own table, `dovetail operators --json`.

    operators.py [--check]

--check writes nothing and fails when the page differs. Both print the size of the operator layer
beside the count of operators in it.
"""

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "operators.md"
HEAD = """\
# Operators

Made by `scripts/operators.py` from the table of the compiler (`dovetail operators --json`). The types are
those of the first input. Versions of the default domain: opset {since} to {until}. What is refused gets an error
that names the node and the way out.

Indices that only a run knows are no errors when they are out of range: gathers take the nearest element, or 0 of an
axis without elements, and scatters leave such updates out. Extents that only a run knows are checked: two dimensions
of different names that meet, as in Add, must be equal then, so one that is to be broadcast is fixed by `--dim NAME=1`.

| operator | opsets | types | limits |
|---|---|---|---|
"""
GROUPS = {
    "every type": "float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64 bool",
    "numbers": "float32 float64 float16 bfloat16 int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    "floats": "float32 float64 float16 bfloat16",
    "integers": "int8 int16 int32 int64 uint8 uint16 uint32 uint64",
    "signed integers": "int8 int16 int32 int64",
    "unsigned integers": "uint8 uint16 uint32 uint64",
}


def table():
    build = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build"))
    result = subprocess.run([build / "bin" / "dovetail", "operators", "--json"], capture_output=True, check=True)
    return json.loads(result.stdout)


def types_text(dtypes):
    """Names for the groups that are there as a whole, then the others one by one."""
    left, words = list(dtypes), []
    for name, group in GROUPS.items():
        if set(group.split()) <= set(left):
            words.append(name)
            left = [dtype for dtype in left if dtype not in group.split()]
    return ", ".join(words + left)


def page(rows):
    standard = [row for row in rows if not row["domain"]]
    text = HEAD.format(since=statistics.mode(r["since"] for r in standard), until=max(r["until"] for r in standard))
    for (domain, name), group in itertools.groupby(rows, lambda row: (row["domain"], row["name"])):
        group = list(group)
        # A line for each definition whose types or limits differ.
        for told, same in itertools.groupby(group, lambda row: (types_text(row["dtypes"]), row["limits"])):
            same = list(same)
            title = f"{domain}.{name}" if domain else name
            text += f"| {title} | {same[0]['since']} to {same[-1]['until']} | {told[0]} | {told[1]} |\n"
    return text


def size_line(rows):
    files = [path for path in (ROOT / "src" / "ops").rglob("*") if path.suffix in (".cc", ".h")]
    lines = sum(len(path.read_text().splitlines()) for path in files)
    count = len({(row["domain"], row["name"]) for row in rows})
    return f"operators: {count}, in {lines} lines of src/ops ({lines / count:.0f} lines each)"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="fail when docs/operators.md is out of date")
    options = parser.parse_args()
    rows = table()
    text = page(rows)
    if not options.check:
        PAGE.write_text(text)
    print(size_line(rows))
    if PAGE.read_text() != text:
        sys.exit("docs/operators.md is out of date: run scripts/operators.py")


if __name__ == "__main__":
    main()
