"""Functions local to a model: each has its own names, whatever those of its callers are."""

import numpy as np
import pytest
from executors import Executor, check, close, compiled
from onnx import numpy_helper
from onnx_models import TensorProto, helper, save

F, B, I = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
X = ("x", F, ["n", 3])
YES, NO = np.array(True), np.array(False)


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, **attributes)


def call(function, inputs, outputs, **attributes):
    return node(function, inputs, outputs, domain="local", **attributes)


def body(nodes, inputs, outputs, weights=()):
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in weights]
    infos = [[helper.make_tensor_value_info(*info) for info in side] for side in (inputs, outputs)]
    return helper.make_graph(nodes, "body", *infos, tensors)


IMPORTS = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]


def function(name, inputs, outputs, nodes, attributes=()):
    return helper.make_function("local", name, inputs, outputs, nodes, IMPORTS, attributes)


def model(functions, nodes, inputs, outputs, weights=()):
    """A model that onnx's own checker need not accept."""
    graph = body(nodes, inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=IMPORTS, ir_version=8, functions=functions)


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


def condition(then_nodes, else_nodes, weights=()):
    """o = c ? t : e of nodes that read a and b."""
    branches = {
        "then_branch": body(then_nodes, [], [("t", F, None)], weights),
        "else_branch": body(else_nodes, [], [("e", F, None)]),
    }
    return function("Choose", ["c", "a", "b"], ["o"], [node("If", ["c"], ["o"], **branches)])


# ---- A body in a function that has a tensor called as one of the caller's


def test_a_tensor_of_a_branch_captures_no_argument(run_dovetail, tmp_path):
    choose = condition([node("Neg", ["a"], ["h"]), node("Add", ["h", "b"], ["t"])], [node("Sub", ["a", "b"], ["e"])])
    nodes = [node("Exp", ["x"], ["h"]), call("Choose", ["c", "x", "h"], ["y"])]
    proto = model([choose], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    check(run_dovetail, proto, tmp_path, [{"c": c, "x": rand(2, 3)} for c in (YES, NO)])


def test_an_output_of_a_branch_captures_no_argument(run_dovetail, tmp_path):
    choose = condition([node("Add", ["a", "b"], ["t"])], [node("Sub", ["a", "b"], ["e"])])
    nodes = [
        node("Neg", ["x"], ["t"]),
        call("Choose", ["c", "x", "t"], ["e"]),
        call("Choose", ["c", "t", "e"], ["y"]),
    ]
    proto = model([choose], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    close(run({"c": YES, "x": x}), [-x])
    close(run({"c": NO, "x": x}), [-3 * x])


def test_an_initializer_of_a_branch_captures_no_argument(run_dovetail, tmp_path):
    hundred = np.full(3, 100, "float32")
    choose = condition(
        [node("Add", ["a", "w"], ["s"]), node("Mul", ["s", "b"], ["t"])],
        [node("Sub", ["a", "b"], ["e"])],
        [("w", hundred)],
    )
    w = rand(3, seed=1)
    nodes = [call("Choose", ["c", "x", "w"], ["y"])]
    proto = model([choose], nodes, [("c", B, []), X], [("y", F, ["n", 3])], [("w", w)])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    close(run({"c": YES, "x": x}), [(x + hundred) * w])
    close(run({"c": NO, "x": x}), [x - w])


def test_a_state_of_a_loop_captures_no_argument(run_dovetail, tmp_path):
    iteration = body(
        [node("Identity", ["go"], ["go_on"]), node("Add", ["s", "b"], ["next"])],
        [("i", I, []), ("go", B, []), ("s", F, None)],
        [("go_on", B, []), ("next", F, None)],
    )
    repeat = function("Repeat", ["m", "a", "b"], ["o"], [node("Loop", ["m", "", "a"], ["o"], body=iteration)])
    nodes = [node("Exp", ["x"], ["s"]), call("Repeat", ["m", "x", "s"], ["y"])]
    proto = model([repeat], nodes, [X, ("m", I, [])], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    for trips in (3, 0):
        close(run({"x": x, "m": np.array(trips)}), [x + trips * np.exp(x)])


def test_a_body_in_a_body_captures_no_argument(run_dovetail, tmp_path):
    """The inner one reads an argument, a tensor of the function and one of the body around it."""
    inner = body([node("Mul", ["h", "b"], ["g"]), node("Sub", ["g", "k"], ["r"])], [], [("r", F, None)])
    other = body([node("Identity", ["a"], ["r"])], [], [("r", F, None)])
    choose = condition(
        [node("Neg", ["a"], ["h"]), node("If", ["c"], ["t"], then_branch=inner, else_branch=other)],
        [node("Sub", ["k", "b"], ["e"])],
    )
    choose.node.insert(0, node("Abs", ["a"], ["k"]))
    nodes = [node("Exp", ["x"], ["g"]), node("Sin", ["x"], ["k"]), call("Choose", ["c", "k", "g"], ["y"])]
    proto = model([choose], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    k, g = np.sin(x), np.exp(x)
    close(run({"c": YES, "x": x}), [-k * g - abs(k)])
    close(run({"c": NO, "x": x}), [abs(k) - g])


def test_a_call_in_a_body_of_a_function(run_dovetail, tmp_path):
    negated_sum = function("NegatedSum", ["t", "h"], ["o"], [node("Add", ["t", "h"], ["s"]), node("Neg", ["s"], ["o"])])
    choose = condition(
        [node("Exp", ["a"], ["s"]), call("NegatedSum", ["s", "b"], ["t"])], [call("NegatedSum", ["b", "a"], ["e"])]
    )
    nodes = [node("Sin", ["x"], ["s"]), call("Choose", ["c", "x", "s"], ["y"])]
    proto = model([choose, negated_sum], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    close(run({"c": YES, "x": x}), [-(np.exp(x) + np.sin(x))])
    close(run({"c": NO, "x": x}), [-(x + np.sin(x))])


def test_a_body_that_a_call_gives_keeps_the_names_of_the_caller(run_dovetail, tmp_path):
    """A graph may be an attribute of a function: what it reads is the caller's."""
    choice = node("If", ["c"], ["o"], else_branch=body([node("Neg", ["h"], ["e"])], [], [("e", F, None)]))
    choice.attribute.add(name="then_branch", ref_attr_name="taken", type=helper.AttributeProto.GRAPH)
    choose = function("Choose", ["c", "a"], ["o"], [node("Exp", ["a"], ["h"]), choice], ["taken"])
    taken = body([node("Abs", ["h"], ["t"])], [], [("t", F, None)])
    nodes = [node("Sin", ["x"], ["h"]), call("Choose", ["c", "x"], ["y"], taken=taken)]
    proto = model([choose], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    close(run({"c": YES, "x": x}), [abs(np.sin(x))])
    close(run({"c": NO, "x": x}), [-np.exp(x)])


# ---- Names of the function's own tensors

FOO = function("Foo", ["a"], ["o", "unused"], [
    node("Neg", ["a"], ["t"]), node("Exp", ["t"], ["o"]), node("Abs", ["a"], ["unused"]),
])


def test_calls_of_one_name(run_dovetail, tmp_path):
    nodes = [call("Foo", ["x"], ["h"], name="Foo"), call("Foo", ["h"], ["y"], name="Foo")]
    proto = model([FOO], nodes, [X], [("y", F, ["n", 3])])
    x = rand(2, 3)
    close(Executor(compiled(run_dovetail, proto, tmp_path))({"x": x}), [np.exp(-np.exp(-x))])


def test_tensors_named_as_those_of_a_call(run_dovetail, tmp_path):
    """One of them stands after the call and one in a body."""
    branch = [body([node("Sin", ["x"], ["Foo/unused"]), node("Add", ["Foo/unused", "h"], ["r"])], [], [("r", F, None)])]
    branch.append(body([node("Sub", ["h", "x"], ["r"])], [], [("r", F, None)]))
    nodes = [
        call("Foo", ["x"], ["h"], name="Foo"),
        node("Abs", ["x"], ["Foo/t"]),
        node("If", ["c"], ["z"], then_branch=branch[0], else_branch=branch[1]),
        node("Add", ["z", "Foo/t"], ["y"]),
    ]
    proto = model([FOO], nodes, [("c", B, []), X], [("y", F, ["n", 3])])
    run = Executor(compiled(run_dovetail, proto, tmp_path))
    x = rand(2, 3)
    close(run({"c": YES, "x": x}), [np.sin(x) + np.exp(-x) + abs(x)])
    close(run({"c": NO, "x": x}), [np.exp(-x) - x + abs(x)])


def test_weights_of_a_function(run_dovetail, tmp_path):
    """They outlive the nodes that a call became."""
    w = rand(300, 40)
    constant = node("Constant", [], ["w"], value=numpy_helper.from_array(w))
    weighted = function("Weighted", ["a"], ["o"], [constant, node("MatMul", ["a", "w"], ["o"])])
    nodes = [call("Weighted", ["x"], ["y"]), call("Weighted", ["z"], ["v"])]
    infos = [[(name, F, ["n", extent]) for name in names] for names, extent in (("xz", 300), ("yv", 40))]
    runs = [{"x": rand(2, 300, seed=1), "z": rand(2, 300, seed=2)}]
    check(run_dovetail, model([weighted], nodes, *infos), tmp_path, runs)


# ---- Outputs


def test_inputs_as_outputs(run_dovetail, tmp_path):
    swap = function("Swap", ["a", "b"], ["b", "a"], [])
    nodes = [call("Swap", ["x", "w"], ["y", "z"])]
    proto = model([swap], nodes, [X], [("y", F, [3]), ("z", F, ["n", 3])], [("w", rand(3))])
    x = rand(2, 3)
    close(Executor(compiled(run_dovetail, proto, tmp_path))({"x": x}), [rand(3), x])


def test_one_tensor_as_two_outputs(run_dovetail, tmp_path):
    twice = function("Twice", ["a"], ["o", "o", "a"], [node("Neg", ["a"], ["o"])])
    nodes = [call("Twice", ["x"], ["y", "z", ""]), call("Twice", ["y"], ["", "v"])]
    proto = model([twice], nodes, [X], [(name, F, ["n", 3]) for name in "yzv"])
    x = rand(2, 3)
    close(Executor(compiled(run_dovetail, proto, tmp_path))({"x": x}), [-x, -x, x])


# ---- Functions without an end


def caller(name, *called):
    """Calls each function in turn."""
    values = ["a", *(f"h{k}" for k in range(1, len(called))), "o"]
    return function(name, ["a"], ["o"], [call(f, [values[k]], [values[k + 1]]) for k, f in enumerate(called)])


def recursive_in_a_branch():
    proto = condition([node("Neg", ["a"], ["t"])], [call("Choose", ["c", "a", "b"], ["e"])])
    return [proto, function("Start", ["a"], ["o"], [call("Choose", ["", "a", "a"], ["o"])])]


def recursive_in_a_default():
    """A graph that the function takes where a call gives none."""
    again = body([call("Start", ["h"], ["t"])], [], [("t", F, None)])
    choice = node("If", ["c"], ["o"], else_branch=body([node("Neg", ["a"], ["e"])], [], [("e", F, None)]))
    choice.attribute.add(name="then_branch", ref_attr_name="taken", type=helper.AttributeProto.GRAPH)
    start = function("Start", ["a"], ["o"], [node("Cast", ["a"], ["c"], to=B), choice])
    start.attribute_proto.append(helper.make_attribute("taken", again))
    return [start]


LEAF = function("Leaf", ["a"], ["o"], [node("Neg", ["a"], ["o"])])
CHAIN = [caller(f"F{k}", f"F{k + 1}") for k in range(31)]
REFUSED = {
    "itself": ([caller("Start", "Start")], "function 'Start' calls itself"),
    "below": ([caller("Start", "Leaf", "Rec"), caller("Rec", "Rec"), LEAF], "function 'Rec' calls itself"),
    "branch": (recursive_in_a_branch(), "function 'Choose' calls itself"),
    "default": (recursive_in_a_default(), "function 'Start' calls itself"),
    "through_one": (
        [caller("Start", "Odd"), caller("Odd", "Leaf", "Even"), caller("Even", "Odd"), LEAF],
        "function 'Odd' calls itself through 'Even'",
    ),
    "through_two": (
        [caller("Start", "B"), caller("B", "C"), caller("C", "Start")],
        "function 'Start' calls itself through 'B', 'C'",
    ),
    "deep": ([caller("Start", "F0"), *CHAIN, caller("F31", "Leaf"), LEAF], "functions call each other more than 32 deep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_functions_without_an_end_are_refused(run_dovetail, tmp_path, name):
    functions, message = REFUSED[name]
    proto = model(functions, [call("Start", ["x"], ["y"], name="s")], [X], [("y", F, None)])
    path = save(proto, tmp_path / "model.onnx")
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: node 's' (Start): {message}\n"


def test_calls_that_double_are_refused(run_dovetail, tmp_path):
    """2^31 of them, of a function that has no node."""
    functions = [*(caller(f"F{k}", f"F{k + 1}", f"F{k + 1}") for k in range(31)), function("F31", ["a"], ["o"], [])]
    path = save(model(functions, [call("F0", ["x"], ["y"])], [X], [("y", F, None)]), tmp_path / "model.onnx")
    result = run_dovetail("build", path, "-o", tmp_path / "model.so", code=1)
    assert result.stderr == f"dovetail: {path}: the model has more than 1000000 nodes\n"


def test_a_chain_of_32_functions(run_dovetail, tmp_path):
    functions = [*CHAIN, function("F31", ["a"], ["o"], [node("Neg", ["a"], ["o"])])]
    proto = model(functions, [call("F0", ["x"], ["y"])], [X], [("y", F, ["n", 3])])
    x = rand(2, 3)
    close(Executor(compiled(run_dovetail, proto, tmp_path))({"x": x}), [-x])
