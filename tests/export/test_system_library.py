"""Libraries that are part of the program: no dlopen, any number, only what is used, and fully static."""

import subprocess

import numpy as np
import pytest
from onnx_models import convolutions, mlp, reference, save

MODELS = {"alpha": lambda: mlp(seed=1), "beta": lambda: mlp(seed=2), "gamma": convolutions}
HEAD = '#include <dovetail/runtime.h>\n#include <cstdio>\n#include <cstring>\n'
RUN = """
static void run(const dv_library* library, const char* name, const float* x) {
  dovetail::Executor executor(dovetail::Module::system_lib(library)[name](dovetail::cpu()));
  executor.set_input("x", dovetail::Tensor::view(x, {5, 64}));
  executor.run();
  std::fwrite(executor.get_output(0).data<float>(), sizeof(float), 5 * 64, stdout);
}
int main() try {
  static float x[5 * 64];
  if (std::fread(x, sizeof x, 1, stdin) != 1) return 2;
  dovetail::set_num_threads(2);
CALLS
  return 0;
} catch (const dovetail::Error& error) {
  std::fprintf(stderr, "%s\\n", error.what());
  return 1;
}
"""


@pytest.fixture(scope="module")
def folder(run_dovetail, tmp_path_factory):
    """Each model as NAME.o, NAME.a and NAME.h."""
    folder = tmp_path_factory.mktemp("system")
    for name, make in MODELS.items():
        model = save(make(), folder / f"{name}.onnx")
        for form in ("o", "a"):
            run_dovetail("build", model, "-o", folder / f"{name}.{form}", "--header", folder / f"{name}.h")
    return folder


def program(source_dir, folder, name, used, linked, *options):
    """A program that runs the models `used` and is linked with the files `linked`."""
    includes = "".join(f'#include "{model}.h"\n' for model in used)
    calls = "\n".join(f'  run(&{model}_library, "{model}", x);' for model in used)
    (folder / f"{name}.cc").write_text(HEAD + includes + RUN.replace("CALLS", calls))
    flags = ["-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-I", source_dir / "include"]
    command = ["g++", *flags, f"{name}.cc", *linked, *options, "-o", name]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return folder / name


def runtime(build_dir, form):
    folder = build_dir / "lib"
    if form == "static":
        return [folder / "libdovetail_runtime.a", "-static"]
    return ["-L", folder, "-ldovetail_runtime", f"-Wl,-rpath,{folder}"]


def check(program, folder, used):
    x = np.random.default_rng(5).standard_normal((5, 64), dtype="float32")
    result = subprocess.run([program], input=x.tobytes(), capture_output=True, check=True)
    outputs = np.frombuffer(result.stdout, "float32").reshape(len(used), 5, 64)
    for name, y in zip(used, outputs, strict=True):
        np.testing.assert_allclose(y, reference(folder / f"{name}.onnx", {"x": x})[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", ["shared", "static"])
@pytest.mark.parametrize("suffix", ["o", "a"])
def test_three_models_in_one_program(source_dir, build_dir, folder, form, suffix):
    files = [f"{name}.{suffix}" for name in MODELS]
    made = program(source_dir, folder, f"three_{suffix}_{form}", MODELS, files, *runtime(build_dir, form))
    check(made, folder, MODELS)


def test_a_static_program_needs_no_loader(source_dir, build_dir, folder):
    made = program(source_dir, folder, "static", ["alpha"], ["alpha.o"], *runtime(build_dir, "static"))
    headers = subprocess.run(["readelf", "-lW", made], capture_output=True, text=True, check=True).stdout
    assert "INTERP" not in headers and "DYNAMIC" not in headers
    check(made, folder, ["alpha"])


@pytest.mark.parametrize("suffix", ["o", "a"])
def test_unused_models_drop_out(source_dir, build_dir, folder, suffix):
    link = [*runtime(build_dir, "shared"), "-Wl,--gc-sections"]
    alone = program(source_dir, folder, f"alone_{suffix}", ["alpha"], [f"alpha.{suffix}"], *link)
    files = [f"{name}.{suffix}" for name in MODELS]
    among = program(source_dir, folder, f"among_{suffix}", ["alpha"], files, *link)
    check(among, folder, ["alpha"])
    symbols = subprocess.run(["nm", among], capture_output=True, text=True, check=True).stdout
    assert "alpha_library" in symbols
    assert "beta_library" not in symbols and "gamma_library" not in symbols
    for path in (alone, among):
        subprocess.run(["strip", path], check=True)
    unused = sum((folder / f"{name}.o").stat().st_size for name in ("beta", "gamma"))
    grown = among.stat().st_size - alone.stat().st_size
    print(f"{unused} bytes of unused models added {grown} to a program of {alone.stat().st_size}")
    assert unused > 100_000 and grown < 4096


def test_c_program_without_any_runtime_is_static(source_dir, folder):
    text = '#include "alpha.h"\n#include "beta.h"\n#include "gamma.h"\n#include <stdio.h>\n'
    for name in MODELS:
        text += (
            f"static int {name}(const float* x) {{\n  static float y[320]; dv_host host = dovetail_malloc_host();\n"
            f"  dv_context* c = NULL; dv_error e;\n  if ({name}_create(&{name}_library, &host, &c, &e) ||\n"
            f"      {name}_run(&{name}_library, c, 5, x, y, &e)) return 1;\n"
            f"  {name}_destroy(&{name}_library, c);\n  return fwrite(y, sizeof y, 1, stdout) != 1;\n}}\n"
        )
    calls = " || ".join(f"{name}(x)" for name in MODELS)
    text += f"int main(void) {{\n  static float x[320];\n  return fread(x, sizeof x, 1, stdin) != 1 || {calls};\n}}\n"
    (folder / "plain.c").write_text(text)
    objects = [f"{name}.o" for name in MODELS]
    flags = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-static"]
    subprocess.run(["gcc", *flags, "plain.c", *objects, "-o", "plain"], cwd=folder, check=True)
    check(folder / "plain", folder, MODELS)
