"""Cases of LSTM, GRU and RNN."""

import itertools

import numpy as np
from case_writer import generator

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
PER_DIRECTION = {"RNN": 1, "GRU": 2, "LSTM": 3}
STEPS, ROWS, INPUTS, HIDDEN = 6, 5, 4, 3


def layer(op, direction="forward", sizes=(STEPS, ROWS, INPUTS, HIDDEN), dtype="float32", layout=0, absent=(), lengths=None, limit=1):
    """The inputs of one node within +-limit; `absent` are positions left out."""
    steps, rows, inputs, hidden = sizes
    directions = 2 if direction == "bidirectional" else 1
    random = generator(f"{op}{direction}{sizes}")
    columns = GATES[op] * hidden

    def make(*shape):
        return random.uniform(-limit, limit, shape).astype(dtype)

    state = (rows, directions, hidden) if layout else (directions, rows, hidden)
    arrays = [
        make(rows, steps, inputs) if layout else make(steps, rows, inputs),
        make(directions, columns, inputs),
        make(directions, columns, hidden),
        make(directions, 2 * columns),
        None if lengths is None else np.array(lengths, "int32"),
        make(*state),
    ]
    if op == "LSTM":
        arrays += [make(*state), make(directions, 3 * hidden)]
    return [None if i in absent else a for i, a in enumerate(arrays)]


WEIGHTS = {"RNN": (1, 2, 3), "GRU": (1, 2, 3), "LSTM": (1, 2, 3, 7)}


def recurrent(case):
    def add(op, arrays, outputs=None, **attributes):
        weights = tuple(i for i in WEIGHTS[op] if i < len(arrays) and arrays[i] is not None)
        outputs = outputs or (3 if op == "LSTM" else 2)
        case(op, arrays, weights=weights, outputs=outputs, hidden_size=arrays[2].shape[2], **attributes)

    for op in GATES:
        for direction in ("forward", "reverse", "bidirectional"):
            add(op, layer(op, direction), direction=direction)
            add(op, layer(op, direction, absent=(3, 5, 6, 7)), direction=direction, opset=7)
            add(op, layer(op, direction, lengths=[6, 2, 5, 1, 3]), direction=direction)
            add(op, layer(op, direction, lengths=[0, 6, 4, 0, 1]), direction=direction)
            if direction != "bidirectional":
                add(op, layer(op, direction, sizes=(1, 1, 1, 1)), direction=direction)
        # onnxruntime has no layout 1: the ONNX reference answers, which has no reverse direction.
        add(op, layer(op, layout=1), layout=1, opset=14, rtol=1e-4)
        add(op, layer(op, layout=1, sizes=(1, 4, 2, 3), absent=(5, 6, 7)), layout=1, opset=22, rtol=1e-4)
        add(op, layer(op, sizes=(3, 2, 5, 33)), opset=14)
        # No steps: onnxruntime's GRU aborts the process, its LSTM keeps c but not h; here both are 0.
        if op != "GRU":
            add(op, layer(op, sizes=(0, 5, 4, 3)), outputs=(True, True))
        add(op, layer(op, "bidirectional", sizes=(2, 13, 7, 20)), direction="bidirectional")
        add(op, layer(op, "bidirectional"), direction="bidirectional", clip=0.25)
        add(op, layer(op, dtype="float64"), rtol=1e-6)
        add(op, layer(op, dtype="float16", absent=(4,)), rtol=1e-2)
        for wanted in itertools.product((True, False), repeat=3 if op == "LSTM" else 2):
            while wanted and not wanted[-1]:
                wanted = wanted[:-1]
            if wanted:
                add(op, layer(op, "bidirectional"), outputs=wanted, direction="bidirectional")
        activations(op, add)
    variants(add)


def activations(op, add):
    count = PER_DIRECTION[op]
    for name, alpha, beta in [
        ("Relu", [], []), ("Tanh", [], []), ("Sigmoid", [], []), ("Affine", [0.7], [0.1]), ("LeakyRelu", [0.2], []),
        ("ThresholdedRelu", [0.3], []), ("ScaledTanh", [0.8], [1.3]), ("HardSigmoid", [0.3], [0.4]), ("Elu", [0.9], []),
        ("Softsign", [], []), ("Softplus", [], []), ("LeakyRelu", [], []), ("HardSigmoid", [], []), ("Elu", [], []),
    ]:  # fmt: skip
        attributes = {"activations": [name] * count}
        if alpha:
            attributes["activation_alpha"] = alpha * count
        if beta:
            attributes["activation_beta"] = beta * count
        # Small enough that unbounded activations stay finite.
        add(op, layer(op, sizes=(3, 2, 4, 5), limit=0.3), **attributes)
    # Values belong to those activations that take some, in their order.
    mixed = {"RNN": ["LeakyRelu"], "GRU": ["HardSigmoid", "Affine"], "LSTM": ["Sigmoid", "LeakyRelu", "ScaledTanh"]}[op]
    usual = {"RNN": ["Tanh"], "GRU": ["Sigmoid", "Tanh"], "LSTM": ["HardSigmoid", "Tanh", "Elu"]}[op]
    alpha = {"RNN": [0.3], "GRU": [0.25, 0.6], "LSTM": [0.15, 0.9, 0.25, 0.8]}[op]
    beta = {"RNN": [], "GRU": [0.45, 0.05], "LSTM": [1.2, 0.4]}[op]
    extra = {"activation_beta": beta} if beta else {}
    add(
        op,
        layer(op, "bidirectional"),
        direction="bidirectional",
        activations=mixed + usual,
        activation_alpha=alpha,
        **extra,
    )


def variants(add):
    for direction in ("forward", "bidirectional"):
        for absent in ((), (3,)):
            add("GRU", layer("GRU", direction, absent=absent), direction=direction, linear_before_reset=1)
        add("GRU", layer("GRU", direction, lengths=[1, 6, 2, 6, 4]), direction=direction, linear_before_reset=1)
        add("LSTM", layer("LSTM", direction, absent=(7,)), direction=direction)
        add("LSTM", layer("LSTM", direction), direction=direction, input_forget=1)
        add("LSTM", layer("LSTM", direction, absent=(7,)), direction=direction, input_forget=1, clip=0.4)
    add("GRU", layer("GRU", sizes=(4, 3, 2, 40)), linear_before_reset=1, clip=0.5)


def refusals(case):
    arrays = layer("RNN")[:3]
    # What the extents say is left to the run, so that the attribute alone is wrong.
    shapes = {f"x{i}": [f"{axis}{i}" for axis in "abc"] for i in range(3)}
    case("RNN", arrays, hidden_size=-2, shapes=shapes, refused="hidden_size is -2, expected at least 1")
    case("RNN", arrays, hidden_size=2**40, shapes=shapes, refused="an extent overflows 64 bits")


__all__ = ["recurrent"]


GROUPS = (recurrent, refusals)
