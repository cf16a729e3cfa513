"""Arrays that cases are made of."""

import numpy as np
from case_writer import generator

FLOATS = ("float32", "float64", "float16")
INTS = ("int64", "int32", "int8", "uint8")
ALL = FLOATS + INTS
REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
              "ReduceLogSum", "ReduceLogSumExp")  # fmt: skip


def values(shape, dtype="float32", low=-3, high=3, seed=""):
    """Numbers with a few special ones; whole numbers for integer types."""
    random = generator(f"{shape}{dtype}{low}{high}{seed}")
    if dtype == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if np.issubdtype(np.dtype(dtype), np.integer):
        info = np.iinfo(dtype)
        return random.integers(max(low, info.min), min(high, info.max) + 1, shape).astype(dtype)
    return random.uniform(low, high, shape).astype(dtype)


def special(dtype="float32"):
    return np.array([0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, np.inf, -np.inf, np.nan, 1e-7, 20, -20, 88, -88], dtype)


def i64(*numbers):
    return np.array(numbers, "int64")
