"""Files that break rules: the whole message, and that no library is left behind."""

import json
import os

import numpy as np
import pytest
from onnx_models import TensorProto, helper, mlp

F = TensorProto.FLOAT


def model(nodes, inputs, output, weights=(), opset=17):
    """A model that onnx's own checker need not accept: inputs are (name, shape)."""
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "graph", [info(n, F, s) for n, s in inputs], [info(output[0], F, output[1])], list(weights)
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def node(op, inputs, output, name="", **attributes):
    return helper.make_node(op, inputs, [output], name=name, **attributes)


def external(location, length=16):
    tensor = TensorProto(name="w", data_type=F, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", "0"), ("length", str(length))):
        tensor.external_data.add(key=key, value=value)
    return tensor


def with_weights(tensor):
    return model([node("Add", ["x", "w"], "y", "p")], [("x", [4])], ("y", [4]), [tensor])


X, Y = [("x", [1])], ("y", [1])
CASES = {
    "unsupported": (
        model([node("Frob", ["x"], "a", "f"), node("Unique", ["a"], "b", "u"), node("Frob", ["b"], "y")], X, Y),
        "2 operators are not supported by this version:\n  Frob (2 nodes): f, #2 Frob\n  Unique (1 node): u",
    ),
    "cycle": (
        model([node("Add", ["x", "b"], "a", "p"), node("Relu", ["a"], "b", "q")], X, ("b", [1])),
        "the graph has a cycle: node 'p' (Add) <- node 'q' (Relu) <- node 'p' (Add)",
    ),
    "undefined": (
        model([node("Add", ["x", "z"], "y", "p")], X, Y),
        "node 'p' (Add) reads tensor 'z', which no input, initializer or node makes",
    ),
    "made_twice": (
        model([node("Relu", ["x"], "y", "p"), node("Neg", ["x"], "y", "q")], X, Y),
        "tensor 'y' is made twice: by node 'p' (Relu) and by node 'q' (Neg)",
    ),
    "no_output": (model([node("Relu", ["x"], "y", "p")], X, ("w", [1])), "output 'w' is made by no node"),
    "broadcast": (
        model([node("Add", ["x", "z"], "y", "p")], [("x", [2, 3]), ("z", [2, 4])], ("y", [2, 3])),
        "node 'p' (Add): shapes [2,3] and [2,4] cannot be broadcast: 3 and 4 differ",
    ),
    "matmul": (
        model([node("MatMul", ["x", "z"], "y", "p")], [("x", [2, 3]), ("z", [4, 4])], ("y", [2, 4])),
        "node 'p' (MatMul): input 0 ('x') of shape [2,3] and input 1 ('z') of shape [4,4] cannot be multiplied: "
        "3 and 4 differ",
    ),
    "squeeze": (
        model([node("Squeeze", ["x"], "y", "p")], [("x", ["n", 1, "m"])], ("y", None)),
        "node 'p' (Squeeze): without axes, whether an extent of shape [n,1,m] goes depends on its value, and extent 0 is "
        "n, which cannot stay symbolic; fix n by --dim",
    ),
    "squeeze_at_run": (
        model([node("NonZero", ["x"], "i"), node("Transpose", ["i"], "t"), node("Squeeze", ["t"], "y", "p")], [("x", [5])], ("y", None)),
        "node 'p' (Squeeze): without axes, whether an extent of shape [i.count,1] goes depends on its value, and extent 0 "
        "is i.count, which must be known when the model is compiled, but i.count is computed by every run; make what it is "
        "computed from a constant of the model",
    ),
    "kernel": (
        model([node("Conv", ["x", "w"], "y", "p")], [("x", ["n", 3, 8]), ("w", [4, 3, "k"])], ("y", None)),
        "node 'p' (Conv): input 1 ('w') has shape [4,3,k]: extent 0 of the kernel is k, which cannot stay symbolic; fix k "
        "by --dim",
    ),
    "recurrent_weights": (
        model([node("LSTM", ["x", "w", "r"], "y", "p")], [("x", [3, 1, 5]), ("w", [1, 8, 4]), ("r", [1, 8, 2])], ("y", None)),
        "node 'p' (LSTM): input 1 ('w') has shape [1,8,4], expected [1,8,5]: 4 and 5 differ",
    ),
    "recurrent_hidden_size": (
        model([node("GRU", ["x", "w", "r"], "y", "p", hidden_size=3)], [("x", [3, 1, 5]), ("w", [1, 6, 5]), ("r", [1, 6, 2])], ("y", None)),
        "node 'p' (GRU): hidden_size is 3, but input 2 ('r') has shape [1,6,2]",
    ),
    "activation": (
        model([node("RNN", ["x", "w", "r"], "y", "p", activations=["Cube"])], [("x", [3, 1, 5]), ("w", [1, 2, 5]), ("r", [1, 2, 2])], ("y", None)),
        "node 'p' (RNN): activation 'Cube' is none of Affine, Elu, HardSigmoid, LeakyRelu, Relu, ScaledTanh, Sigmoid, "
        "Softplus, Softsign, Tanh, ThresholdedRelu",
    ),
    "axis": (
        model([node("Softmax", ["x"], "y", "p", axis=5)], [("x", [1, 2])], ("y", [1, 2])),
        "node 'p' (Softmax): axis 5 is out of range for rank 2 (expected -2..1)",
    ),
    "opset": (
        model([node("Relu", ["x"], "y", "p")], X, Y, opset=99),
        "the model asks for opset 99; this compiler knows 7 to 28: export it with an older opset",
    ),
    "old_opset": (
        model([node("Relu", ["x"], "y", "p")], X, Y, opset=6),
        "1 operator is not supported by this version:\n"
        "  Relu (1 node, the model asks for opset 6: convert it to 7 with onnx.version_converter): p",
    ),
    "external_missing": (
        with_weights(external("none.bin")),
        "initializer 'w': external data: cannot read FOLDER/none.bin: No such file or directory",
    ),
    "external_outside": (
        with_weights(external("../w.bin")),
        "initializer 'w': external data: location '../w.bin' is not a path within the model's folder",
    ),
    "external_absolute": (
        with_weights(external("/w.bin")),
        "initializer 'w': external data: location '/w.bin' is not a path within the model's folder",
    ),
    "external_short": (
        with_weights(external("short.bin")),
        "initializer 'w': external data: 16 bytes from 0 on are asked for, but 'short.bin' holds 8",
    ),
    "raw_short": (
        with_weights(TensorProto(name="w", data_type=F, dims=[4], raw_data=b"123")),
        "initializer 'w': raw_data holds 3 bytes, but its shape [4] takes 16",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_message(run_dovetail, tmp_path, name):
    proto, message = CASES[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    (tmp_path / "short.bin").write_bytes(bytes(8))
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: {message}\n".replace("FOLDER", str(tmp_path))
    assert sorted(os.listdir(tmp_path)) == ["model.onnx", "short.bin"]


def test_external_data_is_read(run_dovetail, tmp_path):
    proto = with_weights(external("weights/w.bin"))
    (tmp_path / "model.onnx").write_bytes(proto.SerializeToString())
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "w.bin").write_bytes(np.array([1, 2, 3, 4], "float32").tobytes())
    np.save(tmp_path / "x.npy", np.zeros(4, "float32"))
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "0.npy"), [1, 2, 3, 4])


STATE = helper.make_tensor("h", F, [1, 1, 2], [0.0] * 2)
RNN_WEIGHTS = [helper.make_tensor(n, F, [1, 2, 2], [0.5] * 4) for n in "wr"]
SETTLED = {
    "state": (
        model([node("RNN", ["x", "w", "r", "", "", "h"], "y", "p")], [("x", ["t", "n", 2])], ("y", None), [*RNN_WEIGHTS, STATE]),
        "node 'p' (RNN): n is 1, the batch of input 5 ('h')",
        ["t", 1, 2],
    ),
    "squeeze": (
        model([node("Squeeze", ["x"], "y", "p")], [("x", ["n", 1, 4])], ("y", None)),
        "node 'p' (Squeeze): without axes, Squeeze removes n of shape [n,1,4] only where it is 1, which it is taken to "
        "be; for larger ones give --dim n=2..HIGH",
        [1, 1, 4],
    ),
}


@pytest.mark.parametrize("name", SETTLED)
def test_a_node_that_allows_one_batch_settles_it(run_dovetail, tmp_path, name):
    proto, message, shape = SETTLED[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so")
    assert result.stderr == f"dovetail: warning: {path}: {message}\n"
    described = json.loads(run_dovetail("inspect", tmp_path / "model.so", "--json").stdout)
    assert described["models"][0]["inputs"][0]["shape"] == shape


@pytest.mark.parametrize("first", range(0, 500, 100))
def test_a_file_cut_anywhere_is_refused(run_dovetail, tmp_path, first):
    whole = mlp().SerializeToString()
    for size in [*range(first, first + 100, 13), *range(500 + first * 10, len(whole), 5003)]:
        (tmp_path / "cut.onnx").write_bytes(whole[:size])
        result = run_dovetail("build", tmp_path / "cut.onnx", "-o", tmp_path / "cut.so", code=1)
        assert result.stderr.startswith(f"dovetail: {tmp_path}/cut.onnx: ") and result.stderr.count("\n") == 1
    assert os.listdir(tmp_path) == ["cut.onnx"]


def test_not_onnx(run_dovetail, tmp_path):
    (tmp_path / "text.onnx").write_text("no model\n" * 100)
    result = run_dovetail("build", tmp_path / "text.onnx", "-o", tmp_path / "text.so", code=1)
    assert result.stderr == (
        f"dovetail: {tmp_path}/text.onnx: not an ONNX model, or one that was cut off: its 900 bytes cannot be parsed\n"
    )


@pytest.mark.parametrize("what,name", [("input", b"x"), ("tensor", b"mid"), ("dimension", b"dim"), ("node", b"first")])
@pytest.mark.parametrize("bad,shown", [(b"\xff", "\\xff"), (b"\x00", "\\x00"), (b"\xed\xa0\x80", "\\xed\\xa0\\x80")])
def test_names_that_are_no_text(run_dovetail, tmp_path, what, name, bad, shown):
    proto = model([node("Relu", ["x"], "mid", "first"), node("Neg", ["mid"], "y")], [("x", ["dim"])], ("y", ["dim"]))
    path = tmp_path / "model.onnx"
    long = name + b"~" * len(bad)  # of the length of the bad name
    for value in (*proto.graph.input, *proto.graph.output):
        value.name = value.name.replace(name.decode(), long.decode())
        dim = value.type.tensor_type.shape.dim[0]
        dim.dim_param = dim.dim_param.replace(name.decode(), long.decode())
    for one in proto.graph.node:
        one.name = one.name.replace(name.decode(), long.decode())
        for names in (one.input, one.output):
            names[0] = names[0].replace(name.decode(), long.decode())
    path.write_bytes(proto.SerializeToString().replace(long, name + bad))
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == (
        f"dovetail: {path}: the name of {what} '{name.decode()}{shown}' is not text: it must be UTF-8 without NUL\n"
    )
    assert os.listdir(tmp_path) == ["model.onnx"]
