"""Files that break the standard's rules, as real ones do: each works, with a warning that names the fault."""

import numpy as np
import pytest
from onnx_models import TensorProto, helper, model_of, numpy_helper, reference, save

F = "float32"
X = np.arange(12, dtype=F).reshape(3, 4) - 5


def relu_model(shape=(3, 4)):
    return model_of([helper.make_node("Relu", ["x"], ["y"], name="relu")], [("x", F, shape)], [("y", F, shape)])


def wrong_output_shape():
    model = relu_model()
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 5
    return model


def wrong_output_rank():
    model = relu_model()
    model.graph.output[0].type.tensor_type.shape.dim.add(dim_value=1)
    return model


def wrong_output_dtype():
    model = relu_model()
    model.graph.output[0].type.tensor_type.elem_type = TensorProto.DOUBLE
    return model


def negative_extent():
    model = relu_model()
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = -1
    return model


def question_marks():
    model = relu_model()
    for dim in model.graph.input[0].type.tensor_type.shape.dim:
        dim.dim_param = "?"
    return model


def unsorted_nodes():
    nodes = [helper.make_node("Relu", ["x"], ["h"], name="first"), helper.make_node("Neg", ["h"], ["y"], name="second")]
    model = model_of(nodes, [("x", F, (3, 4))], [("y", F, (3, 4))])
    model.graph.node.reverse()
    return model


def wrong_inner_shape():
    model = unsorted_nodes()
    model.graph.node.reverse()
    model.graph.value_info.append(helper.make_tensor_value_info("h", TensorProto.FLOAT, [7]))
    return model


def weights_among_inputs():
    node = helper.make_node("Add", ["x", "w"], ["y"], name="add")
    model = model_of([node], [("x", F, (3, 4))], [("y", F, (3, 4))], [("w", np.arange(4, dtype=F))])
    model.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [4]))
    model.ir_version = 3
    return model


def weights_as_constants():
    model = weights_among_inputs()
    model.ir_version = 8
    del model.graph.input[1], model.graph.initializer[:]
    value = numpy_helper.from_array(np.arange(4, dtype=F))
    model.graph.node.insert(0, helper.make_node("Constant", [], ["w"], value=value))
    return model


# What the warning says after the file's name; None: the file keeps the rules, or its fault cannot matter.
FILES = {
    wrong_output_shape: "output 'y' is declared with shape [3,5], but has shape [3,4]",
    wrong_output_rank: "output 'y' is declared with shape [3,4,1], but has shape [3,4]",
    wrong_output_dtype: "output 'y' is declared as float64, but is float32",
    negative_extent: "input 'x' declares extent -1 for axis 0; it is taken as free and called x.0",
    question_marks: "input 'x' calls axis 0 '?', which is no name; it is called x.0",
    unsorted_nodes: "nodes stand before those that make their inputs; they were sorted",
    wrong_inner_shape: None,
    weights_among_inputs: None,
    weights_as_constants: None,
}


@pytest.mark.parametrize("make", FILES, ids=lambda make: make.__name__)
def test_works_with_a_warning(run_dovetail, tmp_path, make):
    path = save(make(), tmp_path / "model.onnx")
    result = run_dovetail("build", path, "-o", tmp_path / "model.so")
    warnings = result.stderr.splitlines()
    assert warnings[:1] == ([f"dovetail: warning: {path}: {FILES[make]}"] if FILES[make] else [])
    np.save(tmp_path / "x.npy", X)
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    expected = X + np.arange(4, dtype=F) if "weights" in make.__name__ else np.maximum(X, 0)
    if make in (unsorted_nodes, wrong_inner_shape):
        expected = -expected
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "0.npy"), expected)


def test_minus_infinity_cast_behind_a_where(run_dovetail, tmp_path):
    """The cast of what Where leaves out is undefined in C++: it must not disturb what Where takes."""
    nodes = [
        helper.make_node("Log", ["x"], ["log"]),
        helper.make_node("Cast", ["log"], ["whole"], to=TensorProto.INT64),
        helper.make_node("Greater", ["x", "zero"], ["positive"]),
        helper.make_node("Where", ["positive", "whole", "minus"], ["y"]),
    ]
    weights = [("zero", np.zeros((), F)), ("minus", np.array(-1, "int64"))]
    model = model_of(nodes, [("x", F, ("n",))], [("y", "int64", ("n",))], weights)
    save(model, tmp_path / "model.onnx")
    run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    x = np.array([0, 1, 20, -3, 0, 100, np.inf, np.nan, 0.1], F)
    np.save(tmp_path / "x.npy", x)
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    ours = np.load(tmp_path / "out" / "0.npy")
    finite = np.isfinite(x)
    np.testing.assert_array_equal(ours[finite], reference(model, {"x": x})[0][finite])


def test_an_output_that_is_listed_twice(run_dovetail, tmp_path):
    """As onnxruntime does: outputs by index, both with the name."""
    model = relu_model()
    model.graph.output.append(model.graph.output[0])
    path = save(model, tmp_path / "model.onnx")
    assert run_dovetail("build", path, "-o", tmp_path / "model.so").stderr == ""
    np.save(tmp_path / "x.npy", X)
    run_dovetail("run", tmp_path / "model.so", "--input", f"x={tmp_path}/x.npy", "--output-dir", tmp_path / "out")
    for k, expected in enumerate(reference(model, {"x": X})):
        np.testing.assert_array_equal(np.load(tmp_path / "out" / f"{k}.npy"), expected)
    shown = run_dovetail("inspect", tmp_path / "model.so").stdout
    assert shown.count("output  y float32 (3, 4)") == 2
