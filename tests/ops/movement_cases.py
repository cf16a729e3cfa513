"""Cases of operators that only move elements, and of constants."""

import numpy as np
from case_values import ALL, i64, values
from onnx import numpy_helper


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
    for step in (5, 2**31, 2**62, 2**63 - 1):
        for start, end, by in ((1, 2**63 - 1, step), (-2, -(2**63), -step), (0, 0, step), (9, 3, step)):
            case("Slice", [values((5, 3)), i64(start), i64(end), i64(0), i64(by)], weights=(1, 2, 3, 4), opset=13)
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


GROUPS = (reshapes, joins, repeats, constants)
