import numpy as np
import tvm_ffi

lib = tvm_ffi.load_module("./mlp.so")
executor = lib["mlp"](tvm_ffi.device("cpu:0"))
executor["set_input"]("x", np.zeros((2, 64), "float32"))
executor["run"]()
print(np.from_dlpack(executor["get_output"](0))[0, 0])
