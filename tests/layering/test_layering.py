"""The source tree keeps the rules of docs/architecture.md and the size limits of the project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE_SUFFIXES = {".c", ".cc", ".cpp", ".h", ".hpp", ".inc"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^">]+)[">]', re.MULTILINE)
WINDOWS = re.compile(r"^[ \t]*#[ \t]*(?:el)?if.*\b_WIN(?:32|64)\b", re.MULTILINE)

LINE_LIMIT = 500
# Tables of data and the main path may be longer.
LONG_FILES = {"src/compiler/build.cc"}


class Table:
    """The block ```includes of docs/architecture.md."""

    def __init__(self, text):
        block = re.search(r"^## Direction of includes$.*?^```includes\n(.*?)^```", text, re.M | re.S)
        assert block, "docs/architecture.md has no block ```includes under 'Direction of includes'"
        rows = [[cell.strip() for cell in line.split("|")] for line in block[1].splitlines()[1:]]
        self.allowed = {folder: {folder, *allowed.split()} for folder, allowed, _ in rows}
        self.owners = {}
        for folder, _, alone in rows:
            for library in alone.split():
                self.owners.setdefault(library, set()).add(folder)

    def folder_of_path(self, path):
        """The table's name of a file's folder; None for a file that the table does not speak of."""
        parts = path.split("/")
        if parts[0] == "src" and len(parts) > 2:
            return parts[1]
        if parts[0] == "tools":
            return "tools"
        return self.folder_of_include(path[len("include/") :]) if parts[0] == "include" else None

    def folder_of_include(self, name):
        """The table's name of what an #include names; None for what is not ours."""
        if name == "dovetail/abi.h":
            return "abi"
        first = name.split("/")[0]
        if first == "dovetail":
            return "api"
        return first if "/" in name and first in self.allowed else None

    def violations(self, path, text):
        """One sentence for every include in `text`, the file at `path`, that the table forbids."""
        folder = self.folder_of_path(path)
        if folder not in self.allowed:
            return [f"{path}: folder '{folder}' has no row in the table of docs/architecture.md"]
        found = []
        for quote, name in INCLUDE.findall(text):
            target = self.folder_of_include(name)
            if target and target not in self.allowed[folder]:
                found.append(f"{path}: {folder} may not include {name} of {target}")
            for library, owners in self.owners.items():
                if name.startswith(library + "/") and folder not in owners:
                    found.append(f"{path}: only {' and '.join(sorted(owners))} may include {name}")
            local = quote == '"' and "/" not in name
            if local and folder != "tools" and not path.startswith("include/"):
                found.append(f'{path}: write "{folder}/{name}", relative to src/')
        return found


@pytest.fixture(scope="module")
def table():
    return Table((ROOT / "docs" / "architecture.md").read_text())


def sources(*folders):
    """(path relative to the root, text) of every source file below the folders."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES:
                yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_includes_follow_the_table(table):
    found = [v for path, text in sources("src", "include", "tools") for v in table.violations(path, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "line", "verdict"),
    [
        ("src/runtime/load.cc", '#include "ir/graph.h"', "runtime may not include ir/graph.h of ir"),
        ("src/ir/a.cc", '#include "runtime/load.h"', "ir may not include runtime/load.h of runtime"),
        ("src/executor/a.c", '#include "base/error.h"', "executor may not include base/error.h of base"),
        ("src/executor/a.c", "#include <dovetail/runtime.h>", "executor may not include dovetail/runtime.h of api"),
        ("src/passes/a.cc", "#  include <llvm/IR/Module.h>", "only codegen and export may include llvm/IR/Module.h"),
        ("src/codegen/a.cc", "#include <lld/Common/Driver.h>", "only export may include lld/Common/Driver.h"),
        ("tools/dovetail/a.cc", "#include <onnx/onnx-ml.pb.h>", "only import may include onnx/onnx-ml.pb.h"),
        ("src/ir/a.cc", '#include "graph.h"', 'write "ir/graph.h", relative to src/'),
        ("src/misc/a.cc", "", "folder 'misc' has no row in the table of docs/architecture.md"),
    ],
)
def test_a_forbidden_include_is_named(table, path, line, verdict):
    assert table.violations(path, f"// text\n{line}\n") == [f"{path}: {verdict}"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("src/executor/run.c", "#include <dovetail/abi.h>"),
        ("src/export/elf.cc", "#include <lld/Common/Driver.h>"),
        ("src/compiler/build.cc", '#include "import/onnx.h"'),
        ("src/kernels/gemm/tile.cc", '#include "kernels/schedule.h"'),
        ("include/dovetail/runtime.h", "#include <dovetail/abi.h>"),
        ("tools/dovetail/main.cc", '#include "subcommands.h"'),
    ],
)
def test_an_allowed_include_passes(table, path, line):
    assert table.violations(path, line) == []


def test_windows_code_stands_in_file_pairs():
    found = [
        path
        for path, text in sources("src", "tools")
        if WINDOWS.search(text) and not Path(path).stem.endswith(("_windows", "_posix"))
    ]
    assert not found, f"#ifdef _WIN32 outside *_windows.cc and *_posix.cc: {found}"


def test_files_stay_short():
    folders = ("src", "include", "tools", "tests", "examples", "benchmarks")
    found = [
        f"{path}: {len(text.splitlines())} lines"
        for path, text in sources(*folders)
        if len(text.splitlines()) > LINE_LIMIT and path not in LONG_FILES
    ]
    assert not found, f"over {LINE_LIMIT} lines: {found}"


def test_no_drawers():
    names = {"utils", "util", "common", "misc", "helpers"}
    found = [path for path, _ in sources("src", "include", "tools") if names & set(re.split(r"[/._]", path))]
    assert not found, f"name the concept instead: {found}"
