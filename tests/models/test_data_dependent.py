"""Shapes that data decide, and extents that only the inputs can tell to be equal."""

import numpy as np
import pytest
from executors import Executor, check, compiled
from onnx import numpy_helper
from onnx_models import helper, model_of, save

F, I, B = "float32", "int64", "bool"


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_node", **attributes)


def ints(*values):
    return np.array(values, I)


def rand(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(F)


def one(op, inputs, outputs, weights=(), **attributes):
    names = [i[0] for i in inputs] + [w[0] for w in weights]
    return model_of([node(op, names, [o[0] for o in outputs], **attributes)], inputs, outputs, weights)


def sparse(*shape, seed=0, share=0.3):
    return (np.random.default_rng(seed).random(shape) < share).astype(F)


@pytest.mark.parametrize("rank", [1, 2, 4])
def test_nonzero(run_dovetail, tmp_path, rank):
    shape = ["a", "b", "c", "d"][:rank]
    model = one("NonZero", [("x", F, shape)], [("y", I, [rank, "n"])])
    sizes = [(7,), (1,), (129,), (0,)] if rank == 1 else [(3, 5, 2, 4)[:rank], (17, 9, 3, 1)[:rank], (2, 0, 3, 3)[:rank]]
    runs = [{"x": sparse(*s, seed=k, share=share)} for k, s in enumerate(sizes) for share in (0, 0.3, 1)]
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize("dtype", [I, F, B])
def test_nonzero_of_a_constant(run_dovetail, tmp_path, dtype):
    constant = helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(np.array([5, 0, 3], dtype)))
    nodes = [constant, node("NonZero", ["c"], ["places"]), node("Gather", ["x", "places"], ["y"], axis=0)]
    model = model_of(nodes, [("x", F, ["n"])], [("places", I, [1, "k"]), ("y", F, [1, "k"])])
    check(run_dovetail, model, tmp_path, [{"x": rand(3)}, {"x": rand(9)}])


def test_nonzero_of_extents(run_dovetail, tmp_path):
    model = model_of(
        [node("Shape", ["x"], ["s"]), node("NonZero", ["s"], ["y"])], [("x", F, ["n", 3])], [("y", I, [1, "k"])]
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(n, 3)} for n in (2, 0, 1)])


def test_no_elements_of_extents_that_data_decide(run_dovetail, tmp_path):
    """That there are 0 bytes does not tell the shape."""
    model = model_of(
        [node("Compress", ["x", "c"], ["kept"], axis=0), node("Relu", ["kept"], ["y"])],
        [("x", F, ["n", 0, 3]), ("c", B, ["n"])],
        [("y", F, ["k", 0, 3])],
    )
    run = Executor(compiled(run_dovetail, model, tmp_path))
    for kept in ([1, 0, 1, 1], [0, 0], [1]):
        (y,) = run({"x": np.zeros((len(kept), 0, 3), F), "c": np.array(kept, B)})
        assert y.shape == (sum(kept), 0, 3)


def extreme_of_kept(op):
    nodes = [node("Compress", ["x", "c"], ["kept"], axis=0), node(op, ["kept"], ["y"], axis=0)]
    return model_of(nodes, [("x", F, ["n", 3]), ("c", B, ["n"])], [("y", F if op == "Hardmax" else I, ["k", 3])])


def test_hardmax_of_nothing(run_dovetail, tmp_path):
    runs = [{"x": rand(len(kept), 3), "c": np.array(kept, B)} for kept in ([1, 0, 1, 1], [0, 0], [1], [])]
    check(run_dovetail, extreme_of_kept("Hardmax"), tmp_path, runs)


def test_index_of_the_extreme_of_nothing_is_refused(run_dovetail, tmp_path):
    run = Executor(compiled(run_dovetail, extreme_of_kept("ArgMax"), tmp_path))
    with pytest.raises(ValueError, match=r"^node 'Compress_node': kept\.count is 0, expected at least 1$"):
        run({"x": rand(2, 3), "c": np.array([0, 0], B)})
    assert run({"x": rand(2, 3), "c": np.array([1, 0], B)})[0].shape == (1, 3)


def test_nonzero_in_a_chain(run_dovetail, tmp_path):
    """The number of elements goes on through shapes, a gather, a reduction and a concat."""
    model = model_of(
        [
            node("Greater", ["x", "limit"], ["mask"]),
            node("NonZero", ["mask"], ["where"]),
            helper.make_node("Squeeze", ["where", "first"], ["index"], name="squeeze"),
            helper.make_node("Gather", ["rows", "index"], ["kept"], name="gather"),
            helper.make_node("Relu", ["kept"], ["positive"], name="relu"),
            helper.make_node("Concat", ["positive", "rows", "kept"], ["all"], axis=0, name="join"),
            helper.make_node("Shape", ["kept"], ["shape"], name="shape"),
            helper.make_node("ReduceSum", ["kept", "first"], ["sum"], keepdims=0, name="sum"),
            helper.make_node("MatMul", ["kept", "w"], ["product"], name="product"),
        ],
        [("x", F, ["n"]), ("rows", F, ["n", 6])],
        [("all", F, ["m", 6]), ("shape", I, [2]), ("sum", F, [6]), ("product", F, ["k", 33])],
        [("limit", np.array(0, F)), ("first", ints(0)), ("w", rand(6, 33))],
    )
    runs = [{"x": rand(n, seed=n), "rows": rand(n, 6, seed=n + 1)} for n in (1, 5, 200, 64)]
    runs.append({"x": -np.ones(4, F), "rows": rand(4, 6)})
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_compress(run_dovetail, tmp_path, axis):
    attributes = {} if axis is None else {"axis": axis}
    out = ["k"] if axis is None else ["k", 3] if axis == 0 else ["n", "k"]
    model = one("Compress", [("x", F, ["n", 3]), ("c", B, ["m"])], [("y", F, out)], **attributes)
    runs = []
    for n in (4, 1, 9):
        extent = 3 * n if axis is None else n if axis == 0 else 3
        for length in {extent, extent - 1}:
            c = np.random.default_rng(n).random(length) < 0.5
            runs.append({"x": rand(n, 3), "c": c})
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize(
    "shapes",
    [[(6, 4), (2, -1)], [(6, 4), (0, -1)], [(2, 3, 4), (-1, 0)], [(5, 2), (2, 5)]],
)
def test_reshape_to_a_shape_from_data(run_dovetail, tmp_path, shapes):
    x, wanted = shapes
    model = one("Reshape", [("x", F, list("abc")[: len(x)]), ("s", I, [len(wanted)])], [("y", F, ["p", "q"])])
    check(run_dovetail, model, tmp_path, [{"x": rand(*x), "s": ints(*wanted)}, {"x": rand(*x), "s": ints(-1, 1)}])


def test_reshape_that_does_not_fit(run_dovetail, tmp_path):
    model = one("Reshape", [("x", F, ["n", 4]), ("s", I, [2])], [("y", F, ["p", "q"])])
    run = Executor(compiled(run_dovetail, model, tmp_path))
    with pytest.raises(ValueError, match=r"^node 'Reshape_node': \[n,4\] reshaped to .*: 4\*n is 12 but .* is 10"):
        run({"x": rand(3, 4), "s": ints(2, 5)})
    with pytest.raises(ValueError, match=r"^node 'Reshape_node': an extent that tensor 's' holds: s\.0 is -2, expected at least 0$"):
        run({"x": rand(3, 4), "s": ints(-2, 4)})
    (y,) = run({"x": rand(3, 4), "s": ints(6, 2)})
    assert y.shape == (6, 2)


@pytest.mark.parametrize(
    "op, extents, error",
    [
        ("Pad", [68, 40], "pads has 2720 values for 2 axes, expected 4"),
        ("Reshape", [5000], "holds 5000 extents of the result: their number must be known when the model is compiled, and at most 4096"),
        ("Reshape", ["k"], "holds k extents of the result: their number must be known when the model is compiled, and at most 4096"),
    ],
)
def test_too_many_numbers_that_shape(run_dovetail, tmp_path, op, extents, error):
    save(one(op, [("x", F, ["n", 4]), ("s", I, extents)], [("y", F, ["p", "q"])]), tmp_path / "model.onnx")
    result = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1)
    assert result.stderr.endswith(f"{error}\n")


def test_expand(run_dovetail, tmp_path):
    model = one("Expand", [("x", F, ["n", 1, 3]), ("s", I, [3])], [("y", F, ["a", "b", "c"])])
    runs = [
        {"x": rand(n, 1, 3), "s": ints(*s)}
        for n, s in [(2, (2, 4, 3)), (1, (5, 1, 1)), (1, (1, 7, 3)), (3, (1, 2, 1)), (1, (0, 2, 3))]
    ]
    check(run_dovetail, model, tmp_path, runs)


def test_negative_extent(run_dovetail, tmp_path):
    model = one("ConstantOfShape", [("s", I, [2])], [("y", F, ["a", "b"])])
    run = Executor(compiled(run_dovetail, model, tmp_path))
    with pytest.raises(ValueError, match=r"^node 'ConstantOfShape_node': an extent that tensor 's' holds: s\.1 is -3, expected at least 0$"):
        run({"s": ints(2, -3)})
    with pytest.raises(MemoryError, match=r"no memory for output 'y': its size in bytes exceeds 64 bits"):
        run({"s": ints(2**40, 2**40)})
    assert run({"s": ints(2, 3)})[0].shape == (2, 3)


def test_constant_of_shape(run_dovetail, tmp_path):
    model = one("ConstantOfShape", [("s", I, [3])], [("y", F, ["a", "b", "c"])])
    check(run_dovetail, model, tmp_path, [{"s": ints(*s)} for s in [(1, 2, 3), (0, 2, 2), (9, 1, 33)]])


def test_tile(run_dovetail, tmp_path):
    model = one("Tile", [("x", F, ["n", 3]), ("r", I, [2])], [("y", F, ["a", "b"])])
    check(run_dovetail, model, tmp_path, [{"x": rand(2, 3), "r": ints(*r)} for r in [(1, 1), (3, 2), (0, 5)]])


@pytest.mark.parametrize("dtype", [I, F, "int32"])
def test_range(run_dovetail, tmp_path, dtype):
    scalar = [(name, dtype, []) for name in ("start", "limit", "delta")]
    model = one("Range", scalar, [("y", dtype, ["n"])])
    runs = [
        dict(zip(("start", "limit", "delta"), (np.array(v, dtype) for v in values)))
        for values in [(0, 10, 3), (5, 5, 1), (10, 0, -4), (0, 1000, 1), (3, 0, 2)]
    ]
    check(run_dovetail, model, tmp_path, runs)


def test_range_over_an_extent(run_dovetail, tmp_path):
    """What exporters write for positions: no data decides, only the input's shape."""
    model = model_of(
        [
            node("Shape", ["x"], ["shape"]),
            helper.make_node("Gather", ["shape", "one"], ["length"], name="gather"),
            node("Range", ["zero", "length", "step"], ["positions"]),
            node("Cast", ["positions"], ["reals"], to=1),
            node("Add", ["x", "reals"], ["y"]),
        ],
        [("x", F, ["b", "t"])],
        [("y", F, ["b", "t"])],
        [("zero", np.array(0, I)), ("one", np.array(1, I)), ("step", np.array(1, I))],
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(2, t)} for t in (1, 7, 100)])


def test_slice(run_dovetail, tmp_path):
    model = one(
        "Slice",
        [("x", F, ["n", 8]), ("a", I, [2]), ("b", I, [2])],
        [("y", F, ["p", "q"])],
        [("axes", ints(0, 1)), ("steps", ints(1, -2))],
    )
    ends = np.iinfo(I).max
    runs = [
        {"x": rand(n, 8), "a": ints(*a), "b": ints(*b)}
        for n, a, b in [(5, (1, 7), (4, 0)), (5, (-3, -1), (ends, -9)), (1, (0, 100), (0, -100)), (9, (20, 5), (3, 5))]
    ]
    check(run_dovetail, model, tmp_path, runs)


def test_extents_of_what_a_run_slices(run_dovetail, tmp_path):
    """An extent that becomes data costs nothing, however far the end that a run gives."""
    model = model_of(
        [node("Slice", ["x", "a", "b"], ["y"]), node("Shape", ["y"], ["extents"])],
        [("x", F, ["n", 3]), ("a", I, [1]), ("b", I, [1])],
        [("y", F, ["p", 3]), ("extents", I, [2])],
    )
    far = np.iinfo(I).max
    runs = [{"x": rand(5, 3), "a": ints(a), "b": ints(b)} for a, b in [(1, far), (-far, far), (2, 10**12), (4, 1)]]
    check(run_dovetail, model, tmp_path, runs)


def test_attention_to_many_keys(run_dovetail, tmp_path):
    """Masks take memory for each pair of query and key, and no more: their rows are not counted out."""
    inputs = [("q", F, ["b", 2, 8]), ("k", F, ["b", "n", 8]), ("v", F, ["b", "n", 8])]
    heads = {"q_num_heads": 2, "kv_num_heads": 2}
    attention = node("Attention", ["q", "k", "v"], ["y"], is_causal=1, **heads)
    model = model_of([attention], inputs, [("y", F, ["b", 2, 8])], opset=23)
    run = Executor(compiled(run_dovetail, model, tmp_path))
    q, k, v = rand(1, 2, 8), rand(1, 60000, 8, seed=1), rand(1, 60000, 8, seed=2)
    (y,) = run({"q": q, "k": k, "v": v})
    np.testing.assert_allclose(y[0, 0], v[0, 0], rtol=1e-6)
    scores = np.einsum("hc,nhc->hn", q[0, 1].reshape(2, 4), k[0, :2].reshape(2, 2, 4)) / 2
    weights = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
    expected = np.einsum("hn,nhc->hc", weights, v[0, :2].reshape(2, 2, 4))
    np.testing.assert_allclose(y[0, 1].reshape(2, 4), expected, rtol=1e-5)


def test_pad(run_dovetail, tmp_path):
    model = one("Pad", [("x", F, ["n", 5]), ("p", I, [4])], [("y", F, ["a", "b"])])
    runs = [{"x": rand(3, 5), "p": ints(*p)} for p in [(0, 0, 0, 0), (1, 2, 3, 4), (-1, 1, 0, -2), (0, -2, -1, 6)]]
    check(run_dovetail, model, tmp_path, runs)


def test_split(run_dovetail, tmp_path):
    model = one(
        "Split", [("x", F, ["n", 3]), ("s", I, [2])], [("y", F, ["a", 3]), ("z", F, ["b", 3])], axis=0
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(7, 3), "s": ints(a, 7 - a)} for a in (0, 3, 7)])
    with pytest.raises(ValueError, match=r"the sizes of split for axis 0 of input 0 \('x'\): .* is 6 but n is 7"):
        Executor(tmp_path / "model.so")({"x": rand(7, 3), "s": ints(2, 4)})


@pytest.mark.parametrize("opset", [11, 13])
def test_split_into_equal_parts(run_dovetail, tmp_path, opset):
    parts = [(name, F, [2, "p"]) for name in ("a", "b", "c")]
    nodes = [node("Split", ["x"], [name for name, _, _ in parts], axis=-1)]
    model = model_of(nodes, [("x", F, [2, "n"])], parts, opset=opset)
    check(run_dovetail, model, tmp_path, [{"x": rand(2, n)} for n in (0, 3, 18)])
    with pytest.raises(ValueError, match=r"the sizes of split for axis 1 of input 0 \('x'\): .* is 6 but n is 7"):
        Executor(tmp_path / "model.so")({"x": rand(2, 7)})


@pytest.mark.parametrize("axis", [0, 1])
def test_top_k(run_dovetail, tmp_path, axis):
    out = ["k", 5] if axis == 0 else ["n", "k"]
    model = one("TopK", [("x", F, ["n", 5]), ("k", I, [1])], [("y", F, out), ("i", I, out)], axis=axis)
    check(run_dovetail, model, tmp_path, [{"x": rand(7, 5), "k": ints(k)} for k in (0, 1, 5)])
    run = Executor(tmp_path / "model.so")
    extent = "n" if axis == 0 else "5"
    text = rf"k is out of range for axis {axis} of input 0 \('x'\): k is 8 but min\(k, {extent}\) is {[7, 5][axis]}"
    with pytest.raises(ValueError, match=rf"^node 'TopK_node': {text}$"):
        run({"x": rand(7, 5), "k": ints(8)})
    with pytest.raises(ValueError, match=r"^node 'TopK_node': an extent that tensor 'k' holds: k is -1, expected at least 0$"):
        run({"x": rand(7, 5), "k": ints(-1)})
    assert run({"x": rand(7, 5), "k": ints(2)})[0].shape == [(2, 5), (7, 2)][axis]


def test_top_k_of_an_extent_that_is_computed(run_dovetail, tmp_path):
    model = model_of(
        [node("Concat", ["x", "x"], ["both"], axis=0), node("TopK", ["both", "k"], ["y", "i"])],
        [("x", F, ["n"])],
        [("y", F, [5]), ("i", I, [5])],
        [("k", ints(5))],
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(n)} for n in (3, 8)])
    with pytest.raises(ValueError, match=r"^node 'TopK_node': k is out of range for axis 0 of input 0 \('both'\): min\(2\*n, 5\) is 4, expected 5$"):
        Executor(tmp_path / "model.so")({"x": rand(2)})


@pytest.mark.parametrize("bad", [(3, 9), (9, 3)])
def test_top_k_of_a_difference(run_dovetail, tmp_path, bad):
    """k from extents, which may lie on either side of what there is."""
    model = model_of(
        [
            node("Shape", ["a"], ["of_a"]),
            helper.make_node("Shape", ["b"], ["of_b"], name="shape_of_b"),
            node("Sub", ["of_a", "of_b"], ["k"]),
            node("TopK", ["x", "k"], ["y", "i"]),
        ],
        [("x", F, ["n"]), ("a", F, ["p"]), ("b", F, ["q"])],
        [("y", F, ["k"]), ("i", I, ["k"])],
    )
    check(run_dovetail, model, tmp_path, [{"x": rand(5), "a": rand(p), "b": rand(4)} for p in (4, 7, 9)])
    p, q = bad
    with pytest.raises(ValueError, match=rf"^node 'TopK_node': k is out of range for axis 0 of input 0 \('x'\): .* is {p - q} but .* is {5 if p > q else 0}$"):
        Executor(tmp_path / "model.so")({"x": rand(5), "a": rand(p), "b": rand(q)})


def test_inputs_whose_extents_must_agree(run_dovetail, tmp_path):
    model = model_of(
        [node("Add", ["a", "b"], ["c"]), node("MatMul", ["c", "d"], ["y"])],
        [("a", F, ["n", "k"]), ("b", F, ["m", "l"]), ("d", F, ["p", 5])],
        [("y", F, ["n", 5])],
    )
    run = [{"a": rand(3, k), "b": rand(3, k, seed=1), "d": rand(k, 5, seed=2)} for k in (4, 6)]
    check(run_dovetail, model, tmp_path, run)
    with pytest.raises(ValueError, match=r"^node 'Add_node': shapes .* cannot be broadcast: m is 2 but n is 3$"):
        Executor(tmp_path / "model.so")({"a": rand(3, 4), "b": rand(2, 4), "d": rand(4, 5)})


def test_zero_copy_of_a_data_dependent_output(run_dovetail, tmp_path):
    model = one("NonZero", [("x", F, ["a"])], [("y", I, [1, "n"])])
    executor = Executor(compiled(run_dovetail, model, tmp_path))
    mine = np.full((1, 2), -1, I)
    executor.functions["set_output_zero_copy"](0, mine)
    executor.functions["set_input"]("x", np.array([0, 1, 2, 0], F))
    executor.functions["run"]()
    np.testing.assert_array_equal(mine, [[1, 2]])
    executor.functions["set_input"]("x", np.array([3, 1, 2, 0], F))
    with pytest.raises(ValueError, match=r"output 'y' has shape \[1,3\], but the memory set for it has shape \[1,2\]"):
        executor.functions["run"]()
