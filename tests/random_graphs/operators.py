"""How each operator is put into a random graph: a function that picks operands and attributes and calls
g.node. The name of a function's row is what the compiler has to support for it."""

import numpy as np
from graph import Rejected, fixed, product
from onnx import helper

FLOATS = ("float32", "float64")
WIDE_INTS = ("int32", "int64")
NARROW = ("int8", "uint8")
MEANS = ("ReduceMean", "ReduceLogSumExp")  # of no elements: undefined


def pick(g, dtypes=None, rank=None, test=lambda v: True):
    """A value of the graph, rather a late one."""
    fits = [v for v in g.values if (not dtypes or v.dtype in dtypes) and (rank is None or v.rank in rank) and test(v)]
    if not fits:
        raise Rejected("no operand")
    return fits[-1 - min(int(g.random.exponential(2)), len(fits) - 1)]


def axis_of(g, value, test=lambda e: True):
    axes = [k for k, extent in enumerate(value.shape) if test(extent)]
    if not axes:
        raise Rejected("no axis")
    axis = int(g.random.choice(axes))
    return axis, axis - value.rank if g.random.integers(2) else axis


def positions_along(g, x, axis):
    """0, 1, ... up to the axis's extent, as exporters write it: Shape, Gather, Range."""
    extents = g.node("Shape", [x], (fixed(x.rank),))
    count = g.node("Gather", [extents, g.ints(axis)], (), axis=0)
    return g.node("Range", [g.ints(0), count, g.ints(1)], (x.shape[axis],))


def numbers(g, shape, dtype, low=-2, high=2):
    if dtype == "bool":
        return g.random.integers(0, 2, shape).astype(bool)
    if dtype.startswith(("int", "uint")):
        return g.random.integers(max(low, 0 if dtype[0] == "u" else low), high + 1, shape).astype(dtype)
    return g.random.uniform(low, high, shape).astype(dtype)


def dtype_number(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def replaced(shape, axis, extent):
    return (*shape[:axis], extent, *shape[axis + 1 :])


def broadcast(a, b):
    """The result's shape; Rejected where it is not certain that the shapes fit in every run."""
    length = max(len(a), len(b))
    a, b = ((fixed(1),) * (length - len(s)) + tuple(s) for s in (a, b))
    result = []
    for left, right in zip(a, b):
        if left.key != right.key and "1" not in (left.key, right.key):
            raise Rejected("broadcast")
        result.append(right if left.key == "1" else left)
    return tuple(result)


def partner(g, x, dtype=None, low=-2, high=2, constant=False):
    """A second operand for x: a value that broadcasts with it, or a weight."""
    dtype = dtype or x.dtype
    if not constant and g.random.integers(3):
        def fits(v):
            try:
                return bool(broadcast(x.shape, v.shape) is not None)
            except Rejected:
                return False

        return pick(g, (dtype,), test=fits)
    keep = g.random.integers(0, x.rank + 1)
    shape = [e.size if e.fixed and g.random.integers(3) else 1 for e in x.shape[x.rank - keep :]]
    return g.weight(numbers(g, shape, dtype, low, high))


# Where an operator takes a rounding error of its operand for something larger: outside, it is well behaved.
STEEP = {"Acos": (-0.99, 0.99), "Asin": (-0.99, 0.99), "Atanh": (-0.99, 0.99), "Acosh": (1.01, np.inf),
         "Log": (1e-3, np.inf), "Sqrt": (1e-3, np.inf), "Tan": (-1.5, 1.5), "Sin": (-9, 9), "Cos": (-9, 9)}  # fmt: skip


def is_steep(op, array):
    """Whether a rounding error of the operand could become a visible one of the result."""
    if op in STEEP:
        low, high = STEEP[op]
        return bool(((array < low) | (array > high)).any())
    nearest = np.round(array)
    if op not in ("Ceil", "Floor", "Round", "Sign", "Truncate") or (array == nearest).all():
        return False
    jumps = {"Round": np.floor(array) + 0.5, "Sign": 0, "Truncate": np.where(nearest, nearest, np.inf)}.get(op, nearest)
    return bool((np.abs(array - jumps) < 1e-4).any())


def is_spread(array, axes):
    """Whether what a normalisation divides by is more than rounding errors."""
    return bool(array.size and (array.std(axes) > 1e-2 * np.abs(array).max(initial=0.0)).all())


def unary(op, dtypes=FLOATS, **attributes):
    def build(g):
        x = pick(g, dtypes, test=lambda v: not is_steep(op, v.array))
        given = {name: float(g.random.uniform(*range_)) for name, range_ in attributes.items()}
        g.node(op, [x], x.shape, **given)

    return op, build


def binary(op, dtypes=(*FLOATS, *WIDE_INTS), **attributes):
    def build(g):
        x = pick(g, dtypes)
        y = partner(g, x)
        if g.random.integers(2):
            x, y = y, x
        g.node(op, [x, y], broadcast(x.shape, y.shape), **attributes)

    return op, build


def by_constant(op, dtypes, low, high, **attributes):
    """Operators whose second operand has to stay in a range."""

    def build(g):
        x = pick(g, dtypes)
        y = partner(g, x, low=low, high=high, constant=True)
        g.node(op, [x, y], broadcast(x.shape, y.shape), **attributes)

    return op, build


def variadic(op):
    def build(g):
        x = pick(g, FLOATS)
        values, shape = [x], x.shape
        for _ in range(g.random.integers(0, 3)):
            values.append(partner(g, x))
            shape = broadcast(shape, values[-1].shape)
        g.node(op, values, shape)

    return op, build


def where(g):
    x = pick(g)
    condition, y = partner(g, x, "bool"), partner(g, x)
    g.node("Where", [condition, x, y], broadcast(broadcast(x.shape, y.shape), condition.shape))


def clip(g):
    x = pick(g, (*FLOATS, *WIDE_INTS))
    low, high = (g.weight(np.array(n, x.dtype)) if g.random.integers(3) else None for n in (-1, 1))
    g.node("Clip", [x, low, high], x.shape)


def in_range(array, dtype):
    """Whether no element is out of the range of an integer type (what a cast makes of such is nobody's)."""
    return not array.size or bool(np.iinfo(dtype).min <= array.min() and array.max() <= np.iinfo(dtype).max)


def cast(g):
    x = pick(g)
    to = str(g.random.choice(["float32", "float64", "int64", "int32", "int8", "uint8", "bool"]))
    if to in NARROW and (g.depth or not in_range(x.array, to)):
        raise Rejected("range")
    if to not in (*FLOATS, "bool") and is_steep("Truncate", x.array):
        raise Rejected("the last digit decides")
    g.node("Cast", [x], x.shape, to=dtype_number(to))


def reduce(op, dtypes=FLOATS):
    def build(g):
        x = pick(g, dtypes)
        keepdims = int(g.random.integers(2))
        axes = sorted(int(k) for k in np.flatnonzero(g.random.integers(0, 2, x.rank)))
        axes = axes or list(range(x.rank))
        if op in MEANS and any(x.shape[k].size == 0 or (g.depth and not x.shape[k].fixed) for k in axes):
            raise Rejected("undefined")
        shape = [fixed(1) if k in axes else e for k, e in enumerate(x.shape) if keepdims or k not in axes]
        signed = [k - x.rank if g.random.integers(2) else k for k in axes]
        if g.opset >= 18 or (op == "ReduceSum" and g.opset >= 13):
            g.node(op, [x, g.ints(signed)], shape, keepdims=keepdims)
        else:
            g.node(op, [x], shape, keepdims=keepdims, axes=signed)

    return op, build


def arg_reduce(op):
    def build(g):
        x = pick(g, FLOATS)
        axis, given = axis_of(g, x)
        keepdims = int(g.random.integers(2))
        shape = replaced(x.shape, axis, fixed(1)) if keepdims else x.shape[:axis] + x.shape[axis + 1 :]
        g.node(op, [x], shape, axis=given, keepdims=keepdims, select_last_index=int(g.random.integers(2)))

    return op, build


def along_axis(op, dtypes=FLOATS):
    def build(g):
        x = pick(g, dtypes)
        g.node(op, [x], x.shape, axis=axis_of(g, x)[1])

    return op, build


def cum_sum(g):
    x = pick(g, (*FLOATS, *WIDE_INTS))
    axis = g.weight(np.array(axis_of(g, x)[1], "int64"))
    g.node("CumSum", [x, axis], x.shape, exclusive=int(g.random.integers(2)), reverse=int(g.random.integers(2)))


def top_k(g):
    x = pick(g, FLOATS)
    axis, given = axis_of(g, x, lambda e: e.fixed and e.size > 0)
    k = int(g.random.integers(1, x.shape[axis].size + 1))
    shape = replaced(x.shape, axis, fixed(k))
    g.node("TopK", [x, g.ints([k])], shape, shape, axis=given, largest=int(g.random.integers(2)))


def transpose(g):
    x = pick(g)
    perm = [int(k) for k in g.random.permutation(x.rank)]
    g.node("Transpose", [x], tuple(x.shape[k] for k in perm), perm=perm)


def reshape(g):
    """Merges neighbouring axes, or splits a fixed one; the rest by 0 and -1."""
    x = pick(g, rank=range(1, 7))
    axis = int(g.random.integers(x.rank))
    extent = x.shape[axis]
    if axis + 1 < x.rank and g.random.integers(2):
        merged = product(x.shape[axis : axis + 2])
        shape = (*x.shape[:axis], merged, *x.shape[axis + 2 :])
        rest = [e.size if e.fixed else None for e in x.shape[axis + 2 :]]
        if None in rest or 0 in rest or (merged.fixed and merged.size == 0):
            raise Rejected("symbols after, or an extent that 0 does not stand for")
        g.node("Reshape", [x, g.ints([0] * axis + [-1] + rest)], shape)
        return
    divisors = [d for d in range(2, extent.size) if extent.fixed and extent.size % d == 0]
    if not divisors or any(not e.fixed or e.size == 0 for e in x.shape[axis:]):
        raise Rejected("nothing to split")
    first = int(g.random.choice(divisors))
    parts = [first, extent.size // first]
    target = [0] * axis + parts + [e.size for e in x.shape[axis + 1 :]]
    if g.random.integers(2) and all(e.size for e in x.shape):
        target[axis + int(g.random.integers(2))] = -1
    g.node("Reshape", [x, g.ints(target)], (*x.shape[:axis], *map(fixed, parts), *x.shape[axis + 1 :]))


def reshape_by_shape(g):
    """As exporters write it: Shape, Slice, Concat, Reshape."""
    x = pick(g, rank=range(2, 6), test=lambda v: all(e.size for e in v.shape[1:]) and all(e.fixed for e in v.shape[1:]))
    whole = g.node("Shape", [x], (fixed(x.rank),))
    first = g.node("Slice", [whole, g.ints([0]), g.ints([1])], (fixed(1),))
    target = g.node("Concat", [first, g.ints([product(x.shape[1:]).size])], (fixed(2),), axis=0)
    g.node("Reshape", [x, target], (x.shape[0], product(x.shape[1:])))


def flatten(g):
    x = pick(g)
    axis = int(g.random.integers(0, x.rank + 1))
    g.node("Flatten", [x], (product(x.shape[:axis]), product(x.shape[axis:])), axis=axis)


def squeeze(g):
    x = pick(g)
    axis, given = axis_of(g, x, lambda e: e.key == "1")
    g.node("Squeeze", [x, g.ints([given])], x.shape[:axis] + x.shape[axis + 1 :])


def unsqueeze(g):
    x = pick(g, rank=range(0, 5))
    axis = int(g.random.integers(0, x.rank + 1))
    g.node("Unsqueeze", [x, g.ints([axis])], (*x.shape[:axis], fixed(1), *x.shape[axis:]))


def expand(g):
    x = pick(g, rank=range(0, 5))
    target = [int(g.random.integers(1, 5)) if e.key == "1" else 1 for e in x.shape]
    if g.random.integers(2):
        target = [int(g.random.integers(1, 4)), *target]
    shape = broadcast(x.shape, tuple(map(fixed, target)))
    g.node("Expand", [x, g.ints(target)], shape)


def tile(g):
    x = pick(g, rank=range(1, 5))
    repeats = [int(n) for n in g.random.integers(1, 4, x.rank)]
    shape = tuple(e if n == 1 else product((e, fixed(n))) for e, n in zip(x.shape, repeats))
    g.node("Tile", [x, g.ints(repeats)], shape)


def concat(g):
    x = pick(g, rank=range(1, 6))
    axis, given = axis_of(g, x, lambda e: e.fixed)
    values, size = [x], x.shape[axis].size
    for _ in range(g.random.integers(0, 3)):
        others = [v for v in g.values if v.dtype == x.dtype and v.rank == x.rank and v.shape[axis].fixed
                  and replaced(v.shape, axis, fixed(0)) == replaced(x.shape, axis, fixed(0))]  # fmt: skip
        values.append(others[int(g.random.integers(len(others)))])
        size += values[-1].shape[axis].size
    g.node("Concat", values, replaced(x.shape, axis, fixed(size)), axis=given)


def split(g):
    x = pick(g, rank=range(1, 6))
    axis, given = axis_of(g, x, lambda e: e.fixed and e.size > 1)
    size = x.shape[axis].size
    first = int(g.random.integers(0, size + 1))
    parts = [first, size - first]
    g.node("Split", [x, g.ints(parts)], *(replaced(x.shape, axis, fixed(n)) for n in parts), axis=given)


def slice_length(size, start, end, step):
    """As the standard has it: negative positions count from the end, then both are clamped."""
    start, end = (n + size if n < 0 else n for n in (start, end))
    if step > 0:
        return len(range(min(max(start, 0), size), min(max(end, 0), size), step))
    return len(range(min(max(start, 0), size - 1), min(max(end, -1), size - 1), step))


def slice_(g):
    x = pick(g, rank=range(1, 6))
    axis, given = axis_of(g, x, lambda e: e.fixed)
    size = x.shape[axis].size
    start, end = (int(n) for n in g.random.integers(-size - 2, size + 3, 2))
    step = int(g.random.choice([1, 1, 2, 3, -1, -2]))
    length = slice_length(size, start, end, step)
    operands = [x, *(g.ints([n]) for n in (start, end, given, step))]
    g.node("Slice", operands, replaced(x.shape, axis, fixed(length)))


def pad(g):
    x = pick(g, (*FLOATS, "int64", "int32"), rank=range(1, 5))
    lo, hi = (g.random.integers(0, 3, x.rank) * np.array([e.fixed for e in x.shape]) for _ in range(2))
    shape = tuple(fixed(e.size + a + b) if e.fixed else e for e, a, b in zip(x.shape, lo, hi))
    mode = str(g.random.choice(["constant", "constant", "edge", "reflect"]))
    value = g.weight(np.array(g.random.integers(-2, 3), x.dtype)) if mode == "constant" else None
    if mode != "constant" and any(e.size < 3 for e in x.shape):
        raise Rejected("borders")
    g.node("Pad", [x, g.ints([*lo, *hi]), value], shape, mode=mode)


def gather(g):
    x = pick(g, rank=range(1, 5))
    axis, given = axis_of(g, x, lambda e: e.fixed and e.size > 0)
    size, rank = x.shape[axis].size, int(g.random.integers(0, 3))
    indices = g.weight(g.random.integers(-size, size, tuple(g.random.integers(1, 4, rank))).astype("int64"))
    g.node("Gather", [x, indices], (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), axis=given)


def gather_elements(g):
    x = pick(g, rank=range(1, 5), test=lambda v: all(e.fixed and e.size for e in v.shape))
    axis, given = axis_of(g, x)
    shape = [int(g.random.integers(1, e.size + 1)) for e in x.shape]
    indices = g.weight(g.random.integers(-x.shape[axis].size, x.shape[axis].size, shape).astype("int64"))
    g.node("GatherElements", [x, indices], indices.shape, axis=given)


def scatter_elements(g):
    x = pick(g, FLOATS, rank=range(1, 5), test=lambda v: all(e.fixed and e.size for e in v.shape))
    axis, given = axis_of(g, x)
    shape = [int(g.random.integers(1, e.size + 1)) for e in x.shape]
    order = np.argsort(g.random.random([x.shape[axis].size if k == axis else n for k, n in enumerate(shape)]), axis)
    indices = g.weight(np.take(order, range(shape[axis]), axis).astype("int64"))  # no repeats: they have no order
    updates = g.weight(numbers(g, shape, x.dtype))
    g.node("ScatterElements", [x, indices, updates], x.shape, axis=given)


def gather_nd(g):
    x = pick(g, rank=range(1, 5), test=lambda v: v.shape[0].fixed and v.shape[0].size > 0)
    count = int(g.random.integers(1, 4))
    indices = g.weight(g.random.integers(-x.shape[0].size, x.shape[0].size, (count, 1)).astype("int64"))
    g.node("GatherND", [x, indices], (fixed(count), *x.shape[1:]))


def trilu(g):
    x = pick(g, FLOATS, rank=range(2, 5))
    k = g.weight(np.array(g.random.integers(-2, 3), "int64"))
    g.node("Trilu", [x, k], x.shape, upper=int(g.random.integers(2)))


def matmul(g):
    x = pick(g, FLOATS, rank=range(2, 5), test=lambda v: v.shape[-1].fixed and v.shape[-1].size)
    columns = int(g.random.choice([1, 2, 7, 16, 33, 64, 70]))
    y = g.weight(numbers(g, (x.shape[-1].size, columns), x.dtype, -1, 1))
    g.node("MatMul", [x, y], (*x.shape[:-1], fixed(columns)))


def matmul_of_two(g):
    x = pick(g, FLOATS, rank=range(2, 5))
    perm = [*range(x.rank - 2), x.rank - 1, x.rank - 2]
    y = g.node("Transpose", [x], tuple(x.shape[k] for k in perm), perm=perm)
    g.node("MatMul", [x, y], (*x.shape[:-1], x.shape[-2]))


def gemm(g):
    x = pick(g, FLOATS, rank=(2,), test=lambda v: v.shape[1].fixed and v.shape[1].size)
    columns, transposed = int(g.random.choice([1, 5, 32, 40])), int(g.random.integers(2))
    w = numbers(g, (x.shape[1].size, columns), x.dtype, -1, 1)
    c = g.weight(numbers(g, (columns,), x.dtype)) if g.random.integers(2) else None
    operands = [x, g.weight(np.ascontiguousarray(w.T) if transposed else w), c]
    g.node("Gemm", operands, (x.shape[0], fixed(columns)), transB=transposed, alpha=float(g.random.choice([1, 0.5])))


def window_operand(g, dtypes):
    return pick(g, dtypes, rank=(3, 4), test=lambda v: v.shape[1].fixed and all(e.fixed and e.size for e in v.shape[1:]))


def window(g, sizes):
    """kernel, strides, pads, dilations and the extents that follow"""
    rank = len(sizes)
    kernel = [int(n) for n in g.random.integers(1, 5, rank)]
    strides = [int(n) for n in g.random.choice([1, 1, 2, 3], rank)]
    dilations = [int(n) for n in g.random.choice([1, 1, 1, 2], rank)]
    pads = [int(n) for n in g.random.integers(0, 4, 2 * rank)]
    out = []
    for k, size in enumerate(sizes):
        pads[k], pads[k + rank] = (min(p, kernel[k] - 1) for p in (pads[k], pads[k + rank]))
        out.append((size + pads[k] + pads[k + rank] - dilations[k] * (kernel[k] - 1) - 1) // strides[k] + 1)
    if min(out) < 1:
        raise Rejected("window")
    return {"kernel_shape": kernel, "strides": strides, "pads": pads, "dilations": dilations}, out


def conv(g):
    x = window_operand(g, FLOATS)
    channels = x.shape[1].size
    groups = int(g.random.choice([d for d in (1, 2, 3, channels) if channels % d == 0]))
    filters = groups * int(g.random.choice([1, 2, 5, 16, 33] if groups == 1 else [1, 1, 2, 3]))
    attributes, out = window(g, [e.size for e in x.shape[2:]])
    w = g.weight(numbers(g, (filters, channels // groups, *attributes["kernel_shape"]), x.dtype, -0.5, 0.5))
    bias = g.weight(numbers(g, (filters,), x.dtype)) if g.random.integers(2) else None
    g.node("Conv", [x, w, bias], (x.shape[0], fixed(filters), *map(fixed, out)), group=groups, **attributes)


def conv_transpose(g):
    x = window_operand(g, FLOATS)
    rank, channels = x.rank - 2, x.shape[1].size
    kernel = [int(n) for n in g.random.integers(1, 4, rank)]
    strides = [int(n) for n in g.random.integers(1, 4, rank)]
    filters = int(g.random.integers(1, 6))
    out = [(e.size - 1) * s + k for e, s, k in zip(x.shape[2:], strides, kernel)]
    w = g.weight(numbers(g, (channels, filters, *kernel), x.dtype, -0.5, 0.5))
    g.node("ConvTranspose", [x, w], (x.shape[0], fixed(filters), *map(fixed, out)), strides=strides)


def pool(op):
    def build(g):
        x = window_operand(g, ("float32",))
        attributes, out = window(g, [e.size for e in x.shape[2:]])
        if op == "AveragePool":
            if max(attributes["dilations"]) > 1 and (g.opset < 19 or max(attributes["pads"])):
                raise Rejected("dilations, or windows over nothing but padding")
            if g.opset < 19:
                del attributes["dilations"]
            attributes["count_include_pad"] = int(g.random.integers(2))
        g.node(op, [x], (*x.shape[:2], *map(fixed, out)), **attributes)

    return op, build


def global_pool(op):
    def build(g):
        x = pick(g, ("float32",), rank=(3, 4))
        g.node(op, [x], (*x.shape[:2], *[fixed(1)] * (x.rank - 2)))

    return op, build


def batch_normalization(g):
    x = pick(g, FLOATS, rank=(2, 3, 4), test=lambda v: v.shape[1].fixed)
    vectors = [g.weight(numbers(g, (x.shape[1].size,), x.dtype, low, 2)) for low in (-2, -2, -2, 0.5)]
    g.node("BatchNormalization", [x, *vectors], x.shape)


def instance_normalization(g):
    x = pick(g, ("float32",), rank=(3, 4), test=lambda v: v.shape[1].fixed and is_spread(v.array, tuple(range(2, v.rank))))
    g.node("InstanceNormalization", [x, *(g.weight(numbers(g, (x.shape[1].size,), x.dtype)) for _ in range(2))], x.shape)


def layer_normalization(g):
    x = pick(g, FLOATS, rank=range(1, 5), test=lambda v: v.shape[-1].fixed and v.shape[-1].size > 1 and is_spread(v.array, -1))
    g.node("LayerNormalization", [x, *(g.weight(numbers(g, (x.shape[-1].size,), x.dtype)) for _ in range(2))], x.shape)


def depth_to_space(g):
    x = pick(g, ("float32",), rank=(4,), test=lambda v: v.shape[1].fixed and v.shape[1].size % 4 == 0)
    doubled = (product((e, fixed(2))) for e in x.shape[2:])
    mode = str(g.random.choice(["DCR", "CRD"]))
    g.node("DepthToSpace", [x], (x.shape[0], fixed(x.shape[1].size // 4), *doubled), blocksize=2, mode=mode)


def resize(g):
    x = pick(g, ("float32",), rank=(4,), test=lambda v: all(e.fixed and e.size for e in v.shape[2:]))
    scales = [float(n) for n in g.random.choice([1, 2, 3], 2)]
    out = (fixed(int(e.size * s)) for e, s in zip(x.shape[2:], scales))
    operands = [x, None, g.weight(np.array([1, 1, *scales], "float32"))]
    mode = str(g.random.choice(["nearest", "linear"]))
    g.node("Resize", operands, (*x.shape[:2], *out), mode=mode, coordinate_transformation_mode="asymmetric")


def shape(g):
    x = pick(g)
    g.node("Shape", [x], (fixed(x.rank),))


def one_hot(g):
    depth = int(g.random.integers(1, 6))
    x = pick(g, ("int64",), rank=range(0, 4))
    values = g.weight(numbers(g, (2,), "float32"))
    g.node("OneHot", [x, g.weight(np.array(depth, "int64")), values], (*x.shape, fixed(depth)))


def recurrent(op, gates):
    def build(g):
        x = pick(g, ("float32",), rank=(3,), test=lambda v: v.shape[2].fixed and v.shape[2].size and v.shape[0].size)
        size, directions = int(g.random.integers(1, 9)), int(g.random.integers(1, 3))
        w = g.weight(numbers(g, (directions, gates * size, x.shape[2].size), "float32", -0.5, 0.5))
        r = g.weight(numbers(g, (directions, gates * size, size), "float32", -0.5, 0.5))
        out = (x.shape[0], fixed(directions), x.shape[1], fixed(size))
        g.node(op, [x, w, r], out, hidden_size=size, direction=("forward", "bidirectional")[directions - 1])

    return op, build


# Row: (the operator that has to be there, how to add it). A row is chosen with equal chance.
ROWS = [
    *(unary(op) for op in ("Abs", "Ceil", "Floor", "Round", "Exp", "Log", "Sqrt", "Neg", "Reciprocal", "Sigmoid", "Tanh",
                           "Sign", "Relu")),
    *(unary(op, ("float32",)) for op in ("Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Cos", "Cosh", "Sin", "Sinh",
                                         "Tan", "Erf", "HardSwish", "Mish", "Gelu", "Softplus", "Softsign", "IsInf",
                                         "IsNaN")),
    unary("LeakyRelu", ("float32",), alpha=(0, 0.5)), unary("Elu", ("float32",), alpha=(0.5, 2)),
    unary("Selu", ("float32",), alpha=(1, 2), gamma=(0.5, 1.5)), unary("HardSigmoid", ("float32",), alpha=(0.1, 0.3)),
    unary("Celu", ("float32",), alpha=(0.5, 2)), unary("ThresholdedRelu", ("float32",), alpha=(0.5, 1)),
    unary("Not", ("bool",)), unary("Identity", None), unary("Identity", None),
    *(binary(op) for op in ("Add", "Sub", "Mul", "Add", "Mul", "Max", "Min")), binary("Div", FLOATS),
    by_constant("Div", WIDE_INTS, 1, 5), by_constant("Mod", WIDE_INTS, 1, 5), by_constant("Mod", WIDE_INTS, 1, 5, fmod=1),
    by_constant("Pow", FLOATS, 2, 2), by_constant("Pow", ("float32",), -2, 3), by_constant("PRelu", ("float32",), -1, 1),
    *(binary(op, (*FLOATS, *WIDE_INTS)) for op in ("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")),
    *(binary(op, ("bool",)) for op in ("And", "Or", "Xor")),
    *(variadic(op) for op in ("Sum", "Mean", "Max")), ("Where", where), ("Clip", clip), ("Cast", cast), ("Cast", cast),
    *(reduce(op) for op in ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2",
                            "ReduceSumSquare", "ReduceLogSum", "ReduceLogSumExp")),
    reduce("ReduceSum", WIDE_INTS), reduce("ReduceMax", WIDE_INTS), arg_reduce("ArgMax"), arg_reduce("ArgMin"),
    along_axis("Softmax"), along_axis("LogSoftmax"), along_axis("Hardmax", ("float32",)), ("CumSum", cum_sum), ("TopK", top_k),
    ("Transpose", transpose), ("Transpose", transpose), ("Reshape", reshape), ("Reshape", reshape), ("Reshape", reshape_by_shape),
    ("Flatten", flatten), ("Squeeze", squeeze), ("Unsqueeze", unsqueeze), ("Expand", expand), ("Tile", tile),
    ("Concat", concat), ("Concat", concat), ("Split", split), ("Slice", slice_), ("Slice", slice_), ("Pad", pad), ("Pad", pad),
    ("Gather", gather), ("GatherElements", gather_elements), ("ScatterElements", scatter_elements), ("GatherND", gather_nd),
    ("Trilu", trilu), ("MatMul", matmul), ("MatMul", matmul), ("MatMul", matmul_of_two), ("Gemm", gemm), ("Conv", conv),
    ("Conv", conv), ("Conv", conv), ("ConvTranspose", conv_transpose), pool("MaxPool"), pool("AveragePool"),
    global_pool("GlobalAveragePool"), global_pool("GlobalMaxPool"), ("BatchNormalization", batch_normalization),
    ("InstanceNormalization", instance_normalization), ("LayerNormalization", layer_normalization),
    ("DepthToSpace", depth_to_space), ("Resize", resize), ("Shape", shape), ("OneHot", one_hot),
    recurrent("LSTM", 4), recurrent("GRU", 3), recurrent("RNN", 1),
]  # fmt: skip
