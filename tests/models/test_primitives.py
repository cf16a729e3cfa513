"""A small made-up model for every primitive of the graph IR, compiled and compared with onnxruntime."""

import numpy as np
import pytest
from onnx_models import difference, helper, model_of, reference, save

F = "float32"
I = "int64"


def weights(*shape, seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) / 4).astype(F)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def one(op, x, y, others=(), opset=17, outputs=("y",), **attributes):
    """A model of one operator: x (shape) and weights `others` (name, array) -> y (shape)."""
    names = ["x"] + [name for name, _ in others]
    return model_of([node(op, names, outputs, **attributes)], [("x", F, x)], [("y", F, y)], others, opset)


def recurrent(op, gates, hidden, **attributes):
    """Both directions of a layer side by side, as exporters write it: x (t, n, 6) -> y (t, n, 2*hidden)."""
    return model_of(
        [
            node(op, ["x", "w", "r", "b"], ["a"], direction="bidirectional", hidden_size=hidden, **attributes),
            node("Transpose", ["a"], ["s"], perm=[0, 2, 1, 3]),
            node("Reshape", ["s", "shape"], ["y"]),
        ],
        [("x", F, ["t", "n", 6])],
        [("y", F, ["t", "n", 2 * hidden])],
        [
            ("w", weights(2, gates * hidden, 6)),
            ("r", weights(2, gates * hidden, hidden, seed=1)),
            ("b", weights(2, 2 * gates * hidden, seed=2)),
            ("shape", np.array([0, 0, -1], I)),
        ],
    )


# name -> (model, shapes of x to try)
MODELS = {
    "elementwise": (
        model_of(
            [
                node("Mul", ["x", "s"], ["a"]),
                node("Sigmoid", ["a"], ["b"]),
                node("Add", ["b", "x"], ["c"]),
                node("Max", ["c", "v"], ["y"]),
            ],
            [("x", F, ["n", 3, 7])],
            [("y", F, ["n", 3, 7])],
            [("s", weights(1)), ("v", weights(3, 1))],
        ),
        [(1, 3, 7), (5, 3, 7)],
    ),
    "elementwise_broadcast": (
        one("Sub", ["n", 4, 1, 9], ["n", 4, 6, 9], [("w", weights(6, 9))]),
        [(2, 4, 1, 9)],
    ),
    "elementwise_of_constants": (  # a factor that becomes a number in the place of a tensor
        model_of(
            [node("Gemm", ["x", "w"], ["h"], alpha=0.5), node("Mean", ["h", "a", "b"], ["y"])],
            [("x", F, ["n", 8])],
            [("y", F, ["n", 32])],
            [("w", weights(8, 32)), ("a", weights(1)), ("b", weights(1, seed=1))],
        ),
        [(1, 8), (5, 8)],
    ),
    "reduce_inner": (one("ReduceMax", ["n", 37], ["n", 1], axes=[1], keepdims=1), [(1, 37), (9, 37)]),
    "reduce_outer": (one("ReduceMean", [5, 6, "c"], [1, "c"], axes=[0, 1], keepdims=0), [(5, 6, 1), (5, 6, 70)]),
    "reduce_product": (one("ReduceProd", [3, 4, 5], [3, 5], axes=[1], keepdims=0), [(3, 4, 5)]),
    "contract_matrix": (one("MatMul", ["m", 19], ["m", 45], [("w", weights(19, 45))]), [(1, 19), (2, 19), (29, 19)]),
    "contract_batched": (
        one("MatMul", ["b", 4, 11], ["b", 4, 35], [("w", weights(1, 11, 35))]),
        [(1, 4, 11), (3, 4, 11)],
    ),
    "contract_conv": (
        one("Conv", ["n", 5, "h", "w"], ["n", 34, "p", "q"], [("k", weights(34, 5, 3, 3)), ("b", weights(34))], pads=[1, 1, 1, 1]),
        [(1, 5, 9, 11), (2, 5, 1, 1), (1, 5, 20, 33)],
    ),
    "contract_conv_strided": (
        one("Conv", [2, 3, 17, 23], [2, 8, 8, 12], [("k", weights(8, 3, 5, 3))], strides=[2, 2], pads=[1, 1, 1, 1]),
        [(2, 3, 17, 23)],
    ),
    "contract_conv_dilated": (
        one("Conv", [1, 4, 15, 15], [1, 6, 11, 11], [("k", weights(6, 4, 3, 3))], dilations=[2, 2]),
        [(1, 4, 15, 15)],
    ),
    "contract_conv_grouped": (
        one("Conv", [1, 6, 9, 9], [1, 10, 9, 9], [("k", weights(10, 3, 3, 3))], group=2, pads=[1, 1, 1, 1]),
        [(1, 6, 9, 9)],
    ),
    "contract_conv_depthwise": (
        one("Conv", ["n", 21, 10, "w"], ["n", 21, 10, "q"], [("k", weights(21, 1, 5, 5))], group=21, pads=[2, 2, 2, 2]),
        [(1, 21, 10, 8), (2, 21, 10, 3), (1, 21, 10, 40)],
    ),
    "contract_conv_1d": (one("Conv", [1, 3, "t"], [1, 7, "u"], [("k", weights(7, 3, 4))], strides=[3]), [(1, 3, 10), (1, 3, 50)]),
    "contract_conv_depthwise_silu": (
        model_of(
            [
                node("Conv", ["x", "k"], ["a"], group=21, pads=[1, 1, 1, 1]),
                node("Sigmoid", ["a"], ["b"]),
                node("Mul", ["a", "b"], ["y"]),
            ],
            [("x", F, ["n", 21, 10, "w"])],
            [("y", F, ["n", 21, 10, "w"])],
            [("k", weights(21, 1, 3, 3))],
        ),
        [(1, 21, 10, 8), (2, 21, 10, 3), (1, 21, 10, 40)],
    ),
    "contract_conv_column": (
        one("Conv", ["n", 5, "h", 1], ["n", 34, "p", 1], [("k", weights(34, 5, 3, 1)), ("b", weights(34))], pads=[1, 0, 1, 0]),
        [(1, 5, 20, 1), (2, 5, 1, 1)],
    ),
    "contract_conv_row_grouped": (
        one("Conv", [1, 4, 1, 9], [1, 6, 1, 4], [("k", weights(6, 2, 1, 3))], group=2, strides=[1, 2]),
        [(1, 4, 1, 9)],
    ),
    "contract_conv_3d": (one("Conv", [1, 2, 5, 6, 7], [1, 3, 4, 5, 6], [("k", weights(3, 2, 2, 2, 2))]), [(1, 2, 5, 6, 7)]),
    "contract_conv_transpose": (
        one("ConvTranspose", ["n", 5, "h", "w"], ["n", 9, "p", "q"], [("k", weights(5, 9, 2, 2)), ("b", weights(9))], strides=[2, 2]),
        [(1, 5, 7, 9), (2, 5, 1, 3), (1, 5, 20, 33)],
    ),
    "contract_conv_transpose_odd": (
        one(
            "ConvTranspose",
            [1, 6, 5, "w"],
            [1, 4, 14, "q"],
            [("k", weights(6, 2, 4, 5))],
            group=2,
            strides=[3, 2],
            pads=[1, 2, 1, 1],
            output_padding=[0, 1],
        ),
        [(1, 6, 5, 7), (1, 6, 5, 1)],
    ),
    "pool_max": (
        one("MaxPool", ["n", 19, "h", 13], ["n", 19, "p", 7], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]),
        [(1, 19, 9, 13), (2, 19, 2, 13)],
    ),
    "pool_average": (
        one("AveragePool", [1, 5, 9, 9], [1, 5, 5, 5], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1),
        [(1, 5, 9, 9)],
    ),
    "permute": (one("Transpose", ["n", 5, 33], [33, "n", 5], perm=[2, 0, 1]), [(1, 5, 33), (4, 5, 33)]),
    "broadcast": (one("Expand", ["n", 1, 5], ["n", 4, 5], [("s", np.array([1, 4, 5], I))]), [(1, 1, 5), (3, 1, 5)]),
    "slice": (
        one(
            "Slice",
            ["n", 9, 20],
            ["n", 4, 7],
            [("a", np.array([7, 1], I)), ("b", np.array([-9, 20], I)), ("c", np.array([1, 2], I)), ("d", np.array([-2, 3], I))],
        ),
        [(1, 9, 20), (2, 9, 20)],
    ),
    "reshape": (one("Reshape", ["n", 4, 6], ["n", 24], [("s", np.array([0, -1], I))]), [(1, 4, 6), (5, 4, 6)]),
    "concat": (
        model_of(
            [
                node("Relu", ["x"], ["a"]),
                node("Neg", ["x"], ["b"]),
                node("Concat", ["a", "x", "b"], ["y"], axis=1),
            ],
            [("x", F, ["n", 3, 5])],
            [("y", F, ["n", 9, 5])],
        ),
        [(1, 3, 5), (4, 3, 5)],
    ),
    "pad": (
        one("Pad", ["n", 3, 4], ["n", 6, 6], [("p", np.array([0, 1, 2, 0, 2, 0], I)), ("v", np.array(1.5, F))]),
        [(1, 3, 4), (3, 3, 4)],
    ),
    "gather": (
        one("Gather", ["n", 7, 6], ["n", 3, 6], [("i", np.array([2, -1, 0], I))], axis=1),
        [(1, 7, 6), (2, 7, 6)],
    ),
    "recurrence_rnn": (recurrent("RNN", 1, 11), [(1, 1, 6), (9, 4, 6)]),
    "recurrence_gru": (recurrent("GRU", 3, 40), [(1, 1, 6), (9, 4, 6)]),
    "recurrence_gru_linear": (recurrent("GRU", 3, 32, linear_before_reset=1), [(1, 1, 6), (9, 4, 6)]),
    "recurrence_lstm": (recurrent("LSTM", 4, 50), [(1, 1, 6), (9, 4, 6), (3, 17, 6)]),
    "lookup_repeat": (
        model_of(
            [
                node("Conv", ["x", "k"], ["a"], pads=[1, 1, 1, 1]),
                node("Resize", ["a", "", "s"], ["b"], coordinate_transformation_mode="asymmetric", nearest_mode="floor"),
                node("MaxPool", ["b"], ["y"], kernel_shape=[2, 3]),
            ],
            [("x", F, ["n", 3, "h", 6])],
            [("y", F, ["n", 19, "p", 10])],
            [("s", np.array([1, 1, 2, 2], F)), ("k", weights(19, 3, 3, 3))],
        ),
        [(1, 3, 4, 6), (2, 3, 1, 6)],
    ),
    "lookup_weighted": (
        one("Resize", ["n", 3, "h", 6], ["n", 3, "p", 9], [("r", np.array([], F)), ("s", np.array([1, 1, 1.7, 1.5], F))], mode="linear"),
        [(1, 3, 4, 6), (2, 3, 40, 6)],
    ),
    "lookup_elements": (
        one("GatherElements", ["n", 7, 6], ["n", 3, 6], [("i", np.arange(36).reshape(2, 3, 6) % 7 - 3)], axis=1),
        [(2, 7, 6)],
    ),
    "lookup_border": (
        one("Pad", ["n", 3, "w"], ["n", 6, "v"], [("p", np.array([0, 1, 3, 0, 2, 4], I))], mode="edge"),
        [(1, 3, 1), (3, 3, 45)],
    ),
    "scatter_elements": (
        one(
            "ScatterElements",
            ["n", 7, 6],
            ["n", 7, 6],
            [("i", np.arange(36).reshape(2, 3, 6) % 5 - 3), ("u", weights(2, 3, 6))],
            axis=1,
            reduction="add",
            opset=16,
        ),
        [(2, 7, 6), (4, 7, 6)],
    ),
    "scatter_rows": (
        one("ScatterND", [9, 37], [9, 37], [("i", np.array([[3], [-1], [0]], I)), ("u", weights(3, 37))]),
        [(9, 37)],
    ),
    "composite_rows": (one("Softmax", ["n", 3, 41], ["n", 3, 41], axis=-1), [(1, 3, 41), (4, 3, 41)]),
    "composite_rows_outer": (one("Softmax", [6, 5, 9], [6, 5, 9], axis=1), [(6, 5, 9)]),
    "cumulate": (
        one("CumSum", ["n", 5, "m"], ["n", 5, "m"], [("a", np.array(1, I))], exclusive=1),
        [(1, 5, 37), (3, 5, 1)],
    ),
    "cumulate_inner": (
        one("CumSum", ["n", "m"], ["n", "m"], [("a", np.array(-1, I))], reverse=1),
        [(1, 37), (3, 200)],
    ),
    "top_k": (one("TopK", ["n", "m", 4], ["n", 5, 4], [("k", np.array([5], I))], outputs=["y", "i"], axis=1), [(2, 5, 4), (3, 90, 4)]),
    "top_k_inner": (
        model_of(
            [
                node("TopK", ["x", "k"], ["v", "i"], largest=0),
                node("Cast", ["i"], ["f"], to=1),
                node("Add", ["v", "f"], ["y"]),
            ],
            [("x", F, ["n", 300])],
            [("y", F, ["n", 60])],
            [("k", np.array([60], I))],
        ),
        [(1, 300), (3, 300)],
    ),
    "top_k_one": (
        model_of(
            [
                node("ArgMax", ["x"], ["i"], axis=-1),
                node("ArgMin", ["x"], ["j"], axis=1, keepdims=0),
                node("Cast", ["i"], ["f"], to=1),
                node("Cast", ["j"], ["g"], to=1),
                node("Hardmax", ["x"], ["h"], axis=1),
                node("Unsqueeze", ["g", "one"], ["u"]),
                node("Sum", ["f", "u", "h"], ["y"]),
            ],
            [("x", F, ["n", 23, "m"])],
            [("y", F, ["n", 23, "m"])],
            [("one", np.array([1], I))],
        ),
        [(1, 23, 70), (3, 23, 5)],
    ),
    "ordered_after_conv": (
        model_of(
            [
                node("Conv", ["x", "k"], ["c"], pads=[1, 1, 1, 1]),
                node("CumSum", ["c", "axis"], ["s"]),
                node("ArgMax", ["s"], ["i"], axis=1),
                node("TopK", ["s", "axis1"], ["v", "j"], axis=1),
                node("Cast", ["i"], ["f"], to=1),
                node("Cast", ["j"], ["g"], to=1),
                node("Sum", ["s", "f", "g", "v"], ["y"]),
            ],
            [("x", F, ["n", 3, 9, 8])],
            [("y", F, ["n", 20, 9, 8])],
            [("k", weights(20, 3, 3, 3)), ("axis", np.array(1, I)), ("axis1", np.array([1], I))],
        ),
        [(1, 3, 9, 8), (2, 3, 9, 8)],
    ),
    "pool_indices": (
        model_of(
            [
                node("MaxPool", ["x"], ["v", "i"], kernel_shape=[3, 2], strides=[2, 2], pads=[1, 0, 1, 1]),
                node("Cast", ["i"], ["f"], to=1),
                node("Add", ["v", "f"], ["y"]),
            ],
            [("x", F, ["n", 19, 9, 8])],
            [("y", F, ["n", 19, 5, 4])],
        ),
        [(1, 19, 9, 8), (2, 19, 9, 8)],
    ),
    "composite_rows_of_two_results": (  # exp is kept in the place of one result while the other is made
        model_of(
            [
                node("LogSoftmax", ["x"], ["a"], axis=0),
                node("Exp", ["a"], ["y"]),
                helper.make_node("Softmax", ["x"], ["s"], axis=0),
            ],
            [("x", F, [12, "n"])],
            [("y", F, [12, "n"]), ("s", F, [12, "n"])],
        ),
        [(12, 3), (12, 40)],
    ),
    "copy": (one("Identity", ["n", 5], ["n", 5]), [(1, 5), (3, 5)]),
    "constant": (
        model_of(
            [
                node("Constant", [], ["c"], value_floats=[1.0, -2.0, 3.5]),
                node("Mul", ["x", "c"], ["y"]),
            ],
            [("x", F, ["n", 3])],
            [("y", F, ["n", 3])],
        ),
        [(1, 3), (4, 3)],
    ),
}


@pytest.mark.parametrize("cpu", ["x86-64", "x86-64-v3", "native"])
@pytest.mark.parametrize("name", MODELS)
def test_primitive(run_dovetail, tmp_path, name, cpu):
    model, shapes = MODELS[name]
    save(model, tmp_path / "model.onnx")
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", "--cpu", cpu)
    for shape in shapes:
        x = np.random.default_rng(1).standard_normal(shape).astype(F)
        np.save(tmp_path / "x.npy", x)
        run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
        for index, expected in enumerate(reference(model, {"x": x})):
            assert difference(np.load(tmp_path / "out" / f"{index}.npy"), expected) <= 1e-5, (shape, index)


def test_fat_library_runs_its_best_variant(run_dovetail, tmp_path):
    model, shapes = MODELS["contract_conv"]
    save(model, tmp_path / "model.onnx")
    levels = ["x86-64-v3", "x86-64", "native"]
    cpus = [word for level in levels for word in ("--cpu", level)]
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", *cpus)
    x = np.random.default_rng(1).standard_normal(shapes[0]).astype(F)
    np.save(tmp_path / "x.npy", x)
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    assert difference(np.load(tmp_path / "out" / "0.npy"), reference(model, {"x": x})[0]) <= 1e-5


@pytest.mark.parametrize("starts,ends", [((1, 0), (3, 1)), ((0, 3), (2, 3))])
def test_slice_to_nothing(run_dovetail, tmp_path, starts, ends):
    borders = [("a", np.array(starts, I)), ("b", np.array(ends, I)), ("c", np.array([1, 0], I))]
    save(one("Slice", [25, 1], [25, 0], borders), tmp_path / "model.onnx")
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    np.save(tmp_path / "x.npy", weights(25, 1))
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    assert np.load(tmp_path / "out" / "0.npy").size == 0
