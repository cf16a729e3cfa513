"""Whether a graph's answer is decided by more than rounding errors. Otherwise it tells nothing about us."""

import numpy as np
import onnx
import reduce as reducer
from graph import PLAIN, run
from onnx import helper, numpy_helper

# What libraries round differently: relative to each element,
ELEMENTWISE = set(
    "Acos Acosh Asin Asinh Atan Atanh Cos Cosh Erf Exp Log Pow Reciprocal ReduceProd Sigmoid Sin Sinh "
    "Softplus Softsign Sqrt Tan Tanh".split()
)
# or to the largest one, because terms cancel.
SUMS = set(
    "AffineGrid Attention AveragePool BatchNormalization Celu Col2Im Conv ConvTranspose CumSum Einsum Elu GRU Gelu Gemm "
    "GlobalAveragePool GlobalLpPool GridSample GroupNormalization HardSigmoid HardSwish InstanceNormalization LRN LSTM "
    "LayerNormalization LogSoftmax LpNormalization LpPool MatMul Mean MeanVarianceNormalization Mish RMSNormalization RNN "
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceSum ReduceSumSquare Resize RoiAlign RotaryEmbedding "
    "ScatterND Selu Softmax Sum".split()
)
ROUNDING = {"float32": 3e-7, "float64": 1e-15}  # of an element; of sums four times as much
INPUTS = 3e-6  # relative change


def error_of(node, array, random):
    """Such errors of a node's result: some of every sign, some of one."""
    scale = np.abs(array) if node.op_type in ELEMENTWISE else 4 * np.abs(array).max(initial=0.0)
    direction = random.choice([-1, 1]) + random.uniform(-1, 1, array.shape)
    return (ROUNDING[str(array.dtype)] * scale * direction).astype(array.dtype)


def factor_of(dtype, random):
    """The same where a result is not known, as within a body: of all its elements."""
    return np.array(1 + 4 * ROUNDING[str(dtype)] * random.uniform(-1, 1), dtype)


def dtypes_of(graph):
    """The type of every value, those of bodies too, of a graph with inferred types."""
    types = {v.name: v.type.tensor_type.elem_type for v in [*graph.value_info, *graph.output]}
    dtypes = {name: helper.tensor_dtype_to_np_dtype(number) for name, number in types.items() if number}
    for body in (attribute.g for node in graph.node for attribute in node.attribute):
        dtypes |= dtypes_of(body)
    return dtypes


def add_errors(graph, values, dtypes, random):
    nodes = list(graph.node)
    del graph.node[:]
    for node in nodes:
        for body in (attribute.g for attribute in node.attribute if attribute.HasField("g")):
            add_errors(body, {}, dtypes, random)
        spoiled = graph.node.add()
        spoiled.CopyFrom(node)
        for index, name in enumerate(node.output):
            array = np.asarray(values[name]) if name in values else None
            dtype = dtypes.get(name) if array is None else array.dtype
            if node.op_type not in ELEMENTWISE | SUMS or str(dtype) not in ROUNDING:
                continue
            op, error = ("Mul", factor_of(dtype, random)) if array is None else ("Add", error_of(node, array, random))
            spoiled.output[index] = f"{name}_exact"
            graph.initializer.append(numpy_helper.from_array(error, f"{name}_error"))
            graph.node.append(helper.make_node(op, [f"{name}_exact", f"{name}_error"], [name]))


def with_errors(model, values, random):
    """The model with errors added to the results of its nodes."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    dtypes = dtypes_of(onnx.shape_inference.infer_shapes(model).graph)
    add_errors(changed.graph, values, dtypes, random)
    return changed


def nearly_equal(answers, expected, bounds):
    for a, b, bound in zip(map(np.asarray, answers), expected, bounds, strict=True):
        if a.shape != b.shape or (b.size and np.abs(a.astype("float64") - b).max() > bound):
            return False
    return True


def changed_inputs(feeds, random):
    return {
        name: (a + INPUTS * random.uniform(-1, 1, a.shape) * np.abs(a)).astype(a.dtype) if a.dtype.kind == "f" else a
        for name, a in feeds.items()
    }


def is_stable(model, feeds, expected, random):
    """Whether other inputs in their last digits, other kernels and other rounding give nearly the same."""
    bounds = reducer.tolerances(model, expected)
    answers = [run(model, feeds)]
    answers += [run(model, changed_inputs(feeds, random), PLAIN) for _ in range(2)]
    values = reducer.all_values(model, feeds)
    blind = any(attribute.HasField("g") for node in model.graph.node for attribute in node.attribute)
    answers += [run(with_errors(model, values, random), feeds, PLAIN) for _ in range(6 if blind else 3)]
    return all(nearly_equal(a, expected, bounds) for a in answers)
