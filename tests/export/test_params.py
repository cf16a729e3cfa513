"""Libraries without their weights: what is loaded later gives the answers of a library that has them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
import tvm_ffi
from onnx import numpy_helper
from onnx_models import convolutions, difference, helper, mlp, model_of, reference, save
from safetensors.numpy import load_file, save_file

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from model_inputs import model_inputs

MODELS = {entry["name"]: entry for entry in json.loads((ROOT / "models" / "manifest.json").read_text())}


@pytest.fixture(scope="module")
def conv(run_dovetail, tmp_path_factory):
    """A folder with a small model (frozen shapes, Winograd tiles), its params and its two libraries."""
    folder = tmp_path_factory.mktemp("params")
    save(convolutions(), folder / "conv.onnx")
    run_dovetail("build", folder / "conv.onnx", "-o", folder / "full.so", "--params-out", folder / "p.safetensors")
    run_dovetail("build", folder / "conv.onnx", "-o", folder / "conv.so", "--no-params")
    np.save(folder / "x.npy", np.random.default_rng(5).standard_normal((3, 64), dtype="float32"))
    return folder


def outputs_of(run_dovetail, library, inputs, folder, *options):
    arguments = []
    for index, (name, array) in enumerate(inputs.items()):
        np.save(folder / f"input{index}.npy", array)
        arguments += ["--input", f"{name}={folder}/input{index}.npy"]
    run_dovetail("run", library, *arguments, *options, "--output-dir", folder / "out")
    return [np.load(folder / "out" / f"{k}.npy") for k in range(len([*(folder / "out").iterdir()]))]


def other_weights(path, params, folder):
    """The model with other weights, as an ONNX file and as a safetensors file."""
    model, rng = onnx.load(path), np.random.default_rng(7)
    params = dict(params)
    tensors = {initializer.name: initializer for initializer in model.graph.initializer}
    tensors |= {node.output[0]: node.attribute[0].t for node in model.graph.node if node.op_type == "Constant"}
    for name, tensor in tensors.items():
        value = params.get(name)
        if value is None or value.dtype != np.float32 or np.abs(value).max(initial=0) > 1e10:
            continue
        value = np.asarray(value * (1 + 0.05 * rng.standard_normal(value.shape)), "float32")
        tensor.CopyFrom(numpy_helper.from_array(value, name))
        params[name] = value
    onnx.save(model, folder / "other.onnx")
    save_file(params, folder / "other.safetensors", metadata={"format": "np"})
    return folder / "other.onnx", folder / "other.safetensors"


@pytest.mark.parametrize("name", ["light_squeezenet", "ppocr_cls", "aecmos", "minilm_l3"])
def test_loaded_params_are_as_good_as_packaged_ones(run_dovetail, model, tmp_path, name):
    path, inputs = model(name), model_inputs(MODELS[name])
    run_dovetail("build", path, "-o", tmp_path / "full.so", "--params-out", tmp_path / "p.safetensors")
    run_dovetail("build", path, "-o", tmp_path / "bare.so", "--no-params")
    sizes = [(tmp_path / f"{which}.so").stat().st_size for which in ("bare", "full")]
    print(f"{name}: {sizes[0]} bytes without params, {sizes[1]} with")
    assert sizes[0] < 700_000
    packaged = outputs_of(run_dovetail, tmp_path / "full.so", inputs, tmp_path)
    given = ["--params", tmp_path / "p.safetensors"]
    loaded = outputs_of(run_dovetail, tmp_path / "bare.so", inputs, tmp_path, *given)
    assert [y.tobytes() for y in loaded] == [y.tobytes() for y in packaged]
    other, weights = other_weights(path, load_file(tmp_path / "p.safetensors"), tmp_path)
    swapped = outputs_of(run_dovetail, tmp_path / "bare.so", inputs, tmp_path, "--params", weights)
    assert [y.tobytes() for y in swapped] != [y.tobytes() for y in packaged]
    for ours, theirs in zip(swapped, reference(other, inputs), strict=True):
        assert np.array_equal(ours, theirs) or difference(ours, theirs) < 1e-4


def test_the_file_holds_the_initializers(conv):
    initializers = {i.name: numpy_helper.to_array(i) for i in onnx.load(conv / "conv.onnx").graph.initializer}
    params = load_file(conv / "p.safetensors")
    assert set(params) == {name for name in initializers if name[0] == "w"}  # the others shaped the code
    for name, value in params.items():
        assert value.dtype == initializers[name].dtype and value.shape == initializers[name].shape
        np.testing.assert_array_equal(value, initializers[name])
    begin = 8 + int.from_bytes((conv / "p.safetensors").read_bytes()[:8], "little")
    assert begin % 8 == 0


def test_inspect_and_bench(run_dovetail, conv):
    described = {
        which: json.loads(run_dovetail("inspect", conv / f"{which}.so", "--json").stdout)["models"][0]
        for which in ("full", "conv")
    }
    assert described["full"]["packaged"] and not described["conv"]["packaged"]
    assert [p["name"] for p in described["conv"]["params"]] == ["w0", "w1", "w2"]
    assert [p["name"] for p in described["conv"]["frozen"]] == ["images", "rows"]
    assert "3 params to be loaded, 2 frozen values" in run_dovetail("inspect", conv / "conv.so").stdout
    options = ["--params", conv / "p.safetensors", "--dim", "batch=2", "--json"]
    assert json.loads(run_dovetail("bench", conv / "conv.so", *options).stdout)["runs"] >= 10


def faulty(conv, which):
    params = dict(load_file(conv / "p.safetensors"))
    if which == "fit":
        params |= {"images": np.array([-1, 1, 8, 8]), "rows": np.array([-1, 64]), "of another model": np.zeros(2)}
    if which == "do not":
        del params["w0"]
        params |= {"w1": params["w1"][:5], "w2": params["w2"].astype("float64"), "images": np.array([-1, 1, 4, 16])}
    return params


FAULTS = (
    "param 'w0' is missing; param 'w1' has shape [5,64,3,3], expected [72,64,3,3]; param 'w2' has dtype float64, "
    "expected float32; frozen value 'images' is another than the one that shaped the library's code; build it anew"
)
NO_PARAMS = (
    "model 'conv' has no params: its library was made with --no-params; call load_params first (dovetail run and "
    "bench: --params FILE)"
)
PACKAGED = "model 'conv' has its params in its library; to load others, build it with --no-params"


def test_refusals_on_the_command_line(run_dovetail, conv, tmp_path):
    def refusal(library, *options):
        arguments = ["--input", f"x={conv}/x.npy", *options, "--output-dir", tmp_path / "out"]
        result = run_dovetail("run", conv / library, *arguments, code=1)
        assert not (tmp_path / "out").exists()
        return result.stderr

    assert refusal("conv.so") == f"dovetail: {NO_PARAMS}\n"
    save_file(faulty(conv, "do not"), tmp_path / "f.safetensors")
    assert refusal("conv.so", "--params", tmp_path / "f.safetensors") == f"dovetail: {FAULTS}\n"
    assert refusal("full.so", "--params", conv / "p.safetensors") == f"dovetail: {PACKAGED}\n"
    (tmp_path / "cut.safetensors").write_bytes((conv / "p.safetensors").read_bytes()[:-1])
    assert refusal("conv.so", "--params", tmp_path / "cut.safetensors").startswith(
        f"dovetail: {tmp_path}/cut.safetensors: tensor 'w"
    )


class Executor:
    def __init__(self, conv, library="conv.so"):
        self.functions = tvm_ffi.load_module(str(conv / library))["conv"](tvm_ffi.device("cpu:0"))
        self.functions["set_input"]("x", np.load(conv / "x.npy"))

    def __getattr__(self, name):
        return self.functions[name]

    def answer(self):
        self.functions["run"]()
        return np.from_dlpack(self.functions["get_output"](0)).copy()


def raises(kind, text, work):
    with pytest.raises(kind) as caught:
        work()
    assert str(caught.value) == text


def test_through_tvm_ffi(conv):
    packaged, executor = Executor(conv, "full.so"), Executor(conv)
    raises(RuntimeError, NO_PARAMS, executor.answer)
    params = load_file(conv / "p.safetensors")
    executor.load_params(params)
    expected = packaged.answer()
    np.testing.assert_array_equal(executor.answer(), expected)
    raises(ValueError, FAULTS, lambda: executor.load_params(faulty(conv, "do not")))
    np.testing.assert_array_equal(executor.answer(), expected)
    raises(RuntimeError, NO_PARAMS, Executor(conv).answer)  # others are as they were
    executor.load_params(faulty(conv, "fit"))
    transposed = {name: np.ascontiguousarray(value.T).T for name, value in params.items()}
    assert not transposed["w1"].flags["C_CONTIGUOUS"]
    executor.load_params(transposed)
    np.testing.assert_array_equal(executor.answer(), expected)
    raises(TypeError, "load_params takes a dict of tensors, got int", lambda: executor.load_params(1))
    raises(TypeError, "param 'w1' is given as int, expected a tensor", lambda: executor.load_params(params | {"w1": 1}))
    raises(RuntimeError, PACKAGED, lambda: packaged.load_params(params))
    raises(TypeError, "load_params takes (dict), got 0 arguments", lambda: executor.load_params())


def test_sharing_through_tvm_ffi(conv):
    giver, taker = Executor(conv), Executor(conv)
    none = "the executor of model 'conv' has no params to share: call load_params on it first"
    raises(RuntimeError, none, lambda: taker.share_params(giver.functions))
    raises(RuntimeError, none, lambda: giver.share_params(giver.functions))
    giver.load_params(load_file(conv / "p.safetensors"))
    taker.share_params(giver.functions)
    expected = giver.answer()
    giver.share_params(giver.functions)  # of its own: they stay
    np.testing.assert_array_equal(giver.answer(), expected)
    giver.load_params({name: 2 * value for name, value in load_file(conv / "p.safetensors").items()})
    assert not np.array_equal(giver.answer(), expected)
    del giver
    np.testing.assert_array_equal(taker.answer(), expected)
    takes = "share_params takes an executor of model 'conv', got "
    raises(TypeError, takes + "int", lambda: taker.share_params(1))
    raises(TypeError, takes + "another dict", lambda: taker.share_params({}))
    copy = tvm_ffi.from_dlpack(np.from_dlpack(taker.share_params()).copy())
    forged = {"share_params": tvm_ffi.convert(lambda: copy)}
    raises(TypeError, takes + "an executor of another model", lambda: taker.share_params(forged))
    raises(RuntimeError, PACKAGED, lambda: taker.share_params(Executor(conv, "full.so").functions))


def test_a_thousand_swaps_take_no_memory(conv):
    params = [load_file(conv / "p.safetensors")]
    params.append({name: 2 * value for name, value in params[0].items()})
    live = Executor(conv)
    expected = []
    for each in params:
        live.load_params(each)
        expected.append(live.answer())
    before = 0
    for swap in range(1000):
        live.load_params(params[swap % 2])
        young = Executor(conv)
        young.share_params(live.functions)
        if swap % 100 == 0:
            np.testing.assert_array_equal(young.answer(), expected[swap % 2])
        if swap == 200:
            before = resident()
    assert resident() - before < 4_000_000  # the params of one swap are 340 kB


def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


HOST = r"""
#include "conv.h"
#include <stdio.h>

int main(int argc, char** argv) {
  static float w0[64], w1[72 * 64 * 9], w2[72], x[3 * 64], y[3 * 64];
  const void* params[conv_num_params];
  dv_host host = dovetail_malloc_host();
  dv_context* context = NULL;
  dv_error error;
  const size_t size = (size_t)conv_params_size(&conv_library);
  void* prepared = host.alloc(host.self, size, DV_ALIGNMENT);
  FILE* file = fopen("weights.bin", "rb");
  (void)argv;
  if (!file || !fread(w0, sizeof w0, 1, file) || !fread(w1, sizeof w1, 1, file) ||
      !fread(w2, sizeof w2, 1, file) || !fread(x, sizeof x, 1, file)) return 2;
  params[conv_param_w0] = w0;
  params[conv_param_w1] = argc > 1 ? NULL : w1;
  params[conv_param_w2] = w2;
  if (conv_prepare_params(&conv_library, &host, params, prepared, &error) ||
      conv_create(&conv_library, &host, &context, &error) ||
      conv_set_params(&conv_library, context, prepared, &error) ||
      conv_run(&conv_library, context, 3, x, y, &error)) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  conv_destroy(&conv_library, context);
  fclose(file);
  file = fopen("out.bin", "wb");
  return fwrite(prepared, size, 1, file) && fwrite(y, sizeof y, 1, file) ? 0 : 3;
}
"""


def test_a_library_prepares_the_bytes_that_the_compiler_packages(run_dovetail, conv, tmp_path):
    """On each machine, by a C program with the typed header alone; its text says which weights it needs."""
    params = load_file(conv / "p.safetensors")
    x = np.load(conv / "x.npy")
    for target, compiler, runner in (
        ("x86_64-linux-gnu", "gcc", []),
        ("aarch64-linux-gnu", "aarch64-linux-gnu-gcc", ["qemu-aarch64"]),
    ):
        folder = tmp_path / target
        folder.mkdir()
        (folder / "host.c").write_text(HOST)
        weights = [params[name].tobytes() for name in ("w0", "w1", "w2")]
        (folder / "weights.bin").write_bytes(b"".join([*weights, x.tobytes()]))
        options = ["--no-params", "--target", target, "--prefix", "conv", "--header", folder / "conv.h"]
        run_dovetail("build", conv / "conv.onnx", "-o", folder / "conv.o", *options)
        assert "conv_param_w1, /* float32[72,64,3,3] */" in (folder / "conv.h").read_text()
        flags = ["-Wall", "-Wextra", "-Werror", "-static"]
        subprocess.run([compiler, *flags, "host.c", "conv.o", "-o", "host"], cwd=folder, check=True)
        subprocess.run([*runner, "./host"], cwd=folder, check=True)
        out = (folder / "out.bin").read_bytes()
        run_dovetail("build", conv / "conv.onnx", "-o", folder / "full.so", "--target", target)
        section = ["llvm-objcopy-19", "--dump-section", f".dovetail.weights={folder}/packaged.bin", folder / "full.so"]
        subprocess.run([*section, folder / "copy.so"], check=True)
        assert out[: -x.nbytes] == (folder / "packaged.bin").read_bytes()
        y = np.frombuffer(out[-x.nbytes :], "float32").reshape(x.shape)
        assert difference(y, reference(conv / "conv.onnx", {"x": x})[0]) < 1e-5
        result = subprocess.run([*runner, "./host", "faulty"], cwd=folder, capture_output=True, text=True, check=False)
        assert result.returncode == 1 and result.stderr == "param 'w1' is missing\n"


def test_two_models_without_params(run_dovetail, tmp_path):
    for seed in (1, 2):
        save(mlp(seed=seed), tmp_path / f"mlp{seed}.onnx")
    files = [tmp_path / "mlp1.onnx", tmp_path / "mlp2.onnx"]
    out = [option for seed in (1, 2) for option in ("--params-out", tmp_path / f"{seed}.safetensors")]
    run_dovetail("build", *files, "-o", tmp_path / "both.so", "--no-params", *out)
    x = np.random.default_rng(3).standard_normal((2, 64), dtype="float32")
    for seed in (1, 2):
        options = ["--model", f"mlp{seed}", "--params", tmp_path / f"{seed}.safetensors"]
        (y,) = outputs_of(run_dovetail, tmp_path / "both.so", {"x": x}, tmp_path, *options)
        assert difference(y, reference(files[seed - 1], {"x": x})[0]) < 1e-5


def test_a_model_without_params(run_dovetail, tmp_path):
    model = model_of([helper.make_node("Neg", ["x"], ["y"])], [("x", "float32", [3])], [("y", "float32", [3])])
    save(model, tmp_path / "neg.onnx")
    out = tmp_path / "neg.safetensors"
    run_dovetail("build", tmp_path / "neg.onnx", "-o", tmp_path / "neg.so", "--no-params", "--params-out", out)
    assert load_file(out) == {}
    x = np.array([1, -2, 3], "float32")
    (y,) = outputs_of(run_dovetail, tmp_path / "neg.so", {"x": x}, tmp_path)
    np.testing.assert_array_equal(y, -x)
    command = ["run", tmp_path / "neg.so", "--params", out, "--random", "1", "--output-dir", tmp_path / "o"]
    assert run_dovetail(*command, code=1).stderr == "dovetail: model 'neg' has no params: there is nothing to load\n"
