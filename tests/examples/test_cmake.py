"""Installed, and used by a project outside of the tree: find_package, dovetail_add_model, pkg-config."""

import os
import shutil
import subprocess

import numpy as np
import pytest
from onnx_models import mlp, reference, save


@pytest.fixture(scope="module")
def prefix(build_dir, tmp_path_factory):
    prefix = tmp_path_factory.mktemp("prefix")
    subprocess.run(["cmake", "--install", build_dir, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    return prefix


def test_a_project_of_its_own(source_dir, prefix, tmp_path):
    project = tmp_path / "project"
    shutil.copytree(source_dir / "examples" / "cmake", project)
    model = save(mlp(), project / "mlp.onnx")
    configure = ["cmake", "-B", "build", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={prefix}"]
    subprocess.run(configure, cwd=project, check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", "build"], cwd=project, check=True, stdout=subprocess.DEVNULL)
    expected = reference(model, {"x": np.zeros((2, 64), "float32")})[0][0, 0]
    for program in ("linked", "loaded"):
        answer = subprocess.run([project / "build" / program], capture_output=True, text=True, check=True)
        assert float(answer.stdout) == pytest.approx(expected, abs=1e-5)


def test_pkg_config(run_dovetail, source_dir, prefix, tmp_path):
    environment = {**os.environ, "PKG_CONFIG_PATH": str(prefix / "lib" / "pkgconfig")}
    flags = subprocess.run(
        ["pkg-config", "--cflags", "--libs", "dovetail"], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    source = source_dir / "examples" / "cpp" / "main.cc"
    command = ["g++", "-std=c++20", source, *flags, f"-Wl,-rpath,{prefix}/lib", "-o", tmp_path / "main"]
    subprocess.run(command, check=True)
    run_dovetail("build", save(mlp(), tmp_path / "mlp.onnx"), "-o", tmp_path / "mlp.so")
    answer = subprocess.run([tmp_path / "main"], cwd=tmp_path, capture_output=True, text=True, check=True)
    expected = reference(tmp_path / "mlp.onnx", {"x": np.zeros((2, 64), "float32")})[0][0, 0]
    assert float(answer.stdout) == pytest.approx(expected, abs=1e-5)
