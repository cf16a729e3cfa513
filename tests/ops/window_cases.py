"""Cases of operators that slide a window: convolutions and pools."""

import itertools

from case_values import values


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
         refused="of shape [5,4,3,3] do not fit with group = 1: 3 and 4 differ")  # fmt: skip
    case("Conv", [x, values((5, 3, 3, 3))], weights=(1,), pads=[1, 1], refused="pads has 2 values, expected 4")
    case("Conv", [x, values((5, 3, 3, 3))], weights=(1,), strides=[0, 1], refused="strides holds 0")


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
    case("ConvTranspose", [values((1, 3, 2, 3)), values((3, 2, 19, 18))], weights=(1,), strides=[18, 17], pads=[3, 2, 1, 0])
    case("ConvTranspose", [x, values((5, 4, 3, 3))], weights=(1,),
         refused="of shape [5,4,3,3] do not fit: 3 and 5 differ")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), group=2,
         refused="has 3 channels, which group = 2 does not divide")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), output_shape=[4],
         refused="output_shape has 1 values, expected 2")  # fmt: skip
    case("ConvTranspose", [x, values((3, 4, 3, 3))], weights=(1,), pads=[9, 9, 9, 9],
         refused="a window of 3 does not fit into an extent of 7")  # fmt: skip


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


GROUPS = (convolutions, transposed_convolutions, pools)
