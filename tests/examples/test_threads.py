"""The examples that run a model on the caller's own threads give the bits of one thread."""

import os
import re
import subprocess

import pytest
from onnx_models import mlp, save

COMPILERS = {
    "openmp.c": ["gcc", "-std=c99", "-fopenmp"],
    "std_thread.cc": ["g++", "-std=c++20", "-pthread"],
}


@pytest.fixture(scope="module")
def folder(run_dovetail, tmp_path_factory):
    folder = tmp_path_factory.mktemp("threads")
    save(mlp(), folder / "mlp.onnx")
    run_dovetail("build", folder / "mlp.onnx", "-o", folder / "mlp.o", "--header", folder / "mlp.h")
    return folder


@pytest.mark.parametrize("example", COMPILERS)
def test_example(source_dir, folder, example):
    program = folder / f"{example}.program"
    command = [*COMPILERS[example], "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I."]
    subprocess.run([*command, source_dir / "examples/threads" / example, "mlp.o", "-o", program], cwd=folder, check=True)
    for threads in ("1", "4"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        result = subprocess.run([program], capture_output=True, text=True, check=True, env=environment)
        calls = int(re.fullmatch(r"(\d+) shared loops, the same bits\n", result.stdout).group(1))
        assert calls > 0 or threads == "1"
