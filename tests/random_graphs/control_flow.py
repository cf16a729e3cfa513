"""If, Loop and Scan in random graphs: bodies that read the values around them, states that change their
extents, conditions and counts that are constants or only known in the run; and what makes such extents."""

import numpy as np
from graph import Rejected, fixed, info
from operators import FLOATS, WIDE_INTS, axis_of, numbers, pick, positions_along, replaced
from operators import ROWS as OPERATORS
from rare_operators import ROWS as RARE_OPERATORS

MAX_DEPTH = 3
NUMBERS = (*FLOATS, *WIDE_INTS)


def compress(g):
    x = pick(g, rank=range(1, 5))
    axis, given = axis_of(g, x)
    if x.shape[axis].fixed and g.random.integers(2):
        condition = g.weight(numbers(g, (g.random.integers(0, x.shape[axis].size + 1),), "bool"))
    else:
        condition = pick(g, ("bool",), rank=(1,), test=lambda v: v.shape[0].key == x.shape[axis].key)
    g.node("Compress", [x, condition], replaced(x.shape, axis, g.fresh()), axis=given)


def compress_by_position(g):
    """By a mask that is made of the extent, whatever that is in a run."""
    x = pick(g, rank=range(1, 5))
    axis, given = axis_of(g, x)
    positions = positions_along(g, x, axis)
    rest = g.node("Mod", [positions, g.ints(g.random.integers(2, 4))], positions.shape)
    mask = g.node("Greater", [rest, g.ints(0)], positions.shape)
    g.node("Compress", [x, mask], replaced(x.shape, axis, g.fresh()), axis=given)


def non_zero(g):
    x = pick(g, ("bool", *WIDE_INTS), rank=range(1, 4))
    places = g.node("NonZero", [x], (fixed(x.rank), g.fresh()))
    rows = g.node("Transpose", [places], places.shape[::-1], perm=[1, 0])
    y = pick(g, rank=range(x.rank, 5), test=lambda v: [e.key for e in v.shape[: x.rank]] == [e.key for e in x.shape])
    g.node("GatherND", [y, rows], (rows.shape[0], *y.shape[x.rank :]))


def condition_of(g):
    """A scalar of bool: a constant, or of a value's contents or size."""
    kind = g.random.integers(4)
    if kind == 0:
        return g.weight(np.array(bool(g.random.integers(2))))
    if kind == 1:
        size = g.node("Size", [pick(g, rank=range(1, 5))], ())
        rest = g.node("Mod", [size, g.ints(g.random.integers(2, 4))], ())
        return g.node("Equal", [rest, g.ints(0)], ())
    x = pick(g, NUMBERS)
    total = g.node("ReduceSum", [x], (), keepdims=0)
    bound = g.weight(np.array(g.random.integers(-1, 2), x.dtype))
    if x.dtype in FLOATS and abs(float(total.array) - float(bound.array)) < 1e-2:
        raise Rejected("the last digit decides")
    return g.node("Greater", [total, bound], ())


def count_of(g):
    """A scalar of int64, and whether it is above 0 in every run."""
    if g.random.integers(2):
        count = int(g.random.integers(0, 4))
        return g.ints(count), count > 0
    size = g.node("Size", [pick(g)], ())
    return g.node("Mod", [size, g.ints(4)], ()), False


def bounded(g, x):
    """x kept small, as it goes round."""
    if x.dtype in FLOATS:
        return g.node("Tanh", [x], x.shape)
    if x.dtype in WIDE_INTS:
        return g.node("Mod", [x, g.weight(np.array(7, x.dtype))], x.shape)
    return g.node("Identity", [x], x.shape)


def shortened(g, x):
    """x with fresh extents, cut so that it does not grow without end."""
    for axis in range(x.rank):
        operands = [x, *(g.ints([n]) for n in (0, g.random.choice([3, 5]), axis))]
        x = g.node("Slice", operands, replaced(x.shape, axis, g.fresh()))
    return x


def as_output(g, x):
    """A body's results are made in it."""
    made = {name for node in g.nodes for name in node.output}
    return x if x.name in made and g.random.integers(2) else g.node("Identity", [x], x.shape)


def declared(g, x):
    """A body's input as its file may say it: by extents, by names, or not at all."""
    kind = g.random.integers(3)
    names = [f"d{next(g.numbers)}" for _ in x.shape]
    return info(x.name, x.dtype, [names, [e.size if e.fixed else n for e, n in zip(x.shape, names)], None][kind])


def invariant(g, rank):
    """A value of the body that has the same shape at every step."""
    known = {e.key for v in g.outer.values for e in v.shape}
    return pick(g, rank=rank, test=lambda v: all(e.fixed or e.key in known for e in v.shape))


def distinct(*values):
    if len({v.name for v in values}) < len(values):
        raise Rejected("one result twice")
    return values


def measured(shape):
    """The shape with the sizes that the run has."""
    return tuple(e._replace(size=None) for e in shape)


def enter(g):
    if g.depth >= MAX_DEPTH:
        raise Rejected("deep enough")
    return g.body()


def if_(g):
    condition = condition_of(g)
    branches = [enter(g), enter(g)]
    for branch in branches:
        branch.grow(int(g.random.integers(0, 4)))
    pairs = []
    for _ in range(g.random.integers(1, 3)):
        then = pick(branches[0])
        other = pick(branches[1], (then.dtype,), rank=(then.rank,))
        pairs.append((as_output(branches[0], then), as_output(branches[1], other)))
    bodies = [branch.close(distinct(*values), []) for branch, values in zip(branches, zip(*pairs))]
    shapes = [[e if e.key == f.key else g.fresh() for e, f in zip(a.shape, b.shape)] for a, b in pairs]
    g.node("If", [condition], *map(measured, shapes), then_branch=bodies[0], else_branch=bodies[1])


def enter_state(g, body, may_change):
    """A value as a body's state: both, and whether the state keeps its shape."""
    value = pick(g, (*NUMBERS, "bool"), rank=range(0, 4))
    keeps = not (may_change and value.rank and g.random.integers(2))
    shape = value.shape if keeps else tuple(e._replace(key=body.fresh().key) for e in value.shape)
    return value, body.input(value.array, shape), keeps


def next_state(body, state, keeps):
    if keeps:
        keys = [e.key for e in state.shape]
        x = pick(body, (state.dtype,), rank=(state.rank,), test=lambda v: [e.key for e in v.shape] == keys)
        return bounded(body, x)
    return shortened(body, pick(body, (state.dtype,), rank=(state.rank,)))


def loop(g):
    count, certain = count_of(g)
    body = enter(g)
    step = body.input(np.array(0, "int64"), ())
    going = body.input(np.array(True), ())
    states = [enter_state(g, body, True) for _ in range(g.random.integers(1, 3))]
    body.grow(int(g.random.integers(1, 5)))
    stops = g.random.integers(3) == 0  # after the first step at the earliest
    goes_on = as_output(body, condition_of(body) if stops else going)
    results = [next_state(body, state, keeps) for _, state, keeps in states]
    # Without a step the extents of a tensor of steps are nobody's: onnxruntime's are not ours.
    scans = [as_output(body, invariant(body, range(0, 4 if certain else 1)))] if g.random.integers(4) else []
    infos = [*(info(v.name, v.dtype, ()) for v in (step, going)), *(declared(body, v) for _, v, _ in states)]
    closed = body.close(distinct(goes_on, *results, *scans), infos)
    shapes = [measured(value.shape) if keeps else [g.fresh() for _ in value.shape] for value, _, keeps in states]
    shapes += [(g.fresh(), *measured(v.shape)) for v in scans]
    first = condition_of(g) if g.random.integers(4) == 0 and not any(v.rank for v in scans) else None
    g.node("Loop", [count, first, *(value for value, _, _ in states)], *shapes, body=closed)


def scanned(g):
    """One or two values and their axes, of one extent: (value, axis, axis as it is given)."""
    x = pick(g, rank=range(1, 5))
    first = axis_of(g, x, lambda e: e.size > 0)
    if g.random.integers(2):
        return [(x, *first)]
    key = x.shape[first[0]].key
    y = pick(g, rank=range(1, 5), test=lambda v: any(e.key == key for e in v.shape))
    return [(x, *first), (y, *axis_of(g, y, lambda e: e.key == key))]


def scan(g):
    body = enter(g)
    states = [enter_state(g, body, False) for _ in range(g.random.integers(0, 3))]
    columns = scanned(g)
    for value, axis, _ in columns:
        body.input(np.take(value.array, 0, axis), value.shape[:axis] + value.shape[axis + 1 :])
    body.grow(int(g.random.integers(1, 5)))
    results = [next_state(body, state, True) for _, state, _ in states]
    rows = [as_output(body, invariant(body, range(0, 4))) for _ in range(g.random.integers(0 if states else 1, 3))]
    closed = body.close(distinct(*results, *rows), [declared(body, v) for v in body.inputs])
    places = [int(g.random.integers(0, v.rank + 1)) for v in rows]
    steps = columns[0][0].shape[columns[0][1]]
    shapes = [value.shape for value, _, _ in states]
    shapes += [(*measured(v.shape[:k]), steps, *measured(v.shape[k:])) for v, k in zip(rows, places)]
    attributes = {
        "num_scan_inputs": len(columns),
        "scan_input_axes": [given for _, _, given in columns],
        "scan_input_directions": [int(n) for n in g.random.integers(0, 2, len(columns))],
    }
    if rows:
        attributes["scan_output_axes"] = [k - v.rank - 1 if g.random.integers(2) else k for v, k in zip(rows, places)]
        attributes["scan_output_directions"] = [int(n) for n in g.random.integers(0, 2, len(rows))]
    operands = [*(value for value, _, _ in states), *(value for value, _, _ in columns)]
    g.node("Scan", operands, *shapes, body=closed, **attributes)


ROWS = [
    *OPERATORS, *RARE_OPERATORS, *[("If", if_)] * 4, *[("Loop", loop)] * 5, *[("Scan", scan)] * 3,
    ("Compress", compress), ("Compress", compress_by_position), ("NonZero", non_zero),
]  # fmt: skip
