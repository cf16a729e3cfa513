"""Small models made on the spot, and what their answers are compared with."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


def model_of(nodes, inputs, outputs, weights=(), opset=OPSET):
    """A ModelProto; inputs and outputs are (name, numpy dtype, shape), weights (name, array)."""

    def info(name, dtype, shape):
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [info(*i) for i in inputs],
        [info(*o) for o in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def save(model, path):
    onnx.save(model, str(path))
    return path


def mlp(seed=0):
    """Three dense layers of 64 with ReLU: x float32[batch,64] -> y float32[batch,64]."""
    random = np.random.default_rng(seed)
    nodes, weights, value = [], [], "x"
    for layer in range(3):
        last = layer == 2
        nodes.append(helper.make_node("Gemm", [value, f"w{layer}", f"b{layer}"], [f"h{layer}"], name=f"dense_{layer}"))
        nodes.append(helper.make_node("Relu", [f"h{layer}"], ["y" if last else f"r{layer}"], name=f"relu_{layer}"))
        weights.append((f"w{layer}", random.standard_normal((64, 64), dtype="float32") / 8))
        weights.append((f"b{layer}", random.standard_normal(64, dtype="float32") / 8))
        value = f"r{layer}"
    return model_of(nodes, [("x", "float32", ["batch", 64])], [("y", "float32", ["batch", 64])], weights)


def convolutions(seed=0):
    """Images of 8x8 through a convolution for Winograd tiles: x float32[batch,64] -> y float32[batch,64]."""
    random = np.random.default_rng(seed)
    shapes = [(64, 1, 1, 1), (72, 64, 3, 3), (1, 72, 1, 1)]
    weights = [("images", np.array([-1, 1, 8, 8])), ("rows", np.array([-1, 64]))]
    nodes, value = [helper.make_node("Reshape", ["x", "images"], ["c0"])], "c0"
    for layer, shape in enumerate(shapes):
        weights.append((f"w{layer}", random.standard_normal(shape, dtype="float32") / np.sqrt(np.prod(shape[1:]))))
        pads = [shape[2] // 2] * 4
        nodes.append(helper.make_node("Conv", [value, f"w{layer}"], [f"c{layer + 1}"], name=f"c{layer}", pads=pads))
        value = f"c{layer + 1}"
    nodes.append(helper.make_node("Reshape", [value, "rows"], ["y"]))
    weights = [(name, np.asarray(array, "float32" if name[0] == "w" else "int64")) for name, array in weights]
    return model_of(nodes, [("x", "float32", ["batch", 64])], [("y", "float32", ["batch", 64])], weights)


def doubling_loop():
    """trips int64, x float32[40] -> y = -x * 2^trips, sums float32[trips]: of what each iteration doubled."""
    body = helper.make_graph(
        [
            helper.make_node("Add", ["s", "s"], ["doubled"], name="double"),
            helper.make_node("ReduceSum", ["doubled"], ["sum"], name="sum", keepdims=0),
            helper.make_node("Identity", ["go"], ["go_on"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("s", TensorProto.FLOAT, None),
        ],
        [
            helper.make_tensor_value_info("go_on", TensorProto.BOOL, []),
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, None),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, []),
        ],
    )
    nodes = [
        helper.make_node("Loop", ["trips", "", "x"], ["last", "sums"], name="loop", body=body),
        helper.make_node("Neg", ["last"], ["y"], name="neg"),
    ]
    inputs = [("trips", "int64", []), ("x", "float32", [40])]
    return model_of(nodes, inputs, [("y", "float32", [40]), ("sums", "float32", ["trips_made"])])


def reference_session(model, blocked=True):
    """onnxruntime on a path or a ModelProto; `blocked`: in the layout of blocks of channels that it prefers.

    On a CPU with AVX2 alone that layout's results for ppocr_cls are up to 2.4e-4 from those of onnxruntime
    without any optimization (1.4e-5 with all others).
    """
    source = str(model) if not isinstance(model, onnx.ModelProto) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    levels = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = levels.ORT_ENABLE_ALL if blocked else levels.ORT_ENABLE_EXTENDED
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def reference(model, inputs):
    """onnxruntime's outputs for a path or a ModelProto."""
    return reference_session(model).run(None, inputs)


def difference(ours, theirs):
    """max|a-b| / max|a|; the reference must have spread, else any answer would pass."""
    assert ours.shape == theirs.shape and ours.dtype == theirs.dtype
    assert theirs.size == 1 or np.ptp(theirs) > 1e-3 * np.abs(theirs).max()
    return float(np.abs(ours.astype("float64") - theirs).max() / np.abs(theirs).max())


__all__ = ["TensorProto", "convolutions", "difference", "doubling_loop", "helper", "mlp", "model_of", "reference", "reference_session", "save"]
