"""Cases of the operators that read or write at computed positions."""

import itertools

import numpy as np
from case_values import ALL, i64, values
from case_writer import generator


def gathers(case):
    x = values((3, 4, 5))
    for axis in (0, 1, 2, -1):
        for shape in ((3, 4, 5), (2, 3, 4), (1, 1, 1)):
            index = values(shape, "int64", -3, 2, seed="index")
            case("GatherElements", [x, index], axis=axis, opset=11)
            case("GatherElements", [x, index.astype("int32")], axis=axis, opset=13, weights=(1,))
    for dtype in ALL + ("bool",):
        case("GatherElements", [values((3, 4), dtype), values((3, 4), "int64", 0, 2, seed="index")], opset=13)
        case("GatherND", [values((3, 4), dtype), np.array([[0, 1], [2, -1]])], opset=13, keep=(2,))
    case("GatherElements", [x, values((0, 4, 5), "int64")], opset=13)
    case("GatherElements", [values((3, 4)), np.array([[3, 0]])], weights=(1,), refused="input 1 ('x1') holds 3, but axis 0")
    for shape, batch in [((2, 1), 0), ((2, 2), 0), ((2, 3), 0), ((5, 2, 2), 0), ((3, 2, 1), 1), ((3, 1), 1), ((3, 4, 1), 2), ((0, 2), 0), ((2, 0), 0)]:
        index = values(shape, "int64", -3, 2, seed="index")
        case("GatherND", [x, index], opset=12, batch_dims=batch, keep=(shape[-1],))
    case("GatherND", [x, i64(1, 2)], opset=11, keep=(2,))
    case("GatherND", [x, values((2, 4), "int64")], refused="cannot index input 0")
    case("GatherND", [x, values((2, 1), "int64")], shapes={"x0": [3, 4, 5], "x1": [2, "k"]}, refused="the last extent of input 1 ('x1') is k")
    for lengths, batch, time in (([4, 1, 0], 1, 0), ([3, 0, 2, 4], 0, 1)):
        x = values((4, len(lengths), 2) if batch else (len(lengths), 4, 2))
        case("ReverseSequence", [x, i64(*lengths)], batch_axis=batch, time_axis=time, opset=10)


def scatters(case):
    x = values((3, 4, 5))
    for axis in (0, 1, -1):
        for shape in ((3, 4, 5), (2, 3, 3)):
            extent = x.shape[axis]
            index = np.argsort(values((3, 4, 5), seed="index"), axis=axis)[tuple(slice(s) for s in shape)]
            updates = values(shape, seed="updates")
            case("ScatterElements", [x, index, updates], axis=axis, opset=11)
            case("ScatterElements", [x, (index - extent).astype("int32"), updates], axis=axis, opset=13)
            case("Scatter", [x, index, updates], axis=axis, opset=9)
    for reduction in ("add", "mul", "max", "min"):
        index = values((6, 4, 5), "int64", -3, 2, seed="index")
        case("ScatterElements", [x, index, values((6, 4, 5), seed="u")], reduction=reduction, opset=18)
        index = values((6, 2), "int64", -3, 2, seed="index")
        case("ScatterND", [x, index, values((6, 5), seed="u")], reduction=reduction, opset=18, keep=(2,))
        for dtype in ("float64", "int32", "int64"):
            index = values((4, 2), "int64", 0, 1, seed="index")
            case("ScatterElements", [values((3, 2), dtype), index, values((4, 2), dtype, seed="u")], reduction=reduction, opset=18)
    for dtype in ALL + ("bool",):
        case("ScatterElements", [values((3, 2), dtype), np.array([[2, 1]]), values((1, 2), dtype, seed="u")], opset=13)
        case("ScatterND", [values((3, 2), dtype), np.array([[2], [0]]), values((2, 2), dtype, seed="u")], opset=13)
    for shape, updates in (((2, 1), (2, 4, 5)), ((2, 3), (2,)), ((2, 2, 2), (2, 2, 5)), ((0, 1), (0, 4, 5))):
        index = np.arange(int(np.prod(shape))).reshape(shape) % 3
        case("ScatterND", [x, index, values(updates, seed="u")], opset=11, keep=(shape[-1],))
    case("ScatterND", [x, i64(1, 2), values((5,), seed="u")], opset=16, keep=(2,))
    case("ScatterND", [x, np.array([[1]]), values((5,))], refused="input 2 ('x2') has shape [5], expected [1,4,5]")
    case("ScatterElements", [x, values((1, 4, 5), "int64", 0, 0), values((2, 4, 5))], refused="input 2 ('x2') has shape [2,4,5], expected [1,4,5]: 2 and 1 differ")
    case("ScatterElements", [x, values((1, 4, 5), "int64", 0, 0), values((1, 4, 5))], reduction="sum", opset=18, refused="reduction is 'sum'")


COORDINATES = ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric")


def resizes(case):
    x = values((1, 2, 4, 5))
    none = np.array([], "float32")
    for scales in ((2, 3), (0.6, 0.8), (1.5, 1), (1, 0.5)):
        s = np.array([1, 1, *scales], "float32")
        for coordinates in COORDINATES:
            # onnxruntime aligns corners of extents that are rounded already, unlike ONNX's own tests.
            if coordinates == "align_corners" and scales in ((0.6, 0.8), (1, 0.5)):
                continue
            more = {"coordinate_transformation_mode": coordinates}
            for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
                case("Resize", [x, none, s], weights=(1, 2), opset=11, nearest_mode=nearest, **more)
            case("Resize", [x, none, s], weights=(1, 2), opset=13, mode="linear", **more)
            case("Resize", [x, none, s], weights=(1, 2), opset=11, mode="cubic", **more)
            case("Resize", [x, None, s], weights=(2,), opset=18, mode="cubic", exclude_outside=1, cubic_coeff_a=-0.5, **more)
        case("Resize", [x, None, s], weights=(2,), opset=19, mode="linear", coordinate_transformation_mode="half_pixel_symmetric")
        for mode in ("nearest", "linear"):
            case("Resize", [x, s], weights=(1,), opset=10, mode=mode)
            if min(scales) >= 1:
                case("Upsample", [x], opset=7, mode=mode, scales=[float(v) for v in s])
                case("Upsample", [x, s], weights=(1,), opset=9, mode=mode)
        case("Resize", [x, none, s], weights=(1, 2), opset=11, coordinate_transformation_mode="tf_half_pixel_for_nn")
        for mode in ("linear", "cubic"):
            case("Resize", [x, None, s], weights=(2,), opset=18, mode=mode, antialias=1)
            case("Resize", [x, None, s], weights=(2,), opset=18, mode=mode, antialias=1, exclude_outside=1)
    for sizes in ((7, 9), (1, 1), (4, 2), (3, 10)):
        sizes = i64(1, 2, *sizes)
        for coordinates in COORDINATES:
            more = {"coordinate_transformation_mode": coordinates}
            for mode in ("nearest", "linear", "cubic"):
                case("Resize", [x, None, None, sizes], weights=(3,), opset=13, mode=mode, keep=(2,), **more)
        case("Resize", [x, None, None, sizes], weights=(3,), opset=18, mode="linear", antialias=1, symbolic=False)
    roi = np.array([0, 0, 0.1, -0.2, 1, 1, 0.8, 1.3], "float32")
    for mode in ("nearest", "linear", "cubic"):
        more = {"coordinate_transformation_mode": "tf_crop_and_resize", "mode": mode, "extrapolation_value": 1.5}
        case("Resize", [x, roi, None, i64(1, 2, 3, 6)], weights=(1, 3), opset=13, symbolic=False, **more)
    for policy in ("stretch", "not_larger", "not_smaller"):
        more = {"axes": [2, 3], "keep_aspect_ratio_policy": policy, "mode": "linear"}
        case("Resize", [x, None, None, i64(7, 6)], weights=(3,), opset=18, symbolic=False, **more)
    case("Resize", [x, None, np.array([2, 3], "float32")], weights=(2,), opset=18, axes=[-1, 2], mode="linear")
    for dtype in ("float64", "int32", "int8", "uint8"):
        x = values((1, 2, 4, 5), dtype, 0, 100)
        # Weights without rounding: integers are truncated.
        s = np.array([1, 1, 2, 4], "float32")
        case("Resize", [x, None, s], weights=(2,), opset=13)
        case("Resize", [x, None, s], weights=(2,), opset=13, mode="linear", rtol=1e-6 if dtype == "float64" else None)
    for shape, scales in (((2, 3, 5), (1, 1, 1.7)), ((1, 2, 3, 4, 3), (1, 1, 2, 0.5, 1.5)), ((4, 6), (2, 0.5))):
        for mode in ("nearest", "linear"):
            case("Resize", [values(shape), None, np.array(scales, "float32")], weights=(2,), opset=13, mode=mode)
    case("Resize", [x, None, s, i64(1, 2, 3, 4)], weights=(2, 3), refused="both of scales and sizes are given")
    case("Resize", [x, None, s], weights=(2,), mode="cubical", refused="mode is 'cubical'")
    for weights in ((2,), ()):  # a scale that leaves nothing of an axis, and a filter wider than what is written out
        tiny = np.array([1, 1, 1e-38, 1], "float32")
        case("Resize", [values((1, 2, 4, 5)), None, tiny], weights=weights, mode="linear", antialias=1, opset=18, keep=(4,))
        wide = np.array([1, 1, 1 / 80, 1], "float32")
        case("Resize", [values((1, 1, 240, 3)), None, wide], weights=weights, mode="linear", antialias=1, opset=18, keep=(4,))


def grids(case):
    for shape, grid in (((2, 3, 5, 6), (2, 4, 7, 2)), ((1, 1, 1, 4), (1, 2, 2, 2))):
        for align, border in itertools.product((0, 1), ("zeros", "border", "reflection")):
            for mode in ("nearest", "bilinear", "bicubic"):
                arrays = [values(shape), values(grid, low=-1.8, high=1.8)]
                case("GridSample", arrays, opset=16, mode=mode, padding_mode=border, align_corners=align, keep=(2,), rtol=1e-4)
    arrays = [values((1, 2, 3, 4, 3)), values((1, 2, 3, 2, 3), low=-1.3, high=1.3)]
    for mode in ("nearest", "linear"):
        case("GridSample", arrays, opset=20, mode=mode, keep=(3,), rtol=1e-4)
    case("GridSample", [values((2, 3, 5, 6)), values((2, 4, 7, 3))], opset=16, refused="input 1 ('x1') has shape [2,4,7,3], expected [2,4,7,2]: 3 and 2 differ")


def windows(case):
    theta = values((2, 2, 3))
    for align in (0, 1):
        case("AffineGrid", [theta, i64(2, 3, 4, 5)], weights=(1,), align_corners=align, opset=20, keep=(2, 3))
        case("AffineGrid", [values((1, 3, 4)), i64(1, 2, 3, 4, 2)], weights=(1,), align_corners=align, opset=20, symbolic=False)
    for extents in ((5, 2), (2, 7), (3, 4)):
        case("CenterCropPad", [values((3, 4)), i64(*extents)], weights=(1,), opset=18)
        case("CenterCropPad", [values((3, 4), "uint8"), i64(*extents)], weights=(1,), opset=18, axes=[1, -2])
    for kernel, strides, pads, shape in (((2, 2), (2, 2), (0, 0, 0, 0), (2, 3)), ((3, 3), (2, 1), (1, 0, 1, 0), (3, 2))):
        counted = [(d - 1) * s + k - pads[i] - pads[i + 2] for i, (d, s, k) in enumerate(zip(shape, strides, kernel))]
        size = 2 * int(np.prod(counted))
        index = generator("unpool").permutation(size)[: 2 * int(np.prod(shape))].reshape(1, 2, *shape)
        arrays = [values((1, 2, *shape)), index]
        attributes = {"kernel_shape": kernel, "strides": strides, "pads": pads}
        case("MaxUnpool", arrays, opset=11, keep=(2,), **attributes)
    for attributes in ({}, {"pads": [1, 1, 0, 1], "strides": [2, 1]}, {"dilations": [2, 1]}, {"storage_order": 1}, {"ceil_mode": 1, "strides": [2, 2]}):
        case("MaxPool", [values((2, 3, 5, 6))], kernel_shape=[3, 2], outputs=2, opset=12, **attributes)
    case("MaxPool", [values((2, 3, 7))], kernel_shape=[3], outputs=2, opset=12, pads=[1, 1])
    case("MaxPool", [np.zeros((1, 1, 4, 4), "float32")], kernel_shape=[2, 2], outputs=2, opset=8)
    for attributes in ({}, {"pads": [1, 0, 1, 2]}, {"strides": [2, 1], "dilations": [1, 2]}):
        pads, strides, dilations = ([0, 0, 0, 0], [1, 1], [1, 1])
        pads, strides, dilations = (attributes.get(k, d) for k, d in (("pads", pads), ("strides", strides), ("dilations", dilations)))
        places = [(e + pads[i] + pads[i + 2] - dilations[i] * (k - 1) - 1) // strides[i] + 1 for i, (e, k) in enumerate(((6, 3), (7, 2)))]
        x = values((2, 18, int(np.prod(places))))
        case("Col2Im", [x, i64(6, 7), i64(3, 2)], weights=(1, 2), opset=18, keep=(18, x.shape[2]), **attributes)


def regions(case):
    x = values((2, 3, 9, 7))
    rois = np.array([[0, 0, 6, 8], [1.5, 2, 4.5, 3], [-3, -2, 2, 12], [5, 5, 5, 5]], "float32")
    arrays = [x, rois, i64(0, 1, 1, 0)]
    for mode, samples, scale in itertools.product(("avg", "max"), (1, 2, 3), (1.0, 0.7)):
        more = {"mode": mode, "sampling_ratio": samples, "spatial_scale": scale, "output_height": 4, "output_width": 3}
        case("RoiAlign", arrays, opset=10, keep=(4,), **more)
        for coordinates in ("half_pixel", "output_half_pixel"):
            case("RoiAlign", arrays, opset=16, keep=(4,), coordinate_transformation_mode=coordinates, **more)
    case("RoiAlign", arrays, opset=16, refused="sampling_ratio is 0")


def patterns(case):
    for k in (-5, -1, 0, 2, 7):
        for upper in (0, 1):
            case("Trilu", [values((2, 3, 4)), np.array(k, "int64")], weights=(1,), upper=upper, opset=14)
            case("Trilu", [values((4, 3)), np.array(k, "int64")], upper=upper, opset=14)
        case("EyeLike", [values((3, 4))], k=k, opset=9)
    for k in (np.iinfo("int64").min, np.iinfo("int64").max):
        for upper in (0, 1):
            case("Trilu", [values((4, 3)), np.array(k)], weights=(1,), upper=upper, opset=14)
            case("Trilu", [values((4, 3)), np.array(k)], upper=upper, opset=14)
        case("EyeLike", [values((3, 4))], k=int(k), opset=9)
    for dtype in ("float64", "int64", "int32", "int8", "uint8", "bool"):
        case("Trilu", [values((3, 4), dtype)], opset=14)
        case("EyeLike", [values((3, 3), dtype)], opset=22)
    case("EyeLike", [values((3, 4), "int32")], dtype=11, opset=9)
    for axis in (0, 1, -1, -2):
        for dtype in ("int64", "int32", "float32"):
            on = np.array([2, 5], "float32")
            case("OneHot", [np.array([[0, -4, 3], [4, -5, 1]], dtype), np.array(4, dtype), on], weights=(1,), axis=axis, opset=11, keep=(2,))
    case("OneHot", [values((3,), "int64", 0, 3), i64(4), i64(0, 1)], weights=(1, 2), opset=9)
    for depth in (np.inf, np.nan, -1, 1e19):
        arrays = [values((3,), "int64", 0, 3), np.array(depth, "float32"), i64(0, 1)]
        case("OneHot", arrays, weights=(1,), opset=11, refused="expected 0 to 2147483647")
    for op, attributes in (("SpaceToDepth", {}), ("DepthToSpace", {}), ("DepthToSpace", {"mode": "CRD"})):
        x = values((2, 8, 4, 6))
        for opset in (11, 13):
            case(op, [x], blocksize=2, opset=opset, keep=(4, 6, 8), **attributes)
        for dtype in ("float64", "int32", "uint8"):
            case(op, [values((1, 4, 2, 2), dtype)], blocksize=2, opset=13, symbolic=False, **attributes)
    case("DepthToSpace", [values((2, 8, 4, 6))], blocksize=2, opset=7, keep=(4, 6, 8))
    case("DepthToSpace", [values((2, 6, 4, 6))], blocksize=2, refused="axis 1 of input 0 ('x0') has extent 6, which is no multiple of 4")


GROUPS = (gathers, scatters, resizes, grids, windows, regions, patterns)
