"""Cases of operators that accumulate, compare or select along an axis."""

import itertools

import numpy as np
from case_values import ALL, i64, special, values


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


GROUPS = (ordered,)
