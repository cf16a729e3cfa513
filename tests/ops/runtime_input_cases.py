"""Cases of settings that only the run knows: inputs of the model, and numbers computed from shapes.

Each is compiled with fixed and with symbolic shapes. test_runtime_inputs.py runs one library with many values.
"""

import itertools

import numpy as np
from case_values import REDUCTIONS, i64, values
from position_cases import COORDINATES

CROP = "tf_crop_and_resize"


def f32(*numbers):
    return np.array(numbers, "float32")


NEAREST = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")


def resizes(case):
    x, none = values((1, 2, 4, 5)), f32()
    for k, scales in enumerate(((2, 3), (0.6, 0.8), (1.5, 1), (0.7, 2.4))):
        s = f32(1, 1, *scales)
        for i, coordinates in enumerate((*COORDINATES, "half_pixel_symmetric")):
            # As in position_cases: onnxruntime aligns corners of extents that are rounded already.
            if coordinates == "align_corners" and min(scales) < 1:
                continue
            more = {"coordinate_transformation_mode": coordinates, "keep": (4,)}
            opset = 19 if coordinates == "half_pixel_symmetric" else 11
            case("Resize", [x, none, s], opset=opset, nearest_mode=NEAREST[(i + k) % 4], **more)
            case("Resize", [x, none, s], opset=max(opset, 13), mode="linear", **more)
            case("Resize", [x, None, s], opset=max(opset, 18), mode="cubic", exclude_outside=i % 2, **more)
        case("Resize", [x, none, s], opset=11, coordinate_transformation_mode="tf_half_pixel_for_nn", keep=(4,))
        for mode in ("nearest", "linear"):
            case("Resize", [x, s], opset=10, mode=mode, keep=(4,))
            if min(scales) >= 1:
                case("Upsample", [x, s], opset=9, mode=mode, keep=(4,))
    for dtype in ("float64", "int32", "uint8"):
        data, s = values((1, 2, 4, 5), dtype, 0, 100), f32(1, 1, 2, 4)
        case("Resize", [data, None, s], opset=13, mode="linear", keep=(4,), rtol=1e-6 if dtype == "float64" else None)
    for shape, scales in (((2, 3, 5), (1, 1, 1.7)), ((1, 2, 3, 4, 3), (1, 1, 2, 0.5, 1.5)), ((4, 6), (2, 0.5))):
        for mode in ("nearest", "linear"):
            case("Resize", [values(shape), None, f32(*scales)], opset=13, mode=mode, keep=(len(shape),))
    case("Resize", [x, None, f32(2, 3)], opset=18, axes=[-1, 2], mode="linear", keep=(2,))
    crops(case)
    case("Resize", [x, None, s], shapes={"x0": [1, 2, 4, 5], "x2": ["n"]}, refused="their number must be known")
    case("Resize", [x, None, f32(1, 2)], refused="2 scales are given for 4 axes")


def crops(case):
    x, roi = values((1, 2, 4, 5)), f32(0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3)
    for mode in ("nearest", "linear", "cubic"):
        more = {"coordinate_transformation_mode": CROP, "mode": mode, "extrapolation_value": 1.5, "opset": 13}
        for weights in ((3,), (1,), ()):
            case("Resize", [x, roi, None, i64(1, 2, 3, 6)], weights=weights, keep=(8, 4), symbolic=bool(weights == ()), **more)
        case("Resize", [x, roi, None, i64(1, 2, 1, 6)], keep=(8, 4), **more)


def filters(case):
    """Widths of filters and scales that the run computes."""
    x = values((1, 2, 9, 13))
    for mode, exclude in itertools.product(("linear", "cubic"), (0, 1)):
        more = {"mode": mode, "antialias": 1, "exclude_outside": exclude}
        for scales in ((0.3, 0.45), (1.6, 0.2)):
            case("Resize", [x, None, f32(1, 1, *scales)], opset=18, keep=(4,), **more)
        case("Resize", [x, None, None, i64(1, 2, 4, 17)], opset=19, keep=(4,), **more)
        case("Resize", [x, None, None, i64(5, 3)], weights=(3,), opset=18, axes=[2, 3], **more)
    more = {"mode": "linear", "antialias": 1, "rtol": 1e-5}
    case("Resize", [values((9, 7), "float64"), None, None, i64(4, 3)], opset=18, keep=(2,), **more)
    x = values((1, 2, 4, 5))
    for policy, mode in itertools.product(("not_larger", "not_smaller"), ("nearest", "linear", "cubic")):
        for sizes in ((7, 6), (3, 9), (2, 2)):
            more = {"axes": [2, 3], "keep_aspect_ratio_policy": policy, "mode": mode}
            case("Resize", [x, None, None, i64(*sizes)], opset=18, keep=(2,), **more)
            case("Resize", [x, None, None, i64(*sizes)], weights=(3,), opset=19, **more)


def pads(case):
    x = values((3, 4))
    for dtype in ("float32", "float64", "int32", "int64", "int8", "uint8", "bool"):
        data, border = values((3, 4), dtype), np.array(1 if dtype == "bool" else 5, dtype)
        case("Pad", [data, i64(0, 1, 2, 0), border], weights=(1,), opset=13)
        case("Pad", [data, i64(0, 1, 2, -1), border.reshape(1)], opset=13, keep=(1, 4))
    for big in (2**53 + 1, -(2**62)):
        case("Pad", [values((3, 4), "int64"), i64(0, 1, 2, 0), np.array(big)], weights=(1, 2))
    case("Pad", [values((2, 3, 2)), i64(0, 0, 0, 0, 0, 0), np.float32(1)], weights=(1,))
    case("Pad", [values((0, 4)), i64(2, 0, 1, 0), np.float32(1)], weights=(1,))
    case("Pad", [x, i64(0, 1, 2, 0), f32(1, 2)], weights=(1,), refused="input 2 ('x2') has shape [2], expected one element")
    for mode in ("constant", "edge", "reflect", "wrap"):
        border = np.float32(7) if mode == "constant" else None
        for axes, amounts in (((-1,), (1, 2)), ((1, 0), (2, 0, 1, 1)), ((0, -1), (0, 2, 2, 1))):
            arrays = [x, i64(*amounts), border, i64(*axes)]
            case("Pad", arrays, mode=mode, opset=19, keep=(2, 4))
            case("Pad", arrays, weights=(1,), mode=mode, opset=19, keep=(1, 2, 4))
    case("Pad", [x, i64(-1, 2), np.float32(7), np.array([0], "int32")], opset=18, keep=(2,))
    case("Pad", [x, i64(1), None, i64(0)], opset=18, refused="1 and 2 differ")
    case("Pad", [x, np.array(1), None, i64(0)], opset=18, refused="ranks 0 and 1 differ")
    case("Pad", [x, i64(*range(6)), None, i64(0, 1, 0)], opset=18, refused="holds 3 axes, but input 0 ('x0') has rank 2")


FAR = np.iinfo("int64").max
SLICES = (
    ((1,), (3,), (0,), (1,)),
    ((0, 1), (9, 9), (0, 1), (2, 3)),
    ((-1, 4), (-FAR, 0), (1, 0), (-1, -2)),
    ((-2, -9), (FAR, FAR), (-1, -2), (1, 1)),
    ((3, 0), (1, 2), (0, 1), (1, 2)),
    ((99, 2, 1), (-99, 0, 3), (2, 1, 0), (-3, -1, FAR)),
    ((-99,), (99,), (1,), (-2,)),
    ((0, 0), (5, 5), (1, 2), (-FAR - 1, 4)),
)


def slices(case):
    x = values((5, 6, 7))
    for starts, ends, axes, steps in SLICES:
        arrays = [x, i64(*starts), i64(*ends), i64(*axes), i64(*steps)]
        for weights in ((), (1, 2, 3), (1, 2, 4), (3,), (4,)):
            # onnxruntime takes no step of the smallest int64.
            if steps[0] > -FAR:
                case("Slice", arrays, weights=weights, opset=13, keep=(1, 2, 3))
        case("Slice", arrays[:4], weights=(1, 2), opset=11, keep=(1, 2, 3))
    for dtype in ("float64", "int32", "uint8", "bool"):
        narrow = [np.array(v, "int32") for v in ((-1,), (0,), (1,), (-2,))]
        case("Slice", [values((4, 5), dtype), *narrow], opset=13, keep=(1,))
    case("Slice", [values((0, 4)), i64(1), i64(-1), i64(0), i64(-1)], opset=13, keep=(1,))
    case("Slice", [x, i64(1), np.array(3), i64(0)], opset=13, refused="input 2 ('x2') for the axes of input 3 ('x3'): ranks 0 and 1 differ")
    case("Slice", [x, i64(1, 2), i64(3), i64(0)], opset=13, refused="input 1 ('x1') for the axes of input 3 ('x3'): 2 and 1 differ")


def axes(case):
    for dtype in ("float32", "int64"):
        for axis, (exclusive, reverse) in itertools.product((0, 1, -1), itertools.product((0, 1), (0, 1))):
            more = {"exclusive": exclusive, "reverse": reverse}
            case("CumSum", [values((2, 3, 4), dtype), np.array(axis, "int32")], opset=14, **more)
    case("CumProd", [values((2, 3, 4)), i64(-2)], opset=26)
    case("CumSum", [values((2, 0)), np.array(0, "int64")], opset=11)
    case("CumSum", [values((5,)), np.array([-1], "int64")], opset=11)
    case("CumSum", [values((5,)), i64(0, 0)], opset=11, refused="input 1 ('x1') has shape [2], expected one element")
    for op in REDUCTIONS:
        x = values((2, 3, 4, 5), low=0.5, high=2)
        for given, keepdims in (((1,), 1), ((-1, 0), 0), ((0, 1, 2, 3), 0), ((2, 0, -1), 1), ((0, 1, 2, 3), 1), ((-2,), 0)):
            case(op, [x, i64(*given)], keepdims=keepdims, opset=18, keep=(1, 2, 3, 4))
        case(op, [values((3, 4), "int32", 1, 4), i64(1)], keepdims=0, opset=18, keep=(1,))
    for noop in (0, 1):
        case("ReduceSumSquare", [values((3, 4)), i64()], noop_with_empty_axes=noop, opset=18, keep=(0,))
    case("ReduceSum", [values((3, 4), "float16"), i64(0)], opset=13, keep=(1,))
    case("ReduceMax", [values((3, 4), "bool"), i64(-1)], opset=20, keep=(1,))
    case("ReduceSum", [values((0, 4)), i64(0)], opset=13, keep=(1,))
    case("ReduceSum", [values((3, 4)), i64(0)], opset=13, shapes={"x0": [3, 4], "x1": ["n"]}, refused="holds n axes: their number must be known")


GROUPS = (resizes, filters, pads, slices, axes)
