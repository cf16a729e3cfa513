"""The ends of ranges. Left out is what ONNX leaves open: casts of floats that do not fit."""

import itertools

import numpy as np
from case_values import INTS, special

EVERY_TYPE = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
              "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}  # fmt: skip


def corners(case):
    for source, (target, number) in itertools.product(EVERY_TYPE, EVERY_TYPE.items()):
        if source == "bool":
            x = np.array([0, 1], source)
        elif source.startswith("float"):
            x = np.array([0, -0.0, 0.5, -0.5, 0.99, 1.5, -1.5, 2.5, 100.7, -100.7], source)
            x = np.abs(x) if target.startswith("uint") else x
        else:
            info = np.iinfo(source)
            x = np.array([info.min, info.max, 0, 1, info.max // 2, info.min // 2], source)
        case("Cast", [x], to=number, opset=19, symbolic=False)
    case("Cast", [np.array([65504, 65520, 65519, 1e-8, 6e-8, np.inf, np.nan], "float32")], to=10, symbolic=False)
    for dtype in INTS:
        info = np.iinfo(dtype)
        x = np.array([7, -7, 7, -7, info.max, info.min] if info.min else [7, 9, 7, 5, info.max, 0]).astype(dtype)
        y = np.array([3, 3, -3, -3, 2, 2] if info.min else [3, 3, 2, 2, 2, 2], dtype)
        for fmod in (0, 1):
            case("Mod", [x, y], fmod=fmod, symbolic=False)
        case("Div", [x, y], symbolic=False)
    for dtype in ("float32", "float64"):
        x = np.array([5.3, -5.3, 5.3, -5.3, 0, -0.0, np.inf, 1, 1e30, np.nan], dtype)
        case("Mod", [x, np.array([2, 2, -2, -2, 2, 2, 2, np.inf, 0.3, 1], dtype)], fmod=1, symbolic=False)
        x = np.array([-8, 0, 0, -0.0, 1, np.inf, 2, -1, np.nan], dtype)
        y = np.array([1 / 3, -1, 0, 3, np.nan, -1, -1074, np.inf, 0], dtype)
        case("Pow", [x, y], opset=15, symbolic=False)
        case("Where", [special() > 0, special(dtype), special(dtype)[::-1].copy()], opset=16, symbolic=False)
    for dtype in ("uint8", "uint16", "uint32", "uint64"):
        bits = np.iinfo(dtype).bits
        x = np.array([1, np.iinfo(dtype).max, 170], dtype)
        for direction in ("LEFT", "RIGHT"):
            case("BitShift", [x, np.array([bits - 1, 3, 1], dtype)], direction=direction, symbolic=False)
    for a, b in itertools.product(("float32", "float64", "int32", "int64"), repeat=2):
        x, y = np.array([2, 3, -2, -3, 0, 1, -1, 5], a), np.array([3, 2, 3, 2, 0, 5, 7, 1], b)
        case("Pow", [x, y], opset=15, symbolic=False)
    for a, b, exponent in itertools.product(("float64", "int32", "int64"), ("float32", "float64"), (2, 3, 4, 0.5)):
        x = np.arange(-12 if exponent > 1 else 0, 30)
        x = (x if exponent > 1 else x * x).astype(a)
        y = np.full_like(x, exponent, b)
        case("Pow", [x, y], opset=15, symbolic=False, rtol=0, atol=0)
        case("Pow", [x, y[:1]], opset=15, weights=(1,), symbolic=False, rtol=0, atol=0)
    case("Pow", [np.array([2, 3, -2], "int32"), np.array([-1, -2, -1], "int32")], opset=15, symbolic=False)
    for exponent in (2, 3, -1, -2, 0.5, 0):
        x = np.array([-3, -2, 0.5, 4, -0.0, np.inf, np.nan], "float32")
        case("Pow", [x, np.float32(exponent)], weights=(1,), symbolic=False)
    for dtype in ("uint64", "int64", "uint32"):
        info = np.iinfo(dtype)
        x = np.array([info.min, info.max, 3, 9], dtype)
        case("Clip", [x, np.array(2, dtype), np.array(info.max - 1, dtype)], opset=13, symbolic=False)
    case("Clip", [special(), np.float32(5), np.float32(-5)], symbolic=False)


GROUPS = (corners,)
