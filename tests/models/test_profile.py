"""dovetail profile, and run --tensors-dir: what steps compute, how long they take, what they leave in memory."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx_models import doubling_loop, helper, mlp, model_of, reference_session, save

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from model_inputs import model_inputs

MODELS = {entry["name"]: entry for entry in json.loads((ROOT / "models" / "manifest.json").read_text())}


def profile(run_dovetail, library, *arguments):
    return json.loads(run_dovetail("profile", library, "--json", "--threads", "1", *arguments).stdout)


def built(run_dovetail, model, folder, *options):
    run_dovetail("build", save(model, folder / "model.onnx"), "-o", folder / "model.so", *options)
    return folder / "model.so"


def convolution(bias, **attributes):
    """x float32[n,16,20,24] -> y, 5x3 taps to 24 channels."""
    random = np.random.default_rng(0)
    groups = attributes.get("group", 1)
    weights = [("w", random.standard_normal((24, 16 // groups, 5, 3), dtype="float32"))]
    weights += [("b", random.standard_normal(24, dtype="float32"))] if bias else []
    node = helper.make_node("Conv", ["x", "w", "b"][: 2 + bias], ["y"], name="conv", **attributes)
    return model_of([node], [("x", "float32", ["n", 16, 20, 24])], [("y", "float32", ["n", 24, None, None])], weights)


@pytest.mark.parametrize(
    "attributes, height, width",
    [
        ({}, 16, 22),
        ({"pads": [2, 1, 2, 1]}, 20, 24),
        ({"strides": [2, 3]}, 8, 8),
        ({"dilations": [2, 2]}, 12, 20),
        ({"group": 4}, 16, 22),
    ],
)
def test_flops_and_bytes_of_a_convolution(run_dovetail, tmp_path, attributes, height, width):
    groups = attributes.get("group", 1)
    for n, bias in ((1, False), (3, True)):
        library = built(run_dovetail, convolution(bias, **attributes), tmp_path)
        steps = profile(run_dovetail, library, "--dim", f"n={n}")["steps"]
        outputs = n * 24 * height * width
        assert sum(step["flops"] for step in steps) == outputs * (2 * 5 * 3 * 16 // groups + bias)
        (step,) = [step for step in steps if step["flops"]]
        assert step["operators"] == "Conv" and step["nodes"] == "conv" and step["calls"] == 1
        # The weights lie in panels of 32 columns.
        least = 4 * (n * 16 * 20 * 24 + outputs + 24 * 16 // groups * 15)
        assert least <= step["bytes"] <= least + 4 * (32 * 16 * 15 * groups + 32)


def test_flops_of_products_and_rows(run_dovetail, tmp_path):
    library = built(run_dovetail, mlp(), tmp_path)
    for batch in (1, 7):
        result = profile(run_dovetail, library, "--dim", f"batch={batch}")
        assert [step["nodes"] for step in result["steps"]] == [f"dense_{k}, relu_{k}" for k in range(3)]
        # Each sum has 64 products, a bias and a maximum.
        assert {step["flops"] for step in result["steps"]} == {batch * 64 * (2 * 64 + 2)}
        assert [row["operators"] for row in result["operators"]] == ["Gemm+Relu"]
        assert result["operators"][0]["flops"] == 3 * batch * 64 * (2 * 64 + 2)


def test_steps_cover_the_run(run_dovetail, model, tmp_path):
    library = tmp_path / "model.so"
    run_dovetail("build", model("light_squeezenet"), "-o", library)
    result = profile(run_dovetail, library)
    assert set(result) == {"model", "threads", "peak", "runs", "run_ms", "covered", "steps", "operators"}
    assert result["model"] == "light_squeezenet" and result["threads"] == 1 and result["runs"] >= 10
    assert result["peak"]["gflops"] > 0 and result["peak"]["gbytes"] > 0
    total = sum(step["ms"] for step in result["steps"])
    assert 0.9 < result["covered"] <= 1
    assert sum(step["share"] for step in result["steps"]) == pytest.approx(1)
    assert sum(row["ms"] for row in result["operators"]) == pytest.approx(total)
    assert sum(row["calls"] for row in result["operators"]) == len(result["steps"])
    for step in result["steps"]:
        assert step["share"] == pytest.approx(step["ms"] / total)
        assert step["gflops"] == pytest.approx(step["flops"] / step["ms"] * 1e-6)
    # 26 convolutions on 1 x 3 x 224 x 224: their products, by hand, are 0.70 GFLOP.
    assert 0.69e9 < sum(step["flops"] for step in result["steps"]) < 0.71e9


def test_profile_as_text(run_dovetail, tmp_path):
    library = built(run_dovetail, mlp(), tmp_path)
    result = run_dovetail("profile", library, "--dim", "batch=2", "--threads", "1")
    lines = result.stdout.splitlines()
    assert result.stderr == ""
    assert lines[0].startswith("model: ") and "1 thread," in lines[0]
    assert lines[1].startswith("peak of this machine, measured now: ")
    assert lines[3].split() == ["ms", "share", "GFLOP/s", "GB/s", "peak", "calls", "step"]
    assert [line.split("  ")[-1] for line in lines[4:7]] == [f"Gemm+Relu: dense_{k}, relu_{k}" for k in range(3)]
    assert lines[9].split()[-1] == "Gemm+Relu"
    assert "  all steps; they take " in lines[-1] and lines[-1].endswith("% of a run")


def test_every_iteration_of_a_loop_counts(run_dovetail, tmp_path):
    library = built(run_dovetail, doubling_loop(), tmp_path)
    for trips in (1, 6):
        np.save(tmp_path / "trips.npy", np.array(trips))
        result = profile(run_dovetail, library, "--input", f"trips={tmp_path}/trips.npy")
        (double,) = [step for step in result["steps"] if step["nodes"] == "loop/body/double"]
        assert double["calls"] == trips and double["flops"] == 40 * trips
        (negated,) = [step for step in result["steps"] if step["nodes"] == "neg"]
        assert negated["calls"] == 1 and negated["flops"] == 40


def tensors(run_dovetail, library, inputs, folder):
    """What run --tensors-dir writes, by name."""
    arguments = []
    for index, (name, array) in enumerate(inputs.items()):
        np.save(folder / f"{index}.npy", array)
        arguments += ["--input", f"{name}={folder}/{index}.npy"]
    run_dovetail("run", library, *arguments, "--output-dir", folder / "out", "--tensors-dir", folder / "tensors")
    names = json.loads((folder / "tensors" / "names.json").read_text())
    assert len(set(names)) == len(names)
    return {name: np.load(folder / "tensors" / f"{k}.npy") for k, name in enumerate(names)}


def test_tensors_of_a_loop_are_those_of_its_last_iteration(run_dovetail, tmp_path):
    library = built(run_dovetail, doubling_loop(), tmp_path)
    x = np.arange(40, dtype="float32")
    found = tensors(run_dovetail, library, {"trips": np.array(5), "x": x}, tmp_path)
    np.testing.assert_array_equal(found["last"], 32 * x)
    np.testing.assert_array_equal(found["y"], -32 * x)
    np.testing.assert_array_equal(found["sums"], x.sum() * 2.0 ** np.arange(1, 6))
    inner = found["loop/body/doubled"]
    np.testing.assert_array_equal(inner, 32 * x)


@pytest.mark.parametrize("name", ["light_squeezenet", "light_shufflenet", "lcnet_orientation", "ppocr_cls", "minilm_l3"])
def test_tensors_of_real_models_are_those_of_onnxruntime(run_dovetail, model, tmp_path, name):
    path, inputs = model(name), model_inputs(MODELS[name])
    run_dovetail("build", path, "-o", tmp_path / "model.so")
    found = tensors(run_dovetail, tmp_path / "model.so", inputs, tmp_path)
    assert len(found) > 30
    watched = onnx.load(str(path))
    outputs = {output.name for output in watched.graph.output}
    for tensor in found:
        if tensor not in outputs:
            watched.graph.output.append(helper.make_empty_tensor_value_info(tensor))
    session = reference_session(watched, blocked=name != "ppocr_cls")
    for (tensor, ours), theirs in zip(found.items(), session.run(list(found), inputs)):
        assert ours.shape == theirs.shape and ours.dtype == theirs.dtype, tensor
        if theirs.dtype.kind == "f" and theirs.size:
            assert np.abs(ours.astype("float64") - theirs).max() <= 1e-4 * np.abs(theirs).max(), tensor
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=tensor)
