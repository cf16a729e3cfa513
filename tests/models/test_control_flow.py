"""If, Loop and Scan: compiled, run on fresh and on reused executors, compared with onnxruntime."""

import numpy as np
import pytest
from executors import Executor, check, close, compiled
from onnx import TensorProto, numpy_helper
from onnx_models import helper, model_of, save

F, I, B = "float32", "int64", "bool"


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def info(name, dtype, shape):
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), shape)


def body(name, nodes, inputs, outputs, weights=()):
    tensors = [numpy_helper.from_array(np.asarray(a), n) for n, a in weights]
    return helper.make_graph(nodes, name, [info(*i) for i in inputs], [info(*o) for o in outputs], tensors)


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(F)


def scalar(value, dtype=I):
    return np.array(value, dtype)


YES, NO = np.array(True), np.array(False)


# ---- If


def choice(then_nodes, else_nodes, shape, outputs=("t", "e"), weights=()):
    """y = c ? then : else, over x and w of the graph around."""
    then_body = body("then_graph", then_nodes, [], [(outputs[0], F, None)])
    else_body = body("else_graph", else_nodes, [], [(outputs[1], F, None)])
    return model_of(
        [node("If", ["c"], ["y"], then_branch=then_body, else_branch=else_body)],
        [("c", B, []), ("x", F, ["n", 4])],
        [("y", F, shape)],
        weights,
    )


def test_if_over_captures(run_dovetail, tmp_path):
    model = choice(
        [node("MatMul", ["x", "w"], ["m"]), node("Relu", ["m"], ["t"])],
        [node("Sub", ["x", "b"], ["d"]), node("Sigmoid", ["d"], ["s"]), node("MatMul", ["s", "w"], ["e"])],
        ["n", 35],
        weights=[("w", rand(4, 35)), ("b", rand(4, seed=1))],
    )
    check(run_dovetail, model, tmp_path, [{"c": c, "x": rand(n, 4)} for n in (1, 3, 17) for c in (YES, NO)])


def test_branches_of_other_extents(run_dovetail, tmp_path):
    model = choice(
        [node("Concat", ["x", "x", "x"], ["t"], axis=0)],
        [node("Identity", ["x"], ["e"])],
        ["m", 4],
    )
    check(run_dovetail, model, tmp_path, [{"c": c, "x": rand(n, 4)} for n in (5, 1, 9) for c in (YES, NO)])


def test_branch_that_data_shapes(run_dovetail, tmp_path):
    """A branch whose extent is measured in it; what follows goes on with the extent."""
    then_body = body(
        "then_graph",
        [
            node("ReduceMax", ["x"], ["row"], axes=[1], keepdims=0),
            node("Greater", ["row", "zero"], ["mask"]),
            node("Compress", ["x", "mask"], ["t"], axis=0),
        ],
        [],
        [("t", F, None)],
        [("zero", scalar(0.5, F))],
    )
    else_body = body("else_graph", [node("Neg", ["x"], ["e"])], [], [("e", F, None)])
    model = model_of(
        [
            node("If", ["c"], ["z"], then_branch=then_body, else_branch=else_body),
            node("Softmax", ["z"], ["p"], axis=1),
            node("ReduceSum", ["p", "rows"], ["s"], keepdims=0),
            node("Shape", ["z"], ["shape"]),
        ],
        [("c", B, []), ("x", F, ["n", 4])],
        [("p", F, ["m", 4]), ("s", F, [4]), ("shape", I, [2])],
        [("rows", np.array([0], I))],
    )
    check(run_dovetail, model, tmp_path, [{"c": c, "x": rand(n, 4, seed=n)} for n in (6, 1, 33) for c in (YES, NO)])


def test_nested_if(run_dovetail, tmp_path):
    def inner(name, sign):
        deep = [body(f"{name}{k}", [node(op, [v, "w"], [f"{name}{k}y"])], [], [(f"{name}{k}y", F, None)])
                for k, (op, v) in enumerate([("Add", "x"), ("Mul", sign)])]
        return body(
            name,
            [node(sign.capitalize() if sign == "neg" else "Abs", ["x"], [sign]),
             node("If", ["d"], [f"{name}y"], then_branch=deep[0], else_branch=deep[1])],
            [],
            [(f"{name}y", F, None)],
        )

    model = model_of(
        [node("If", ["c"], ["y"], then_branch=inner("p", "neg"), else_branch=inner("q", "abs"))],
        [("c", B, []), ("d", B, []), ("x", F, ["n", 3])],
        [("y", F, ["n", 3])],
        [("w", rand(3))],
    )
    check(run_dovetail, model, tmp_path,
          [{"c": c, "d": d, "x": rand(n, 3)} for n in (2, 8) for c in (YES, NO) for d in (YES, NO)])


def test_condition_computed_in_the_model(run_dovetail, tmp_path):
    then_body = body("then_graph", [node("Mul", ["x", "x"], ["t"])], [], [("t", F, None)])
    else_body = body("else_graph", [node("Identity", ["k"], ["e"])], [], [("e", F, None)], [("k", rand(2, 2))])
    model = model_of(
        [
            node("ReduceSum", ["x"], ["sum"], keepdims=0),
            node("Greater", ["sum", "zero"], ["c"]),
            node("If", ["c"], ["y"], then_branch=then_body, else_branch=else_body),
        ],
        [("x", F, ["n", 2])],
        [("y", F, ["m", 2])],
        [("zero", scalar(0, F))],
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(n, 2, seed=s)} for n in (3, 1) for s in range(4)])


def test_known_condition_takes_one_branch(run_dovetail, tmp_path):
    """Ranks differ, and the branch not taken holds an operator that is not there."""
    then_body = body("then_graph", [node("Identity", ["x"], ["t"])], [], [("t", F, None)])
    else_body = body("else_graph", [node("StringNormalizer", ["x"], ["e"])], [], [("e", F, None)])
    graph = helper.make_graph(
        [
            node("Shape", ["x"], ["shape"]),
            node("Size", ["shape"], ["rank"]),
            node("Equal", ["rank", "two"], ["c"]),
            node("If", ["c"], ["y"], then_branch=then_body, else_branch=else_body),
        ],
        "graph",
        [info("x", F, ["n", 4])],
        [info("y", F, ["n", 4])],
        [numpy_helper.from_array(scalar(2), "two")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    run = Executor(compiled(run_dovetail, model, tmp_path))
    np.testing.assert_array_equal(run({"x": rand(3, 4)})[0], rand(3, 4))


def test_ranks_that_differ_are_refused(run_dovetail, tmp_path):
    model = choice(
        [node("Identity", ["x"], ["t"])], [node("ReduceSum", ["x"], ["e"], keepdims=0)], ["a", "b"]
    )
    save(model, tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert error.endswith(
        "node 'If_y' (If): output 'y' has shape [n,4] in one branch and [] in the other: ranks that "
        "differ need a condition that is known when the model is compiled\n"
    )


def squeeze_if(condition, path):
    """As exporters write squeeze(0), saved: `condition` makes c of n, the batch's extent."""
    then_body = body("then_graph", [node("Squeeze", ["x", "zero"], ["t"])], [], [("t", F, None)])
    else_body = body("else_graph", [node("Identity", ["x"], ["e"])], [], [("e", F, None)])
    graph = helper.make_graph(
        [
            node("Shape", ["x"], ["n"], start=0, end=1),
            *condition,
            node("If", ["c"], ["y"], then_branch=then_body, else_branch=else_body),
        ],
        "graph",
        [info("x", F, ["n", 4])],
        [info("y", F, None)],
        [numpy_helper.from_array(np.array([0], I), "zero"), numpy_helper.from_array(np.array([1], I), "one")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    save(model, path)
    return path


def test_ranks_that_differ_by_an_extent_take_the_condition_to_be_true(run_dovetail, tmp_path):
    """One library serves runs whose extent is 1 and refuses others."""
    path = squeeze_if([node("Equal", ["n", "one"], ["c"])], tmp_path / "model.onnx")
    built = run_dovetail("build", path, "-o", tmp_path / "model.so")
    assert built.stderr == (
        f"dovetail: warning: {tmp_path}/model.onnx: node 'If_y' (If): the branches give tensors of different "
        "ranks, so that of a true condition is taken; a run that makes it false fails; bounds of n (--dim) that "
        "decide it choose the branch\n"
    )
    run = Executor(tmp_path / "model.so")
    np.testing.assert_array_equal(run({"x": rand(1, 4)})[0], rand(1, 4)[0])
    with pytest.raises(ValueError, match="node 'If_y': the condition is not true, and this library has only"):
        run({"x": rand(3, 4)})


@pytest.mark.parametrize(
    "condition",
    [
        [node("Equal", ["n", "one"], ["c"])],
        [node("LessOrEqual", ["n", "one"], ["c"])],
        [node("Greater", ["n", "one"], ["more"]), node("Not", ["more"], ["c"])],
    ],
    ids=["equal", "less", "not_greater"],
)
@pytest.mark.parametrize("bounds, batches", [("2..8", [2, 8]), ("1..1", [1])])
def test_bounds_decide_a_condition(run_dovetail, tmp_path, condition, bounds, batches):
    path = squeeze_if(condition, tmp_path / "model.onnx")
    built = run_dovetail("build", path, "-o", tmp_path / "model.so", "--dim", f"n={bounds}")
    assert built.stderr == ""
    run = Executor(tmp_path / "model.so")
    for n in batches:
        np.testing.assert_array_equal(run({"x": rand(n, 4)})[0], rand(n, 4)[0] if n == 1 else rand(n, 4))


@pytest.mark.parametrize("fits", [True, False])
def test_a_branch_that_does_not_fit_leaves_the_other(run_dovetail, tmp_path, fits):
    """A model of two sizes, chosen by a flag, whose input is fixed to one of them."""
    good = [node("MatMul", ["x", "w4"], ["t" if fits else "e"])]
    bad = [node("MatMul", ["x", "w5"], ["e" if fits else "t"])]
    product = "If_y/else_branch/MatMul_e" if fits else "If_y/then_branch/MatMul_t"
    weights = [("w4", rand(4, 2)), ("w5", rand(5, 2))]
    model = choice(*((good, bad) if fits else (bad, good)), ["n", 2], weights=weights)
    save(model, tmp_path / "model.onnx")
    built = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so")
    taken, other = ("true", "false") if fits else ("false", "true")
    assert built.stderr == (
        f"dovetail: warning: {tmp_path}/model.onnx: node 'If_y' (If): one branch does not fit these shapes (node "
        f"'{product}' (MatMul): input 0 ('x') of shape [n,4] and input 1 ('w5') of shape [5,2] cannot be multiplied: 4 and 5 "
        f"differ), so that of a {taken} condition is taken; a run that makes it {other} fails\n"
    )
    run = Executor(tmp_path / "model.so")
    x = rand(3, 4)
    np.testing.assert_allclose(run({"c": YES if fits else NO, "x": x})[0], x @ rand(4, 2), rtol=1e-5)
    with pytest.raises(ValueError, match=f"node 'If_y': the condition is not {taken}, and this library has only"):
        run({"c": NO if fits else YES, "x": x})
    np.testing.assert_allclose(run({"c": YES if fits else NO, "x": x})[0], x @ rand(4, 2), rtol=1e-5)


def test_no_branch_that_fits_is_refused(run_dovetail, tmp_path):
    bad = [node("MatMul", ["x", "w5"], [name]) for name in "te"]
    save(choice(bad[:1], bad[1:], ["n", 2], weights=[("w5", rand(5, 2))]), tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert "node 'If_y/then_branch/MatMul_t' (MatMul)" in error and "4 and 5 differ" in error


def shifts(name, *offsets):
    """An If that adds `w`, in each branch its own. Graphs and weights have the same names in both."""
    bodies = [body("g", [node("Add", ["x", "w"], ["t"])], [], [("t", F, None)], [("w", rand(4) + n)]) for n in offsets]
    return helper.make_node("If", ["c"], [name], name="If", then_branch=bodies[0], else_branch=bodies[1])


def test_weights_of_one_name(run_dovetail, tmp_path):
    """onnxruntime does not take two nodes of one name, so the sums are told here."""
    inputs, outputs = [("c", B, []), ("x", F, [4])], [("y", F, [4]), ("z", F, [4])]
    model = model_of([shifts("y", 1, 2), shifts("z", 3, 4)], inputs, outputs)
    run = Executor(compiled(run_dovetail, model, tmp_path))
    for c, *offsets in ((YES, 1, 3), (NO, 2, 4)):
        x = rand(4, seed=1)
        close(run({"c": c, "x": x}), [x + (rand(4) + offset) for offset in offsets])


def test_weights_that_cannot_be_told_apart(run_dovetail, tmp_path):
    nodes = [shifts("y", 1, 2), node("Add", ["x", "If/then_branch/w"], ["z"])]
    weights = [("If/then_branch/w", rand(4))]
    model = model_of(nodes, [("c", B, []), ("x", F, [4])], [("y", F, [4]), ("z", F, [4])], weights)
    save(model, tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert error == f"dovetail: {tmp_path}/model.onnx: two weights are called 'If/then_branch/w': rename one\n"


# ---- Loop


def loop(nodes, states, scans=(), weights=(), outer=(), inputs=(), trips="trips", condition="", outputs=None):
    """A model of one Loop. states: (name, initial, shape in the body, next); scans: (name, shape)."""
    graph = body(
        "loop_body",
        nodes,
        [("i", I, []), ("go", B, [])] + [(name, F, shape) for name, _, shape, _ in states],
        [("next_go", B, [])] + [(after, F, None) for _, _, _, after in states] + [(name, F, None) for name, _ in scans],
    )
    results = [f"final_{name}" for name, *_ in states] + [f"all_{name}" for name, _ in scans]
    return model_of(
        [*outer, node("Loop", [trips, condition] + [s[1] for s in states], results, body=graph)],
        [*inputs],
        outputs or [(name, F, None) for name in results],
        weights,
    )


GO_ON = node("Identity", ["go"], ["next_go"])


def test_loop_of_fixed_shapes(run_dovetail, tmp_path):
    model = loop(
        [GO_ON, node("MatMul", ["h", "w"], ["m"]), node("Tanh", ["m"], ["n"]), node("Add", ["n", "x"], ["h2"])],
        [("h", "x", ["b", 8], "h2")],
        [],
        [("w", rand(8, 8) / 3)],
        inputs=[("trips", I, []), ("x", F, ["b", 8])],
        outputs=[("final_h", F, ["b", 8])],
    )
    runs = [{"trips": scalar(t), "x": rand(b, 8)} for t, b in [(3, 2), (0, 2), (1, 5), (40, 1), (-4, 3)]]
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize(
    "condition, given",
    [(node("ReduceMax", ["h"], ["next_go"]), "float32[1]"), (node("Greater", ["h", "zero"], ["next_go"]), "bool[3]")],
    ids=["float", "three"],
)
def test_loop_whose_body_gives_no_condition(run_dovetail, tmp_path, condition, given):
    model = loop(
        [condition, node("Add", ["h", "h"], ["h2"])],
        [("h", "x", [3], "h2")],
        [],
        [("zero", np.zeros(3, F))],
        inputs=[("trips", I, []), ("x", F, [3])],
        outputs=[("final_h", F, [3])],
    )
    save(model, tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert error.endswith(f"(Loop): the condition that the body gives is {given}, expected one bool\n")


def test_loop_with_scans(run_dovetail, tmp_path):
    """The iteration picks a row; every state and a value are collected."""
    model = loop(
        [
            GO_ON,
            node("Gather", ["rows", "i"], ["row"], axis=0),
            node("Add", ["s", "row"], ["s2"]),
            node("Cast", ["i"], ["f"], to=TensorProto.FLOAT),
            node("Mul", ["row", "f"], ["scaled"]),
            node("Identity", ["s2"], ["kept"]),
        ],
        [("s", "zero", [5], "s2")],
        [("kept", None), ("scaled", None)],
        [("zero", np.zeros(5, F)), ("first", scalar(0))],
        outer=[node("Shape", ["rows"], ["shape"]), node("Gather", ["shape", "first"], ["trips"])],
        inputs=[("rows", F, ["t", 5])],
        outputs=[("final_s", F, [5]), ("all_kept", F, ["t", 5]), ("all_scaled", F, ["t", 5])],
    )
    check(run_dovetail, model, tmp_path, [{"rows": rand(t, 5)} for t in (4, 1, 0, 50)])


def test_loop_over_the_rows_of_weights(run_dovetail, tmp_path):
    """Each iteration multiplies by another matrix and adds a constant's element."""
    model = loop(
        [
            GO_ON,
            node("Gather", ["ws", "i"], ["w"], axis=0),
            node("MatMul", ["h", "w"], ["hw"]),
            node("Gather", ["offsets", "i"], ["offset"], axis=0),
            node("Cast", ["offset"], ["shift"], to=TensorProto.FLOAT),
            node("Add", ["hw", "shift"], ["h2"]),
        ],
        [("h", "x", ["b", 5], "h2")],
        [],
        [("ws", rand(4, 5, 5)), ("offsets", np.array([3, 1, 4, 1], I))],
        inputs=[("trips", I, []), ("x", F, ["b", 5])],
        outputs=[("final_h", F, ["b", 5])],
    )
    check(run_dovetail, model, tmp_path, [{"trips": scalar(t), "x": rand(b, 5)} for t, b in [(4, 2), (1, 3), (0, 1)]])
    with pytest.raises(ValueError, match=r"^node 'Loop_final_h/body/Gather_w': input 1 \('.*i.*'\) is out of range for axis 0 of input 0"):
        Executor(tmp_path / "model.so")({"trips": scalar(5), "x": rand(2, 5)})


@pytest.mark.parametrize("bounded", [True, False])
def test_loop_that_a_condition_ends(run_dovetail, tmp_path, bounded):
    model = loop(
        [
            node("Mul", ["v", "two"], ["v2"]),
            node("ReduceMax", ["v2"], ["top"], keepdims=0),
            node("Less", ["top", "limit"], ["next_go"]),
            node("Neg", ["v2"], ["note"]),
        ],
        [("v", "x", ["n"], "v2")],
        [("note", None)],
        [("two", scalar(2, F))],
        trips="trips" if bounded else "",
        condition="start",
        inputs=[("x", F, ["n"]), ("limit", F, []), ("start", B, [])] + ([("trips", I, [])] if bounded else []),
        outputs=[("final_v", F, ["n"]), ("all_note", F, ["k", "n"])],
    )
    runs = []
    for n, limit, start in [(3, 100, True), (1, 1e6, True), (4, 0, True), (2, 50, False), (300, 1e9, True)]:
        inputs = {"x": np.linspace(0.5, 1, n).astype(F), "limit": scalar(limit, F), "start": np.array(start)}
        runs.append(inputs | ({"trips": scalar(5)} if bounded else {}))
    check(run_dovetail, model, tmp_path, runs)


def test_state_that_grows(run_dovetail, tmp_path):
    model = loop(
        [
            GO_ON,
            node("Concat", ["s", "x"], ["s2"], axis=0),
            node("ReduceMax", ["s2"], ["sum"], axes=[0], keepdims=0),
        ],
        [("s", "x", ["m", 3], "s2")],
        [("sum", None)],
        inputs=[("trips", I, []), ("x", F, ["n", 3])],
        outputs=[("final_s", F, ["k", 3]), ("all_sum", F, ["t", 3])],
    )
    runs = [{"trips": scalar(t), "x": rand(n, 3, seed=n)} for t, n in [(3, 2), (0, 1), (1, 7), (25, 4), (2, 1)]]
    check(run_dovetail, model, tmp_path, runs)


def test_states_that_change_places(run_dovetail, tmp_path):
    """a, b = b, a + b"""
    model = loop(
        [GO_ON, node("Add", ["a", "b"], ["c"]), node("Identity", ["b"], ["b2"]), node("Identity", ["k"], ["k2"])],
        [("a", "x", ["n"], "b2"), ("b", "y", ["n"], "c"), ("k", "x", ["n"], "k2")],
        inputs=[("trips", I, []), ("x", F, ["n"]), ("y", F, ["n"])],
        outputs=[("final_a", F, ["n"]), ("final_b", F, ["n"]), ("final_k", F, ["n"])],
    )
    runs = [{"trips": scalar(t), "x": rand(6), "y": rand(6, seed=1)} for t in (0, 1, 2, 9)]
    check(run_dovetail, model, tmp_path, runs)


def test_loop_in_a_loop(run_dovetail, tmp_path):
    inner = body(
        "inner",
        [
            node("Identity", ["go2"], ["next_go2"]),
            node("Mul", ["v", "w"], ["vw"]),
            node("Add", ["vw", "s"], ["v2"]),
            node("Identity", ["v2"], ["seen"]),
        ],
        [("j", I, []), ("go2", B, []), ("v", F, [4])],
        [("next_go2", B, []), ("v2", F, [4]), ("seen", F, [4])],
    )
    model = loop(
        [
            GO_ON,
            node("Add", ["i", "one"], ["count"]),
            node("Loop", ["count", "", "s"], ["s2", "rows"], body=inner),
            node("ReduceSum", ["rows", "one_axis"], ["total"], keepdims=0),
        ],
        [("s", "x", [4], "s2")],
        [("total", None)],
        [("w", rand(4)), ("one", scalar(1)), ("one_axis", np.array([0], I))],
        inputs=[("trips", I, []), ("x", F, [4])],
        outputs=[("final_s", F, [4]), ("all_total", F, ["t", 4])],
    )
    check(run_dovetail, model, tmp_path, [{"trips": scalar(t), "x": rand(4)} for t in (3, 0, 6, 1)])


def test_if_in_a_loop(run_dovetail, tmp_path):
    """A state that one branch makes longer."""
    longer = body("longer", [node("Concat", ["s", "x"], ["t"], axis=0)], [], [("t", F, None)])
    same = body("same", [node("Neg", ["s"], ["e"])], [], [("e", F, None)])
    model = loop(
        [
            GO_ON,
            node("Mod", ["i", "two"], ["odd"]),
            node("Cast", ["odd"], ["is_odd"], to=TensorProto.BOOL),
            node("If", ["is_odd"], ["s2"], then_branch=longer, else_branch=same),
        ],
        [("s", "x", ["m"], "s2")],
        [],
        [("two", scalar(2))],
        inputs=[("trips", I, []), ("x", F, ["n"])],
        outputs=[("final_s", F, ["k"])],
    )
    check(run_dovetail, model, tmp_path, [{"trips": scalar(t), "x": rand(n)} for t, n in [(4, 3), (1, 2), (7, 1)]])


# ---- Scan


@pytest.mark.parametrize("axis,direction,out_axis,out_direction", [(0, 0, 0, 0), (1, 1, 1, 0), (-1, 0, 0, 1), (0, 1, 1, 1)])
def test_scan(run_dovetail, tmp_path, axis, direction, out_axis, out_direction):
    graph = body(
        "scan_body",
        [
            node("MatMul", ["h", "w"], ["hw"]),
            node("Add", ["hw", "part"], ["sum"]),
            node("Tanh", ["sum"], ["h2"]),
            node("Relu", ["h2"], ["out"]),
        ],
        [("h", F, [6]), ("part", F, [6])],
        [("h2", F, [6]), ("out", F, [6])],
    )
    shape = ["t", 6] if axis == 0 else [6, "t"]
    model = model_of(
        [
            node(
                "Scan",
                ["h0", "x"],
                ["h_last", "ys"],
                body=graph,
                num_scan_inputs=1,
                scan_input_axes=[axis],
                scan_input_directions=[direction],
                scan_output_axes=[out_axis],
                scan_output_directions=[out_direction],
            )
        ],
        [("h0", F, [6]), ("x", F, shape)],
        [("h_last", F, [6]), ("ys", F, ["t", 6] if out_axis == 0 else [6, "t"])],
        [("w", rand(6, 6) / 2)],
    )
    runs = [{"h0": rand(6), "x": rand(*((t, 6) if axis == 0 else (6, t)), seed=t)} for t in (5, 1, 30)]
    check(run_dovetail, model, tmp_path, runs)


def test_absent_inputs_of_a_scan_are_refused(run_dovetail, tmp_path):
    graph = body("scan_body", [node("Add", ["h", "part"], ["h2"])], [("h", F, [6]), ("part", F, [6])], [("h2", F, [6])])
    for number, names in enumerate((["", "x"], ["h0", ""])):
        model = model_of(
            [node("Scan", names, ["h_last"], body=graph, num_scan_inputs=1)],
            [("h0", F, [6]), ("x", F, ["t", 6])],
            [("h_last", F, [6])],
        )
        save(model, tmp_path / "model.onnx")
        error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
        assert error.endswith(f"node 'Scan_h_last' (Scan): input {number} is missing\n")


@pytest.mark.parametrize("name", ["scan_input_directions", "scan_output_directions"])
def test_a_direction_of_a_scan_that_is_none(run_dovetail, tmp_path, name):
    graph = body("scan_body", [node("Relu", ["part"], ["out"])], [("part", F, [6])], [("out", F, [6])])
    model = model_of(
        [node("Scan", ["x"], ["y"], body=graph, num_scan_inputs=1, **{name: [2]})],
        [("x", F, ["t", 6])],
        [("y", F, ["t", 6])],
    )
    save(model, tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert error.endswith(
        f"node 'Scan_y' (Scan): attribute '{name}' holds 2, expected 0 (forward) or 1 (reverse)\n"
    )
