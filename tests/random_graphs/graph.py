"""A graph that grows node by node. onnxruntime computes each node at once, so that every value is known
while the graph is made, and what would overflow, be undefined or grow too large is left out."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import onnxruntime
from onnx import helper, numpy_helper

MAX_ELEMENTS = 20000
MAX_MAGNITUDE = 1e4  # beyond, sums of other order differ too much to compare
ORT = onnxruntime.SessionOptions()
ORT.log_severity_level = 4
ORT.intra_op_num_threads = 1
ORT.inter_op_num_threads = 1
PLAIN = onnxruntime.SessionOptions()
PLAIN.log_severity_level = 4
PLAIN.intra_op_num_threads = 1
PLAIN.inter_op_num_threads = 1
PLAIN.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL


class Rejected(Exception):
    """The node does not fit here."""


class Extent(NamedTuple):
    """An extent of a shape: its size in this run, and a key. Extents are equal in every run when their
    keys are: the size where it is fixed, else an expression of symbols."""

    size: int
    key: str

    @property
    def fixed(self):
        return self.key == str(self.size)


def fixed(size):
    return Extent(int(size), str(int(size)))


def product(extents):
    if any(not extent.fixed for extent in extents):
        return Extent(int(np.prod([e.size for e in extents])), "*".join(sorted(e.key for e in extents if e.key != "1")))
    return fixed(np.prod([e.size for e in extents], dtype=int))


@dataclass
class Value:
    name: str
    array: np.ndarray
    shape: tuple  # of Extent

    @property
    def dtype(self):
        return str(self.array.dtype)

    @property
    def rank(self):
        return len(self.shape)


def run(model, feeds, options=ORT):
    """onnxruntime's outputs; Rejected when it refuses the model or the run."""
    try:
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, feeds)
    except Exception as error:  # noqa: BLE001  onnxruntime raises several unrelated classes
        raise Rejected(str(error)) from error


def info(name, dtype, shape):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


class Graph:
    def __init__(self, random, operators, opset):
        self.random = random
        self.operators = operators  # names that may be used
        self.opset = opset
        self.inputs, self.values, self.nodes, self.weights = [], [], [], {}

    def input(self, array, shape):
        value = Value(f"x{len(self.inputs)}", array, tuple(shape))
        self.inputs.append(value)
        self.values.append(value)
        return value

    def weight(self, array):
        """An initializer, as an operand."""
        name = f"w{len(self.weights)}"
        self.weights[name] = array
        return Value(name, array, tuple(fixed(n) for n in array.shape))

    def ints(self, numbers):
        return self.weight(np.array(numbers, "int64"))

    def node(self, op, operands, *shapes, **attributes):
        """Appends a node; its results have these shapes. Operands are values or None."""
        if op not in self.operators or [] in attributes.values():  # no lists of axes for a scalar
            raise Rejected(op)
        names = [f"v{len(self.values)}_{k}" for k in range(len(shapes))]
        node = helper.make_node(op, [v.name if v else "" for v in operands], names, name=f"n{len(self.nodes)}", **attributes)
        arrays = run(self._model([node], operands, names), {v.name: v.array for v in operands if v and v.name not in self.weights}, PLAIN)
        results = []
        for name, array, shape in zip(names, arrays, shapes, strict=True):
            array = np.asarray(array)
            assert array.shape == tuple(e.size for e in shape), (op, attributes, array.shape, shape)
            check_values(array)
            results.append(Value(name, array, tuple(shape)))
        self.nodes.append(node)
        self.values += results
        return results[0]

    def _model(self, nodes, operands, outputs, infos=None):
        operands = {v.name: v for v in operands if v}
        inputs = [info(v.name, v.array.dtype, v.array.shape) for v in operands.values() if v.name not in self.weights]
        weights = [numpy_helper.from_array(v.array, v.name) for v in operands.values() if v.name in self.weights]
        return finish(nodes, infos or inputs, outputs, weights, self.opset)

    def mark(self):
        return len(self.nodes), len(self.values), dict(self.weights)

    def roll_back(self, mark):
        del self.nodes[mark[0] :], self.values[mark[1] :]
        self.weights = mark[2]

    def model(self, outputs):
        """The whole; symbols are the names of extents that are not fixed."""
        infos = [info(v.name, v.dtype, [e.size if e.fixed else e.key for e in v.shape]) for v in self.inputs]
        used = {name for node in self.nodes for name in node.input}
        weights = [numpy_helper.from_array(a, n) for n, a in self.weights.items() if n in used]
        return finish(self.nodes, infos, outputs, weights, self.opset)

    def feeds(self):
        return {v.name: v.array for v in self.inputs}


def finish(nodes, inputs, outputs, weights, opset):
    declared = [helper.make_empty_tensor_value_info(name) for name in outputs]
    graph = helper.make_graph(nodes, "random", inputs, declared, weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    return model


def check_values(array):
    if array.size > MAX_ELEMENTS:
        raise Rejected("too large")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all() or (array.size and np.abs(array).max() > MAX_MAGNITUDE):
            raise Rejected("out of range")
        if array.size and 0 < np.abs(array).max() < 1e-4:
            raise Rejected("too small")
    elif array.dtype.kind == "i" and array.size and max(abs(int(array.min())), abs(int(array.max()))) > 2**30:
        raise Rejected("out of range")

