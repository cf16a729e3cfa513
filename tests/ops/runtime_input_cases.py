"""Cases of settings that only the run knows: inputs of the model, and numbers computed from shapes.

Each is compiled with fixed and with symbolic shapes. test_runtime_inputs.py runs one library with many values.
"""

import itertools

import numpy as np
from case_values import i64, values
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


GROUPS = (resizes, filters)
