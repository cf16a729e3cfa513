"""Where tvm_ffi's C ABI is sharp: strange tensors, errors, the order of loading, unloading."""

import ctypes
import subprocess
import sys
import threading

import numpy as np
import pytest
import tvm_ffi
from onnx_models import helper, mlp, model_of, save
from tvm_ffi import libinfo

CPU = tvm_ffi.device("cpu:0")


@pytest.fixture(scope="module")
def library(run_dovetail, tmp_path_factory):
    folder = tmp_path_factory.mktemp("edges")
    run_dovetail("build", save(mlp(), folder / "mlp.onnx"), "-o", folder / "mlp.so")
    return folder / "mlp.so"


@pytest.fixture
def executor(library):
    return tvm_ffi.load_module(str(library))["mlp"](CPU)


def rows(count=3):
    return np.random.default_rng(count).standard_normal((count, 64), dtype="float32")


def answer(executor):
    executor["run"]()
    return np.from_dlpack(executor["get_output"](0)).copy()


def misaligned(array):
    """A copy of the array at an odd address."""
    memory = np.zeros(array.nbytes + 1, "uint8")[1:]
    copy = memory.view(array.dtype).reshape(array.shape)
    copy[...] = array
    assert copy.ctypes.data % 2 == 1
    return copy


def wider(array):
    """A view of the array's values with a gap after each."""
    memory = np.zeros((array.shape[0], 2 * array.shape[1]), array.dtype)
    memory[:, ::2] = array
    return memory[:, ::2]


STRANGE = {
    "Fortran order": np.asfortranarray,
    "gaps": wider,
    "backwards": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "misaligned": misaligned,
}


@pytest.mark.parametrize("form", STRANGE)
def test_input_by_copy_takes_any_memory(executor, form):
    x = rows()
    executor["set_input"]("x", x)
    expected = answer(executor)
    executor["set_input"]("x", STRANGE[form](x))
    np.testing.assert_array_equal(answer(executor), expected)


def test_input_of_one_repeated_row(executor):
    repeated = np.lib.stride_tricks.as_strided(rows(1), (3, 64), (0, 4))
    executor["set_input"]("x", repeated.copy())
    expected = answer(executor)
    executor["set_input"]("x", repeated)
    np.testing.assert_array_equal(answer(executor), expected)


@pytest.mark.parametrize("form", STRANGE)
def test_output_by_copy_takes_any_memory(executor, form):
    executor["set_input"]("x", rows())
    expected = answer(executor)
    target = STRANGE[form](np.zeros((3, 64), "float32"))
    executor["get_output"](0, target)
    np.testing.assert_array_equal(target, expected)


def test_input_by_copy_takes_a_view_of_itself(executor):
    x = rows()
    executor["set_input"]("x", x[::-1].copy())
    expected = answer(executor)
    executor["set_input"]("x", x)
    view = np.from_dlpack(executor["get_input"](0))
    executor["set_input"](0, view[::-1])
    np.testing.assert_array_equal(answer(executor), expected)
    np.testing.assert_array_equal(view, x)  # its memory is the view's as long as that is there
    executor["set_input"](0, np.lib.stride_tricks.as_strided(view, (5, 64), (0, 4)))
    np.testing.assert_array_equal(np.from_dlpack(executor["get_input"](0)), np.repeat(x[:1], 5, axis=0))


def test_output_by_copy_into_itself(executor):
    executor["set_input"]("x", rows())
    expected = answer(executor)
    view = np.from_dlpack(executor["get_output"](0))
    executor["get_output"](0, view)
    np.testing.assert_array_equal(view, expected)
    text = "^the tensor to copy output 'y' to lies in the output's own memory$"
    with pytest.raises(ValueError, match=text):
        executor["get_output"](0, view[::-1])
    np.testing.assert_array_equal(view, expected)


def test_long_names_in_errors_are_cut_between_characters(executor):
    for name in ("\u0439" * 300, "a" + "\u0439" * 300):
        with pytest.raises(KeyError, match="has no input 'a?\u0439+'"):
            executor["set_input"](name, rows())


@pytest.mark.parametrize("function,argument", [("set_input_zero_copy", "x"), ("set_output_zero_copy", 0)])
def test_without_a_copy_strange_memory_is_refused(executor, function, argument):
    role = "input 'x'" if function == "set_input_zero_copy" else "output 'y'"
    for form in ("Fortran order", "gaps", "backwards"):
        with pytest.raises(ValueError, match=f"^{role} has shape .* and strides .*; without a copy it must be compact"):
            executor[function](argument, STRANGE[form](rows()))
    text = f"^{role} lies at an address that is no multiple of 4, the size of its element; without a copy it must$"
    with pytest.raises(ValueError, match=text):
        executor[function](argument, misaligned(rows()))


def test_empty_tensor(executor):
    executor["set_input"]("x", rows(0))
    assert answer(executor).shape == (0, 64)
    executor["set_input_zero_copy"]("x", rows(0))
    assert answer(executor).shape == (0, 64)


def test_tensor_without_axes(run_dovetail, tmp_path):
    node = helper.make_node("Mul", ["a", "b"], ["c"])
    model = model_of([node], [("a", "float32", []), ("b", "float32", [])], [("c", "float32", [])])
    run_dovetail("build", save(model, tmp_path / "scalar.onnx"), "-o", tmp_path / "scalar.so")
    executor = tvm_ffi.load_module(str(tmp_path / "scalar.so"))["scalar"](CPU)
    executor["set_input"]("a", np.array(3, "float32"))
    executor["set_input_zero_copy"]("b", np.array(-2, "float32"))
    executor["run"]()
    result = executor["get_output"](0)
    assert result.shape == () and float(np.from_dlpack(result)) == -6
    target = np.array(0, "float32")
    executor["get_output"](0, target)
    assert target == -6


# Each must raise: a status without an error in tvm_ffi's slot would kill this process.
WRONG = {
    "no arguments": ("set_input", (), TypeError),
    "too many arguments": ("run", (1,), TypeError),
    "no name": ("set_input", (None, rows()), TypeError),
    "a name that is not there": ("set_input", ("z", rows()), KeyError),
    "a long name": ("get_output", ("z" * 10000,), KeyError),
    "an empty name": ("get_input", ("",), KeyError),
    "an index that is not there": ("get_output", (1,), KeyError),
    "a negative index": ("get_output", (-1,), KeyError),
    "an index of 64 bits": ("get_output", (2**40,), KeyError),
    "an index of 80 bits": ("get_output", (2**80,), TypeError),
    "a float as index": ("get_output", (0.5,), TypeError),
    "no tensor": ("set_input", ("x", None), TypeError),
    "a list": ("set_input", ("x", [1.0]), TypeError),
    "another dtype": ("set_input", ("x", np.zeros((2, 64), "float16")), TypeError),
    "another rank": ("set_input", ("x", np.zeros(64, "float32")), ValueError),
    "another shape": ("set_input", ("x", np.zeros((2, 63), "float32")), ValueError),
    "run before set_input": ("run", (), RuntimeError),
    "get_output before run": ("get_output", (0,), RuntimeError),
}


def leave_stale_error():
    """What a caller leaves who ignores a failure."""
    raised = ctypes.CDLL(libinfo.find_libtvm_ffi()).TVMFFIErrorSetRaisedFromCStr
    raised.restype = None
    raised.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
    raised(b"IndexError", b"stale")


@pytest.mark.parametrize("stale", [False, True])
@pytest.mark.parametrize("what", WRONG)
def test_every_failure_sets_its_own_error(executor, what, stale):
    name, arguments, kind = WRONG[what]
    if stale:
        leave_stale_error()
    with pytest.raises(kind) as caught:
        executor[name](*arguments)
    assert type(caught.value) is kind and "stale" not in str(caught.value)
    executor["set_input"]("x", rows())
    assert answer(executor).shape == (3, 64)


NO_DEVICES = {
    (): "takes devices, got none; it runs on cpu:0",
    ((),): "takes devices, got none; it runs on cpu:0",
    (1,): "takes devices, got int",
    ("cpu",): "takes devices, got str",
    (tvm_ffi.device("cuda:0"),): "cannot run on cuda:0; it runs on cpu:0",
    ((CPU, tvm_ffi.device("cpu:1")),): "cannot run on cpu:1; it runs on cpu:0",
}


@pytest.mark.parametrize("arguments", NO_DEVICES)
def test_factory_of_anything_but_the_cpu(library, arguments):
    with pytest.raises((TypeError, ValueError)) as caught:
        tvm_ffi.load_module(str(library))["mlp"](*arguments)
    assert str(caught.value) == f"model 'mlp' {NO_DEVICES[arguments]}"


@pytest.mark.parametrize("arguments", [(CPU,), (CPU, CPU), ([CPU],), ([CPU, CPU],)])
def test_factory_of_devices(library, arguments):
    executor = tvm_ffi.load_module(str(library))["mlp"](*arguments)
    executor["set_input"]("x", rows())
    assert answer(executor).shape == (3, 64)


def script(text, *arguments):
    result = subprocess.run([sys.executable, "-c", text, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_without_tvm_ffi_a_packed_function_fails_and_says_nothing(library):
    text = """
import ctypes, sys
factory = ctypes.CDLL(sys.argv[1]).__tvm_ffi_mlp
device, result = (ctypes.c_int32 * 4)(6, 0, 1, 0), (ctypes.c_int64 * 2)()
print(factory(None, device, 1, result), list(result))
"""
    assert script(text, library) == "-1 [0, 0]\n"


RUN = """
executor = tvm_ffi.load_module(library)["mlp"](tvm_ffi.device("cpu:0"))
executor["set_input"]("x", numpy.zeros((2, 64), "float32"))
executor["run"]()
assert executor["get_output"](0).shape == (2, 64)
try:
    executor["set_input"]("z", 0)
except KeyError as error:
    print(error)
"""
ORDERS = {
    "library, then tvm_ffi": "ctypes.CDLL(library); import tvm_ffi",
    "library for all, then tvm_ffi": "ctypes.CDLL(library, ctypes.RTLD_GLOBAL); import tvm_ffi",
    "tvm_ffi, then library": "import tvm_ffi; ctypes.CDLL(library)",
    "our runtime, then tvm_ffi": "ctypes.CDLL(runtime, ctypes.RTLD_GLOBAL); ctypes.CDLL(library); import tvm_ffi",
    "tvm_ffi, then our runtime": "import tvm_ffi; ctypes.CDLL(runtime, ctypes.RTLD_GLOBAL)",
}


@pytest.mark.parametrize("order", ORDERS)
def test_order_of_loading(library, build_dir, order):
    start = f"import ctypes, sys, numpy; library, runtime = sys.argv[1:]; {ORDERS[order]}\n"
    runtime = build_dir / "lib" / "libdovetail_runtime.so"
    assert "has no input 'z'" in script(start + RUN, library, runtime)


def test_our_runtime_offers_no_name_of_tvm_ffi(build_dir):
    command = ["nm", "-D", "--defined-only", build_dir / "lib" / "libdovetail_runtime.so"]
    names = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "TVMFFI" not in names and "tvm_ffi" not in names


def test_unloads_when_nothing_was_made(library):
    text = """
import gc, sys, tvm_ffi
for _ in range(3):
    module = tvm_ffi.load_module(sys.argv[1], keep_module_alive=False)
    assert sys.argv[1] in open("/proc/self/maps").read()
    del module
    gc.collect()
    print(sys.argv[1] in open("/proc/self/maps").read())
"""
    assert script(text, library) == "False\n" * 3


def test_functions_and_views_outlive_a_module_that_is_not_kept(library):
    text = """
import gc, sys, numpy, tvm_ffi
module = tvm_ffi.load_module(sys.argv[1], keep_module_alive=False)
executor = module["mlp"](tvm_ffi.device("cpu:0"))
executor["set_input"]("x", numpy.ones((2, 64), "float32"))
executor["run"]()
run, view = executor["run"], executor["get_output"](0)
before = numpy.from_dlpack(view).copy()
del module, executor
gc.collect()
numpy.from_dlpack(view)[:] = 0
run()
print((numpy.from_dlpack(view) == before).all())
del run, view
gc.collect()
"""
    assert script(text, library) == "True\n"


def test_results_of_a_stateless_call_outlive_a_module_that_is_not_kept(library):
    text = """
import gc, sys, numpy, tvm_ffi
module = tvm_ffi.load_module(sys.argv[1], keep_module_alive=False)
y = module["mlp.run"](numpy.ones((2, 64), "float32"))
del module
gc.collect()
print(numpy.from_dlpack(y).shape)
del y
gc.collect()
"""
    assert script(text, library) == "(2, 64)\n"


def test_one_executor_in_two_threads_is_refused(library):
    executor = tvm_ffi.load_module(str(library))["mlp"](CPU)
    executor["set_input"]("x", rows(2000))
    expected = answer(executor)
    refusals, enough = [], threading.Event()

    def work():
        for _ in range(5000):
            if enough.is_set():
                return
            try:
                executor["run"]()
            except RuntimeError as error:
                refusals.append(str(error))
                enough.set()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(refusals) == {"this executor is in use by another thread: make one for each thread"}
    np.testing.assert_array_equal(answer(executor), expected)
