"""Dovetail's side: the exported library, called through tvm_ffi, which runs it on one thread."""

import json
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tvm_ffi


@dataclass
class Costs:
    """What a model costs beside its runs."""

    compile_s: float
    compile_mb: float  # the compiler's largest resident size
    library_mb: float
    load_ms: float  # until an executor is there


class Refused(Exception):
    """The compiler's message."""


def resident_peak(pid):
    """MB that the process has used at most; 0 when it is gone. (wait4() would count ours, too.)"""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0


def compile_model(model, library, dovetail, arguments=()):
    """(seconds, peak MB) of the compiler; Refused."""
    start = time.perf_counter()
    command = [str(dovetail), "build", str(model), "-o", str(library), *arguments]
    peak = 0
    with tempfile.TemporaryFile("w+") as messages:
        process = subprocess.Popen(command, stderr=messages)
        while process.poll() is None:
            peak = max(peak, resident_peak(process.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - start
        messages.seek(0)
        if process.returncode != 0:
            raise Refused(messages.read().strip().splitlines()[-1])
    return seconds, peak


def has_dims(library, dovetail):
    """Whether the default model has symbolic dimensions."""
    command = [str(dovetail), "inspect", str(library), "--json"]
    listed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return bool(listed["models"][0]["dims"])


def load(library, inputs):
    """A function that sets the inputs of a new executor, runs it and gets every output."""
    executor = tvm_ffi.load_module(str(library))["default"](tvm_ffi.device("cpu:0"))
    set_input, run_model, get_output = (executor[n] for n in ("set_input", "run", "get_output"))
    count = executor["num_outputs"]()
    tensors = {name: tvm_ffi.from_dlpack(value) for name, value in inputs.items()}

    def run():
        for name, tensor in tensors.items():
            set_input(name, tensor)
        run_model()
        return [np.from_dlpack(get_output(index)) for index in range(count)]

    return run


def prepare(model, inputs, workdir, dovetail):
    """Compiles the model; (a function that sets the inputs, runs and gets the outputs, Costs)."""
    library = workdir / f"{model.stem}.so"
    compile_s, compile_mb = compile_model(model, library, dovetail)
    start = time.perf_counter()
    run = load(library, inputs)
    costs = Costs(compile_s, compile_mb, library.stat().st_size / 2**20, (time.perf_counter() - start) * 1e3)
    return run, costs
