"""The contract on a library written by hand: executor, loader and tvm_ffi, before any compiler."""

import re
import subprocess
import sys

import numpy as np
import pytest

FEATURES = {
    "x86_64": {
        "WIDE": "DV_X86_SSE4_2",
        "OTHER": "DV_X86_SSE3",
        "LACKING": "\"model 'add' needs the CPU feature sse4.2, which this machine lacks; "
        'it was built for x86-64+sse4.2"',
    },
    "aarch64": {
        "WIDE": "DV_ARM_DOTPROD",
        "OTHER": "DV_ARM_FP16",
        "LACKING": "\"model 'add' needs the CPU feature dotprod, which this machine lacks; "
        'it was built for armv8-a+dotprod"',
    },
}
MESSAGES = {
    "NO_PARAMS": "\"model 'shift' has no params: its library was made with --no-params; call load_params first "
    '(dovetail run and bench: --params FILE)"',
    "PACKAGED": "\"model 'scale' has its params in its library; to load others, build it with --no-params\"",
    "FROZEN": "\"frozen value 'axes' is another than the one that shaped the library's code; build it anew\"",
    "NOT_SET": "\"input 'x' is not set: set every input before run\"",
    "NOT_RUN": "\"output 'y' holds no result yet: call run first\"",
    "NO_OBSERVER": '"the observer is NULL, its size is not sizeof(dv_observer) or its function NULL"',
}
FLAGS = ["-std=gnu99", "-Wall", "-Wextra", "-Werror", "-O2", "-fvisibility=hidden"]


@pytest.fixture(scope="session")
def sources(source_dir):
    executor = sorted((source_dir / "src" / "executor").glob("*.c"))
    return [source_dir / "tests" / "abi" / "specimen" / "specimen.c", *executor]


def build_host(compiler, machine, sources, source_dir, folder):
    defines = [f"-D{name}={value}" for name, value in {**FEATURES[machine], **MESSAGES}.items()]
    include = ["-I", source_dir / "include", "-I", source_dir / "src"]
    host = source_dir / "tests" / "abi" / "specimen" / "host.c"
    program = folder / f"host_{machine}"
    command = [compiler, *FLAGS, *defines, *include, host, *sources, "-static", "-o", program]
    subprocess.run(command, check=True)
    return program


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_function_of_the_api(sources, source_dir, tmp_path, machine):
    compiler = "gcc" if machine == "x86_64" else "aarch64-linux-gnu-gcc"
    program = build_host(compiler, machine, sources, source_dir, tmp_path)
    command = [program] if machine == "x86_64" else ["qemu-aarch64", program]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout == "passed\n" and result.returncode == 0, result.stdout


def build_library(sources, source_dir, path, *flags):
    include = ["-I", source_dir / "include", "-I", source_dir / "src"]
    command = ["gcc", *FLAGS, "-DSPECIMEN_PACKED", "-ffreestanding", "-fno-builtin", "-fPIC", "-shared", "-nostdlib"]
    subprocess.run([*command, *flags, *include, *sources, "-o", path], check=True)
    return path


@pytest.fixture(scope="module")
def specimen(sources, source_dir, tmp_path_factory):
    return build_library(sources, source_dir, tmp_path_factory.mktemp("specimen") / "specimen.so")


def test_needs_nothing(specimen):
    dynamic = subprocess.run(["readelf", "-d", specimen], capture_output=True, text=True, check=True).stdout
    assert "NEEDED" not in dynamic
    symbols = subprocess.run(["nm", "-D", "--undefined-only", specimen], capture_output=True, text=True, check=True).stdout
    assert all(line.split()[0] == "w" for line in symbols.splitlines())


def test_command_line_runs_it(run_dovetail, specimen, tmp_path):
    x = np.arange(8, dtype="float32").reshape(2, 4)
    np.save(tmp_path / "x.npy", x)
    run_dovetail("run", specimen, "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "0.npy"), x * np.array([1, -2, 0.5, 10], "float32"))


def test_bounds_of_a_dimension(run_dovetail, specimen, tmp_path):
    arguments = ["run", specimen, "--random", "1", "--output-dir", tmp_path / "out", "--dim"]
    assert "this library was built for 1..8" in run_dovetail(*arguments, "batch=9", code=1).stderr


def test_library_of_a_later_version(run_dovetail, sources, source_dir, tmp_path):
    header = (source_dir / "include" / "dovetail" / "abi.h").read_text()
    current = int(re.search(r"#define DV_ABI_VERSION (\d+)", header).group(1))
    library = build_library(sources, source_dir, tmp_path / "next.so", f"-DSPECIMEN_ABI_VERSION={current + 1}")
    assert run_dovetail("inspect", library, code=1).stderr == (
        f"dovetail: {library} was made for ABI version {current + 1}; this runtime reads version {current}: "
        "rebuild the library or use a newer runtime\n"
    )


def test_tvm_ffi_runs_it(specimen):
    import tvm_ffi

    lib = tvm_ffi.load_module(str(specimen))
    for name in ("scale", "default"):
        executor = lib[name](tvm_ffi.device("cpu:0"))
        x = np.arange(12, dtype="float32").reshape(3, 4)
        executor["set_input"]("x", x)
        executor["run"]()
        y = np.from_dlpack(executor["get_output"](0))
        np.testing.assert_array_equal(y, x * np.array([1, -2, 0.5, 10], "float32"))


def test_view_outlives_executor_and_module(specimen):
    import tvm_ffi

    lib = tvm_ffi.load_module(str(specimen))
    executor = lib["scale"](tvm_ffi.device("cpu:0"))
    executor["set_input"]("x", np.ones((8, 4), "float32"))
    executor["run"]()
    y = np.from_dlpack(executor["get_output"](0))
    del executor, lib
    np.testing.assert_array_equal(y, np.tile(np.array([1, -2, 0.5, 10], "float32"), (8, 1)))


def test_errors_arrive_as_python_exceptions(specimen):
    import tvm_ffi

    executor = tvm_ffi.load_module(str(specimen))["scale"](tvm_ffi.device("cpu:0"))
    with pytest.raises(ValueError, match=r"input 'x' has shape \[2,3\], expected \[batch,4\]"):
        executor["set_input"]("x", np.zeros((2, 3), "float32"))
    with pytest.raises(TypeError, match="input 'x' has dtype float64, expected float32"):
        executor["set_input"]("x", np.zeros((2, 4)))
    with pytest.raises(KeyError):
        executor["set_input"]("nothing", np.zeros((2, 4), "float32"))
    with pytest.raises(RuntimeError, match="is not set"):
        executor["run"]()


def test_opened_before_tvm_ffi_is_imported(specimen):
    script = (
        "import ctypes, sys; ctypes.CDLL(sys.argv[1]); import tvm_ffi, numpy\n"
        "e = tvm_ffi.load_module(sys.argv[1])['scale'](tvm_ffi.device('cpu:0'))\n"
        "try:\n    e['set_input']('x', numpy.zeros((2, 3), 'float32'))\n"
        "except ValueError as error:\n    print('ValueError', error)\n"
    )
    result = subprocess.run([sys.executable, "-c", script, str(specimen)], capture_output=True, text=True, check=False)
    assert result.stdout == "ValueError input 'x' has shape [2,3], expected [batch,4]\n", result.stderr


@pytest.fixture(scope="module")
def loaded(specimen):
    import tvm_ffi

    return tvm_ffi.load_module(str(specimen))


def test_devices_one_by_one_and_in_lists(loaded):
    import tvm_ffi

    cpu, cuda = tvm_ffi.device("cpu:0"), tvm_ffi.device("cuda:1")
    for devices in ([cpu], [cpu, cpu], [[cpu]], [[cpu, cpu]], [tvm_ffi.Array([cpu]), cpu]):
        assert loaded["scale"](*devices)["num_inputs"]() == 1
    refused = {
        ValueError: [
            ([cuda], "model 'scale' cannot run on cuda:1; it runs on cpu:0"),
            ([[cpu, cuda]], "model 'scale' cannot run on cuda:1; it runs on cpu:0"),
            ([cpu, tvm_ffi.device("cpu:1")], "model 'scale' cannot run on cpu:1; it runs on cpu:0"),
        ],
        TypeError: [
            ([], "model 'scale' takes devices, got none; it runs on cpu:0"),
            ([[]], "model 'scale' takes devices, got none; it runs on cpu:0"),
            (["cpu"], "model 'scale' takes devices, got str"),
            ([cpu, 0], "model 'scale' takes devices, got int"),
        ],
    }
    for kind, cases in refused.items():
        for devices, message in cases:
            with pytest.raises(kind) as error:
                loaded["scale"](*devices)
            assert str(error.value) == message


def test_a_model_as_a_function(loaded):
    import tvm_ffi

    x = np.arange(12, dtype="float32").reshape(3, 4)
    scaled = x * np.array([1, -2, 0.5, 10], "float32")
    y = np.from_dlpack(loaded["scale.run"](tvm_ffi.from_dlpack(x)))
    z = np.from_dlpack(loaded["scale.run"](tvm_ffi.from_dlpack(x[:1])))
    np.testing.assert_array_equal(y, scaled)  # the second call left it alone
    np.testing.assert_array_equal(z, scaled[:1])
    a = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(np.from_dlpack(loaded["add.run"](a, 2 * a)), 3 * a)
    for arguments, kind, message in [
        ([a], TypeError, "model 'add' has 2 inputs, got 1"),
        ([a, 1], TypeError, "model 'add' takes tensors, got int"),
        ([a, a[:, :2]], ValueError, "input 'b' has shape [2,2], expected [n,3]"),
    ]:
        with pytest.raises(kind) as error:
            loaded["add.run"](*arguments)
        assert str(error.value) == message


def test_many_threads_call_a_model_at_once(loaded):
    from concurrent.futures import ThreadPoolExecutor

    def call(seed):
        x = np.random.default_rng(seed).standard_normal((1 + seed % 8, 4), dtype="float32")
        y = np.from_dlpack(loaded["scale.run"](x))
        return np.array_equal(y, x * np.array([1, -2, 0.5, 10], "float32"))

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(400)))


def test_every_function_takes_a_name_or_an_index(loaded):
    import tvm_ffi

    executor = loaded["scale"](tvm_ffi.device("cpu:0"))
    x, y = np.ones((2, 4), "float32"), np.zeros((2, 4), "float32")
    for inputs, outputs in (("x", "y"), (0, 0)):
        executor["set_input"](inputs, x)
        executor["set_input_zero_copy"](inputs, x)
        executor["set_output_zero_copy"](outputs, y)
        executor["run"]()
        assert y[1, 3] == 10
        executor["set_output_zero_copy"](outputs, None)
        executor["run"]()
        assert np.from_dlpack(executor["get_output"](outputs))[1, 1] == -2
        copy = np.zeros((2, 4), "float32")
        executor["get_output"](outputs, copy)
        assert copy[0, 2] == 0.5
        assert np.from_dlpack(executor["get_input"](inputs)).shape == (2, 4)
    assert executor["num_inputs"]() == 1 and executor["num_outputs"]() == 1
