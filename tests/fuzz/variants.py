"""Models with one tensor of another shape or type than their nodes expect, or one number that is extreme: what an
operator has to check."""

import math

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper, numpy_helper

DTYPES = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.INT32, TensorProto.UINT8, TensorProto.BOOL)
SHAPES = (
    lambda dims: [],
    lambda dims: dims[1:],
    lambda dims: dims[:-1],
    lambda dims: [1, *dims],
    lambda dims: [*dims, 2],
    lambda dims: ["n"],
    lambda dims: ["n"] * len(dims),
    lambda dims: [f"n{axis}" for axis in range(len(dims))],
    lambda dims: [1] * len(dims),
    lambda dims: [0] * len(dims),
)
FLOATS = (math.inf, math.nan, 1e-38, 3e38, -1.0)
INTS = (0, -1, 2**31 - 1, -(2**63))
FEW = 8  # elements of a weight that sets an operator


def kind_of(model):
    """Equal for models that go through the same code, as far as their protobuf tells it."""
    graph = model.graph
    nodes = tuple(
        (node.op_type, tuple(bool(name) for name in node.input), tuple(sorted(a.name for a in node.attribute)))
        for node in graph.node
    )
    return nodes, tuple(weight.name for weight in graph.initializer)


def tensors(model):
    """Name -> (ONNX dtype, dims) of the tensors that the model is given or has."""
    found = {}
    for info in model.graph.input:
        if info.type.HasField("tensor_type"):
            tensor = info.type.tensor_type
            found[info.name] = (tensor.elem_type, [dim.dim_param or dim.dim_value for dim in tensor.shape.dim])
    for weight in model.graph.initializer:
        found.setdefault(weight.name, (weight.data_type, list(weight.dims)))
    return found


def with_input(model, name, dtype, dims):
    """The model with this tensor as an input that only a run knows."""
    changed = copy_of(model)
    graph = changed.graph
    info = helper.make_tensor_value_info(name, dtype, dims)
    inputs = [info if old.name == name else old for old in graph.input]
    if info not in inputs:
        inputs.append(info)
    weights = [weight for weight in graph.initializer if weight.name != name]
    del graph.input[:], graph.initializer[:]
    graph.input.extend(inputs)
    graph.initializer.extend(weights)
    return changed


def copy_of(model):
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    return copy


def with_attributes(model):
    for n, node in enumerate(model.graph.node):
        for a, attribute in enumerate(node.attribute):
            field, values = {
                AttributeProto.INT: ("i", INTS),
                AttributeProto.FLOAT: ("f", FLOATS),
                AttributeProto.INTS: ("ints", INTS),
                AttributeProto.FLOATS: ("floats", FLOATS),
            }.get(attribute.type, ("", ()))
            for value in values:
                changed = copy_of(model)
                place = changed.graph.node[n].attribute[a]
                if field in ("i", "f"):
                    setattr(place, field, value)
                elif getattr(place, field):
                    getattr(place, field)[0] = value
                yield changed


def with_weights(model):
    for w, weight in enumerate(model.graph.initializer):
        if weight.data_type not in (TensorProto.FLOAT, TensorProto.INT64):
            continue
        array = numpy_helper.to_array(weight)
        if array.size > FEW:
            continue
        for k in range(array.size):
            for value in INTS if array.dtype == np.int64 else FLOATS:
                other = array.copy()
                other.flat[k] = value
                changed = copy_of(model)
                changed.graph.initializer[w].CopyFrom(numpy_helper.from_array(other, weight.name))
                yield changed


def variants(model):
    yield from with_attributes(model)
    yield from with_weights(model)
    for name, (dtype, dims) in tensors(model).items():
        shapes = []
        for change in (list, *SHAPES):
            if change(dims) not in shapes:
                shapes.append(change(dims))
        for shape in shapes:
            yield with_input(model, name, dtype, shape)
        for other in DTYPES:
            if other != dtype:
                yield with_input(model, name, other, dims)
