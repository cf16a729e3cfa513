"""Files of a few bytes that ask for more than any machine has: refused at once, with the whole message."""

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

F = TensorProto.FLOAT


def model(nodes, inputs, weights=(), opset=17):
    infos = [helper.make_tensor_value_info(name, F, shape) for name, shape in inputs]
    weights = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights]
    graph = helper.make_graph(nodes, "graph", infos, [helper.make_empty_tensor_value_info("y")], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op, inputs, output="y", **attributes):
    return helper.make_node(op, inputs, [output], name=op.lower(), **attributes)


def i64(*numbers):
    return np.array(numbers, "int64")


ONE = np.ones(4, "float32")
COMPUTED = "from weights and constants alone; at most 2147483648 elements are computed while compiling"
COUNTED = "has more than 2^56 bytes"
CASES = {
    "constant_of_shape": (
        model([node("ConstantOfShape", ["s"], "c"), node("ReduceSum", ["c"])], [], [("s", i64(2**40))]),
        f"node 'constantofshape' makes float32[1099511627776] {COMPUTED}",
    ),
    "constant_of_shape_overflow": (
        model([node("ConstantOfShape", ["s"])], [], [("s", i64(2**62, 2**62))]),
        f"FILE: node 'constantofshape' (ConstantOfShape): a tensor float32[{2**62},{2**62}] {COUNTED}",
    ),
    "expanded_weight": (
        model([node("Expand", ["w", "s"], "e"), node("Neg", ["e"])], [], [("s", i64(2**36, 4)), ("w", ONE)]),
        f"node 'expand' makes float32[68719476736,4] {COMPUTED}",
    ),
    "tiled_weight": (
        model([node("Tile", ["w", "r"], "t"), node("Add", ["x", "t"])], [("x", [1])], [("r", i64(2**36)), ("w", ONE)]),
        f"node 'tile' makes float32[68719476736,4] {COMPUTED}",
    ),
    "doubled_weight": (
        model([node("Concat", [f"t{k}"] * 2, f"t{k + 1}" if k < 44 else "y", axis=0) for k in range(45)], [], [("t0", ONE)]),
        f"node 'concat' makes float32[4294967296] {COMPUTED}",
    ),
    "padded_weight": (
        model([node("Pad", ["w", "p"])], [], [("p", i64(0, 2**40)), ("w", ONE)]),
        f"node 'pad' makes float32[1099511627780] {COMPUTED}",
    ),
    "pad": (
        model([node("Pad", ["x", "p"])], [("x", [1, 1])], [("p", i64(*[2**40] * 4))]),
        f"FILE: node 'pad' (Pad): a tensor float32[2199023255553,2199023255553] {COUNTED}",
    ),
    "range": (
        model([node("Range", ["a", "b", "c"])], [], [("a", i64(0)[0]), ("b", i64(2**40)[0]), ("c", i64(1)[0])]),
        "FILE: node 'range' (Range): Range of 1099511627776 elements; at most 16777216 are supported",
    ),
    "input": (
        model([node("Relu", ["x"])], [("x", [2**62, 2**62])]),
        f"FILE: input 'x': a tensor float32[{2**62},{2**62}] {COUNTED}",
    ),
    "product": (
        model([node("MatMul", ["x", "x"])], [("x", [2**40, 2**40])]),
        f"FILE: input 'x': a tensor float32[{2**40},{2**40}] {COUNTED}",
    ),
    "flattened": (
        model([node("Flatten", ["x"], axis=3)], [("x", ["n", 2**40, 2**40])]),
        f"FILE: input 'x': a tensor float32[n,{2**40},{2**40}] {COUNTED}",
    ),
    "empty block": (
        model([node("Col2Im", ["x", "i", "b"])], [("x", [1, 8, 4])], [("i", i64(2, 2)), ("b", i64(0, 2))], opset=18),
        "FILE: node 'col2im' (Col2Im): input 2 ('b') holds [0,2], expected extents of at least 1",
    ),
    "window": (
        model([node("MaxPool", ["x"], kernel_shape=[2**40, 1])], [("x", [1, 1, 4, 4])]),
        "FILE: node 'maxpool' (MaxPool): kernel_shape holds 1099511627776, expected 1 to 2147483647",
    ),
    "doubling": (
        model(
            [helper.make_node("Concat", [f"v{k}"] * 2, [f"v{k + 1}"], name=f"c{k}", axis=0) for k in range(64)]
            + [node("Relu", ["v64"])],
            [("v0", ["n"])],
        ),
        f"FILE: node 'c54' (Concat): a tensor float32[{2**55}*n] {COUNTED}",
    ),
    "rounded_up": (
        model([node("Tile", ["x", "r"], "t"), node("Relu", ["t"])], [("x", ["n"])], [("r", i64(2**60))]),
        f"FILE: node 'tile' (Tile): a tensor float32[{2**60},n] {COUNTED}",
    ),
    "padded_both_ways": (
        model([node("Pad", ["x", "p"])], [("x", ["n", "m"])], [("p", i64(2**40, 0, 2**40, 2**40))]),
        f"FILE: node 'pad' (Pad): a tensor float32[n + {2**41},m + {2**40}] {COUNTED}",
    ),
    "extent": (
        model([node("Shape", ["x"], "s"), node("Mul", ["s", "k"], "r"), node("Mul", ["r", "k"], "q"), node("Expand", ["x", "q"])],
              [("x", ["n"])], [("k", i64(2**40))]),  # fmt: skip
        f"FILE: node 'mul' (Mul): an extent overflows 64 bits: {2**40} * {2**40}",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_at_once(run_dovetail, tmp_path, name):
    proto, message = CASES[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1, timeout=60)
    assert result.stderr == f"dovetail: {message}\n".replace("FILE", str(path))


def test_what_only_a_run_would_make_is_no_concern_of_the_compiler(run_dovetail, tmp_path):
    proto = model([node("ConstantOfShape", ["s"], "c"), node("Add", ["x", "c"])], [("x", [1])], [("s", i64(2**40))])
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")


def field(number, data):
    """A field of protobuf that holds bytes."""
    size, length = len(data), b""
    while size >= 128:
        length += bytes([size % 128 + 128])
        size //= 128
    return bytes([number * 8 + 2]) + length + bytes([size]) + data


def test_deep_nesting(run_dovetail, tmp_path):
    """A thousand graphs, each in an attribute of the one before: the parser has to stop, not the stack."""
    graph = b""
    for _ in range(1000):
        graph = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, graph)))
    data = b"\x08\x08" + field(7, graph)
    (tmp_path / "deep.onnx").write_bytes(data)
    result = run_dovetail("build", tmp_path / "deep.onnx", "-o", tmp_path / "deep.so", code=1)
    reason = f"not an ONNX model, or one that was cut off: its {len(data)} bytes cannot be parsed"
    assert result.stderr == f"dovetail: {tmp_path}/deep.onnx: {reason}\n"
