"""Rows of operators that few models have; see operators.py."""

import numpy as np
from graph import Rejected, fixed, product
from onnx import numpy_helper
from operators import (
    FLOATS,
    NARROW,
    WIDE_INTS,
    axis_of,
    broadcast,
    by_constant,
    dtype_number,
    is_spread,
    is_steep,
    numbers,
    partner,
    pick,
    positions_along,
    replaced,
    unary,
    window,
    window_operand,
)

IMAGE = ("float32",)


def cast_like(g):
    x, like = pick(g), pick(g)
    if like.dtype in NARROW or (like.dtype not in (*FLOATS, "bool") and is_steep("Truncate", x.array)):
        raise Rejected("range, or the last digit decides")
    g.node("CastLike", [x, like], x.shape)


def constant_of_shape(g):
    x = pick(g, rank=range(0, 5))
    extents = g.node("Shape", [x], (fixed(x.rank),))
    value = numpy_helper.from_array(numbers(g, (1,), str(g.random.choice(["float32", "int64", "bool", "float64"]))))
    g.node("ConstantOfShape", [extents], x.shape, value=value)


def range_(g):
    x = pick(g, rank=range(1, 5))
    positions_along(g, x, axis_of(g, x)[0])


def eye_like(g):
    x = pick(g, rank=(2,))
    dtype = str(g.random.choice(["float32", "int32", "float64"]))
    g.node("EyeLike", [x], x.shape, k=int(g.random.integers(-2, 3)), dtype=dtype_number(dtype))


def einsum(g):
    """x and a weight over some of its axes that are fixed, and over a new one; any order of the result."""
    x = pick(g, FLOATS, rank=range(1, 5))
    letters = "abcd"[: x.rank]
    shared = [k for k in range(x.rank) if x.shape[k].fixed and x.shape[k].size and g.random.integers(2)]
    width = int(g.random.integers(1, 6))
    w = g.weight(numbers(g, (*(x.shape[k].size for k in shared), width), x.dtype, -1, 1))
    extents = dict(zip(letters, x.shape)) | {"e": fixed(width)}
    kept = [n for n in extents if g.random.integers(3)]
    g.random.shuffle(kept)
    second = "".join(letters[k] for k in shared) + "e"
    g.node("Einsum", [x, w], tuple(extents[n] for n in kept), equation=f"{letters},{second}->{''.join(kept)}")


def einsum_with_itself(g):
    x = pick(g, FLOATS, rank=(2, 3))
    rows = {2: "ij,kj->ik", 3: "bij,bkj->bik"}[x.rank]
    equation = str(g.random.choice([rows, "...ij,...ij->...i", "i...,i...->..."]))
    axes = {rows: (0, 0) if x.rank == 2 else (0, 1, 1), "i...,i...->...": range(1, x.rank)}
    g.node("Einsum", [x, x], tuple(x.shape[k] for k in axes.get(equation, range(x.rank - 1))), equation=equation)


def grid_sample(g):
    x = pick(g, IMAGE, rank=(4,), test=lambda v: v.shape[0].fixed and all(e.size for e in v.shape))
    height, width = (int(n) for n in g.random.integers(1, 7, 2))
    grid = g.weight(numbers(g, (x.shape[0].size, height, width, 2), "float32", -1.3, 1.3))
    names = ("linear", "cubic") if g.opset >= 20 else ("bilinear", "bicubic")
    attributes = {
        "mode": str(g.random.choice(names)),
        "padding_mode": str(g.random.choice(["zeros", "border", "reflection"])),
        "align_corners": int(g.random.integers(2)),
    }
    g.node("GridSample", [x, grid], (*x.shape[:2], fixed(height), fixed(width)), **attributes)


def group_normalization(g):
    x = pick(g, IMAGE, rank=(3, 4), test=lambda v: v.shape[1].fixed and v.shape[1].size and v.array.size)
    channels = x.shape[1].size
    groups = int(g.random.choice([d for d in range(1, channels + 1) if channels % d == 0]))
    parts = x.array.reshape(x.array.shape[0], groups, -1)
    if not is_spread(parts, -1):
        raise Rejected("constant")
    vectors = [g.weight(numbers(g, (channels if g.opset >= 21 else groups,), "float32")) for _ in range(2)]
    g.node("GroupNormalization", [x, *vectors], x.shape, num_groups=groups)


def rms_normalization(g):
    x = pick(g, FLOATS, rank=range(1, 5), test=lambda v: v.shape[-1].fixed and v.shape[-1].size and is_spread(v.array, -1))
    g.node("RMSNormalization", [x, g.weight(numbers(g, (x.shape[-1].size,), x.dtype))], x.shape)


def lp_normalization(g):
    x = pick(g, FLOATS, rank=range(1, 5), test=lambda v: v.array.size > 0)
    axis, given = axis_of(g, x)
    if np.abs(x.array).max(axis).min() < 1e-2:
        raise Rejected("nearly 0")
    g.node("LpNormalization", [x], x.shape, axis=given, p=int(g.random.integers(1, 3)))


def mean_variance_normalization(g):
    x = pick(g, IMAGE, rank=(3, 4), test=lambda v: v.array.size > 0)
    axes = sorted(int(k) for k in np.flatnonzero(g.random.integers(0, 2, x.rank))) or [0]
    if not is_spread(x.array, tuple(axes)):
        raise Rejected("constant")
    g.node("MeanVarianceNormalization", [x], x.shape, axes=axes)


def lrn(g):
    x = pick(g, IMAGE, rank=(4,))
    g.node("LRN", [x], x.shape, size=int(g.random.choice([1, 3, 5])), alpha=0.1, beta=0.75, bias=1.0)


def lp_pool(g):
    x = window_operand(g, IMAGE)
    attributes, out = window(g, [e.size for e in x.shape[2:]])
    if g.opset < 18:
        if max(attributes["dilations"]) > 1:
            raise Rejected("dilations")
        del attributes["dilations"]
    g.node("LpPool", [x], (*x.shape[:2], *map(fixed, out)), p=int(g.random.integers(1, 3)), **attributes)


def global_lp_pool(g):
    x = pick(g, IMAGE, rank=(3, 4))
    g.node("GlobalLpPool", [x], (*x.shape[:2], *[fixed(1)] * (x.rank - 2)), p=int(g.random.integers(1, 4)))


def max_unpool(g):
    x = window_operand(g, IMAGE)
    kernel = [int(n) for n in g.random.integers(1, 4, x.rank - 2)]
    out = [e.size // k for e, k in zip(x.shape[2:], kernel)]
    if min(out) < 1:
        raise Rejected("window")
    shape = (*x.shape[:2], *map(fixed, out))
    pooled = g.node_results("MaxPool", [x], shape, shape, kernel_shape=kernel, strides=kernel)
    sizes = (*x.shape[:2], *(fixed(n * k) for n, k in zip(out, kernel)))
    if [e.size for e in sizes] != [e.size for e in x.shape]:
        raise Rejected("places are counted in the larger tensor")
    g.node("MaxUnpool", pooled, sizes, kernel_shape=kernel, strides=kernel)


def reverse_sequence(g):
    time = int(g.random.integers(2))
    x = pick(g, FLOATS, rank=range(2, 5), test=lambda v: v.shape[0].fixed and v.shape[1].fixed and v.array.size)
    lengths = g.weight(g.random.integers(1, x.shape[time].size + 1, x.shape[1 - time].size).astype("int64"))
    g.node("ReverseSequence", [x, lengths], x.shape, time_axis=time, batch_axis=1 - time)


def roi_align(g):
    x = pick(g, IMAGE, rank=(4,), test=lambda v: v.shape[0].fixed and v.array.size)
    count, height, width = (int(n) for n in g.random.integers(1, 4, 3))
    corners = g.random.uniform(0, 4, (count, 2))
    boxes = g.weight(np.concatenate([corners, corners + g.random.uniform(1, 5, (count, 2))], 1).astype("float32"))
    batch = g.weight(g.random.integers(0, x.shape[0].size, count).astype("int64"))
    shape = (fixed(count), x.shape[1], fixed(height), fixed(width))
    attributes = {"output_height": height, "output_width": width, "sampling_ratio": int(g.random.integers(1, 4))}
    g.node("RoiAlign", [x, boxes, batch], shape, mode="avg", **attributes)


def scatter_nd(g):
    x = pick(g, FLOATS, rank=range(1, 5), test=lambda v: v.shape[0].fixed and v.array.size and all(e.fixed for e in v.shape))
    depth = int(g.random.integers(1, x.rank + 1))
    places = np.stack(np.unravel_index(g.random.permutation(int(np.prod(x.array.shape[:depth])))[:5], x.array.shape[:depth]), -1)
    updates = g.weight(numbers(g, (len(places), *x.array.shape[depth:]), x.dtype))
    reductions = ["none", "add", "mul", "max", "min"][: 5 if g.opset >= 18 else 3 if g.opset >= 16 else 1]
    attributes = {"reduction": str(g.random.choice(reductions))} if g.opset >= 16 else {}
    g.node("ScatterND", [x, g.weight(places.astype("int64")), updates], x.shape, **attributes)


def shrink(g):
    x = pick(g, IMAGE, test=lambda v: not v.array.size or np.abs(np.abs(v.array) - 0.5).min() > 1e-4)
    g.node("Shrink", [x], x.shape, lambd=0.5, bias=float(g.random.choice([0, 0.25])))


def space_to_depth(g):
    x = pick(g, IMAGE, rank=(4,), test=lambda v: all(e.fixed and e.size % 2 == 0 for e in v.shape[2:]))
    channels = product((x.shape[1], fixed(4)))
    g.node("SpaceToDepth", [x], (x.shape[0], channels, *(fixed(e.size // 2) for e in x.shape[2:])), blocksize=2)


def bitwise(op):
    def build(g):
        x = pick(g, (*WIDE_INTS, "uint8"))
        y = partner(g, x, low=0, high=7)
        g.node(op, [x, y], broadcast(x.shape, y.shape))

    return op, build


def bit_shift(g):
    x = pick(g, ("uint8",))
    y = partner(g, x, low=0, high=7, constant=True)
    g.node("BitShift", [x, y], broadcast(x.shape, y.shape), direction=str(g.random.choice(["LEFT", "RIGHT"])))


def center_crop_pad(g):
    x = pick(g, (*FLOATS, "int64"), rank=range(1, 5))
    axis, given = axis_of(g, x)
    size = int(g.random.integers(1, 9))
    g.node("CenterCropPad", [x, g.ints([size])], replaced(x.shape, axis, fixed(size)), axes=[given])


def col2im(g):
    x = pick(g, IMAGE, rank=(4,), test=lambda v: all(e.fixed and e.size for e in v.shape[1:]))
    channels, (rows, columns) = x.shape[1].size, (e.size for e in x.shape[2:])
    kernel = [[1, 1], [1, 2], [2, 1], [3, 1], [2, 2], [2, 3]][g.random.integers(6)]
    if channels % int(np.prod(kernel)):
        raise Rejected("channels")
    flat = g.node("Reshape", [x, g.ints([0, 0, -1])], (*x.shape[:2], fixed(rows * columns)))
    image = [rows + kernel[0] - 1, columns + kernel[1] - 1]
    shape = (x.shape[0], fixed(channels // int(np.prod(kernel))), *map(fixed, image))
    g.node("Col2Im", [flat, g.ints(image), g.ints(kernel)], shape)


def dropout(g):
    x = pick(g, FLOATS)
    g.node("Dropout", [x, g.weight(np.array(0.5, "float32"))], x.shape)


def affine_grid(g):
    x = pick(g, FLOATS, rank=(0,))
    count = int(g.random.integers(1, 4))
    theta = g.node("Add", [g.weight(numbers(g, (count, 2, 3), x.dtype)), x], tuple(map(fixed, (count, 2, 3))))
    aligned = int(g.random.integers(2))
    size = [count, 3, *(int(n) for n in g.random.integers(1 + aligned, 6, 2))]  # 1 has no two corners to align
    shape = (theta.shape[0], fixed(size[2]), fixed(size[3]), fixed(2))
    g.node("AffineGrid", [theta, g.ints(size)], shape, align_corners=aligned)


def attention(g):
    """Of a tensor to itself, (batch, sequence, heads * size) or (batch, heads, sequence, size)."""
    x = pick(g, IMAGE, rank=(3, 4), test=lambda v: v.shape[-1].fixed and v.array.size and np.abs(v.array).max() < 10)
    attributes = {"is_causal": int(g.random.integers(2))}
    if x.rank == 3:
        heads = int(g.random.choice([d for d in (1, 2, 3, 4) if x.shape[2].size % d == 0]))
        attributes |= {"q_num_heads": heads, "kv_num_heads": heads}
    g.node("Attention", [x, x, x], x.shape, **attributes)


def rotary_embedding(g):
    x = pick(g, IMAGE, rank=(4,), test=lambda v: all(e.fixed and e.size for e in v.shape) and v.shape[3].size % 2 == 0)
    batch, _, length, size = (e.size for e in x.shape)
    caches = [g.weight(numbers(g, (batch, length, size // 2), "float32", -1, 1)) for _ in range(2)]
    g.node("RotaryEmbedding", [x, *caches], x.shape, interleaved=int(g.random.integers(2)))


def non_max_suppression(g):
    scores = pick(g, IMAGE, rank=(3,), test=lambda v: v.shape[0].fixed and v.shape[2].fixed and v.array.size)
    count = scores.shape[2].size
    boxes = g.weight(g.random.uniform(0, 10, (scores.shape[0].size, count, 4)).astype("float32"))
    limits = [g.ints(g.random.integers(1, 4)), g.weight(np.array(0.4, "float32"))]
    limits.append(g.weight(np.array(0.05, "float32")) if g.random.integers(2) else None)
    attributes = {"center_point_box": int(g.random.integers(2))}
    g.node("NonMaxSuppression", [boxes, scores, *limits], (g.fresh(), fixed(3)), **attributes)


ROWS = [
    ("CastLike", cast_like), ("ConstantOfShape", constant_of_shape), ("Range", range_), ("EyeLike", eye_like),
    ("Einsum", einsum), ("Einsum", einsum_with_itself), ("GridSample", grid_sample), ("GroupNormalization", group_normalization),
    ("RMSNormalization", rms_normalization), ("LpNormalization", lp_normalization),
    ("MeanVarianceNormalization", mean_variance_normalization), ("LRN", lrn), ("LpPool", lp_pool), ("GlobalLpPool", global_lp_pool),
    ("MaxUnpool", max_unpool), ("ReverseSequence", reverse_sequence), ("RoiAlign", roi_align), ("ScatterND", scatter_nd),
    ("Shrink", shrink), ("SpaceToDepth", space_to_depth), *(bitwise(f"Bitwise{op}") for op in ("And", "Or", "Xor")),
    unary("BitwiseNot", WIDE_INTS), ("BitShift", bit_shift), ("CenterCropPad", center_crop_pad), ("Col2Im", col2im),
    ("Dropout", dropout), ("AffineGrid", affine_grid), ("Attention", attention), ("RotaryEmbedding", rotary_embedding),
    ("NonMaxSuppression", non_max_suppression), by_constant("Mod", ("uint8",), 1, 5),
]  # fmt: skip
