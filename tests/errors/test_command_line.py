"""What the command line refuses: the whole message, the exit status, and that nothing is left behind."""

import os
import re
import subprocess

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import mlp, model_of, save

STAGES = (
    "import, simplify, channels_last, fold_weights, fuse, split_phases, winograd, pack, split_prepare, place, lower, "
    "prepare, codegen, link"
)


@pytest.fixture(scope="module")
def folder(run_dovetail, tmp_path_factory):
    folder = tmp_path_factory.mktemp("errors")
    save(mlp(), folder / "mlp.onnx")
    onnx.save_model(mlp(), folder / "apart.onnx", save_as_external_data=True, location="apart.data", size_threshold=0)
    run_dovetail("build", folder / "mlp.onnx", "-o", folder / "mlp.so")
    run_dovetail("build", folder / "mlp.onnx", "-o", folder / "arm.so", "--target", "aarch64-linux-gnu")
    np.save(folder / "x.npy", np.zeros((2, 64), "float32"))
    np.save(folder / "short.npy", np.zeros((2, 63), "float32"))
    np.save(folder / "double.npy", np.zeros((2, 64), "float64"))
    (folder / "text.txt").write_text("no library\n")
    os.mkfifo(folder / "pipe")
    os.symlink("a.so", folder / "link.h")  # where there is no a.so
    return folder


def refused(run_dovetail, folder, arguments, code=1):
    before = sorted(os.listdir(folder))
    result = run_dovetail(*arguments.split(), code=code, cwd=folder)
    assert result.stdout == ""
    assert sorted(os.listdir(folder)) == before
    return result.stderr


RUN = {
    "run mlp.so --output-dir o": "input 'x' is not given: use --input x=FILE.npy or --random SEED",
    "run mlp.so --random 1 --output-dir o --tensors-dir ./o": "--tensors-dir ./o: is the folder of --output-dir too",
    "run mlp.so --random 1 --output-dir o": "dimension 'batch' of input 'x' has no value: give --dim batch=N",
    "run mlp.so --dim b=1 --random 1 --output-dir o": (
        "--dim b: model 'mlp' has no such dimension; its dimensions are batch"
    ),
    "run mlp.so --dim batch=-1 --random 1 --output-dir o": "--dim batch: '-1' is not a whole number of at least 0",
    "run mlp.so --input z=x.npy --output-dir o": "--input z: model 'mlp' has no such input; its inputs are x",
    "run mlp.so --input x --output-dir o": "--input x: expected NAME=VALUE",
    "run mlp.so --dim batch=1 --dim batch=2 --random 1 --output-dir o": "--dim batch: given twice",
    "run mlp.so --dim batch=3 --input x=x.npy --output-dir o": "--dim batch=3: input 'x' has 2 there",
    "run mlp.so --input x=short.npy --output-dir o": "input 'x' has shape [2,63], expected [batch,64]",
    "run mlp.so --input x=double.npy --output-dir o": "input 'x' has dtype float64, expected float32",
    "run mlp.so --input x=none.npy --output-dir o": "cannot read none.npy: No such file or directory",
    "run mlp.so --model z --input x=x.npy --output-dir o": "mlp.so has no model 'z'; it has: mlp",
    "run mlp.so --model mlp.debug --input x=x.npy --output-dir o": "mlp.so has no model 'mlp.debug'; it has: mlp",
    "profile mlp.so": "dimension 'batch' of input 'x' has no value: give --dim batch=N",
    "profile mlp.so --model z": "mlp.so has no model 'z'; it has: mlp",
    "profile mlp.so --input x=short.npy": "input 'x' has shape [2,63], expected [batch,64]",
    "profile none.so": "cannot read none.so: No such file or directory",
    "run none.so --output-dir o": "cannot read none.so: No such file or directory",
    "run text.txt --output-dir o": "text.txt is not a shared library: it is text",
}

BUILD = {
    "build mlp.onnx -o none/a.so": "cannot write none/a.so: No such file or directory",
    "build mlp.onnx -o a.so --target z": (
        "there is no target 'z'; the targets are x86_64-linux-gnu, aarch64-linux-gnu"
    ),
    "build mlp.onnx -o a.so --cpu z": (
        "there is no CPU level 'z' for x86_64-linux-gnu; the levels are x86-64, x86-64-v2, x86-64-v3, x86-64-v4"
    ),
    "build mlp.onnx -o a.so --target aarch64-linux-gnu --cpu native": (
        "the CPU level 'native' is this machine's, but the target is aarch64-linux-gnu; the levels are armv8-a"
    ),
    "build mlp.onnx -o a.so --name a-b": "model name 'a-b' holds '-': only letters, digits and _ are allowed",
    "build mlp.onnx -o a.so --prefix 1a": "prefix '1a' is not a C identifier",
    "build mlp.onnx -o a.so --prefix dv": "prefix 'dv' is that of Dovetail's own names: give another (--prefix)",
    "build mlp.onnx -o mlp.onnx": "-o mlp.onnx: is the file of MODEL mlp.onnx too",
    "build mlp.onnx -o a.so --header ./a.so": "--header ./a.so: is the file of -o a.so too",
    "build mlp.onnx -o a.so --header link.h": "--header link.h: is the file of -o a.so too",
    "build mlp.onnx -o a.so --header mlp.onnx": "--header mlp.onnx: is the file of MODEL mlp.onnx too",
    "build mlp.onnx -o a.so --header a.h --params-out a.h": "--params-out a.h: is the file of --header a.h too",
    "build apart.onnx -o a.so --header apart.data": (
        "--header apart.data: is the file of the weights of MODEL apart.onnx, apart.data too"
    ),
    "build mlp.onnx apart.onnx -o a.so --params-out m --params-out ./apart.data": (
        "--params-out ./apart.data: is the file of the weights of MODEL apart.onnx, apart.data too"
    ),
    "build mlp.onnx -o a.zip --params-out p": (
        "cannot export a.zip: the suffix '.zip' names no form of library; use .so for the target's loader, .o or .a for its "
        "linker"
    ),
    "build mlp.onnx -o a.so --header none/a.h": "cannot write none/a.h: No such file or directory",
    "build mlp.onnx -o a.so --no-params --params-out none/p": "cannot write none/p: No such file or directory",
    "build pipe -o a.so": "cannot read pipe: it is no regular file",
    "build mlp.onnx -o a.so --dim batch": "--dim batch: expected NAME=VALUE",
    "build mlp.onnx -o a.so --dim batch=1 --dim batch=2": "--dim batch: given twice",
    "build mlp.onnx -o a.so --dim batch=8..1": "--dim batch: '8..1' is empty: the lower bound comes first",
    "build mlp.onnx -o a.so --dim batch=1..": "--dim batch: '' is not a whole number of at least 0",
    "build mlp.onnx -o a.so --dim batch=1..9999999999": (
        "mlp.onnx: --dim gives dimension 'batch' the range 1..9999999999, expected 0 to 2147483647"
    ),
    "build mlp.onnx -o a.so --shape x=4x64 --dim batch=8..9": (
        "mlp.onnx: dimension 'batch' is given two ranges: 4 and 8..9"
    ),
    "build mlp.onnx -o a.so --shape x=1xx64": "--shape: '1xx64' has an empty extent",
    "build mlp.onnx -o a.so --shape x=1,64,": "--shape: '1,64,' has an empty extent",
    "build mlp.onnx -o a.so --accuracy z": "--accuracy: 'z' is none of strict, accurate, fast",
    "build mlp.onnx -o a.so --dump z": f"--dump: there is no stage 'z'; the stages are {STAGES}",
}


@pytest.mark.parametrize("arguments", [*RUN, *BUILD])
def test_message(run_dovetail, folder, arguments):
    message = {**RUN, **BUILD}[arguments]
    assert refused(run_dovetail, folder, arguments) == f"dovetail: {message}\n"


@pytest.mark.parametrize("arguments", ["", "build", "build mlp.onnx", "frobnicate", "bench mlp.so --threads 0", "profile"])
def test_wrong_usage_is_status_2(run_dovetail, folder, arguments):
    assert refused(run_dovetail, folder, arguments, code=2) != ""


@pytest.mark.parametrize("option", ["--header", "--params-out", "--fcompile", "--prefix", "--name", "--target"])
def test_an_empty_value_is_wrong_usage(run_dovetail, folder, tmp_path, option):
    library = tmp_path / "mlp.so"
    result = run_dovetail("build", folder / "mlp.onnx", "-o", library, option, "", code=2)
    assert result.stderr.startswith(f"{option}: the value is empty\n")
    assert not library.exists()


@pytest.mark.parametrize("word", ["frobnicate", "--frobnicate"])
def test_a_command_that_is_not_there(run_dovetail, folder, word):
    commands = "build, run, bench, profile, inspect, operators"
    assert refused(run_dovetail, folder, f"{word} mlp.onnx", code=2) == (
        f"dovetail: there is no command '{word}'; there are {commands}\n"
    )


def test_stages_are_those_that_are_timed(run_dovetail, folder, tmp_path):
    result = run_dovetail("build", folder / "mlp.onnx", "-o", tmp_path / "mlp.so", "--time")
    assert [line.split()[0] for line in result.stderr.splitlines()] == STAGES.split(", ")


def test_every_stage_can_be_dumped(run_dovetail, folder, tmp_path):
    for stage in STAGES.split(", "):
        result = run_dovetail("build", folder / "mlp.onnx", "-o", tmp_path / "mlp.so", "--dump", stage)
        assert stage in ("prepare", "link") or len(result.stdout.splitlines()) > 3, stage


def test_library_for_another_machine(run_dovetail, folder):
    message = refused(run_dovetail, folder, "run arm.so --random 1 --dim batch=1 --output-dir o")
    assert message == "dovetail: arm.so is for aarch64; this program runs on x86-64\n"


def test_library_that_lacks_its_end(run_dovetail, folder, tmp_path):
    whole = (folder / "mlp.so").read_bytes()
    for size in (0, 1, 63, 64, 1000, len(whole) // 2, len(whole) - 1):
        (tmp_path / "cut.so").write_bytes(whole[:size])
        result = run_dovetail("inspect", tmp_path / "cut.so", code=1)
        assert result.stderr.startswith(f"dovetail: {tmp_path}/cut.so") and result.stderr.count("\n") == 1


def test_library_of_another_abi_version(run_dovetail, folder, tmp_path):
    library = bytearray((folder / "mlp.so").read_bytes())
    version = re.search(rb"DOVETAIL(.)\0\0\0", library, re.DOTALL)
    current = version[1][0]
    library[version.start(1)] = current + 1
    (tmp_path / "new.so").write_bytes(library)
    result = run_dovetail("inspect", tmp_path / "new.so", code=1)
    assert result.stderr == (
        f"dovetail: {tmp_path}/new.so was made for ABI version {current + 1}; this runtime reads version {current}: "
        "rebuild the library or use a newer runtime\n"
    )


def test_full_disk_leaves_nothing(dovetail, folder, tmp_path):
    limit = f"ulimit -f 16; trap '' XFSZ; exec {dovetail} build {folder}/mlp.onnx -o {tmp_path}/a.so"
    result = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"dovetail: cannot write {tmp_path}/a.so: File too large\n"
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments", ["operators", "inspect mlp.so", "bench mlp.so --dim batch=1 --json", "--version"])
def test_full_disk_behind_stdout(dovetail, folder, arguments):
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [dovetail, *arguments.split()], cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert result.returncode == 1
    assert re.fullmatch(r"dovetail: cannot write .*\n", result.stderr)


def test_messages_that_cannot_be_written(dovetail, folder):
    with open("/dev/full", "w") as full:
        result = subprocess.run([dovetail, "inspect", "none.so"], cwd=folder, stderr=full, check=False)
    assert result.returncode == 1


def test_outputs_are_written_all_or_none(dovetail, folder, run_dovetail, tmp_path):
    nodes = [helper.make_node("Identity", ["x"], ["a"]), helper.make_node("Tile", ["x", "r"], ["b"])]
    outputs = [("a", "float32", ["n"]), ("b", "float32", ["m"])]
    model = model_of(nodes, [("x", "float32", ["n"])], outputs, [("r", np.array([100], "int64"))])
    run_dovetail("build", save(model, tmp_path / "two.onnx"), "-o", tmp_path / "two.so")
    arguments = f"run {tmp_path}/two.so --random 1 --dim n=100 --output-dir {tmp_path}/out"
    limit = f"ulimit -f 16; trap '' XFSZ; exec {dovetail} {arguments}"
    result = subprocess.run(["bash", "-c", limit], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"dovetail: cannot write {tmp_path}/out/1.npy: File too large\n"
    assert os.listdir(tmp_path / "out") == []


def test_outputs_may_be_more_than_descriptors(dovetail, run_dovetail, tmp_path):
    outputs = [(f"y{k}", "float32", ["n"]) for k in range(100)]
    nodes = [helper.make_node("Identity", ["x"], [name]) for name, _, _ in outputs]
    model = model_of(nodes, [("x", "float32", ["n"])], outputs)
    run_dovetail("build", save(model, tmp_path / "many.onnx"), "-o", tmp_path / "many.so")
    arguments = f"run {tmp_path}/many.so --random 1 --dim n=3 --output-dir {tmp_path}/out"
    subprocess.run(["bash", "-c", f"ulimit -n 32; exec {dovetail} {arguments}"], check=True)
    assert len(os.listdir(tmp_path / "out")) == 100


def test_random_half_precision(run_dovetail, tmp_path):
    nodes = [helper.make_node("Identity", ["x"], ["y"])]
    model = model_of(nodes, [("x", "float16", ["n"])], [("y", "float16", ["n"])])
    run_dovetail("build", save(model, tmp_path / "half.onnx"), "-o", tmp_path / "half.so")
    run_dovetail("run", tmp_path / "half.so", "--random", "1", "--dim", "n=1000", "--output-dir", tmp_path)
    y = np.load(tmp_path / "0.npy")
    assert y.dtype == np.float16 and 0 <= y.min() < 0.05 and 0.95 < y.max() <= 1 and 0.4 < y.mean() < 0.6


@pytest.mark.parametrize("seed", ["-1", "1.5", "18446744073709551616"])
def test_no_seed(run_dovetail, folder, seed):
    message = refused(run_dovetail, folder, f"run mlp.so --random {seed} --dim batch=1 --output-dir o", code=2)
    assert message.splitlines()[0] == f"--random: '{seed}' is no seed: 0 to 2^64-1"


def test_dimension_outside_its_bounds(run_dovetail, folder, tmp_path):
    library = tmp_path / "mlp.so"
    run_dovetail("build", folder / "mlp.onnx", "-o", library, "--dim", "batch=2..8")
    bounds = "in input 'x' (axis 0); this library was built for"
    for batch in (2, 8, 1, 9, 10**12):  # no memory is asked for what cannot run
        arguments = ["--random", "1", "--dim", f"batch={batch}", "--output-dir", tmp_path / "out"]
        result = run_dovetail("run", library, *arguments, code=0 if 2 <= batch <= 8 else 1)
        assert result.stderr == ("" if 2 <= batch <= 8 else f"dovetail: dim 'batch' is {batch} {bounds} 2..8\n")
    result = run_dovetail("bench", library, "--dim", "batch=9", code=1)
    assert result.stderr == f"dovetail: dim 'batch' is 9 {bounds} 2..8\n"
    # A file's tensor is there already: the library itself says it, in the same words.
    np.save(tmp_path / "nine.npy", np.zeros((9, 64), "float32"))
    result = run_dovetail("run", library, "--input", f"x={tmp_path / 'nine.npy'}", "--output-dir", tmp_path, code=1)
    assert result.stderr == f"dovetail: dim 'batch' is 9 {bounds} 2..8\n"
