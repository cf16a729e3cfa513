"""Cases of normalizations and of softmax."""

import numpy as np
from case_values import values


def batch_normalizations(case):
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
    case("BatchNormalization", [values((2, 3, 4)), *parameters], opset=15, training_mode=1, outputs=4, refused="4 outputs given, expected 1 to 3")


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
    case("LRN", [values((2, 7, 3, 4))], size=0, refused="size is 0, expected 1 to 1024")
    case("LRN", [values((2, 7, 3, 4))], size=2**31 - 1, refused="size is 2147483647, expected 1 to 1024")
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


GROUPS = (batch_normalizations, layer_normalizations, channel_normalizations, softmaxes)
