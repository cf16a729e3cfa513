"""The README's examples are the files of examples/, and those run."""

import re
import subprocess
import sys

import numpy as np
import pytest
from onnx_models import mlp, reference, save


@pytest.fixture(scope="module")
def folder(run_dovetail, tmp_path_factory):
    """A folder with mlp.onnx, mlp.so, mlp.o and mlp.h."""
    folder = tmp_path_factory.mktemp("readme")
    save(mlp(), folder / "mlp.onnx")
    run_dovetail("build", folder / "mlp.onnx", "-o", folder / "mlp.so", "--header", folder / "mlp.h")
    run_dovetail("build", folder / "mlp.onnx", "-o", folder / "mlp.o")
    return folder


@pytest.fixture(scope="module")
def expected():
    return float(reference(mlp(), {"x": np.zeros((2, 64), "float32")})[0][0, 0])


@pytest.mark.parametrize("language,file", [("c", "c/main.c"), ("cpp", "cpp/main.cc"), ("python", "python/main.py")])
def test_readme_quotes_the_file(source_dir, language, file):
    blocks = re.findall(rf"```{language}\n(.*?)```", (source_dir / "README.md").read_text(), re.DOTALL)
    assert (source_dir / "examples" / file).read_text() in blocks


@pytest.mark.parametrize(
    "page,language,file",
    [("docs/abi.md", "c", "examples/c/main.c"), ("docs/adding_an_operator.md", "cpp", "src/ops/transpose.cc")],
)
def test_page_quotes_the_file(source_dir, page, language, file):
    blocks = re.findall(rf"```{language}\n(.*?)```", (source_dir / page).read_text(), re.DOTALL)
    assert (source_dir / file).read_text() in blocks


def test_shell_example_runs(source_dir, dovetail, folder):
    block = re.search(r"\*\*Shell\*\*\n\n```sh\n(.*?)```", (source_dir / "README.md").read_text(), re.DOTALL).group(1)
    script = block.replace("build/bin/dovetail", str(dovetail))
    result = subprocess.run(["bash", "-euc", script], cwd=folder, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert np.load(folder / "out" / "0.npy").shape == (2, 64)


@pytest.mark.parametrize("link", ["object", "static", "shared"])
def test_c_example_runs(source_dir, folder, expected, link):
    program = folder / f"c_{link}"
    library = {"object": ["mlp.o"], "static": ["mlp.o", "-static"], "shared": ["mlp.so", "-Wl,-rpath,."]}[link]
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I."]
    subprocess.run(["gcc", *flags, source_dir / "examples/c/main.c", *library, "-o", program], cwd=folder, check=True)
    result = subprocess.run([program], cwd=folder, capture_output=True, text=True, check=True)
    assert float(result.stdout) == pytest.approx(expected, abs=1e-5)


def test_python_example_runs(source_dir, folder, expected):
    command = [sys.executable, source_dir / "examples/python/main.py"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert float(result.stdout) == pytest.approx(expected, abs=1e-5)


def test_cpp_example_runs(source_dir, build_dir, folder, expected):
    program = folder / "cpp_main"
    runtime = ["-L", build_dir / "lib", "-ldovetail_runtime", f"-Wl,-rpath,{build_dir / 'lib'}"]
    flags = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-I", source_dir / "include"]
    subprocess.run(["g++", *flags, source_dir / "examples/cpp/main.cc", *runtime, "-o", program], check=True)
    result = subprocess.run([program], cwd=folder, capture_output=True, text=True, check=True)
    assert float(result.stdout) == pytest.approx(expected, abs=1e-5)
