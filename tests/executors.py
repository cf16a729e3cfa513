"""A compiled model as a function of arrays, through tvm_ffi, and its comparison with onnxruntime."""

import numpy as np
from onnx_models import reference, save


class Executor:
    """One context of a library: runs share its memory."""

    def __init__(self, library, name="model"):
        import tvm_ffi

        self.functions = tvm_ffi.load_module(str(library))[name](tvm_ffi.device("cpu:0"))

    def __call__(self, inputs):
        for name, array in inputs.items():
            self.functions["set_input"](name, np.asarray(array, order="C"))
        self.functions["run"]()
        return [
            np.from_dlpack(self.functions["get_output"](k)).copy() for k in range(self.functions["num_outputs"]())
        ]


def compiled(run_dovetail, model, folder, *options):
    """The model's library in the folder."""
    save(model, folder / "model.onnx")
    run_dovetail("build", folder / "model.onnx", "-o", folder / "model.so", *options)
    return folder / "model.so"


def close(ours, theirs, tolerance=1e-5):
    """Equal shapes and dtypes; floats within the tolerance of the largest, all else the same."""
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        b = np.asarray(b)
        if a.size == b.size == 0 and a.ndim == b.ndim and all(n in (m, 0) for m, n in zip(a.shape, b.shape)):
            continue  # onnxruntime calls the extents of what no iteration gave 0
        assert a.shape == b.shape and a.dtype == b.dtype, (a.shape, b.shape, a.dtype, b.dtype)
        if b.dtype.kind == "f":
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * (np.abs(b).max() if b.size else 1))
        else:
            np.testing.assert_array_equal(a, b)


def check(run_dovetail, model, folder, runs, *options):
    """Every run alone on a fresh executor, and all of them in turn on one."""
    library = compiled(run_dovetail, model, folder, *options)
    reused = Executor(library)
    expected = [reference(model, inputs) for inputs in runs]
    for inputs, outputs in zip(runs, expected):
        close(Executor(library)(inputs), outputs)
        close(reused(inputs), outputs)
    for inputs, outputs in reversed(list(zip(runs, expected))):
        close(reused(inputs), outputs)
