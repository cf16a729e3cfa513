"""Tensors between our runtime and tvm_ffi's C++, in one process and in both directions."""

import subprocess

from onnx_models import mlp, save
from tvm_ffi import libinfo


def test_exchange(run_dovetail, source_dir, build_dir, tmp_path):
    run_dovetail("build", save(mlp(), tmp_path / "mlp.onnx"), "-o", tmp_path / "mlp.so")
    theirs = libinfo.find_libtvm_ffi()
    link = ["-L", build_dir / "lib", "-ldovetail_runtime", theirs, f"-Wl,-rpath,{build_dir / 'lib'}:{theirs.rsplit('/', 1)[0]}"]
    include = ["-I", source_dir / "include", "-isystem", libinfo.find_include_path()]
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", *include, source_dir / "tests/tvm_ffi/exchange.cc"]
    subprocess.run([*command, *link, "-o", tmp_path / "exchange"], check=True)
    result = subprocess.run([tmp_path / "exchange", tmp_path / "mlp.so"], capture_output=True, text=True, check=False)
    assert (result.stdout, result.returncode) == ("passed\n", 0), result.stderr
