"""Cases of elementwise operators."""

import itertools

import numpy as np
from case_values import ALL, FLOATS, INTS, i64, special, values


def unary(case):
    for op, low, high in [
        ("Acos", -1, 1), ("Acosh", 1, 5), ("Asin", -1, 1), ("Asinh", -3, 3), ("Atan", -3, 3), ("Atanh", -0.9, 0.9),
        ("Ceil", -3, 3), ("Cos", -9, 9), ("Cosh", -3, 3), ("Exp", -3, 3), ("Floor", -3, 3), ("Log", 0.1, 9),
        ("Reciprocal", 0.1, 3), ("Round", -5, 5), ("Sigmoid", -9, 9), ("Sin", -9, 9), ("Sinh", -3, 3),
        ("Sqrt", 0, 9), ("Tan", -1, 1), ("Tanh", -3, 3),
    ]:  # fmt: skip
        for dtype in FLOATS:
            case(op, [values((2, 3, 5), dtype, low, high)])
        case(op, [values((), "float32", low, high)])
        case(op, [values((0, 4), "float32", low, high)])
    for op in ("Ceil", "Floor", "Round", "Sigmoid", "Tanh", "Exp", "Reciprocal", "Sqrt", "Log", "Abs", "Neg"):
        case(op, [special()])
    for op in ("Abs", "Sign"):
        for dtype in ALL:
            case(op, [values((3, 7), dtype)])
    for dtype in ("float32", "float64", "float16", "int64", "int32", "int8"):
        case("Neg", [values((3, 7), dtype)])
    for dtype in FLOATS:
        case("Erf", [values((3, 7), dtype)], rtol=1e-6 if dtype == "float64" else None)
        case("IsNaN", [special(dtype)], opset=20)
    for dtype in ("float32", "float64"):
        case("IsInf", [special(dtype)])
    for positive, negative in itertools.product((0, 1), (0, 1)):
        case("IsInf", [special()], detect_positive=positive, detect_negative=negative)
    case("IsInf", [special("float16")], opset=20)
    case("Not", [values((3, 7), "bool")])
    for dtype in INTS:
        case("BitwiseNot", [values((9,), dtype, -100, 100)], opset=18)
    for opset in (7, 13, 22):
        case("Abs", [values((5,))], opset=opset)
        case("Sqrt", [values((5,), low=0)], opset=opset)


def activations(case):
    for op, opset, attributes in [
        ("Relu", 17, {}), ("LeakyRelu", 17, {}), ("LeakyRelu", 7, {"alpha": 0.3}), ("ThresholdedRelu", 17, {}),
        ("ThresholdedRelu", 10, {"alpha": 0.4}), ("Elu", 17, {}), ("Elu", 17, {"alpha": 1.7}), ("Celu", 17, {}),
        ("Celu", 12, {"alpha": 0.6}), ("Selu", 17, {}), ("Selu", 17, {"alpha": 1.5, "gamma": 0.7}),
        ("HardSigmoid", 17, {}), ("HardSigmoid", 17, {"alpha": 0.5, "beta": 0.3}), ("HardSwish", 14, {}),
        ("Softplus", 17, {}), ("Softsign", 17, {}), ("Mish", 18, {}), ("Gelu", 20, {}),
        ("Gelu", 20, {"approximate": "tanh"}), ("Swish", 24, {}), ("Swish", 24, {"alpha": 0.7}), ("Shrink", 17, {}),
        ("Shrink", 17, {"bias": 0.3, "lambd": 0.8}),
    ]:  # fmt: skip
        for dtype in FLOATS if op != "Celu" else ("float32",):
            # The references compute some of these with constants in float32.
            # onnxruntime computes erf of a double with a float32 error, and 1 + erf cancels.
            rtol = 1e-5 if dtype == "float64" else None
            case(op, [values((2, 3, 5), dtype)], opset=opset, rtol=rtol, **attributes)
        case(op, [values((4, 6), low=-20, high=20)], opset=opset, **attributes)
    for dtype in ("int8", "int32", "int64"):
        case("Relu", [values((4, 6), dtype)])
    case("Relu", [special()])
    case("Softplus", [np.array([-30, -20, -15, 0, 15, 30, 100], "float32")])
    case("Clip", [values((4, 6))], opset=10, min=-1.0, max=2.0)
    case("Clip", [values((4, 6))], opset=6 + 1, max=0.5)
    case("Clip", [values((4, 6))], opset=9)
    for dtype in ALL:
        low, high = np.array(1, dtype), np.array(2, dtype)
        case("Clip", [values((4, 6), dtype), low, high], weights=(1, 2), opset=12)
        case("Clip", [values((4, 6), dtype), low, high], opset=13)
    case("Clip", [values((4, 6)), None, np.float32(0)], weights=(2,))
    case("Clip", [values((4, 6)), np.float32(0)], weights=(1,))
    case("Clip", [values((4, 6))])
    case("Clip", [special(), np.float32(-1), np.float32(1)], weights=(1, 2))
    case("Clip", [values((4, 6)), np.float32(2), np.float32(1)], weights=(1, 2))


def binary(case):
    shapes = [((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((3, 1), (1, 5)), ((), (2, 3)), ((2, 1, 4), (3, 1)), ((0, 3), (1, 3)), ((), ())]
    for op in ("Add", "Sub", "Mul", "Div"):
        for a, b in shapes:
            case(op, [values(a), values(b, low=1)])
        for dtype in ALL:
            case(op, [values((3, 4), dtype, 0), values((4,), dtype, 1, seed="b")])
        case(op, [values((3, 4)), values((4,), low=1)], weights=(1,), opset=7)
    case("Div", [np.array([7, -7, 7, -7], "int64"), np.array([2, 2, -2, -2], "int64")])
    for op in ("And", "Or", "Xor"):
        case(op, [values((3, 4), "bool"), values((4,), "bool", seed="b")])
    for op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor"):
        for dtype in INTS:
            case(op, [values((3, 4), dtype, -100, 100), values((4,), dtype, -100, 100, "b")], opset=18)
    for op, opset in (("Equal", 13), ("Less", 13), ("Greater", 13), ("LessOrEqual", 16), ("GreaterOrEqual", 16)):
        for dtype in ("float32", "float64", "int32", "int64"):
            case(op, [values((5, 4), dtype), values((4,), dtype, seed="b")], opset=opset)
        for dtype in ("float16", "int8", "uint8"):
            case(op, [values((5, 4), dtype), values((4,), dtype, seed="b")], opset=19)
        case(op, [special(), special()[::-1].copy()], opset=opset)
        case(op, [values((3,)), values((3,), seed="b")], opset=7 if opset < 16 else 12)
    case("Equal", [values((5, 4), "bool"), values((4,), "bool", seed="b")])
    for op in ("Sum", "Max", "Min", "Mean"):
        for dtype in ("float32", "float64", "float16"):
            case(op, [values((3, 4), dtype), values((4,), dtype, seed="b"), values((1,), dtype, seed="c")])
        case(op, [values((3, 4))])
        case(op, [values((3, 4)), values((3, 4), seed="b")], opset=8)
        case(op, [values((3, 1)), values((1, 4), seed="b"), values((), seed="c"), values((2, 1, 1), seed="d")])
    for op in ("Max", "Min"):
        for dtype in INTS:
            case(op, [values((3, 4), dtype), values((4,), dtype, seed="b")])
        case(op, [special(), np.float32(1)])
    for dtype in ALL:
        for fmod in (0, 1) if dtype in INTS else (1,):
            case("Mod", [values((3, 4), dtype, -50, 50), values((4,), dtype, 2, 9, "b")], fmod=fmod)
    case("Mod", [i64(7, -7, 7, -7), i64(3, 3, -3, -3)])
    case("Mod", [i64(7, -7, 7, -7), i64(3, 3, -3, -3)], fmod=1)
    case("Mod", [values((3,)), values((3,))], refused="fmod is 0, but Mod of float32 needs fmod = 1")
    for dtype in ("uint8", "uint32", "uint64"):
        for direction in ("LEFT", "RIGHT"):
            case("BitShift", [values((3, 4), dtype, 0, 200), values((4,), dtype, 0, 5, "b")], direction=direction)
    for a, b in (("float32", "float32"), ("float64", "float64"), ("float32", "int64"), ("int64", "int64"), ("int32", "float32"), ("int32", "int32")):
        case("Pow", [values((3, 4), a, 1, 4), values((4,), b, 0, 3)], opset=15)
    for exponent in (1, 2, 3, -1, 0.5, 0, -2.5):
        case("Pow", [values((3, 4), low=0.5), np.float32(exponent)], weights=(1,))
        case("Pow", [special(), np.float32(exponent)], weights=(1,))
    case("Pow", [values((3, 4), low=-3), np.array([2.0], "float32")], weights=(1,), opset=7)
    for dtype in ALL + ("bool",):
        condition = values((3, 4), "bool")
        case("Where", [condition, values((4,), dtype), values((3, 1), dtype, seed="b")], opset=16)
    case("Where", [values((2, 1, 3), "bool"), values((4, 1)), values((), seed="b")], opset=9)
    for slope in ((3, 1, 1), (1,), (4,), (2, 3, 4, 4)):
        case("PRelu", [values((2, 3, 4, 4)), values(slope, seed="s")], weights=(1,))
        case("PRelu", [values((2, 3, 4, 4)), values(slope, seed="s")], opset=9)
    for dtype in ("float64", "int32", "int64"):
        case("PRelu", [values((3, 4), dtype), values((4,), dtype, seed="s")])


def casts(case):
    types = {"float32": 1, "uint8": 2, "int8": 3, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "float64": 11}
    for source, (target, number) in itertools.product(types, types.items()):
        low = 0 if "uint8" in (source, target) else -3
        case("Cast", [values((3, 4), source, low)], to=number)
        case("CastLike", [values((3, 4), source, low), values((1,), target)], opset=15, symbolic=False)
    case("Cast", [special("float64")], to=1)
    case("Cast", [np.array([0, 0.3, -0.5, np.nan, np.inf], "float32")], to=9)
    case("Cast", [np.array([300, -1, 128, 255], "int64")], to=2)
    case("Cast", [np.array([3000000000, -1], "int64")], to=6)
    case("Cast", [values((3,))], to=8, refused="element type string is not supported")
    case("Identity", [values((3, 4))])
    case("Identity", [values((), "int64")], opset=7)
    for opset in (7, 10, 12, 13, 22):
        case("Dropout", [values((3, 4))], opset=opset, outputs=1)
    case("Dropout", [values((3, 4)), np.float32(0.3)], weights=(1,), opset=13, outputs=2)
    case("Dropout", [values((3, 4)), np.float32(0.3), np.array(False)], weights=(1, 2), opset=13)
    case("Dropout", [values((3, 4)), np.float32(0.3), np.array(True)], weights=(1, 2), opset=13,
         refused="training_mode is true")  # fmt: skip


GROUPS = (unary, activations, binary, casts)
