"""Dovetail's side: the exported library, called through tvm_ffi, which runs it on one thread."""

import subprocess

import numpy as np
import tvm_ffi


def prepare(model, inputs, workdir, dovetail):
    """Compiles the model and returns a function that sets the inputs, runs and gets the outputs."""
    library = workdir / f"{model.stem}.so"
    subprocess.run([str(dovetail), "build", str(model), "-o", str(library)], check=True)
    module = tvm_ffi.load_module(str(library))
    executor = module["default"](tvm_ffi.device("cpu:0"))
    set_input, run_model, get_output = (executor[n] for n in ("set_input", "run", "get_output"))
    tensors = {name: tvm_ffi.from_dlpack(value) for name, value in inputs.items()}

    def run(count):
        for name, tensor in tensors.items():
            set_input(name, tensor)
        run_model()
        return [np.from_dlpack(get_output(index)) for index in range(count)]

    return run
