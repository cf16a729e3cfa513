"""A process may load file after file from one path: each time it gets the one that is there."""

import ctypes
import shutil

from onnx_models import mlp, save

TIMES = 2500  # more than fit a path, if each took a few characters of it


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char * 508)]


def test_one_path_thousands_of_times(run_dovetail, build_dir, tmp_path):
    save(mlp(), tmp_path / "mlp.onnx")
    for name in ("even", "odd"):
        run_dovetail("build", tmp_path / "mlp.onnx", "-o", tmp_path / f"{name}.so", "--name", name)
    runtime = ctypes.CDLL(str(build_dir / "lib" / "libdovetail_runtime.so"))
    library, error = tmp_path / "swapped.so", Error()
    for k in range(TIMES):
        name = ("even", "odd")[k % 2]
        library.unlink(missing_ok=True)
        shutil.copy(tmp_path / f"{name}.so", library)
        module, executor = ctypes.c_void_p(), ctypes.c_void_p()
        arguments = (str(library).encode(), ctypes.byref(module), ctypes.byref(error))
        assert runtime.dovetail_module_load(*arguments) == 0, error.message
        arguments = (module, name.encode(), None, 0, ctypes.byref(executor), ctypes.byref(error))
        assert runtime.dovetail_executor_create(*arguments) == 0, error.message
        runtime.dovetail_executor_release(executor)
        runtime.dovetail_module_release(module)
