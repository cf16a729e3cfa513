"""Cases of reductions."""

import numpy as np
from case_values import REDUCTIONS, i64, values


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


GROUPS = (reductions,)
