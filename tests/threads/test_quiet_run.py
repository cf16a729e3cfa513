"""A serial run of a static model makes no allocation, lock or system call: each is trapped."""

import subprocess

import numpy as np
import pytest
from onnx_models import convolutions, helper, mlp, model_of, save


def looping():
    """A Loop of constant shapes, with a Scan output."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["state", "w"], ["product"]),
            helper.make_node("Tanh", ["product"], ["next"]),
            helper.make_node("Identity", ["next"], ["step"]),
            helper.make_node("Identity", ["going"], ["still"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", 7, []),
            helper.make_tensor_value_info("going", 9, []),
            helper.make_tensor_value_info("state", 1, [4, 16]),
        ],
        [
            helper.make_tensor_value_info("still", 9, []),
            helper.make_tensor_value_info("next", 1, [4, 16]),
            helper.make_tensor_value_info("step", 1, [4, 16]),
        ],
    )
    weights = [("count", np.array(12)), ("w", np.random.default_rng(1).standard_normal((16, 16)).astype("float32"))]
    node = helper.make_node("Loop", ["count", "", "x"], ["y", "steps"], body=body)
    outputs = [("y", "float32", [4, 16]), ("steps", "float32", [12, 4, 16])]
    return model_of([node], [("x", "float32", [4, 16])], outputs, weights)


SMALL = {"mlp": (mlp, ["batch=64"]), "convolutions": (convolutions, ["batch=3"]), "loop": (looping, [])}
REAL = {
    "light_squeezenet": [],
    "light_shufflenet": [],
    "lcnet_orientation": ["--dim", "DynamicDimension.0=1"],
    "minilm_l3": ["--dim", "batch_size=1", "--dim", "sequence_length=32"],
}


@pytest.fixture(scope="module")
def program(source_dir, build_dir, tmp_path_factory):
    program = tmp_path_factory.mktemp("quiet") / "quiet_run"
    sources = [source_dir / "tests/threads" / name for name in ("quiet_run.cc", "trap.cc")]
    runtime = ["-L", build_dir / "lib", "-ldovetail_runtime", f"-Wl,-rpath,{build_dir / 'lib'}", "-Wl,-z,now"]
    flags = ["-std=c++20", "-O1", "-fno-builtin", "-Wall", "-Wextra", "-Werror", "-I", source_dir / "include"]
    subprocess.run(["g++", *flags, *sources, *runtime, "-ldl", "-o", program], check=True)
    return program


def run(program, *arguments):
    result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if result.returncode == 77:
        pytest.skip(result.stdout.strip())
    return result


@pytest.mark.parametrize("what,seen", [("malloc", "malloc"), ("lock", "pthread_mutex_lock"), ("call", "system call")])
def test_the_trap_sees(program, what, seen):
    result = run(program, "--trap", what)
    assert result.stdout.startswith(seen) and result.returncode == 1, result.stderr


@pytest.mark.parametrize("name", SMALL)
def test_small_model(run_dovetail, program, tmp_path, name):
    make, dims = SMALL[name]
    run_dovetail("build", save(make(), tmp_path / "model.onnx"), "-o", tmp_path / "model.so")
    result = run(program, tmp_path / "model.so", *dims)
    assert (result.stdout, result.returncode) == ("quiet\n", 0), result.stderr


@pytest.mark.parametrize("name", REAL)
def test_real_model(run_dovetail, model, program, tmp_path, name):
    run_dovetail("build", model(name), "-o", tmp_path / "model.so", *REAL[name])
    result = run(program, tmp_path / "model.so")
    assert (result.stdout, result.returncode) == ("quiet\n", 0), result.stderr
