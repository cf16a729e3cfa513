"""Cases for every operator: make_operators.py FOLDER.

A table per group of operators: arrays, attributes, opsets, element types. Every case is written
with fixed shapes, and with symbolic ones unless it says why not.
"""

import itertools
import sys

import numpy as np
import position_cases
import runtime_input_cases
from case_values import ALL, FLOATS, INTS, i64, special, values
from case_writer import CaseWriter, generator, symbolic_shapes
from recurrent_cases import recurrent


class Cases:
    def __init__(self, folder):
        self.writer = CaseWriter(folder)
        self.counts = {}

    def __call__(self, op, arrays, *, opset=17, weights=(), symbolic=True, keep=(), refused="", **rest):
        arrays = [np.asarray(a) if a is not None else None for a in arrays]
        index = self.counts[op] = self.counts.get(op, -1) + 1
        name = f"{op}_{index}_opset{opset}"
        self.writer.add(op, arrays, name=name, opset=opset, weights=weights, refused=refused, **rest)
        # Also with symbols, where an input has an extent that can be one.
        shapes = symbolic_shapes(arrays, weights, keep)
        if symbolic and not refused and any(isinstance(d, str) for s in shapes.values() for d in s):
            self.writer.add(op, arrays, name=f"{name}_symbolic", opset=opset, weights=weights, shapes=shapes, **rest)


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


def transposed_convolutions(case):
    def deconv(x, w, bias=False, symbolic=True, opset=17, dtype="float32", weights=(1, 2), **attributes):
        columns = w[1] * attributes.get("group", 1)
        arrays = [values(x, dtype), values(w, dtype, seed="w")] + ([values((columns,), dtype, seed="b")] if bias else [])
        weights = weights if bias else weights[:1]
        case("ConvTranspose", arrays, weights=weights, symbolic=symbolic, keep=(x[1],), opset=opset, **attributes)

    for stride, kernel, pad, extra in itertools.product((1, 2, 3), (1, 2, 3, 4, 5), (0, 1, 2), (0, 1)):
        if 8 * stride + kernel + extra > 2 * pad and (extra == 0 or stride > 1):
            deconv((1, 2, 9), (2, 3, kernel), strides=[stride], pads=[pad, pad], output_padding=[extra])
    deconv((1, 3, 4, 5), (3, 2, 3, 3))
    deconv((2, 3, 4, 5), (3, 7, 2, 2), bias=True, strides=[2, 2])
    deconv((2, 3, 4, 5), (3, 7, 4, 4), bias=True, strides=[2, 2], pads=[1, 1, 1, 1])
    deconv((2, 3, 4, 5), (3, 6, 3, 4), bias=True, strides=[2, 3], pads=[1, 0, 2, 1], kernel_shape=[3, 4])
    deconv((1, 4, 5, 3), (4, 3, 3, 2), dilations=[2, 3], strides=[3, 2], pads=[2, 1, 0, 1])
    deconv((1, 4, 5, 3), (4, 3, 3, 4), dilations=[2, 4], strides=[4, 2], output_padding=[3, 1])
    deconv((1, 4, 5, 3), (4, 3, 2, 2), dilations=[6, 2], strides=[4, 3])
    deconv((2, 4, 5, 3), (4, 3, 3, 3), group=2, bias=True, strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
    deconv((2, 4, 5, 3), (4, 1, 4, 4), group=4, strides=[2, 2], pads=[1, 1, 1, 1])
    deconv((2, 4, 5, 3), (4, 2, 3, 3), group=4, bias=True)
    deconv((1, 2, 3, 4, 3), (2, 3, 2, 3, 2), bias=True, pads=[0, 1, 0, 1, 0, 0], strides=[2, 2, 1])
    deconv((2, 3, 4, 5), (3, 2, 3, 3), dtype="float64", strides=[2, 2])
    deconv((2, 3, 4, 5), (3, 2, 3, 3), opset=11, strides=[2, 2])
    deconv((2, 3, 4, 5), (3, 2, 3, 3), opset=7, strides=[2, 2])
    deconv((2, 3, 4, 5), (3, 2, 3, 3), bias=True, weights=(), symbolic=False, strides=[2, 2])
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for stride in (1, 2, 3):
            deconv((1, 2, 4, 5), (2, 3, 3, 4), auto_pad=auto_pad, strides=[stride, stride])
        deconv((1, 2, 5), (2, 3, 4), auto_pad=auto_pad, strides=[2], output_padding=[1])
    for auto_pad in ("NOTSET", "SAME_UPPER", "SAME_LOWER"):
        for shape in ([10, 8], [9, 11]):
            deconv((1, 2, 3, 3), (2, 3, 3, 3), auto_pad=auto_pad, strides=[3, 3], output_shape=shape)
    deconv((1, 2, 3), (2, 3, 3), strides=[3], output_shape=[10], output_padding=[1])
    deconv((0, 3, 4, 5), (3, 2, 3, 3), strides=[2, 2])
    x = values((1, 3, 7, 9))
    case("ConvTranspose", [x, values((5, 4, 3, 3))], weights=(1,),
         refused="of shape [5,4,3,3] do not fit: channels 3 and 5 differ")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), group=2,
         refused="has 3 channels, which group = 2 does not divide")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), output_shape=[4],
         refused="output_shape has 1 values, expected 2")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), pads=[9, 9, 9, 9],
         refused="a window of 3 does not fit into an extent of 7")  # fmt: skip


def convolutions(case):
    def conv(x, w, bias=False, symbolic=True, opset=17, dtype="float32", weights=(1, 2), **attributes):
        arrays = [values(x, dtype), values(w, dtype, seed="w")] + ([values(w[:1], dtype, seed="b")] if bias else [])
        case("Conv", arrays, weights=weights if bias else weights[:1], symbolic=symbolic, keep=(x[1],), opset=opset, **attributes)

    conv((1, 3, 7, 9), (5, 3, 3, 3))
    conv((2, 3, 7, 9), (5, 3, 3, 3), bias=True, pads=[1, 1, 1, 1])
    conv((2, 3, 7, 9), (5, 3, 3, 3), bias=True, pads=[1, 0, 2, 3], strides=[2, 3], kernel_shape=[3, 3])
    conv((2, 4, 11, 9), (6, 4, 3, 2), dilations=[2, 3], pads=[2, 1, 0, 1])
    conv((2, 4, 7, 7), (8, 2, 3, 3), group=2, bias=True)
    conv((2, 4, 7, 7), (4, 1, 3, 3), group=4, pads=[1, 1, 1, 1], strides=[2, 2])
    conv((2, 4, 7, 7), (8, 1, 5, 5), group=4, pads=[2, 2, 2, 2])
    conv((1, 8, 5, 5), (3, 8, 1, 1), bias=True)
    conv((2, 3, 10), (4, 3, 3), bias=True, pads=[1, 2])
    conv((2, 3, 10), (4, 3, 4), strides=[3], dilations=[2])
    conv((1, 2, 4, 5, 6), (3, 2, 2, 3, 2), bias=True, pads=[1, 0, 1, 0, 1, 0], strides=[1, 2, 1])
    conv((1, 3, 7, 9), (5, 3, 3, 3), dtype="float64")
    conv((1, 3, 7, 9), (5, 3, 3, 3), opset=7)
    conv((1, 3, 7, 9), (5, 3, 3, 3), opset=11)
    conv((1, 3, 7, 9), (5, 3, 3, 3), bias=True, weights=(), symbolic=False)
    for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
        for stride in (1, 2, 3):
            conv((1, 2, 7, 8), (3, 2, 3, 4), auto_pad=auto_pad, strides=[stride, stride])
        conv((1, 2, 7), (3, 2, 4), auto_pad=auto_pad)
    conv((0, 3, 7, 9), (5, 3, 3, 3))
    x = values((1, 3, 7, 9))
    case("Conv", [x, values((5, 4, 3, 3))], weights=(1,),
         refused="of shape [5,4,3,3] do not fit with group = 1: channels 3 and 4 differ")  # fmt: skip
    case("Conv", [x, values((5, 3, 3, 3))], weights=(1,), pads=[1, 1], refused="pads has 2 values, expected 4")
    case("Conv", [x, values((5, 3, 3, 3))], weights=(1,), strides=[0, 1], refused="strides holds 0")


def pools(case):
    for op in ("MaxPool", "AveragePool"):
        for ceil_mode in (0, 1):
            for attributes in (
                {"kernel_shape": [2, 2]},
                {"kernel_shape": [3, 2], "strides": [2, 2]},
                {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1]},
                {"kernel_shape": [3, 3], "strides": [3, 2], "pads": [0, 1, 2, 0]},
            ):
                case(op, [values((2, 3, 8, 9))], ceil_mode=ceil_mode, opset=19, **attributes)
        for auto_pad in ("SAME_UPPER", "SAME_LOWER", "VALID"):
            case(op, [values((1, 2, 7, 8))], kernel_shape=[3, 2], strides=[2, 3], auto_pad=auto_pad)
        case(op, [values((2, 3, 10))], kernel_shape=[3], strides=[2], pads=[1, 1])
        case(op, [values((1, 2, 5, 6, 7))], kernel_shape=[2, 3, 2])
        case(op, [values((1, 2, 5, 6))], kernel_shape=[2, 3], opset=7)
        case(op, [values((1, 2, 9, 9))], kernel_shape=[2, 3], dilations=[2, 3], opset=19)
        case(op, [values((1, 2, 5, 6), "float64")], kernel_shape=[2, 3])
    for ceil_mode in (0, 1):
        case("AveragePool", [values((2, 3, 8, 9))], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1],
             count_include_pad=1, ceil_mode=ceil_mode, opset=19)  # fmt: skip
    for dtype in ("int8", "uint8"):
        case("MaxPool", [values((1, 2, 5, 6), dtype, -100, 100)], kernel_shape=[2, 2], pads=[1, 1, 0, 0])
    for storage_order in (0, 1):
        for shape, attributes in [
            ((2, 3, 10), {"kernel_shape": [3], "strides": [2], "pads": [1, 1]}),
            ((2, 3, 8, 9), {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [1, 0, 1, 1], "dilations": [1, 2]}),
            ((2, 3, 5, 6, 7), {"kernel_shape": [2, 3, 2], "strides": [1, 2, 2], "ceil_mode": 1}),
        ]:
            case("MaxPool", [values(shape)], outputs=2, opset=12, storage_order=storage_order, **attributes)
    for dtype in ("int8", "uint8", "float64"):
        case("MaxPool", [values((1, 2, 5, 6), dtype)], kernel_shape=[3, 3], outputs=2)
    for p in (1, 2, 3):
        for attributes in (
            {"kernel_shape": [2, 2]},
            {"kernel_shape": [3, 2], "strides": [2, 2]},
            {"kernel_shape": [3, 3], "strides": [2, 3], "pads": [1, 1, 1, 1]},
        ):
            case("LpPool", [values((2, 3, 8, 9))], p=p, **attributes)
            case("LpPool", [values((2, 3, 8, 9))], p=p, opset=7, **attributes)
        case("LpPool", [values((2, 3, 10))], p=p, kernel_shape=[3], strides=[2], pads=[1, 1], opset=11)
        case("LpPool", [values((1, 2, 5, 6, 7))], p=p, kernel_shape=[2, 3, 2])
        case("GlobalLpPool", [values((2, 3, 5, 6))], p=p)
        case("GlobalLpPool", [values((2, 3, 7))], p=p, opset=7)
    case("LpPool", [values((1, 2, 7, 8))], kernel_shape=[3, 2], strides=[2, 3], auto_pad="SAME_UPPER")
    case("LpPool", [values((1, 2, 9, 9))], kernel_shape=[2, 3], dilations=[2, 3], opset=18)
    case("LpPool", [values((1, 2, 9, 9))], kernel_shape=[2, 3], ceil_mode=1, strides=[2, 2], opset=18)
    case("LpPool", [values((1, 2, 5, 6), "float64")], kernel_shape=[2, 3])
    case("LpPool", [values((1, 2, 5, 6))], kernel_shape=[2, 3], p=0, refused="p is 0, expected at least 1")
    for op in ("GlobalAveragePool", "GlobalMaxPool"):
        for shape in ((2, 3, 5, 6), (2, 3, 7), (1, 2, 3, 4, 5)):
            case(op, [values(shape)])
        case(op, [values((2, 3, 5, 6), "float64")], opset=7)


def products(case):
    for a, b in [
        ((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (6, 4, 5)), ((3, 4), (2, 4, 5)),
        ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5)), ((0, 4), (4, 5)),
        ((3, 0), (0, 5)), ((2, 3, 4), (1, 4, 5)), ((1, 4), (2, 3, 4, 5)),
    ]:  # fmt: skip
        case("MatMul", [values(a), values(b, seed="b")])
        case("MatMul", [values(a), values(b, seed="b")], weights=(0, 1) if 0 in b else (1,), opset=9)
    for dtype in ("float64", "int32", "int64", "float16"):
        case("MatMul", [values((3, 4), dtype), values((4, 5), dtype, seed="b")])
    case("MatMul", [values((3, 4)), values((5, 6))], refused="cannot be multiplied: 4 and 5 differ")
    for trans_a, trans_b in itertools.product((0, 1), (0, 1)):
        a = values((4, 3) if trans_a else (3, 4))
        b = values((5, 4) if trans_b else (4, 5), seed="b")
        for c in ((3, 5), (5,), (1,), (), (3, 1), (1, 5)):
            case("Gemm", [a, b, values(c, seed="c")], weights=(1, 2), transA=trans_a, transB=trans_b)
        case("Gemm", [a, b], transA=trans_a, transB=trans_b, alpha=0.5, opset=13)
    case("Gemm", [values((3, 4)), values((4, 5)), values((5,))], alpha=0.3, beta=1.7, opset=7)
    case("Gemm", [values((3, 4)), values((4, 5)), values((5,))], beta=0.0, opset=9)
    for dtype in ("float64", "int32", "int64"):
        case("Gemm", [values((3, 4), dtype), values((4, 5), dtype), values((5,), dtype)], alpha=2.0, opset=13)
    case("Gemm", [values((3, 4)), values((4, 5)), values((4,))], refused="shapes [3,5] and [4] cannot be broadcast")
    for opset in (7, 9, 14, 15):
        for shape in ((2, 3, 4, 5), (2, 3), (2, 3, 4)):
            parameters = [values((3,), seed=s, low=0.1) for s in "abcd"]
            case("BatchNormalization", [values(shape), *parameters], weights=(1, 2, 3, 4), opset=opset, epsilon=1e-3)
    parameters = [values((3,), "float64", seed=s, low=0.1) for s in "abcd"]
    case("BatchNormalization", [values((2, 3, 4), "float64"), *parameters])
    parameters = [values((3,), seed=s, low=0.1) for s in "abcd"]
    for shape in ((2, 3, 4), (5, 3), (1, 3, 2, 7)):
        more = {"training_mode": 1, "momentum": 0.7, "outputs": 3}
        case("BatchNormalization", [values(shape), *parameters], opset=15, **more)
        case("BatchNormalization", [values(shape), *parameters], weights=(1, 2, 3, 4), opset=14, **more)


def einsums(case):
    for equation, *shapes in [
        ("ij,jk->ik", (2, 3), (3, 4)), ("ij,jk", (2, 3), (3, 4)), ("ij,kj->ki", (2, 3), (4, 3)), ("ij->ji", (2, 3)),
        ("ji", (2, 3)), ("ij->", (2, 3)), ("ij->i", (2, 3)), ("i,i->", (5,), (5,)), ("i,j->ij", (2,), (3,)),
        ("i,j->ji", (2,), (3,)), ("ii->i", (3, 3)), ("ii", (3, 3)), ("iji->ij", (3, 2, 3)), ("iij->j", (3, 3, 2)),
        ("iii->i", (3, 3, 3)), ("jii->ij", (2, 3, 3)), ("iijj->ij", (3, 3, 2, 2)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
        ("...ij,jk->...ik", (6, 2, 3, 4), (4, 5)), ("...ij,...jk", (6, 1, 3, 4), (2, 4, 5)), ("...ii->...i", (2, 3, 3)),
        ("i...->...i", (2, 3, 4)), ("...,...->...", (2, 3), (3,)), ("bij,bjk->bik", (2, 3, 4), (2, 4, 5)),
        ("bhqd,bhkd->bhqk", (2, 3, 5, 4), (2, 3, 6, 4)), ("bqhd,bkhd->bhqk", (2, 5, 3, 4), (2, 6, 3, 4)),
        ("bhqk,bkhd->bqhd", (2, 3, 5, 6), (2, 6, 3, 4)), ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
        ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("ij,ij,ij->i", (2, 3), (2, 3), (2, 3)), ("ij,j,jk->ik", (2, 3), (3,), (3, 4)),
        ("ab,cd->bd", (2, 3), (4, 5)), ("Ab,bA->A", (2, 3), (3, 2)), ("bA", (2, 3)), ("ij,kl->", (2, 3), (4, 5)),
        ("ij , jk -> ik", (2, 3), (3, 4)), ("ij,jk->ik", (0, 3), (3, 4)), ("ij,jk->ik", (2, 0), (0, 4)), (",ij->ij", (), (2, 3)),
        ("ijk,ijl->kl", (4, 3, 2), (4, 3, 5)), ("i,ij,j->", (2,), (2, 3), (3,)), ("abij,ajk->abik", (2, 3, 4, 5), (2, 5, 6)),
    ]:  # fmt: skip
        arrays = [values(shape, seed=str(k)) for k, shape in enumerate(shapes)]
        case("Einsum", arrays, equation=equation, opset=12)
        if len(arrays) == 2:
            case("Einsum", arrays, weights=(1,), equation=equation, opset=28)
            case("Einsum", arrays, weights=(0,), equation=equation)
    for dtype in ("float64", "float16", "int32", "int64"):
        case("Einsum", [values((2, 3), dtype), values((3, 4), dtype, seed="b")], equation="ij,jk->ik")
    x = values((2, 3))
    case("Einsum", [x, values((4, 5))], equation="ij,jk->ik", refused="'j' of the equation has two extents: 3 and 4 differ")
    case("Einsum", [x], equation="ijk->i", refused="the equation's term 'ijk' has 3 letters, but input 0 has rank 2")
    case("Einsum", [x], equation="ij->ik", refused="the equation 'ij->ik' has 'k' in its result only")
    case("Einsum", [x], equation="ij->ii", refused="the equation 'ij->ii' has 'i' twice in its result")
    case("Einsum", [x], equation="ij,jk->ik", refused="has 2 operands, but there are 1 inputs")
    case("Einsum", [x], equation="i.->i", refused="the equation's term 'i.' holds '.'")
    case("Einsum", [x], equation="ii->i", refused="'i' of the equation has two extents: 2 and 3 differ")
    case("Einsum", [values((1, 3))], equation="ii->i", refused="'i' of the equation is twice in a term of two extents")


def attentions(case):
    def attention(opset=23, batch=2, heads=4, groups=4, queries=3, keys=5, size=8, v_size=8, past=0, mask=None, rank=4,
                  dtype="float32", **rest):  # fmt: skip
        shapes = [(batch, heads, queries, size), (batch, groups, keys, size), (batch, groups, keys, v_size)]
        if rank == 3:
            shapes = [(b, s, h * d) for b, h, s, d in shapes]
            rest |= {"q_num_heads": heads, "kv_num_heads": groups}
        arrays = [values(s, dtype, seed=str(k)) for k, s in enumerate(shapes)] + [mask]
        if past:
            arrays += [values((batch, groups, past, size), dtype), values((batch, groups, past, v_size), dtype)]
            rest |= {"outputs": rest.get("outputs", 3)}
        while arrays[-1] is None:
            arrays.pop()
        case("Attention", arrays, opset=opset, keep=(size, v_size, heads, groups, heads * size, groups * size, groups * v_size), **rest)

    for rank in (3, 4):
        for groups in (4, 2, 1):
            attention(rank=rank, groups=groups)
            attention(rank=rank, groups=groups, is_causal=1, keys=3)
            attention(rank=rank, groups=groups, past=4, is_causal=1)
        attention(rank=rank, v_size=10, scale=0.3, queries=7)
        attention(rank=rank, softcap=2.0)
        for mode in (0, 1, 2, 3):
            attention(rank=rank, mask=values((3, 5)), softcap=2.0, outputs=4, past=0, qk_matmul_output_mode=mode, symbolic=False)
    for shape in ((3, 5), (1, 5), (2, 1, 3, 5), (2, 4, 3, 5), (1, 1, 3, 5)):
        attention(mask=values(shape))
        attention(mask=values(shape, "bool"))
    attention(dtype="float16", is_causal=1, keys=3)
    attention(softmax_precision=1)
    attention(batch=1, queries=33, keys=70, size=32, v_size=32, mask=values((33, 70)))
    attention(groups=3, refused="4 heads of queries, 3 of keys and 3 of values")
    attention(qk_matmul_output_mode=4, refused="qk_matmul_output_mode is 4, expected 0 to 3")
    x = values((2, 3, 8))
    case("Attention", [x, x, x], opset=23, refused="q_num_heads is 0, which does not divide the 8 columns of input 0")
    for interleaved in (0, 1):
        for dim in (0, 4):
            half = (dim or 8) // 2
            cos, sin = values((9, half), seed="c"), values((9, half), seed="s")
            attributes = {"opset": 23, "interleaved": interleaved, "rotary_embedding_dim": dim, "keep": (8, half, 32)}
            positions = values((2, 3), "int64", 0, 8)
            case("RotaryEmbedding", [values((2, 4, 3, 8)), cos, sin, positions], weights=(1, 2), **attributes)
            case("RotaryEmbedding", [values((2, 3, 32)), cos, sin, positions], weights=(1, 2), num_heads=4, **attributes)
            arrays = [values((2, 4, 3, 8)), values((2, 3, half), seed="c"), values((2, 3, half), seed="s")]
            case("RotaryEmbedding", arrays, **attributes)
    case("RotaryEmbedding", [values((2, 4, 3, 8)), values((2, 3, 3)), values((2, 3, 3))], opset=23,
         refused="input 1 ('x1') has 3 columns, expected half of the turned elements: 4")  # fmt: skip
    case("RotaryEmbedding", [values((2, 4, 3, 7)), values((2, 3, 3)), values((2, 3, 3))], opset=23,
         refused="7 elements of heads of 7 cannot be turned in pairs")  # fmt: skip


def layer_normalizations(case):
    for op in ("LayerNormalization", "RMSNormalization"):
        opset = {"LayerNormalization": 17, "RMSNormalization": 23}[op]
        for axis, parameter in ((-1, (5,)), (2, (5,)), (1, (3, 5)), (-3, (2, 3, 5)), (1, (3, 1)), (1, (5,)), (-2, (1,))):
            scale, bias = values(parameter, seed="s"), values(parameter, seed="b")
            case(op, [values((2, 3, 5)), scale], weights=(1,), opset=opset, axis=axis)
            if op == "LayerNormalization":
                case(op, [values((2, 3, 5)), scale, bias], weights=(1, 2), opset=opset, axis=axis, epsilon=0.1, outputs=3)
                case(op, [values((2, 3, 5)), scale, bias], opset=opset, axis=axis, outputs=2)
        for dtype in ("float64", "float16"):
            case(op, [values((4, 37), dtype), values((37,), dtype, seed="s")], weights=(1,), opset=opset)
        case(op, [values((0, 4)), values((4,))], weights=(1,), opset=opset)
        case(op, [values((7,)), values((7,))], weights=(1,), opset=opset)
        case(op, [values((3, 300), low=9, high=11), values((300,))], weights=(1,), opset=opset, atol=2e-5)
        case(op, [values((2, 5)), values((4,))], opset=opset, refused="input 1 ('x1') has shape [4], expected one that broadcasts to [5]")
        case(op, [values((2, 5)), values((5,))], opset=opset, axis=2, refused="axis 2 is out of range for rank 2 (expected -2..1)")
        case(op, [values((2, 5)), values((5,))], opset=opset, stash_type=11, refused="stash_type is 11 (float64), expected 1")
    case("LayerNormalization", [values((2, 5)), values((5,)), values((5,))], opset=17, stash_type=16, outputs=1)


def channel_normalizations(case):
    for shape in ((2, 6, 4, 5), (1, 6, 7), (2, 6, 3, 2, 3), (2, 6, 1, 1), (1, 6, 40, 33)):
        scale, bias = values((6,), seed="s"), values((6,), seed="b")
        for opset in (7, 17, 22):
            case("InstanceNormalization", [values(shape), scale, bias], weights=(1, 2), opset=opset, epsilon=0.01)
        case("InstanceNormalization", [values(shape), scale, bias], epsilon=1.0)
        for groups in (1, 2, 6):
            case("GroupNormalization", [values(shape), scale, bias], weights=(1, 2), opset=21, num_groups=groups)
            arrays = [values(shape), values((groups,), seed="s"), values((groups,), seed="b")]
            case("GroupNormalization", arrays, weights=(1, 2), opset=18, num_groups=groups, epsilon=0.01, keep=(6,))
    for dtype in ("float64", "float16"):
        arrays = [values((2, 6, 4), dtype), values((6,), dtype, seed="s"), values((6,), dtype, seed="b")]
        case("InstanceNormalization", arrays, weights=(1, 2))
        # The reference computes in float32 at most, ours in float32 at least.
        case("GroupNormalization", arrays, weights=(1, 2), opset=21, num_groups=3, atol=1e-3 if dtype == "float16" else 1e-6)
    x, six, four = values((2, 6, 4)), values((6,)), values((4,))
    case("InstanceNormalization", [x, six, four], refused="input 2 ('x2') has shape [4], expected [6]")
    case("GroupNormalization", [x, six, six], opset=21, num_groups=4, refused="num_groups is 4, but input 0 ('x0') of shape [2,6,4] has 6 channels")
    case("GroupNormalization", [x, six, six], opset=18, num_groups=3, refused="input 1 ('x1') has shape [6], expected [3]")
    for opset in (7, 13):
        for size in (1, 3, 5, 9, 21):
            case("LRN", [values((2, 7, 3, 4))], size=size, opset=opset)
        case("LRN", [values((2, 7, 3, 4))], size=3, alpha=0.5, beta=0.4, bias=2.0, opset=opset)
    case("LRN", [values((2, 7, 3, 4))], size=0, refused="size is 0, expected 1 to 2147483647")
    for axis in (0, 1, -1):
        for p in (1, 2):
            case("LpNormalization", [values((3, 4, 5))], axis=axis, p=p)
            case("LpNormalization", [values((3, 4, 5), "float64")], axis=axis, p=p, opset=22)
    case("LpNormalization", [np.array([[0, 0, 0], [0, 3, 4]], "float32")])
    case("LpNormalization", [values((4, 3), "float16")], opset=22)
    case("LpNormalization", [values((4, 3))], p=3, refused="p is 3, expected 1 or 2")
    for opset in (9, 13):
        case("MeanVarianceNormalization", [values((2, 3, 4, 5))], opset=opset)
        for axes in ([1], [0, 1], [-1, 2]):
            case("MeanVarianceNormalization", [values((2, 3, 4, 5))], opset=opset, axes=axes)
    case("MeanVarianceNormalization", [values((2, 3, 4, 5), "float16")])


def softmaxes(case):
    for op in ("Softmax", "LogSoftmax"):
        for opset in (7, 11, 13, 17):
            for axis in (0, 1, 2, -1) if opset >= 11 else (0, 1, 2):
                case(op, [values((2, 3, 4))], axis=axis, opset=opset)
            case(op, [values((2, 3, 4))], opset=opset)
        for dtype in ("float64", "float16"):
            case(op, [values((3, 7), dtype)])
        case(op, [np.array([[1000, 1001, 999], [-1000, 0, 1000]], "float32")])
        case(op, [values((2, 3))], axis=5, refused="axis 5 is out of range for rank 2 (expected -2..1)")


REDUCTIONS = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
              "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")  # fmt: skip


def reductions(case):
    for op in REDUCTIONS:
        low = 0.5 if "Log" in op else -2
        x = values((2, 3, 4), low=low)
        for keepdims in (0, 1):
            for axes in ([0], [1, 2], [-1], [0, 1, 2]):
                case(op, [x], axes=axes, keepdims=keepdims, opset=11)
                case(op, [x, i64(*axes)], weights=(1,), keepdims=keepdims, opset=18)
            case(op, [x], keepdims=keepdims, opset=12)
            case(op, [x], keepdims=keepdims, opset=18)
        case(op, [x, i64()], weights=(1,), opset=18)
        case(op, [x, i64()], weights=(1,), opset=18, noop_with_empty_axes=1)
        case(op, [x], opset=7, axes=[1])
        case(op, [values((), low=low)], opset=18)
        case(op, [values((2, 3, 4), "float64", low), i64(1)], weights=(1,), opset=18)
        case(op, [values((2, 3, 4), "float16", low), i64(1)], weights=(1,), opset=18)
        for dtype in ("int32", "int64"):
            case(op, [values((2, 3, 4), dtype, 1), i64(1)], weights=(1,), opset=18)
        case(op, [x], axes=[3], opset=11, refused="axis 3 is out of range for rank 3 (expected -3..2)")
    for op in ("ReduceMax", "ReduceMin"):
        for dtype in ("int8", "uint8"):
            case(op, [values((2, 3, 4), dtype, -100, 100), i64(1)], weights=(1,), opset=18)
        case(op, [values((2, 3, 4), "bool"), i64(1)], weights=(1,), opset=20)
    case("ReduceSum", [values((2, 3, 4)), i64(1)], weights=(1,), opset=13)
    case("ReduceSum", [values((2, 0, 4)), i64(1)], weights=(1,), opset=13)
    case("ReduceLogSumExp", [np.array([[1000, 1000], [-np.inf, -np.inf], [np.inf, 1]], "float32"), i64(1)],
         weights=(1,), opset=18)  # fmt: skip


def reshapes(case):
    x = values((2, 3, 4))
    for shape in ((6, 4), (-1,), (0, -1), (0, 0, 4), (2, 1, 12), (-1, 2, 3), (0, 0, 2, 2)):
        case("Reshape", [x, i64(*shape)], weights=(1,), symbolic=shape in ((-1,), (0, -1)))
        case("Reshape", [x, i64(*shape)], weights=(1,), opset=7, symbolic=False)
    case("Reshape", [values((0, 3)), i64(3, 0)], weights=(0, 1), opset=14, allowzero=1)
    case("Reshape", [values((1,)), i64()], weights=(1,))
    for dtype in ALL + ("bool",):
        case("Reshape", [values((2, 6), dtype), i64(3, 4)], weights=(1,), symbolic=False)
    case("Reshape", [x, i64(5, 5)], weights=(1,), refused="input 0 ('x0') of shape [2,3,4] has 24 elements")
    case("Reshape", [x, i64(-1, -1)], weights=(1,), refused="-1 is given for extents 0 and 1")
    case("Reshape", [x, i64(-1, 5)], weights=(1,), refused="-1 stands for 24 / 5")
    for axis in (0, 1, 2, 3, -1):
        case("Flatten", [x], axis=axis)
    case("Flatten", [x], opset=7)
    x = values((1, 3, 1, 5))
    case("Squeeze", [x], axes=[0], opset=11)
    case("Squeeze", [x], axes=[0, -2], opset=11)
    case("Squeeze", [x], opset=7, symbolic=False)
    case("Squeeze", [x, i64(0, 2)], weights=(1,))
    case("Squeeze", [x], symbolic=False)
    case("Squeeze", [x, i64(1)], weights=(1,), refused="axis 1 of input 0 ('x0') with shape [1,3,1,5] has extent 3")
    for axes in ([0], [1, 3], [-1], [0, -1]):
        case("Unsqueeze", [values((3, 5))], axes=axes, opset=11)
        case("Unsqueeze", [values((3, 5)), i64(*axes)], weights=(1,))
    case("Unsqueeze", [values(()), i64(0)], weights=(1,))
    for perm in ((0, 1, 2), (2, 0, 1), (1, 0, 2)):
        case("Transpose", [values((2, 3, 4))], perm=perm)
    case("Transpose", [values((2, 3, 4))], opset=7)
    case("Transpose", [values((2, 3), "bool")])
    case("Transpose", [values((2, 3))], perm=[0, 0], refused="perm is [0,0]")


def joins(case):
    for axis in (0, 1, -1):
        a, b, c = (2, 3, 4), [2, 3, 4], [2, 3, 4]
        b[axis], c[axis] = 5, 1
        case("Concat", [values(a), values(tuple(b), seed="b"), values(tuple(c), seed="c")], axis=axis)
    for dtype in ALL + ("bool",):
        case("Concat", [values((2, 3), dtype), values((2, 3), dtype, seed="b")], axis=0, opset=11)
    case("Concat", [values((2, 3))], axis=0)
    case("Concat", [values((2, 3)), values((0, 3))], axis=0)
    x = values((2, 6, 4))
    case("Split", [x], axis=1, outputs=3, opset=11, keep=(6,))
    case("Split", [x], axis=1, split=[1, 2, 3], outputs=3, opset=7, symbolic=False)
    case("Split", [x], axis=-1, outputs=2, opset=13, symbolic=False)
    case("Split", [x, i64(5, 0, 1)], weights=(1,), axis=1, outputs=3, opset=13, symbolic=False)
    case("Split", [x], axis=1, num_outputs=4, outputs=4, opset=18)
    case("Split", [x], outputs=2, opset=13, symbolic=False)
    case("Split", [x, i64(1, 1)], weights=(1,), axis=1, outputs=2, refused="split adds up to 2, but axis 1")
    for starts, ends, axes, steps in [
        ([1], [3], None, None), ([0, 1], [2, -1], None, None), ([1], [1000], [2], None), ([-3], [-1], [-1], None),
        ([3], [0], [1], [-1]), ([-1], [-100], [1], [-2]), ([0, 1], [9, 9], [2, 0], [3, 1]), ([4], [1], [1], [1]),
        ([2**31 - 1], [-(2**31)], [1], [-1]), ([0], [2**63 - 1], [1], [2]), ([-100], [2], [1], None),
        ([100], [200], [1], None), ([-9], [-7], [1], [-1]), ([-9], [-7], [1], [1]), ([-(2**31)], [-7], [1], [-1]),
    ]:  # fmt: skip
        arrays = [values((3, 5, 4)), i64(*starts), i64(*ends)]
        arrays += [i64(*axes)] if axes else [None]
        arrays += [i64(*steps)] if steps else []
        case("Slice", arrays, weights=(1, 2, 3, 4)[: len(arrays) - 1], opset=13)
        if not steps:
            case("Slice", arrays[:1], starts=starts, ends=ends, opset=7, **({"axes": axes} if axes else {}))
    for dtype in ALL + ("bool",):
        case("Slice", [values((5,), dtype), i64(1), i64(3)], weights=(1, 2))
    case("Slice", [values((5,)), i64(1), i64(3), i64(0), i64(0)], weights=(1, 2, 3, 4), refused="steps holds 0")
    for pads in ((0, 1, 2, 0), (1, 1, 1, 1), (0, 0, 0, 0), (-1, 2, 0, -1)):
        case("Pad", [values((3, 4))], pads=pads, value=1.5, opset=7)
        case("Pad", [values((3, 4)), i64(*pads), np.float32(2.5)], weights=(1, 2))
        case("Pad", [values((3, 4)), i64(*pads)], weights=(1,), opset=11)
    case("Pad", [values((3, 4)), i64(1, 2), np.float32(2.5), i64(-1)], weights=(1, 2, 3), opset=18)
    for dtype in ("float64", "int32", "int64", "int8", "uint8"):
        case("Pad", [values((3, 4), dtype), i64(0, 1, 2, 0), np.array(3, dtype)], weights=(1, 2), opset=13)
    for mode in ("edge", "reflect"):
        for pads in ((0, 1, 2, 0), (1, 3, 2, 2), (0, 2, 0, 3), (-1, 2, 1, -1)):
            case("Pad", [values((3, 4))], pads=pads, mode=mode, opset=7, symbolic="-" not in str(pads))
            case("Pad", [values((3, 4)), i64(*pads)], weights=(1,), mode=mode, opset=13, symbolic="-" not in str(pads))
        for dtype in ("float64", "int32", "int64", "int8", "uint8", "bool"):
            case("Pad", [values((3, 4), dtype), i64(0, 1, 2, 0)], weights=(1,), mode=mode, opset=13)
        case("Pad", [values((2, 3, 1)), i64(0, 0, 0, 0, 1, 0)], weights=(1,), mode=mode, opset=18)
    for pads in ((0, 1, 2, 0), (5, 3, 2, 6)):
        case("Pad", [values((3, 4)), i64(*pads)], weights=(1,), mode="wrap", opset=19)
    case("Pad", [values((3, 4)), i64(1, 2), None, i64(-1)], weights=(1, 3), mode="reflect", opset=18)
    case("Pad", [values((3, 4)), i64(0, 1, 2, 0)], weights=(1,), mode="wrap", refused="mode is 'wrap', expected constant")


def repeats(case):
    for shape, target in [((3, 1), (2, 3, 4)), ((3, 1), (3, 1)), ((3, 1), (1, 4)), ((), (2, 2)), ((2, 3, 1), (1, 1))]:
        case("Expand", [values(shape), i64(*target)], weights=(1,), opset=13, keep=target)
    case("Expand", [values((1, 4), "bool"), i64(3, 1)], weights=(1,), opset=8)
    for shape, repeat in [((2, 3), (2, 1)), ((2, 3), (1, 1)), ((2, 3), (3, 2)), ((4,), (0,)), ((2, 1, 3), (1, 5, 2))]:
        case("Tile", [values(shape), i64(*repeat)], weights=(1,))
    case("Tile", [values((2, 3), "int64"), i64(2, 2)], weights=(1,), opset=7)
    for axis in (0, 1, -1):
        for indices in (i64(0, 2, 1), i64(-1, 0), np.array([[1, 0], [2, -3]], "int32"), np.array(1, "int64")):
            case("Gather", [values((3, 4, 3)), indices], axis=axis, weights=(1,))
            case("Gather", [values((3, 4, 3)), indices], axis=axis, opset=11)
    for dtype in ALL + ("bool",):
        case("Gather", [values((5, 2), dtype), i64(0, 4, 4)], opset=7)
    case("Gather", [values((3, 4)), i64(3)], weights=(1,), refused="input 1 ('x1') holds 3, but axis 0")


def constants(case):
    x = values((2, 3, 4))
    case("Shape", [x])
    for start, end in ((0, 1), (1, 3), (-1, 5), (2, -1), (-2, -1)):
        case("Shape", [x], start=start, end=end, opset=15)
    case("Shape", [x], start=1, opset=19)
    case("Shape", [values(())], opset=7)
    case("Size", [x])
    case("Size", [values((0, 3))], opset=7)
    case("ConstantOfShape", [i64(2, 3)], weights=(0,))
    case("ConstantOfShape", [i64()], weights=(0,), opset=9)
    case("ConstantOfShape", [i64(0, 2)], weights=(0,))
    for dtype in ALL + ("bool",):
        from onnx import numpy_helper

        case("ConstantOfShape", [i64(2, 3)], weights=(0,), value=numpy_helper.from_array(np.array([1], dtype)))
        case("Constant", [], value=numpy_helper.from_array(values((3, 4), dtype)))
    case("Constant", [], value_float=1.5)
    case("Constant", [], value_floats=[1.5, 2.5])
    case("Constant", [], value_int=3)
    case("Constant", [], value_ints=[3, 4])
    case("Constant", [], value_string="a", refused="attribute 'value_string' is not one of Constant")
    case("Constant", [], value=numpy_helper.from_array(values((3, 40), "int64")), opset=9)
    for start, limit, delta in ((0, 5, 1), (1, 10, 3), (10, 0, -3), (3, 3, 1), (5, 1, 1)):
        for dtype in ("int64", "int32", "float32", "float64"):
            case("Range", [np.array(n, dtype) for n in (start, limit, delta)], weights=(0, 1, 2), opset=11)
    case("Range", [np.float32(0), np.float32(1), np.float32(0.1)], weights=(0, 1, 2))


def ordered(case):
    for dtype in ("float32", "float64", "int32", "int64"):
        for exclusive, reverse in itertools.product((0, 1), (0, 1)):
            for axis in (0, 1, -1):
                case("CumSum", [values((2, 3, 4), dtype), np.array(axis, "int32")], weights=(1,), opset=14,
                     exclusive=exclusive, reverse=reverse)  # fmt: skip
                if dtype in ("float32", "int64"):
                    case("CumProd", [values((2, 3, 4), dtype), i64(axis)], weights=(1,), opset=26,
                         exclusive=exclusive, reverse=reverse)  # fmt: skip
    case("CumSum", [values((3,), "uint32", 0), np.array(0, "int64")], weights=(1,), opset=11)
    case("CumSum", [values((2, 0)), np.array(1, "int64")], weights=(1,))
    case("CumSum", [values((3, 4)), np.array(2, "int64")], weights=(1,), refused="axis 2 is out of range")
    for op in ("ArgMax", "ArgMin"):
        for dtype in ALL:
            for axis, keepdims in ((0, 1), (1, 0), (-1, 1)):
                case(op, [values((3, 5, 4), dtype)], axis=axis, keepdims=keepdims, opset=13)
                case(op, [values((3, 5, 4), dtype)], axis=axis, keepdims=keepdims, opset=13, select_last_index=1)
        case(op, [values((3, 5))], opset=7)
        case(op, [np.array([-0.0, 0.0, 0.0, -0.0], "float32")], opset=12)
        case(op, [values((2, 0))], axis=1, symbolic=False, refused="axis 1 of input 0 ('x0') has extent 0")
    for opset in (7, 11, 13):
        for axis in (0, 1, 2):
            case("Hardmax", [values((2, 3, 4))], axis=axis, opset=opset)
        case("Hardmax", [np.array([[1, 3, 3], [2, 2, 1]], "float32")], opset=opset)
    case("Hardmax", [values((3, 7), "float64")])
    x = values((4, 9, 5), low=-2, high=2)
    for k, axis, largest in itertools.product((1, 3, 4), (0, 1, -1), (0, 1)):
        case("TopK", [x, i64(k)], weights=(1,), axis=axis, largest=largest, outputs=2, opset=11, symbolic=axis != 0)
    for dtype in ("float32", "float64", "float16", "int32", "int64", "int8", "uint8"):
        for largest in (0, 1):
            case("TopK", [values((6, 40), dtype, -2, 2), i64(17)], weights=(1,), largest=largest, outputs=2)
            case("TopK", [values((6, 7), dtype, -2, 2), i64(7)], weights=(1,), largest=largest, outputs=2)
    case("TopK", [special(), i64(16)], weights=(1,), outputs=2, symbolic=False)
    case("TopK", [special(), i64(16)], weights=(1,), outputs=2, symbolic=False, largest=0)
    case("TopK", [x], k=3, axis=1, outputs=2, opset=7)
    case("TopK", [x, i64(3)], weights=(1,), outputs=2, opset=10)
    case("TopK", [x, i64(0)], weights=(1,), outputs=2)
    case("TopK", [x, i64(3)], weights=(1,), outputs=2, opset=24, sorted=1)
    case("TopK", [x, i64(6)], weights=(1,), outputs=2, refused="k is 6, but axis 2 of input 0 ('x0') has extent 5")
    case("TopK", [x, i64(-1)], weights=(1,), outputs=2, refused="input 1 ('x1') holds -1")
    case("TopK", [x], k=-1, outputs=2, opset=7, refused="k is -1, expected at least 0")
    case("TopK", [x, i64(3)], outputs=2)
    for (batch, classes, count), most, iou, least in (((2, 3, 40), 5, 0.3, 0.4), ((1, 1, 300), 300, 0.5, 0.0), ((2, 2, 17), 4, 0.0, 0.9)):
        boxes, scores = values((batch, count, 4), low=0, high=1), values((batch, classes, count), low=0, high=1)
        settings = [i64(most), np.float32([iou]), np.float32([least])]
        for center in (0, 1):
            case("NonMaxSuppression", [boxes, scores, *settings], center_point_box=center, opset=11)
            case("NonMaxSuppression", [boxes, scores, *settings], weights=(2, 3, 4), center_point_box=center, opset=10)
    case("NonMaxSuppression", [boxes, scores, i64(2)], opset=11)
    case("NonMaxSuppression", [boxes, scores], opset=11)
    case("NonMaxSuppression", [boxes, values((2, 2, 16))], symbolic=False, refused="each box has a score: 16 and 17 differ")
    case("NonMaxSuppression", [boxes, scores, i64(1, 2)], refused="input 2 ('x2') has shape [2], expected one element")


EVERY_TYPE = {"float32": 1, "uint8": 2, "int8": 3, "uint16": 4, "int16": 5, "int32": 6, "int64": 7, "bool": 9,
              "float16": 10, "float64": 11, "uint32": 12, "uint64": 13}  # fmt: skip


def corners(case):
    """The ends of ranges. Left out is what ONNX leaves open: casts of floats that do not fit."""
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
    case("Pow", [np.array([2, 3, -2], "int32"), np.array([-1, -2, -1], "int32")], opset=15, symbolic=False)
    for exponent in (2, 3, -1, -2, 0.5, 0):
        x = np.array([-3, -2, 0.5, 4, -0.0, np.inf, np.nan], "float32")
        case("Pow", [x, np.float32(exponent)], weights=(1,), symbolic=False)
    for dtype in ("uint64", "int64", "uint32"):
        info = np.iinfo(dtype)
        x = np.array([info.min, info.max, 3, 9], dtype)
        case("Clip", [x, np.array(2, dtype), np.array(info.max - 1, dtype)], opset=13, symbolic=False)
    case("Clip", [special(), np.float32(5), np.float32(-5)], symbolic=False)


def main(folder):
    case = Cases(folder)
    for group in (
        unary,
        activations,
        binary,
        casts,
        convolutions,
        transposed_convolutions,
        pools,
        products,
        einsums,
        attentions,
        layer_normalizations,
        channel_normalizations,
        softmaxes,
        reductions,
        reshapes,
        joins,
        repeats,
        constants,
        ordered,
        corners,
        recurrent,
        *position_cases.GROUPS,
        *runtime_input_cases.GROUPS,
    ):
        group(case)
    case.writer.finish()
    print(f"{len(case.writer.rows)} cases")


if __name__ == "__main__":
    main(sys.argv[1])
