"""A graph that grows node by node. onnxruntime computes each node at once, so that every value is known
while the graph is made, and what would overflow, be undefined or grow too large is left out."""

import itertools
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
    """An extent of a shape: its size in this run (None: whatever the node gives), and a key. Extents are
    equal in every run when their keys are: the size where it is fixed, else an expression of symbols."""

    size: int | None
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
        outputs = session.run(None, feeds)
    except Exception as error:  # noqa: BLE001  onnxruntime raises several unrelated classes
        raise Rejected(str(error)) from error
    if any(array is None for array in outputs):  # what it makes of some results when it optimizes
        raise Rejected("no value")
    return outputs


def info(name, dtype, shape):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def names_read(nodes):
    """What the nodes read, in their bodies too (but for what a body makes itself), in order."""
    read = []
    for node in nodes:
        read += [name for name in node.input if name]
        for body in (attribute.g for attribute in node.attribute):
            own = {v.name for v in [*body.input, *body.initializer]} | {name for n in body.node for name in n.output}
            read += [name for name in names_read(body.node) + [o.name for o in body.output] if name not in own]
    return list(dict.fromkeys(read))


def free_names(nodes):
    """What the nodes read and do not make."""
    made = {name for node in nodes for name in node.output}
    return [name for name in names_read(nodes) if name not in made]


class Graph:
    """A graph, or a body inside `outer`, which sees the values of the outer one."""

    def __init__(self, random, rows, operators, opset, outer=None):
        self.random = random
        self.operators = operators  # names that may be used
        self.rows = [row for row in rows if row[0] in operators]
        self.opset = opset
        self.outer = outer
        self.depth = outer.depth + 1 if outer else 0
        self.numbers = outer.numbers if outer else itertools.count()
        self.weights = outer.weights if outer else {}  # of all graphs together: a body's close() moves its own
        self.dtypes = outer.dtypes if outer else set()  # of all values, those of bodies too
        self.inputs, self.values, self.nodes = [], list(outer.values) if outer else [], []

    def body(self):
        return Graph(self.random, self.rows, self.operators, self.opset, self)

    def fresh(self):
        """An extent that only a run knows."""
        return Extent(None, f"k{next(self.numbers)}")

    def input(self, array, shape):
        value = Value(f"x{next(self.numbers)}", array, tuple(shape))
        self.inputs.append(value)
        self.values.append(value)
        self.dtypes.add(value.dtype)
        return value

    def weight(self, array):
        """An initializer, as an operand."""
        name = f"w{next(self.numbers)}"
        self.weights[name] = array
        return Value(name, array, tuple(fixed(n) for n in array.shape))

    def ints(self, numbers):
        return self.weight(np.array(numbers, "int64"))

    def node(self, op, operands, *shapes, **attributes):
        """Appends a node; its results have these shapes. Operands are values or None. The first result."""
        return self.node_results(op, operands, *shapes, **attributes)[0]

    def node_results(self, op, operands, *shapes, **attributes):
        """As node(), but all results."""
        if op not in self.operators or [] in attributes.values():  # no lists of axes for a scalar
            raise Rejected(op)
        number = next(self.numbers)
        names = [f"v{number}_{k}" for k in range(len(shapes))]
        node = helper.make_node(op, [v.name if v else "" for v in operands], names, name=f"n{number}", **attributes)
        read = self._values_of(free_names([node]), operands)
        arrays = run(self._model([node], read, names), {v.name: v.array for v in read if v.name not in self.weights}, PLAIN)
        results = []
        for name, array, shape in zip(names, arrays, shapes, strict=True):
            array = np.asarray(array)
            shape = tuple(e if e.size is not None else Extent(n, e.key) for e, n in zip(shape, array.shape, strict=True))
            assert array.shape == tuple(e.size for e in shape), (op, attributes, array.shape, shape)
            check_values(array)
            results.append(Value(name, array, shape))
        self.nodes.append(node)
        self.values += results
        self.dtypes.update(v.dtype for v in results)
        return results

    def grow(self, wanted):
        """Adds up to `wanted` nodes; rows that do not fit are tried in vain."""
        for _ in range(5 * wanted):
            if len(self.nodes) >= wanted:
                break
            mark = self.mark()
            try:
                self.rows[int(self.random.integers(len(self.rows)))][1](self)
            except Rejected:
                self.roll_back(mark)

    def close(self, outputs, infos):
        """The body as a GraphProto; a weight that it made is its own initializer or one of the outermost graph."""
        used = [name for name in free_names(self.nodes) if name in self.weights]
        own = [name for name in used if self.random.integers(2)]
        weights = [numpy_helper.from_array(self.weights.pop(name), name) for name in own]
        declared = [info(v.name, v.dtype, None) for v in outputs]
        return helper.make_graph(self.nodes, f"body{next(self.numbers)}", infos, declared, weights)

    def _values_of(self, names, operands):
        known = {v.name: v for v in [*self.values, *(v for v in operands if v)]}
        return [known.get(name) or Value(name, self.weights[name], ()) for name in names]

    def _model(self, nodes, operands, outputs):
        inputs = [info(v.name, v.array.dtype, v.array.shape) for v in operands if v.name not in self.weights]
        weights = [numpy_helper.from_array(v.array, v.name) for v in operands if v.name in self.weights]
        return finish(nodes, inputs, outputs, weights, self.opset)

    def mark(self):
        return len(self.nodes), len(self.values), len(self.weights)

    def roll_back(self, mark):
        del self.nodes[mark[0] :], self.values[mark[1] :]
        for name in list(self.weights)[mark[2] :]:
            del self.weights[name]

    def model(self, outputs):
        """The whole; symbols are the names of extents that are not fixed."""
        infos = [info(v.name, v.dtype, [e.size if e.fixed else e.key for e in v.shape]) for v in self.inputs]
        weights = [numpy_helper.from_array(self.weights[n], n) for n in free_names(self.nodes) if n in self.weights]
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

