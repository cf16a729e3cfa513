"""The file that export writes: what it needs, what it shows, and what platform tools make of it."""

import hashlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from onnx_models import mlp, reference, save


@pytest.fixture(scope="module")
def squeezenet(run_dovetail, model, tmp_path_factory):
    library = tmp_path_factory.mktemp("export") / "squeezenet.so"
    run_dovetail("build", model("light_squeezenet"), "-o", library)
    return library


def output_of(run_dovetail, library, folder):
    run_dovetail("run", library, "--random", "7", "--output-dir", folder)
    return (folder / "0.npy").read_bytes()


def readelf(*arguments):
    return subprocess.run(["readelf", "-W", *map(str, arguments)], capture_output=True, text=True, check=True).stdout


def test_needs_no_library(squeezenet):
    assert "NEEDED" not in readelf("-d", squeezenet)


def test_every_undefined_name_is_weak_and_known(squeezenet):
    names = set()
    for line in readelf("--dyn-syms", squeezenet).splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[6] == "UND":
            assert fields[4] == "WEAK", line
            names.add(fields[7].split("@")[0])
    assert names <= {"malloc", "free", "dlsym"} | {n for n in names if n.startswith("TVMFFI")}


def test_exports_only_the_prefix_and_packed_functions(squeezenet):
    defined = set()
    for line in readelf("--dyn-syms", squeezenet).splitlines():
        fields = line.split()
        if len(fields) == 8 and fields[6] not in ("UND", "Ndx"):
            defined.add(fields[7])
    assert defined == {
        "light_squeezenet_library",
        "__tvm_ffi_light_squeezenet",
        "__tvm_ffi_light_squeezenet.run",
        "__tvm_ffi_default",
        "__tvm_ffi_default.run",
        "__tvm_ffi_dovetail.library",
    }


def test_weights_are_a_page_aligned_read_only_segment_of_their_own(squeezenet):
    section = re.search(r"\.dovetail\.weights\s+PROGBITS\s+([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+) 00\s+A ", readelf("-S", squeezenet))
    address, offset, size = (int(section.group(i), 16) for i in (1, 2, 3))
    assert address % 4096 == 0 and offset % 4096 == 0 and size > 4_900_000
    segments = re.findall(r"LOAD\s+(\S+) (\S+) \S+ (\S+) (\S+) (R[ W][ E])", readelf("-l", squeezenet))
    (own,) = [s for s in segments if int(s[1], 16) == address]
    assert own[4].strip() == "R" and int(own[2], 16) == size and int(own[0], 16) == offset


def test_same_bytes_twice(run_dovetail, model, tmp_path):
    digests = set()
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        library = tmp_path / folder / "same.so"
        run_dovetail("build", model("lcnet_orientation"), "-o", library)
        digests.add(hashlib.sha256(library.read_bytes()).hexdigest())
    assert len(digests) == 1


def test_no_path_of_the_build_inside(run_dovetail, tmp_path):
    save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "mlp.so")
    assert str(tmp_path).encode() not in (tmp_path / "mlp.so").read_bytes()


TOOLS = {
    "strip": ["strip", "FILE"],
    "strip -s": ["strip", "-s", "FILE"],
    "strip --strip-unneeded": ["strip", "--strip-unneeded", "FILE"],
    "llvm-strip": ["llvm-strip-19", "FILE"],
    "llvm-strip --strip-sections": ["llvm-strip-19", "--strip-sections", "FILE"],
    "objcopy": ["objcopy", "FILE"],
    "objcopy --strip-debug": ["objcopy", "--strip-debug", "FILE"],
    "patchelf --set-soname": ["patchelf", "--set-soname", "other.so", "FILE"],
    "patchelf --set-rpath": ["patchelf", "--set-rpath", "/opt/somewhere", "FILE"],
    "eu-strip": ["eu-strip", "FILE"],
}


@pytest.mark.parametrize("tool", TOOLS)
def test_platform_tool_leaves_it_working(run_dovetail, squeezenet, tmp_path, tool):
    copy = tmp_path / "copy.so"
    shutil.copy(squeezenet, copy)
    command = [str(copy) if word == "FILE" else word for word in TOOLS[tool]]
    subprocess.run(command, check=True)
    before = output_of(run_dovetail, squeezenet, tmp_path / "before")
    assert output_of(run_dovetail, copy, tmp_path / "after") == before


def test_suffix_that_names_no_form_is_refused(run_dovetail, tmp_path):
    model = save(mlp(), tmp_path / "mlp.onnx")
    result = run_dovetail("build", model, "-o", tmp_path / "mlp.zip", code=1)
    assert result.stderr == (
        f"dovetail: cannot export {tmp_path}/mlp.zip: the suffix '.zip' names no form of library; "
        "use .so for the target's loader, .o or .a for its linker\n"
    )
    assert not (tmp_path / "mlp.zip").exists()


def test_two_versions_in_one_process(run_dovetail, tmp_path):
    libraries = []
    for version in (1, 2):
        model = save(mlp(seed=version), tmp_path / f"v{version}.onnx")
        library = tmp_path / f"v{version}.so"
        run_dovetail("build", model, "-o", library, "--name", "mlp", "--prefix", f"mlp_v{version}")
        libraries.append((model, library))
    import tvm_ffi

    x = np.random.default_rng(3).standard_normal((4, 64), dtype="float32")
    answers = []
    for _, library in libraries:
        executor = tvm_ffi.load_module(str(library))["mlp"](tvm_ffi.device("cpu:0"))
        executor["set_input"]("x", x)
        executor["run"]()
        answers.append((executor, np.from_dlpack(executor["get_output"](0))))
    for (model, _), (_, y) in zip(libraries, answers, strict=True):
        np.testing.assert_allclose(y, reference(model, {"x": x})[0], rtol=1e-4, atol=1e-5)


def test_an_output_that_is_a_link(run_dovetail, tmp_path):
    """What the link points to is replaced, and keeps its mode."""
    save(mlp(), tmp_path / "mlp.onnx")
    (tmp_path / "real").mkdir()
    (tmp_path / "link.so").symlink_to("real/file.so")
    run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "link.so")
    (tmp_path / "real" / "file.so").chmod(0o600)
    run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "link.so", "--name", "other")
    assert (tmp_path / "link.so").is_symlink() and (tmp_path / "real" / "file.so").stat().st_mode & 0o777 == 0o600
    assert "other" in run_dovetail("inspect", tmp_path / "real" / "file.so").stdout
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file.so", "link.so", "mlp.onnx", "real"]


def test_a_header_into_a_pipe(run_dovetail, tmp_path):
    save(mlp(), tmp_path / "mlp.onnx")
    result = run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "mlp.o", "--header", "/dev/stdout")
    assert "mlp_library" in result.stdout and sorted(p.name for p in tmp_path.iterdir()) == ["mlp.o", "mlp.onnx"]


TWO_OF_ONE_NAME = """
import ctypes, sys
import numpy as np
ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
import tvm_ffi
for path in sys.argv[1:]:
    np.save(path + ".npy", np.from_dlpack(tvm_ffi.load_module(path)["m.run"](np.ones((1, 64), "float32"))))
"""


@pytest.mark.parametrize("fcompile", [(), ("--fcompile", "cc -shared -o {output} {objects}")])
def test_two_libraries_of_one_name_keep_their_own_weights(run_dovetail, tmp_path, fcompile):
    """Even where the loader prefers the first one's symbols."""
    paths = []
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        save(mlp(seed), tmp_path / f"{seed}.onnx")
        paths.append(str(tmp_path / str(seed) / "m.so"))
        run_dovetail("build", tmp_path / f"{seed}.onnx", "-o", paths[-1], "--name", "m", *fcompile)
    subprocess.run([sys.executable, "-c", TWO_OF_ONE_NAME, *paths], check=True)
    for seed, path in zip((1, 2), paths):
        expected = reference(mlp(seed), {"x": np.ones((1, 64), "float32")})[0]
        np.testing.assert_allclose(np.load(path + ".npy"), expected, rtol=1e-5, atol=1e-5)
