"""Whole models against onnxruntime: compile, load, run, compare."""

import json
import re

import numpy as np
import pytest
from onnx_models import convolutions, difference, mlp, reference, save

TOLERANCE = 1e-5


@pytest.fixture
def answer(run_dovetail, tmp_path):
    """answer(model, inputs, *build options) -> our outputs, through a library and the command line."""

    def run(model, inputs, *options):
        library = tmp_path / "model.so"
        run_dovetail("build", model, "-o", library, *options)
        arguments = []
        for name, array in inputs.items():
            file = tmp_path / f"in{len(arguments)}.npy"
            np.save(file, array)
            arguments += ["--input", f"{name}={file}"]
        run_dovetail("run", library, *arguments, "--output-dir", tmp_path / "out")
        return [np.load(f) for f in sorted((tmp_path / "out").iterdir(), key=lambda f: int(f.stem))]

    return run


@pytest.mark.parametrize("batch", [1, 2, 5, 33])
def test_mlp(answer, tmp_path, batch):
    model = save(mlp(), tmp_path / "mlp.onnx")
    x = np.random.default_rng(batch).standard_normal((batch, 64), dtype="float32")
    (ours,) = answer(model, {"x": x})
    assert difference(ours, reference(model, {"x": x})[0]) <= TOLERANCE


@pytest.mark.parametrize("cpu", ["x86-64", "x86-64-v2", "x86-64-v3", "native"])
@pytest.mark.parametrize("name,input_name", [("light_squeezenet", "data_0"), ("lcnet_orientation", "x")])
def test_real_model_at_every_level(answer, model, name, input_name, cpu):
    x = np.random.default_rng(0).uniform(0, 1, (1, 3, 224, 224)).astype("float32")
    (ours,) = answer(model(name), {input_name: x}, "--cpu", cpu)
    assert difference(ours, reference(model(name), {input_name: x})[0]) <= TOLERANCE


def test_one_library_serves_every_batch(run_dovetail, model, tmp_path):
    library = tmp_path / "lcnet.so"
    run_dovetail("build", model("lcnet_orientation"), "-o", library)
    for batch in (1, 3, 2):
        x = np.random.default_rng(batch).uniform(0, 1, (batch, 3, 224, 224)).astype("float32")
        np.save(tmp_path / "x.npy", x)
        run_dovetail("run", library, "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
        ours = np.load(tmp_path / "out" / "0.npy")
        assert difference(ours, reference(model("lcnet_orientation"), {"x": x})[0]) <= TOLERANCE


def test_fixed_dimension(run_dovetail, model, tmp_path):
    library = tmp_path / "lcnet.so"
    run_dovetail("build", model("lcnet_orientation"), "-o", library, "--dim", "DynamicDimension.0=1")
    described = json.loads(run_dovetail("inspect", library, "--json").stdout)
    assert described["models"][0]["inputs"] == [{"name": "x", "dtype": "float32", "shape": [1, 3, 224, 224]}]


@pytest.mark.parametrize("accuracy,tiles", [("strict", {}), ("accurate", {"winograd2x2"}), ("fast", {"winograd4x4"})])
def test_accuracy_bounds_the_tiles_of_convolutions(run_dovetail, answer, tmp_path, accuracy, tiles):
    model = save(convolutions(), tmp_path / "conv.onnx")
    option = ["--accuracy", accuracy]
    code = run_dovetail("build", model, "-o", tmp_path / "conv.so", *option, "--dump", "lower").stdout
    assert set(re.findall(r"winograd\dx\d", code)) == set(tiles)
    x = np.random.default_rng(1).standard_normal((3, 64), dtype="float32")
    (ours,) = answer(model, {"x": x}, *option)
    assert difference(ours, reference(model, {"x": x})[0]) <= TOLERANCE
