"""The link replaced by a command: other linkers, strip, signatures; and commands that fail."""

import os
import subprocess

import numpy as np
import pytest
from onnx_models import mlp, reference, save

CXX = "g++ -shared -nostdlib -o {output} {objects}"
LINKS = {
    "g++": CXX,
    "clang and lld": "clang-19 -fuse-ld=lld -shared -nostdlib -o {output} {objects}",
    "g++, then strip": CXX + " && strip {output}",
    "lld, then llvm-strip": "ld.lld-19 -shared --gc-sections -o {output} {objects} && llvm-strip-19 -s {output}",
}


@pytest.fixture(scope="module")
def model_path(tmp_path_factory):
    return save(mlp(), tmp_path_factory.mktemp("fcompile") / "mlp.onnx")


def answers(run_dovetail, library, model, folder):
    """Runs a library of the MLP and compares it with onnxruntime."""
    x = np.random.default_rng(3).standard_normal((5, 64), dtype="float32")
    np.save(folder / "x.npy", x)
    run_dovetail("run", library, "--input", f"x={folder}/x.npy", "--output-dir", folder / "out")
    np.testing.assert_allclose(np.load(folder / "out" / "0.npy"), reference(model, {"x": x})[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("link", LINKS)
def test_another_linker(run_dovetail, model_path, tmp_path, link):
    run_dovetail("build", model_path, "-o", tmp_path / "mlp.so", "--fcompile", LINKS[link])
    answers(run_dovetail, tmp_path / "mlp.so", model_path, tmp_path)


def test_signed_after_the_link_and_verified(run_dovetail, model_path, tmp_path):
    """The code and the weights are signed; the signature travels in a section of the library."""
    key, public = tmp_path / "key.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", "ed25519", "-out", key], check=True)
    subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-out", public], check=True)
    sections = "objcopy -O binary -j .text -j .dovetail.weights"
    sign = (
        f"{CXX} && {sections} {{output}} {tmp_path}/signed.bin && "
        f"openssl pkeyutl -sign -rawin -inkey {key} -in {tmp_path}/signed.bin -out {tmp_path}/sig && "
        f"objcopy --add-section .signature={tmp_path}/sig {{output}}"
    )
    library = tmp_path / "mlp.so"
    run_dovetail("build", model_path, "-o", library, "--fcompile", sign)
    (tmp_path / "sig").unlink()
    verify = (
        f"objcopy --dump-section .signature={tmp_path}/sig {library} && {sections} {library} {tmp_path}/now.bin && "
        f"openssl pkeyutl -verify -rawin -pubin -inkey {public} -in {tmp_path}/now.bin -sigfile {tmp_path}/sig"
    )
    subprocess.run(["bash", "-euc", verify], check=True)
    answers(run_dovetail, library, model_path, tmp_path)


@pytest.mark.parametrize("form", ["o", "a"])
def test_static_forms(run_dovetail, model_path, tmp_path, form):
    command = {"o": "ld -r -o {output} {objects}", "a": "ar rcsD {output} {objects}"}[form]
    library = tmp_path / f"mlp.{form}"
    run_dovetail("build", model_path, "-o", library, "--header", tmp_path / "mlp.h", "--fcompile", command)
    (tmp_path / "main.c").write_text('#include "mlp.h"\nint main(void) { return mlp_library.models[0]->num_inputs - 1; }\n')
    subprocess.run(["gcc", "main.c", library, "-o", "main"], cwd=tmp_path, check=True)
    subprocess.run([tmp_path / "main"], check=True)


FAILURES = {
    "echo no such flag >&2; exit 3; {output}": (
        "--fcompile: 'echo no such flag >&2; exit 3; {output}' failed with exit status 3:\nno such flag"
    ),
    "kill -9 $$; {output}": "--fcompile: 'kill -9 $$; {output}' failed with exit status 137",
    "g++ -o lib.so {objects}": (
        "--fcompile: 'g++ -o lib.so {objects}' does not say {output}; {objects}, {output} and {target} are replaced"
    ),
    "touch {output}": "cannot export FOLDER/mlp.so: fcompile made an empty file FOLDER/.mlp.so.0.tmp/mlp.so",
    "true {output}": "cannot export FOLDER/mlp.so: fcompile made no file FOLDER/.mlp.so.0.tmp/mlp.so",
}


@pytest.mark.parametrize("command", FAILURES)
def test_failure_leaves_nothing(run_dovetail, model_path, tmp_path, command):
    result = run_dovetail("build", model_path, "-o", tmp_path / "mlp.so", "--fcompile", command, code=1)
    assert result.stderr == f"dovetail: {FAILURES[command]}\n".replace("FOLDER", str(tmp_path))
    assert os.listdir(tmp_path) == []


def test_arguments_reach_the_command(run_dovetail, model_path, tmp_path):
    folder = tmp_path / "it's a folder"
    folder.mkdir()
    command = f"printf '%s\\n' {{target}} {{output}} {{objects}} > {tmp_path}/said; {CXX}"
    run_dovetail("build", model_path, "-o", folder / "mlp.so", "--fcompile", command)
    target, output, *objects = (tmp_path / "said").read_text().splitlines()
    assert target == "x86_64-linux-gnu" and output == f"{folder}/.mlp.so.0.tmp/mlp.so"
    *code, executor, weights = [os.path.basename(name) for name in objects]
    assert code and code == [f"model.{k}.code.o" for k in range(len(code))]
    assert (executor, weights) == ("executor.code.o", "weights.data.o")
    assert os.listdir(folder) == ["mlp.so"]
