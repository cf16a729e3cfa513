"""Seeded random weights for the "light" test models of the onnx package.

Those files hold constant weights (every output is 0.001), so a wrong compiler could agree with the
reference. The draw is fixed by its seed: the same file comes out everywhere, its sha256 is in the
manifest.
"""

import math

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper


def _weight_shapes(graph):
    """Shapes of all constants by name, and the nodes that make constants from a shape alone."""
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    shapes = {name: list(tensor.dims) for name, tensor in initializers.items()}
    fills = []
    for node in graph.node:
        if node.op_type == "ConstantOfShape" and node.input[0] in initializers:
            shape = numpy_helper.to_array(initializers[node.input[0]])
            shapes[node.output[0]] = [int(extent) for extent in shape]
            fills.append(node)
    return shapes, fills


def _uses(graph):
    """name -> [(node, position)] of every operand."""
    uses = {}
    for node in graph.node:
        for position, name in enumerate(node.input):
            uses.setdefault(name, []).append((node, position))
    return uses


def _role(name, uses):
    """(operator, operand position) a constant ends in, seen through Unsqueeze and Reshape."""
    for node, position in uses.get(name, []):
        if node.op_type == "Unsqueeze" or (node.op_type == "Reshape" and position == 0):
            return _role(node.output[0], uses)
        return node.op_type, position
    return None, 0


def _draw(role, shape, random):
    """Values that keep activations of moderate size; None for what is no weight."""

    def normal(deviation):
        return random.standard_normal(shape) * deviation

    def positive():
        return random.uniform(0.8, 1.2, shape)

    operator, position = role
    if operator in ("Conv", "Gemm") and position in (1, 2):
        return normal(math.sqrt(2 / math.prod(shape[1:])) if position == 1 else 0.05)
    if operator == "BatchNormalization":
        # All four are drawn for each: the files' sha256 depend on what is taken from the stream.
        scale, bias, mean, variance = positive(), normal(0.1), normal(0.1), positive()
        return {1: scale, 2: bias, 3: mean, 4: variance}[position]
    if operator == "Mul":
        return positive()
    if operator == "Add":
        return normal(0.1)
    return None


def _keep(graph, field, wanted):
    """Drops every entry of a repeated field that `wanted` refuses."""
    entries = getattr(graph, field)
    for entry in list(entries):
        if not wanted(entry):
            entries.remove(entry)


def _store(model, weights):
    """Puts the weights behind the other initializers, by name, and returns the model's bytes."""
    _keep(model.graph, "initializer", lambda tensor: tensor.name not in weights)
    for name in sorted(weights):
        model.graph.initializer.append(numpy_helper.from_array(weights[name], name))
    return model.SerializeToString(deterministic=True)


def _scale_logits(model, weights, feed):
    """Scales the last contraction by a power of two so that its results have a deviation near 2."""
    graph = model.graph
    last = [node for node in graph.node if node.op_type in ("Conv", "Gemm")][-1]
    probe = onnx.ModelProto()
    probe.CopyFrom(model)
    del probe.graph.output[:]
    probe.graph.output.append(helper.make_tensor_value_info(last.output[0], 1, None))
    session = onnxruntime.InferenceSession(
        probe.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    value = np.random.default_rng(0).uniform(0, 1, feed["shape"]).astype("float32")
    logits = session.run(None, {feed["name"]: value})[0]
    producers = {node.output[0]: node for node in graph.node}
    weight = last.input[1]
    while weight not in weights:
        weight = producers[weight].input[0]
    weights[weight] = weights[weight] * np.float32(2.0 ** round(math.log2(2 / float(logits.std()))))


def randomize_weights(data, seed, feed):
    """ONNX bytes with constant weights -> ONNX bytes with random ones.

    feed: {"name", "shape"} of the model's one real input; weights listed as inputs too lose that.
    """
    model = onnx.load_from_string(data)
    graph = model.graph
    random = np.random.default_rng(seed)
    shapes, fills = _weight_shapes(graph)
    uses = _uses(graph)

    weights = {}
    for name in sorted(shapes):
        values = _draw(_role(name, uses), shapes[name], random)
        if values is not None:
            weights[name] = np.asarray(values, "float32")

    def is_kept(tensor):
        readers = uses.get(tensor.name)
        if tensor.name in weights or readers is None:
            return False
        return any(node.op_type != "ConstantOfShape" for node, _ in readers)

    for node in fills:
        if node.output[0] in weights:
            graph.node.remove(node)
    _keep(graph, "initializer", is_kept)
    _keep(graph, "input", lambda value: value.name == feed["name"])
    model.ir_version = max(model.ir_version, 4)

    _store(model, weights)
    _scale_logits(model, weights, feed)
    return _store(model, weights)
