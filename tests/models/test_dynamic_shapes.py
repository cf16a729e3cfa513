"""One library serves every shape: many random ones against onnxruntime, and against fresh executors."""

import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import tvm_ffi
from onnx_models import reference_session

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from model_inputs import make_values

TOLERANCE = 1e-4
SHAPES = 50


def sentences(batch, length):
    return {
        "input_ids": ("int64", (batch, length), "integers 1000 30000"),
        "attention_mask": ("int64", (batch, length), "integers 0 2"),
    }


# model -> one function that draws the inputs of one run: name -> (dtype, shape, values)
DRAWS = {
    "funcnet_pair": lambda r: {"x": ("float32", (r.integers(1, 5), 15, r.integers(20, 200)), "normal 1")},
    "lcnet_orientation": lambda r: {"x": ("float32", (r.integers(1, 5), 3, 224, 224), "uniform 0 1")},
    "magika": lambda r: {"bytes": ("int32", (r.integers(1, 5), 2048), "integers 0 257")},
    "minilm_l3": lambda r: sentences(r.integers(1, 5), r.integers(1, 130)),
    "ppocrv4_det": lambda r: {"x": ("float32", (1, 3, 32 * r.integers(6, 17), 32 * r.integers(6, 17)), "text -1 1")},
    "ppocrv4_rec": lambda r: {"x": ("float32", (r.integers(1, 4), 3, 48, r.integers(24, 321)), "text -1 1")},
    "ppocr_cls": lambda r: {"x": ("float32", (r.integers(1, 4), 3, r.integers(33, 65), r.integers(32, 257)), "text -1 1")},
}


def draw(name, random):
    return {
        key: np.ascontiguousarray(make_values(values, shape, random)).astype(dtype)
        for key, (dtype, shape, values) in DRAWS[name](random).items()
    }


def run(executor, inputs, num_outputs):
    for key, array in inputs.items():
        executor["set_input"](key, array)
    executor["run"]()
    return [np.from_dlpack(executor["get_output"](k)).copy() for k in range(num_outputs)]


@pytest.fixture(scope="module")
def load(run_dovetail, model, tmp_path_factory):
    """load(name) -> the factory of a library built without fixing any dimension."""
    folder = tmp_path_factory.mktemp("dynamic")

    def load(name):
        run_dovetail("build", model(name), "-o", folder / f"{name}.so", "--name", name)
        return tvm_ffi.load_module(str(folder / f"{name}.so"))[name]

    return load


@pytest.mark.parametrize("name", DRAWS)
def test_random_shapes_agree_with_onnxruntime(load, model, name):
    executor = load(name)(tvm_ffi.device("cpu:0"))
    session = reference_session(model(name), blocked=name != "ppocr_cls")
    random = np.random.default_rng(1)
    spread = 0
    for _ in range(SHAPES):
        inputs = draw(name, random)
        theirs = session.run(None, inputs)
        for a, b in zip(run(executor, inputs, len(theirs)), theirs, strict=True):
            assert a.shape == b.shape and a.dtype == b.dtype
            # Where a detector finds nothing its answer has no scale of its own.
            scale = max(np.abs(b).max(), 1e-3)
            spread += np.ptp(b) > 1e-2 * scale
            assert np.abs(a.astype("float64") - b).max() <= TOLERANCE * scale, {
                key: array.shape for key, array in inputs.items()
            }
    assert spread > SHAPES / 2


def test_ten_thousand_runs_neither_grow_nor_drift(load):
    factory = load("ppocr_cls")
    executor = factory(tvm_ffi.device("cpu:0"))
    random = np.random.default_rng(2)
    peak = 0
    for k in range(10_000):
        shape = (random.integers(1, 3), 3, 33, random.integers(32, 65))
        inputs = {"x": random.standard_normal(shape, dtype="float32")}
        ours = run(executor, inputs, 1)
        if k % 500 == 0:
            fresh = run(factory(tvm_ffi.device("cpu:0")), inputs, 1)
            assert ours[0].tobytes() == fresh[0].tobytes()
        if k == 2000:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 2048  # KiB
