"""A library's functions on compiled models: through the C++ runtime and under plain tvm_ffi."""

import subprocess
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from onnx_models import TensorProto, doubling_loop, helper, model_of, reference, save


def branches():
    """condition bool, x float32[8] -> y = exp(x) if it holds, else -x."""

    def body(op, result, name, graph):
        node = helper.make_node(op, ["x"], [result], name=name)
        return helper.make_graph([node], graph, [], [helper.make_tensor_value_info(result, TensorProto.FLOAT, [8])])

    node = helper.make_node(
        "If", ["condition"], ["y"], name="if", then_branch=body("Exp", "e", "exp", "then_branch"), else_branch=body("Neg", "n", "neg", "else_branch")
    )
    return model_of([node], [("condition", "bool", []), ("x", "float32", [8])], [("y", "float32", [8])])


@pytest.fixture(scope="module")
def libraries(run_dovetail, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interface")
    for name, model in (("loop", doubling_loop()), ("branch", branches())):
        run_dovetail("build", save(model, folder / f"{name}.onnx"), "-o", folder / f"{name}.so")
    return folder / "loop.so", folder / "branch.so"


def test_through_the_runtime(libraries, source_dir, build_dir, tmp_path):
    program, lib = tmp_path / "module_interface", build_dir / "lib"
    source = source_dir / "tests" / "models" / "module_interface.cc"
    command = ["g++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-I", source_dir / "include", source]
    subprocess.run([*command, "-o", program, f"-L{lib}", f"-Wl,-rpath,{lib}", "-ldovetail_runtime"], check=True)
    result = subprocess.run([program, *libraries], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr, result.returncode) == ("passed\n", "", 0)


def test_a_list_of_outputs_under_tvm_ffi(libraries):
    import tvm_ffi

    run = tvm_ffi.load_module(str(libraries[0]))["loop.run"]

    def call(trips):
        inputs = {"trips": np.array(trips), "x": np.arange(40, dtype="float32")}
        outputs = [np.from_dlpack(output) for output in run(*inputs.values())]
        for ours, theirs in zip(outputs, reference(doubling_loop(), inputs), strict=True):
            np.testing.assert_array_equal(ours, theirs)

    for trips in (3, 1, 9):
        call(trips)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(call, [1 + k % 5 for k in range(40)]))


def test_a_real_model_as_a_function(run_dovetail, model, tmp_path):
    import tvm_ffi

    run_dovetail("build", model("light_squeezenet"), "-o", tmp_path / "model.so")
    lib = tvm_ffi.load_module(str(tmp_path / "model.so"))
    executor = lib["default"](tvm_ffi.device("cpu:0"))
    images = np.random.default_rng(1).random((3, 1, 3, 224, 224), dtype="float32")
    expected = []
    for image in images:
        executor["set_input"](0, image)
        executor["run"]()
        expected.append(np.from_dlpack(executor["get_output"](0)).copy())
    with ThreadPoolExecutor(6) as pool:
        outputs = list(pool.map(lambda k: np.from_dlpack(lib["light_squeezenet.run"](images[k % 3])), range(18)))
    for k, output in enumerate(outputs):
        np.testing.assert_array_equal(output, expected[k % 3])
