"""Libraries of every version of the contract: those of this one load, those of others are refused by one sentence.

A version that has ended has a specimen, versions/vN.c; that of the current one is specimen/specimen.c, and
it is frozen into versions/ when DV_ABI_VERSION is raised. golden.txt names the last commit of versions that
had a compiler.
"""

import contextlib
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from onnx_models import mlp, reference, save

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = Path(__file__).resolve().parent
CURRENT = int(re.search(r"#define DV_ABI_VERSION (\d+)", (ROOT / "include/dovetail/abi.h").read_text()).group(1))
LOADED = {CURRENT}  # the versions that this runtime reads: docs/abi.md, "Versions"


def refusal(library, version):
    newer = " or use a newer runtime" if version > CURRENT else ""
    return (
        f"dovetail: {library} was made for ABI version {version}; this runtime reads version {CURRENT}: "
        f"rebuild the library{newer}\n"
    )


def frozen_versions():
    return sorted(int(path.stem[1:]) for path in (HERE / "versions").glob("v*.c"))


def test_every_ended_version_has_a_specimen():
    assert set(range(1, CURRENT)) <= set(frozen_versions()) <= set(range(1, CURRENT + 1))


@pytest.mark.parametrize("version", frozen_versions())
def test_frozen_specimen(run_dovetail, tmp_path, version):
    library = tmp_path / f"v{version}.so"
    flags = ["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O2", "-fPIC", "-shared", "-nostdlib"]
    subprocess.run(["gcc", *flags, HERE / "versions" / f"v{version}.c", "-o", library], check=True)
    x = np.array([1, -2, 0.5, 10], "float32")
    np.save(tmp_path / "x.npy", x)
    command = ["run", library, "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out"]
    if version in LOADED:
        run_dovetail(*command)
        np.testing.assert_array_equal(np.load(tmp_path / "out" / "0.npy"), 2 * x)
    else:
        assert run_dovetail(*command, code=1).stderr == refusal(library, version)
        assert not (tmp_path / "out").exists()


def golden_commits():
    lines = (HERE / "golden.txt").read_text().splitlines()
    return [line.split() for line in lines if line and not line.startswith("#")]


@contextlib.contextmanager
def compiler_of(commit, folder):
    """The command line tool as that commit has it; skips where the commit is not to be had."""
    known = subprocess.run(["git", "cat-file", "-e", f"{commit}^{{commit}}"], cwd=ROOT, capture_output=True, check=False)
    if known.returncode != 0:
        pytest.skip(f"commit {commit} is not in this clone: git fetch --unshallow")
    source = folder / "source"
    subprocess.run(["git", "worktree", "add", "--detach", "--force", source, commit], cwd=ROOT, check=True)
    try:
        options = ["-DDOVETAIL_TESTS=OFF", f"-DDOVETAIL_VENV={ROOT}/build/venv", "-DCMAKE_BUILD_TYPE=Release"]
        subprocess.run(["cmake", "-S", source, "-B", source / "build", "-G", "Ninja", *options], check=True)
        subprocess.run(["cmake", "--build", source / "build", "--target", "dovetail"], check=True)
        yield source / "build" / "bin" / "dovetail"
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", source], cwd=ROOT, check=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("version,commit", golden_commits())
def test_library_of_a_golden_commit(run_dovetail, tmp_path, version, commit):
    model, library = save(mlp(), tmp_path / "mlp.onnx"), tmp_path / "mlp.so"
    with compiler_of(commit, tmp_path) as dovetail:
        subprocess.run([dovetail, "build", model, "-o", library], check=True)
    x = np.random.default_rng(1).standard_normal((2, 64), dtype="float32")
    expected = reference(model, {"x": x})[0]
    np.save(tmp_path / "x.npy", x)
    command = ["run", library, "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out"]
    if int(version) in LOADED:
        run_dovetail(*command)
        np.testing.assert_allclose(np.load(tmp_path / "out" / "0.npy"), expected, rtol=1e-4, atol=1e-5)
    else:
        assert run_dovetail(*command, code=1).stderr == refusal(library, int(version))
    # Without our runtime every version runs: a library carries its executor.
    import tvm_ffi

    executor = tvm_ffi.load_module(str(library))["mlp"](tvm_ffi.device("cpu:0"))
    executor["set_input"]("x", x)
    executor["run"]()
    np.testing.assert_allclose(np.from_dlpack(executor["get_output"](0)), expected, rtol=1e-4, atol=1e-5)
