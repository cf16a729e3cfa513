"""Our side: the runtime opens the library, makes an executor, and closes both, through its C interface."""

import ctypes
from pathlib import Path


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int32), ("message", ctypes.c_char * 508)]


def prepare(library, build_dir):
    """(load, unload): load gives what unload takes."""
    runtime = ctypes.CDLL(str(Path(build_dir) / "lib" / "libdovetail_runtime.so"))
    path, error = str(library).encode(), Error()

    def check(code):
        if code != 0:
            raise RuntimeError(error.message.decode())

    check(runtime.dovetail_set_num_threads(1, ctypes.byref(error)))

    def load():
        module, executor = ctypes.c_void_p(), ctypes.c_void_p()
        check(runtime.dovetail_module_load(path, ctypes.byref(module), ctypes.byref(error)))
        create = runtime.dovetail_executor_create
        check(create(module, None, None, 0, ctypes.byref(executor), ctypes.byref(error)))
        return module, executor

    def unload(made):
        module, executor = made
        runtime.dovetail_executor_release(executor)
        runtime.dovetail_module_release(module)
        if Path(library).name in Path("/proc/self/maps").read_text():
            raise RuntimeError(f"{library} is still loaded, so that loading it again would measure nothing")

    return load, unload
