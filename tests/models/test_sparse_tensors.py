"""Sparse initializers and constants are those with their zeros."""

import numpy as np
import pytest
from executors import Executor, compiled
from onnx_models import TensorProto, helper, numpy_helper


def sparse(name, values, indices, dims):
    return helper.make_sparse_tensor(numpy_helper.from_array(values, name), numpy_helper.from_array(np.asarray(indices, "int64")), dims)


def dense(values, indices, dims):
    array = np.zeros(dims, values.dtype)
    array.reshape(-1)[np.ravel_multi_index(tuple(np.transpose(indices)), dims) if np.ndim(indices) == 2 else indices] = values
    return array


def model(nodes, sparse_weights=(), dtype=TensorProto.FLOAT, shape=(2, 3)):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "graph", [info("x", dtype, shape)], [info("y", dtype, shape)], sparse_initializer=list(sparse_weights)
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


CASES = {
    "linear": ([1, 4], (2, 3)),
    "coordinates": ([[0, 2], [1, 0]], (2, 3)),
    "empty": ([], (2, 3)),
    "full": ([0, 1, 2, 3, 4, 5], (2, 3)),
    "vector": ([[0], [2]], (3,)),
}


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "bool"])
@pytest.mark.parametrize("name", CASES)
def test_sparse(run_dovetail, tmp_path, name, dtype):
    indices, dims = CASES[name]
    values = np.arange(1, len(indices) + 1).astype(dtype)
    op = "Or" if dtype == "bool" else "Add"
    number = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    x = (np.arange(6).reshape(2, 3) % 2).astype(dtype)
    add = helper.make_node(op, ["x", "w"], ["y"])
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse("", values, indices, dims))
    for each in (model([add], [sparse("w", values, indices, dims)], number), model([constant, add], (), number)):
        (y,) = Executor(compiled(run_dovetail, each, tmp_path))({"x": x})
        np.testing.assert_array_equal(y, x | dense(values, indices, dims) if dtype == "bool" else x + dense(values, indices, dims))


def test_sparse_in_a_branch(run_dovetail, tmp_path):
    info = helper.make_tensor_value_info
    branches = []
    for k in range(2):
        weight = sparse("w", np.array([k + 1], "float32"), [k], (3,))
        nodes = [helper.make_node("Add", ["x", "w"], ["r"])]
        branches.append(helper.make_graph(nodes, "branch", [], [info("r", 1, [2, 3])], sparse_initializer=[weight]))
    graph = helper.make_graph(
        [helper.make_node("If", ["c"], ["y"], then_branch=branches[0], else_branch=branches[1])],
        "graph",
        [info("x", 1, [2, 3]), info("c", TensorProto.BOOL, [])],
        [info("y", 1, [2, 3])],
    )
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    run = Executor(compiled(run_dovetail, whole, tmp_path))
    x = np.ones((2, 3), "float32")
    np.testing.assert_array_equal(run({"x": x, "c": np.array(True)})[0], x + np.array([1, 0, 0], "float32"))
    np.testing.assert_array_equal(run({"x": x, "c": np.array(False)})[0], x + np.array([0, 2, 0], "float32"))


ONE, TWO = np.ones(1, "float32"), np.ones(2, "float32")
WRONG = {
    "unsorted": ((TWO, [4, 1], (2, 3)), "the indices of its values 0 and 1 are not in ascending order"),
    "repeated": ((TWO, [[0, 1], [0, 1]], (2, 3)), "the indices of its values 0 and 1 are not in ascending order"),
    "beyond": ((TWO, [1, 6], (2, 3)), "index 6 of its value 1 is out of range: expected 0..5"),
    "negative": ((TWO, [[0, -1], [0, 1]], (2, 3)), "index -1 of its value 0 is out of range: expected 0..2"),
    "count": ((TWO, [1], (2, 3)), "its indices are int64[1], expected int64[2] or int64[2,2]"),
    "columns": ((ONE, [[1, 1, 1]], (2, 3)), "its indices are int64[1,3], expected int64[1] or int64[1,2]"),
    "matrix": ((np.ones((1, 1), "float32"), [1], (2, 3)), "its values have shape [1,1], expected one axis"),
    "extent": ((ONE, [1], (2, -3)), "its shape holds -3"),
    "nowhere": ((ONE, [0], (0, 3)), "its shape [0,3] has no place for 1 values"),
    "huge": (
        (ONE, [1], (2**40, 2**40)),
        "its shape [1099511627776,1099511627776] takes more than 268435456 bytes with its zeros, which is the most for a "
        "sparse tensor: store it dense",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_message(run_dovetail, tmp_path, name):
    arguments, message = WRONG[name]
    path = tmp_path / "model.onnx"
    path.write_bytes(model([helper.make_node("Add", ["x", "w"], ["y"], name="p")], [sparse("w", *arguments)]).SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: initializer 'w': {message}\n"
    constant = helper.make_node("Constant", [], ["w"], name="c", sparse_value=sparse("", *arguments))
    path.write_bytes(model([constant, helper.make_node("Add", ["x", "w"], ["y"])]).SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: node 'c' (Constant): attribute 'sparse_value': {message}\n"


def test_no_indices_and_repeated_name(run_dovetail, tmp_path):
    path = tmp_path / "model.onnx"
    weight = sparse("w", ONE, [1], (2, 3))
    node = helper.make_node("Add", ["x", "w"], ["y"])
    path.write_bytes(model([node], [weight, weight]).SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: initializer 'w' is given twice\n"
    weight.ClearField("indices")
    path.write_bytes(model([node], [weight]).SerializeToString())
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: initializer 'w': its 1 values have no indices\n"
