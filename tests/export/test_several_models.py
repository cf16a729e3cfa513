"""Several models in one library: what they share is stored once, and all of them work at once."""

import json
import shutil
import threading

import numpy as np
import pytest
from executors import Executor, close
from onnx_models import helper, mlp, model_of, reference, save


@pytest.fixture(scope="module")
def mlps(tmp_path_factory):
    """Two models of one shape and other weights."""
    folder = tmp_path_factory.mktemp("several")
    for seed in (1, 2):
        save(mlp(seed=seed), folder / f"mlp{seed}.onnx")
    return folder


@pytest.mark.parametrize("name", ["light_squeezenet", "mlp"])
def test_a_copy_under_another_name_adds_nothing(run_dovetail, model, mlps, tmp_path, name):
    file = mlps / "mlp1.onnx" if name == "mlp" else model(name)
    run_dovetail("build", file, "-o", tmp_path / "one.so", "--name", "enc")
    run_dovetail("build", file, file, "-o", tmp_path / "both.so", "--name", "enc", "--name", "dec")
    one, both = ((tmp_path / f"{which}.so").stat().st_size for which in ("one", "both"))
    print(f"{name}: {one} bytes, with a copy {both}")
    assert both < 1.02 * one


def test_all_work_at_once(run_dovetail, model, mlps, tmp_path):
    library = tmp_path / "all.so"
    files = [mlps / "mlp1.onnx", mlps / "mlp2.onnx", model("lcnet_orientation")]
    run_dovetail("build", *files, "-o", library, "--dim", "batch=1..4")
    rng = np.random.default_rng(5)
    work = []
    for file, name in zip(files, ["mlp1", "mlp2", "lcnet_orientation"]):
        inputs = {"x": rng.standard_normal((2, 3, 224, 224) if "lcnet" in name else (3, 64), dtype="float32")}
        work.append((Executor(library, name), inputs, reference(file, inputs)))

    failures = []

    def run(executor, inputs, expected):
        try:
            for _ in range(5):
                close(executor(inputs), expected, 1e-4)
        except AssertionError as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=task) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


@pytest.mark.parametrize("shape, name", [("mx2", "m"), ("max,2", "max")])
def test_options_go_to_the_models_that_know_them(run_dovetail, mlps, tmp_path, shape, name):
    weights = [("w", np.ones((2, 2), "float32"))]
    node = helper.make_node("MatMul", ["a", "w"], ["b"])
    other = save(model_of([node], [("a", "float32", ["n", 2])], [("b", "float32", ["n", 2])], weights), tmp_path / "other.onnx")
    library = tmp_path / "both.so"
    options = ("--dim", "batch=3", "--shape", f"a={shape}", "--dim", f"{name}=1..5")
    run_dovetail("build", mlps / "mlp1.onnx", other, "-o", library, *options)
    models = json.loads(run_dovetail("inspect", library, "--json").stdout)["models"]
    assert [m["name"] for m in models] == ["mlp1", "other"]
    assert [m["inputs"][0]["shape"] for m in models] == [[3, 64], [name, 2]]
    assert models[1]["dims"] == {name: {"min": 1, "max": 5}}


REFUSED = {
    "a.onnx b.onnx --dim n=1": "--dim n: no model has such a dimension; a.onnx has: batch; b.onnx has: batch",
    "a.onnx b.onnx --shape z=1x64": "--shape z: no model has such an input; a.onnx has: x; b.onnx has: x",
    "a.onnx a.onnx": "two models are named 'a': give each a name of its own (--name)",
    "a.onnx b.onnx --name c": "--name is given 1 time for 2 models: give one for each, in their order",
    "a.onnx --name c --name d": "--name is given 2 times for 1 model: give one for each, in their order",
    "a.onnx none.onnx": "cannot read none.onnx: No such file or directory",
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_refusal(run_dovetail, mlps, tmp_path, arguments):
    shutil.copy(mlps / "mlp1.onnx", tmp_path / "a.onnx")
    shutil.copy(mlps / "mlp2.onnx", tmp_path / "b.onnx")
    result = run_dovetail("build", *arguments.split(), "-o", "l.so", code=1, cwd=tmp_path)
    assert result.stderr == f"dovetail: {REFUSED[arguments]}\n"
    assert not (tmp_path / "l.so").exists()
