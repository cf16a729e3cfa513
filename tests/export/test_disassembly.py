"""Code above the baseline stays inside the functions of its CPU level."""

import re
import subprocess

from onnx_models import mlp, save


def test_wide_instructions_only_in_functions_of_their_level(run_dovetail, tmp_path):
    model = save(mlp(), tmp_path / "mlp.onnx")
    run_dovetail("build", model, "-o", tmp_path / "mlp.so", "--cpu", "x86-64", "--cpu", "x86-64-v4")
    command = ["llvm-objdump-19", "-d", "--no-show-raw-insn", tmp_path / "mlp.so"]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    function, wide = "", set()
    for line in listing.splitlines():
        start = re.match(r"[0-9a-f]+ <(.*)>:", line)
        if start:
            function = start.group(1)
        elif re.search(r"%[yz]mm|\tv[a-z0-9]+\s", line):
            wide.add(function)
    assert wide, "the v4 kernels use vectors"
    assert all(".x86-64-v4" in name for name in wide), wide
