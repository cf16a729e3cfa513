"""Every model of models/manifest.json, from its file as it is: compile, run on the inputs that the manifest
describes, compare each output with onnxruntime."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from onnx_models import difference, reference

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from model_inputs import model_inputs

MODELS = {entry["name"]: entry for entry in json.loads((ROOT / "models" / "manifest.json").read_text())}
TOLERANCE = 1e-4  # max|a-b| / max|a| of each output
TIGHTER = {"light_squeezenet": 1e-5, "lcnet_orientation": 1e-5}
# Models that cannot be compiled yet, with a part of the message. One that can be is to be taken out.
REFUSED = {
}


def distance(ours, theirs):
    """Integers are equal or not; some models hand an input through, which may be constant."""
    if theirs.dtype.kind == "f":
        return difference(ours, theirs)
    return 0 if ours.dtype == theirs.dtype and np.array_equal(ours, theirs) else np.inf


@pytest.mark.parametrize("name", MODELS)
def test_real_model(run_dovetail, model, tmp_path, name):
    path, library = model(name), tmp_path / "model.so"
    if name in REFUSED:
        result = run_dovetail("build", path, "-o", library, code=None)
        assert result.returncode != 0, f"{name} compiles now: take it out of REFUSED"
        assert result.returncode == 1 and REFUSED[name] in result.stderr, result.stderr
        return
    run_dovetail("build", path, "-o", library)
    arguments = []
    for index, (input_name, array) in enumerate(model_inputs(MODELS[name]).items()):
        np.save(tmp_path / f"{index}.npy", array)
        arguments += ["--input", f"{input_name}={tmp_path}/{index}.npy"]
    run_dovetail("run", library, *arguments, "--output-dir", tmp_path / "out")
    expected = reference(path, model_inputs(MODELS[name]))
    ours = [np.load(tmp_path / "out" / f"{index}.npy") for index in range(len(expected))]
    worst = max(distance(a, b) for a, b in zip(ours, expected, strict=True))
    assert worst <= TIGHTER.get(name, TOLERANCE)


def test_the_table_of_refusals_names_models_that_are_there():
    assert set(REFUSED) <= set(MODELS)
