"""`dovetail run` and the files around it: names, dtypes, ranks and forms of .npy."""

import json
import os

import numpy as np
import pytest
from numpy.lib import format as npy
from onnx_models import helper, mlp, model_of, save

DTYPES = ["float32", "float64", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool", "float16"]


@pytest.fixture
def identity(run_dovetail, tmp_path):
    """identity(dtype, shape) -> a library with one input named with odd characters and one output."""

    def build(dtype, shape):
        model = model_of(
            [helper.make_node("Identity", ["in/a:0.b"], ["out"])], [("in/a:0.b", dtype, shape)], [("out", dtype, shape)]
        )
        save(model, tmp_path / "model.onnx")
        run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
        return tmp_path / "model.so"

    return build


def through(run_dovetail, library, folder, name="x.npy"):
    run_dovetail("run", library, "--input", f"in/a:0.b={folder}/{name}", "--output-dir", folder / "new" / "out")
    return np.load(folder / "new" / "out" / "0.npy")


def values(dtype, shape):
    return (np.arange(np.prod(shape, dtype=int)).reshape(shape) % 3).astype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(run_dovetail, identity, tmp_path, dtype):
    x = values(dtype, (3, 5))
    np.save(tmp_path / "x.npy", x)
    y = through(run_dovetail, identity(dtype, [3, 5]), tmp_path)
    assert y.dtype == x.dtype
    np.testing.assert_array_equal(y, x)


@pytest.mark.parametrize("shape", [(), (1,), (0, 4), (2, 3, 4)])
def test_every_rank(run_dovetail, identity, tmp_path, shape):
    x = values("float32", shape)
    np.save(tmp_path / "x.npy", x)
    y = through(run_dovetail, identity("float32", list(shape)), tmp_path)
    assert y.shape == shape
    np.testing.assert_array_equal(y, x)


def test_fortran_order_and_version_2(run_dovetail, identity, tmp_path):
    x = np.asfortranarray(values("float32", (3, 5)))
    with open(tmp_path / "x.npy", "wb") as file:
        npy.write_array(file, x, version=(2, 0))
    np.testing.assert_array_equal(through(run_dovetail, identity("float32", [3, 5]), tmp_path), x)


def test_big_endian_is_refused(run_dovetail, identity, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros(3, ">f4"))
    library = identity("float32", [3])
    result = run_dovetail("run", library, "--input", f"in/a:0.b={tmp_path}/x.npy", "--output-dir", tmp_path / "o", code=1)
    assert "big-endian" in result.stderr and result.stderr.count("\n") == 1
    assert not (tmp_path / "o").exists()


def test_inspect_tells_everything(run_dovetail, tmp_path):
    save(mlp(), tmp_path / "a-b.onnx")
    run_dovetail("build", tmp_path / "a-b.onnx", "-o", tmp_path / "l.so", "--cpu", "x86-64-v2", "--cpu", "x86-64")
    described = json.loads(run_dovetail("inspect", tmp_path / "l.so", "--json").stdout)
    model = described["models"][0]
    assert (described["abi"], described["target"], described["default"]) == (2, "x86_64-linux-gnu", "a_b")
    assert described["cpus"] == ["x86-64-v2", "x86-64"]
    assert model["inputs"] == [{"name": "x", "dtype": "float32", "shape": ["batch", 64]}]
    assert model["outputs"] == [{"name": "y", "dtype": "float32", "shape": ["batch", 64]}]
    assert list(model["dims"]) == ["batch"]
    assert {p["name"] for p in model["params"]} == {"w0", "b0", "w1", "b1", "w2", "b2"}


def test_bench_prints_one_object(run_dovetail, tmp_path):
    save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "mlp.so")
    result = run_dovetail("bench", tmp_path / "mlp.so", "--dim", "batch=3", "--threads", "1", "--json")
    measured = json.loads(result.stdout)
    assert list(measured) == ["load_ms", "first_run_ms", "median_ms", "min_ms", "runs"]
    assert measured["runs"] >= 10 and 0 < measured["min_ms"] <= measured["median_ms"]


def test_an_empty_path_suffices(dovetail, tmp_path):
    import subprocess

    save(mlp(), tmp_path / "mlp.onnx")
    command = [str(dovetail), "build", "mlp.onnx", "-o", "mlp.so"]
    subprocess.run(command, cwd=tmp_path, env={"PATH": ""}, check=True)
    assert sorted(os.listdir(tmp_path)) == ["mlp.onnx", "mlp.so"]


@pytest.mark.parametrize("nameless", [None, "?"])
def test_nameless_dimensions_are_called_after_their_input(run_dovetail, tmp_path, nameless):
    shape = [nameless, 3]
    model = model_of([helper.make_node("Relu", ["x"], ["y"])], [("x", "float32", shape)], [("y", "float32", shape)])
    save(model, tmp_path / "m.onnx")
    run_dovetail("build", tmp_path / "m.onnx", "-o", tmp_path / "m.so")
    described = json.loads(run_dovetail("inspect", tmp_path / "m.so", "--json").stdout)
    assert list(described["models"][0]["dims"]) == ["x.0"]
    run_dovetail("run", tmp_path / "m.so", "--dim", "x.0=4", "--random", "1", "--output-dir", tmp_path / "o")
    assert np.load(tmp_path / "o" / "0.npy").shape == (4, 3)
