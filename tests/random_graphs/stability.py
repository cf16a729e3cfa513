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
    "AveragePool BatchNormalization Celu Conv ConvTranspose CumSum Elu GRU Gelu Gemm GlobalAveragePool "
    "HardSigmoid HardSwish InstanceNormalization LSTM LayerNormalization LogSoftmax MatMul Mean Mish RNN ReduceL1 "
    "ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMean ReduceSum ReduceSumSquare Resize Selu Softmax Sum".split()
)
ROUNDING = {"float32": 3e-7, "float64": 1e-15}  # of an element; of sums four times as much
INPUTS = 3e-6  # relative change


def error_of(node, array, random):
    """Such errors of a node's result: some of every sign, some of one."""
    scale = np.abs(array) if node.op_type in ELEMENTWISE else 4 * np.abs(array).max(initial=0.0)
    direction = random.choice([-1, 1]) + random.uniform(-1, 1, array.shape)
    return (ROUNDING[str(array.dtype)] * scale * direction).astype(array.dtype)


def with_errors(model, values, random):
    """The model with errors added to the results of its nodes."""
    changed = onnx.ModelProto.FromString(model.SerializeToString())
    nodes = list(changed.graph.node)
    del changed.graph.node[:]
    for node in nodes:
        changed.graph.node.append(node)
        for index, name in enumerate(node.output):
            array = np.asarray(values.get(name))
            if node.op_type not in ELEMENTWISE | SUMS or str(array.dtype) not in ROUNDING:
                continue
            changed.graph.node[-1].output[index] = f"{name}_exact"
            changed.graph.initializer.append(numpy_helper.from_array(error_of(node, array, random), f"{name}_error"))
            changed.graph.node.append(helper.make_node("Add", [f"{name}_exact", f"{name}_error"], [name]))
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
    answers += [run(with_errors(model, values, random), feeds, PLAIN) for _ in range(3)]
    return all(nearly_equal(a, expected, bounds) for a in answers)
