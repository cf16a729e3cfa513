"""Libraries without dlopen, and for another machine."""

import json
import subprocess

import numpy as np
import pytest
from onnx import helper
from onnx_models import convolutions, mlp, model_of, reference, save

HOST = r"""
#include "HEADER"
#include <stdio.h>

int main(int argc, char** argv) {
  static float x[5 * 64], y[5 * 64];
  dv_host host = dovetail_malloc_host();
  dv_context* context = NULL;
  dv_error error;
  FILE* file = fopen(argv[1], "rb");
  if (!file || fread(x, sizeof x, 1, file) != 1) return 2;
  fclose(file);
  if (PREFIX_create(&PREFIX_library, &host, &context, &error) != DV_OK ||
      PREFIX_run(&PREFIX_library, context, 5, x, y, &error) != DV_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  PREFIX_destroy(&PREFIX_library, context);
  (void)argc;
  return fwrite(y, sizeof y, 1, stdout) == 1 ? 0 : 3;
}
"""


def host_program(folder, prefix):
    text = HOST.replace("HEADER", f"{prefix}.h").replace("PREFIX", prefix)
    (folder / f"{prefix}_host.c").write_text(text)
    return f"{prefix}_host.c"


def run_and_compare(command, folder, model):
    x = np.random.default_rng(5).standard_normal((5, 64), dtype="float32")
    (folder / "x.bin").write_bytes(x.tobytes())
    result = subprocess.run([*command, "x.bin"], cwd=folder, capture_output=True, check=True)
    y = np.frombuffer(result.stdout, "float32").reshape(5, 64)
    np.testing.assert_allclose(y, reference(model, {"x": x})[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["so", "o", "a"])
def test_aarch64_library_runs_under_qemu(run_dovetail, tmp_path, form):
    model = save(mlp(), tmp_path / "mlp.onnx")
    target = ["--target", "aarch64-linux-gnu"]
    run_dovetail("build", model, "-o", tmp_path / f"libmlp.{form}", *target, "--prefix", "mlp", "--header", tmp_path / "mlp.h")
    flags = ["-Wall", "-Werror", "-Wl,-rpath,."] + ([] if form == "so" else ["-static"])
    host = host_program(tmp_path, "mlp")
    subprocess.run(["aarch64-linux-gnu-gcc", *flags, host, f"libmlp.{form}", "-o", "host"], cwd=tmp_path, check=True)
    run_and_compare(["qemu-aarch64", "-L", "/usr/aarch64-linux-gnu", "./host"], tmp_path, model)


def test_aarch64_convolutions_run_under_qemu(run_dovetail, tmp_path):
    model = save(convolutions(), tmp_path / "conv.onnx")
    target = ["--target", "aarch64-linux-gnu"]
    run_dovetail("build", model, "-o", tmp_path / "conv.o", *target, "--header", tmp_path / "conv.h")
    host = host_program(tmp_path, "conv")
    subprocess.run(["aarch64-linux-gnu-gcc", "-static", host, "conv.o", "-o", "host"], cwd=tmp_path, check=True)
    run_and_compare(["qemu-aarch64", "./host"], tmp_path, model)


def test_two_versions_link_into_one_program(run_dovetail, tmp_path):
    models = []
    for version in (1, 2):
        model = save(mlp(seed=version), tmp_path / f"v{version}.onnx")
        prefix = f"mlp{version}"
        header = tmp_path / f"{prefix}.h"
        run_dovetail("build", model, "-o", tmp_path / f"{prefix}.o", "--name", "mlp", "--prefix", prefix, "--header", header)
        models.append(model)
    both = (
        '#include "mlp1.h"\n#include "mlp2.h"\n#include <stdio.h>\n#include <string.h>\n'
        "int main(int argc, char** argv) {\n"
        "  static float x[320], y[320]; dv_host host = dovetail_malloc_host(); dv_context *a, *b; dv_error e;\n"
        '  FILE* f = fopen(argv[2], "rb"); if (argc != 3 || !f || fread(x, sizeof x, 1, f) != 1) return 2;\n'
        "  if (mlp1_create(&mlp1_library, &host, &a, &e) || mlp2_create(&mlp2_library, &host, &b, &e)) return 3;\n"
        '  if (strcmp(argv[1], "1") == 0 ? mlp1_run(&mlp1_library, a, 5, x, y, &e)\n'
        "                                : mlp2_run(&mlp2_library, b, 5, x, y, &e)) return 4;\n"
        "  mlp1_destroy(&mlp1_library, a); mlp2_destroy(&mlp2_library, b);\n"
        "  return fwrite(y, sizeof y, 1, stdout) == 1 ? 0 : 5;\n}\n"
    )
    (tmp_path / "both.c").write_text(both)
    subprocess.run(["gcc", "-Wall", "-Werror", "both.c", "mlp1.o", "mlp2.o", "-o", "both"], cwd=tmp_path, check=True)
    for version, model in enumerate(models, start=1):
        run_and_compare(["./both", str(version)], tmp_path, model)


NAMES = [
    "api", "batch*/2", "a/*b", "a\n#error", "NULL", "INT64_C", "int64_t", "dv_tensor", "dv_input_0", "linux", "errno",
    "I", "and", "asm", "_Bool", "input_0", "shape_input_0_0", "status", "library", "0", "x", "static_cast",
]  # fmt: skip


@pytest.mark.parametrize("compiler", ["gcc -std=gnu99", "gcc -std=c99 -pedantic", "g++ -x c++"])
def test_header_of_any_names(run_dovetail, tmp_path, compiler):
    types = [(name, "float32", [f"{name}.dim", name]) for name in NAMES]
    nodes = [helper.make_node("Identity", [name], [f"{name}.out"]) for name in NAMES]
    outputs = [(f"{name}.out", "float32", [f"{name}.dim", name]) for name in NAMES]
    model = save(model_of(nodes, types, outputs), tmp_path / "names.onnx")
    run_dovetail("build", model, "-o", tmp_path / "names.o", "--header", tmp_path / "names.h")
    (tmp_path / "names.c").write_text('#include <complex.h>\n#include <errno.h>\n#include "names.h"\n')
    command = [*compiler.split(), "-Wall", "-Wextra", "-Werror", "-c", "names.c", "-o", "names_host.o"]
    subprocess.run(command, cwd=tmp_path, check=True)


@pytest.mark.parametrize("feature", ["avx512f", "avx512vnni", "avx512bf16"])
def test_avx512_brings_the_shorter_vectors(run_dovetail, tmp_path, feature):
    model = save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", model, "-o", tmp_path / "mlp.so", "--cpu", f"x86-64-v3+{feature}")
    levels = json.loads(run_dovetail("inspect", tmp_path / "mlp.so", "--json").stdout)["cpus"]
    assert levels == [f"x86-64-v3+{feature}+avx512vl"] or levels == [f"x86-64-v3+avx512vl+{feature}"]


def test_object_shows_only_its_descriptor(run_dovetail, tmp_path):
    save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / "mlp.o")
    result = subprocess.run(["nm", "-g", tmp_path / "mlp.o"], capture_output=True, text=True, check=True)
    names = [line.split() for line in result.stdout.splitlines()]
    assert [n[-1] for n in names if n[-2] not in ("w", "U", "v")] == ["mlp_library"]
    assert not [n for n in names if n[-2] == "U"]


@pytest.mark.parametrize("cpu", ["Nehalem", "Haswell"])
def test_fat_library_runs_on_every_cpu(run_dovetail, tmp_path, cpu):
    model = save(mlp(), tmp_path / "mlp.onnx")
    levels = ["--cpu", "x86-64", "--cpu", "x86-64-v3", "--cpu", "x86-64-v4"]
    run_dovetail("build", model, "-o", tmp_path / "mlp.o", *levels, "--header", tmp_path / "mlp.h")
    subprocess.run(["gcc", "-static", host_program(tmp_path, "mlp"), "mlp.o", "-o", "host"], cwd=tmp_path, check=True)
    run_and_compare(["qemu-x86_64", "-cpu", cpu, "./host"], tmp_path, model)


def test_a_cpu_below_gets_an_error_that_names_the_feature(run_dovetail, tmp_path):
    model = save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", model, "-o", tmp_path / "mlp.o", "--cpu", "x86-64-v3", "--header", tmp_path / "mlp.h")
    subprocess.run(["gcc", "-static", host_program(tmp_path, "mlp"), "mlp.o", "-o", "host"], cwd=tmp_path, check=True)
    (tmp_path / "x.bin").write_bytes(bytes(5 * 64 * 4))
    command = ["qemu-x86_64", "-cpu", "Nehalem", "./host", "x.bin"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        "model 'mlp' needs the CPU features avx, avx2, bmi, bmi2, f16c, fma, lzcnt, movbe, which this machine lacks; "
        "it was built for x86-64-v3\n"
    )
