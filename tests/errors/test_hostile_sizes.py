"""Files of a few bytes that ask for more than any machine has: refused at once, with the whole message."""

import numpy as np
import pytest
from executors import Executor
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
COMPUTED = "from weights and constants alone; at most 67108864 elements are computed while compiling"
COUNTED = "has more than 2^56 bytes"
CASES = {
    "constant_of_shape": (
        model([node("ConstantOfShape", ["s"], "c"), node("ReduceSum", ["c"])], [], [("s", i64(2**40))]),
        f"FILE: node 'constantofshape' makes float32[1099511627776] {COMPUTED}",
    ),
    "constant_of_shape_overflow": (
        model([node("ConstantOfShape", ["s"])], [], [("s", i64(2**62, 2**62))]),
        f"FILE: node 'constantofshape' (ConstantOfShape): a tensor float32[{2**62},{2**62}] {COUNTED}",
    ),
    "expanded_weight": (
        model([node("Expand", ["w", "s"], "e"), node("Neg", ["e"])], [], [("s", i64(2**36, 4)), ("w", ONE)]),
        f"FILE: node 'expand' makes float32[68719476736,4] {COMPUTED}",
    ),
    "resized_far": (
        model([node("Resize", ["x", "", "s"], mode="linear", antialias=1)], [("x", [1, 1, 2**30, 4])], [("s", np.array([1, 1, 1e-9, 1], "float32"))], opset=18),
        f"FILE: node 'resize' makes float32[2000000058,1] {COMPUTED}",
    ),
    "tiled_weight": (
        model([node("Tile", ["w", "r"], "t"), node("Add", ["x", "t"])], [("x", [1])], [("r", i64(2**36)), ("w", ONE)]),
        f"FILE: node 'tile' makes float32[68719476736,4] {COMPUTED}",
    ),
    "doubled_weight": (
        model([node("Concat", [f"t{k}"] * 2, f"t{k + 1}" if k < 44 else "y", axis=0) for k in range(45)], [], [("t0", ONE)]),
        f"FILE: node 'concat' makes float32[134217728] {COMPUTED}",
    ),
    "padded_weight": (
        model([node("Pad", ["w", "p"])], [], [("p", i64(0, 2**40)), ("w", ONE)]),
        f"FILE: node 'pad' makes float32[1099511627780] {COMPUTED}",
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
    "wide block": (
        model([node("Col2Im", ["x", "i", "b"], dilations=[1, 5])], [("x", [1, 8, 4])], [("i", i64(2, 2)), ("b", i64(1, 2**61 + 1))], opset=18),
        f"FILE: node 'col2im' (Col2Im): an extent overflows 64 bits: 5 * {2**61}",
    ),
    "window": (
        model([node("MaxPool", ["x"], kernel_shape=[2**40, 1])], [("x", [1, 1, 4, 4])]),
        "FILE: node 'maxpool' (MaxPool): kernel_shape holds 1099511627776, expected 1 to 2147483647",
    ),
    "wide_window": (
        model([node("MaxPool", ["x"], kernel_shape=[2**31 - 1], pads=[2**31 - 2, 0])], [("x", [1, 1, 4])]),
        "FILE: node 'maxpool' (MaxPool): a window has an extent of 2147483647; at most 16777216 are supported",
    ),
    "wide_kernel": (
        model([node("Conv", ["x", "v"])], [("x", [1, 1, 2**40]), ("v", [1, 1, 2**33])]),
        f"FILE: node 'conv' (Conv): a window has an extent of {2**33}; at most 16777216 are supported",
    ),
    "taps": (
        model([node("AveragePool", ["x"], kernel_shape=[1000000, 3])], [("x", [1, 8, 2**40, 8])]),
        "FILE: node 'averagepool': an extent overflows 64 bits: 52776510133296 * 3000000",
    ),
    "resized_by_ratio": (
        model([node("Resize", ["x", "", "", "z"], mode="linear", keep_aspect_ratio_policy="not_smaller")], [("x", [1, 1, 2**40, 4])], [("z", i64(1, 1, 2, 2**40))], opset=18),
        "FILE: node 'resize' (Resize): keep_aspect_ratio_policy makes an extent of 3.0223145e+23",
    ),
    "unpooled": (
        model([node("MaxUnpool", ["x", "i"], kernel_shape=[-(2**63)], pads=[1, 0])], [("x", [1, 1, 4])], [("i", i64(0, 1, 2, 3).reshape(1, 1, 4))]),
        f"FILE: node 'maxunpool' (MaxUnpool): kernel_shape holds {-(2**63)}, expected 1 to 2147483647",
    ),
    "unpooled_to_less_than_nothing": (
        model([node("MaxUnpool", ["x", "i"], kernel_shape=[1], pads=[9, 9])], [("x", [1, 1, 4])], [("i", i64(0, 1, 2, 3).reshape(1, 1, 4))]),
        "FILE: node 'maxunpool' (MaxUnpool): pads takes 18 of 4 elements along axis 2: 0 and -14 differ",
    ),
    "heads": (
        model([node("RotaryEmbedding", ["x", "t", "t"], num_heads=2**62)], [("x", [1, 1, "n"])], [("t", ONE.reshape(1, 1, 4))], opset=23),
        f"FILE: node 'rotaryembedding' (RotaryEmbedding): an extent overflows 64 bits: 8 * {2**62}",
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


MANY_PHASES = {
    "transposed": ("ConvTranspose", [1, 16, 4, 4], {"strides": [1009, 1013]}),
    "transposed_any": ("ConvTranspose", [1, 16, "h", "w"], {"strides": [1000003, 5]}),
    "transposed_pixel": ("ConvTranspose", [1, 16, 1, 1], {"strides": [2**31 - 1] * 2}),
    "dilated": ("Conv", [1, 16, 2**30, 9], {"dilations": [100003, 1]}),
    "image": ("Conv", [1, 16, 2**40, 9], {}),
}


@pytest.mark.parametrize("name", MANY_PHASES)
def test_windows_are_described_in_no_time(run_dovetail, tmp_path, name):
    op, shape, attributes = MANY_PHASES[name]
    proto = model([node(op, ["x", "w"], **attributes)], [("x", shape)], [("w", np.ones((16, 16, 3, 3), "float32"))])
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", timeout=60)


def built(run_dovetail, tmp_path, proto):
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    return Executor(tmp_path / "model.so")


def inputs_of_integers(proto, **ranks):
    for name, count in ranks.items():
        proto.graph.input.append(helper.make_tensor_value_info(name, TensorProto.INT64, [count]))
    return proto


FULL = np.ones((3, 4), "float32")
AT_RUN = {
    # 4 * (2^62 + 3) is 12, modulo 2^64: the elements that x has
    "reshape": (
        model([node("Reshape", ["x", "s"], "r"), node("ReduceMax", ["r"])], [("x", ["n", 4])]),
        {"s": i64(4, 2**62 + 3)},
    ),
    "split": (
        model([helper.make_node("Split", ["x", "s"], ["a", "b", "y"], name="split")], [("x", ["n", 4])]),
        {"s": i64(2**63 - 1, 2**63 - 1, 5)},
    ),
    "expand": (model([node("Expand", ["x", "s"])], [("x", ["n", 4])]), {"s": i64(2**60 + 1, 4)}),
    "pad": (
        model([node("Pad", ["x", "s"], "p"), node("Reshape", ["p", "all"])], [("x", ["n", 4])], [("all", i64(-1))]),
        {"s": i64(2**32 - 3, 2**32 - 4, 0, 0)},
    ),
    "tile": (
        model([node("Tile", ["x", "s"], "t"), node("Reshape", ["t", "all"])], [("x", ["n", 4])], [("all", i64(-1))]),
        {"s": i64(2**31, 2**31)},
    ),
}


@pytest.mark.parametrize("name", AT_RUN)
def test_numbers_of_a_run_that_wrap_around(run_dovetail, tmp_path, name):
    proto, numbers = AT_RUN[name]
    run = built(run_dovetail, tmp_path, inputs_of_integers(proto, **{k: len(v) for k, v in numbers.items()}))
    with pytest.raises(MemoryError, match=r"a size that model 'model' computes from its inputs exceeds 63 bits \(n is 3\)"):
        run({"x": FULL, **numbers})


@pytest.mark.parametrize("last", [2**19, 2**20, 2**22])
def test_extents_whose_product_wraps_around(run_dovetail, tmp_path, last):
    """Inputs of 30 MB at most, broadcast to more than 2^63 bytes; to 2^64 of them, and elements, too."""
    proto = model(
        [node("Add", ["a", "b"], "ab"), node("Add", ["ab", "c"], "abc"), node("CumSum", ["abc", "axis"], "s"), node("ReduceMax", ["s"])],
        [("a", ["a", 1, 1]), ("b", [1, "b", 1]), ("c", [1, 1, "c"])],
        [("axis", np.array(2))],
    )  # fmt: skip
    run = built(run_dovetail, tmp_path, proto)
    a, b, c = np.ones((2**21, 1, 1), "float32"), np.ones((1, 2**21, 1), "float32"), np.ones((1, 1, last), "float32")
    text = rf"a size that model 'model' computes from its inputs exceeds 63 bits \(a is {2**21}, b is {2**21}, c is {last}\)"
    with pytest.raises(MemoryError, match=text):
        run({"a": a, "b": b, "c": c})
    small = {"a": a[:2], "b": b[:, :3], "c": c[:, :, :4]}
    np.testing.assert_array_equal(run(small)[0].reshape(()), np.float32(12))


def test_slices_of_slices(run_dovetail, tmp_path):
    """Extents of a chain stay short; of what is joined with itself they double, and are refused in time."""
    edges = [("a", i64(1)), ("b", i64(-1))]
    chain = [node("Slice", [f"x{k}" if k else "x", "a", "b"], f"x{k + 1}" if k < 29 else "y") for k in range(30)]
    run = built(run_dovetail, tmp_path, model(chain, [("x", ["n"])], edges))
    for n in (100, 61, 60, 30, 0):
        x = np.arange(n, dtype="float32")
        np.testing.assert_array_equal(run({"x": x})[0], x[30 : max(n - 30, 30)])
    doubled = []
    for k in range(30):
        of = f"x{k}" if k else "x"
        doubled += [node("Slice", [of, "a", "b"], f"s{k}"), node("Concat", [f"s{k}", of], f"x{k + 1}" if k < 29 else "y", axis=0)]
    (tmp_path / "model.onnx").write_bytes(model(doubled, [("x", ["n"])], edges).SerializeToString())
    result = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1, timeout=60)
    assert result.stderr.endswith(
        "an extent has become an expression of more than 131072 parts; fix dims of the inputs by --dim\n"
    )


def test_rolls(run_dovetail, tmp_path):
    """What is cut in two and joined again is as long as before, however often: 15 rolls there, 15 back."""
    edges = [("a", i64(0)), ("b", i64(3)), ("c", i64(-3)), ("end", i64(2**62))]
    nodes, x = [], "x"
    for k in range(30):
        cut = "b" if k < 15 else "c"
        nodes += [node("Slice", [x, cut, "end"], f"s{k}"), node("Slice", [x, "a", cut], f"t{k}")]
        nodes += [node("Concat", [f"s{k}", f"t{k}"], f"x{k}", axis=0)]
        x = f"x{k}"
    nodes += [node("Sub", [x, "x"], "d"), node("Concat", ["d", "x14"], axis=0)]
    run = built(run_dovetail, tmp_path, model(nodes, [("x", ["n"])], edges))
    for n in (100, 4, 3, 2, 0):
        x = np.arange(n, dtype="float32")
        there = x
        for _ in range(15):
            there = np.concatenate([there[3:], there[:3]])
        np.testing.assert_array_equal(run({"x": x})[0], np.concatenate([np.zeros_like(x), there]))


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
