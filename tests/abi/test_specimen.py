"""The contract on a library written by hand: executor, loader and tvm_ffi, before any compiler."""

import subprocess
import sys

import numpy as np
import pytest

FEATURES = {
    "x86_64": {
        "WIDE": "DV_X86_AVX512BF16",
        "OTHER": "DV_X86_SSE3",
        "LACKING": "\"model 'add' needs the CPU feature avx512bf16, which this machine lacks; "
        'it was built for x86-64-v4+avx512bf16"',
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


def test_library_of_another_version(run_dovetail, sources, source_dir, tmp_path):
    library = build_library(sources, source_dir, tmp_path / "next.so", "-DSPECIMEN_ABI_VERSION=2")
    assert run_dovetail("inspect", library, code=1).stderr == (
        f"dovetail: {library} was made for ABI version 2; this runtime reads version 1: "
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
