"""Any number of threads and callers gives the bits of one thread, on small models that split and on real ones."""

import re
import subprocess

import numpy as np
import pytest
from onnx_models import convolutions, helper, mlp, model_of, save


def attention_like():
    """Products, softmax and sums over long axes."""
    nodes = [
        helper.make_node("MatMul", ["q", "k"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["weights"], axis=-1),
        helper.make_node("MatMul", ["weights", "v"], ["mixed"]),
        helper.make_node("ReduceSum", ["mixed"], ["sum"], keepdims=0),
        helper.make_node("ReduceMax", ["mixed"], ["largest"], axes=[1], keepdims=0),
    ]
    inputs = [("q", "float32", [4, 256, 64]), ("k", "float32", [4, 64, 512]), ("v", "float32", [4, 512, 64])]
    outputs = [("mixed", "float32", [4, 256, 64]), ("sum", "float32", []), ("largest", "float32", [4, 64])]
    return model_of(nodes, inputs, outputs)


def recurrent():
    random = np.random.default_rng(0)
    weights = [("w", random.standard_normal((2, 512, 64)) / 8), ("r", random.standard_normal((2, 512, 128)) / 8)]
    node = helper.make_node("LSTM", ["x", "w", "r"], ["y"], hidden_size=128, direction="bidirectional")
    weights = [(name, np.asarray(array, "float32")) for name, array in weights]
    return model_of([node], [("x", "float32", [20, 8, 64])], [("y", "float32", [20, 2, 8, 128])], weights)


SMALL = {
    "mlp": (mlp, ["batch=512"]),
    "convolutions": (convolutions, ["batch=32"]),
    "attention": (attention_like, []),
    "recurrent": (recurrent, []),
}
REAL = {
    "light_squeezenet": ([], []),
    "minilm_l3": (["--dim", "batch_size=2", "--dim", "sequence_length=64"], []),
}


@pytest.fixture(scope="module")
def program(source_dir, build_dir, tmp_path_factory):
    program = tmp_path_factory.mktemp("threads") / "same_bits"
    runtime = ["-L", build_dir / "lib", "-ldovetail_runtime", f"-Wl,-rpath,{build_dir / 'lib'}"]
    flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-I", source_dir / "include"]
    subprocess.run(["g++", *flags, source_dir / "tests/threads/same_bits.cc", *runtime, "-o", program], check=True)
    return program


def check(program, library, dims):
    result = subprocess.run([program, library, *dims], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    assert int(re.fullmatch(r"splits (\d+) times\n", result.stdout).group(1)) > 0


@pytest.mark.parametrize("name", SMALL)
def test_small_model(run_dovetail, program, tmp_path, name):
    make, dims = SMALL[name]
    run_dovetail("build", save(make(), tmp_path / "model.onnx"), "-o", tmp_path / "model.so")
    check(program, tmp_path / "model.so", dims)


@pytest.mark.parametrize("name", REAL)
def test_real_model(run_dovetail, model, program, tmp_path, name):
    options, dims = REAL[name]
    run_dovetail("build", model(name), "-o", tmp_path / "model.so", *options)
    check(program, tmp_path / "model.so", dims)
