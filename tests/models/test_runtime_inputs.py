"""Settings that only the run knows: scales, borders, axes and steps."""

import numpy as np
import pytest
from executors import Executor, check, compiled
from onnx_models import helper, model_of, save

F, I = "float32", "int64"


def node(op, inputs, outputs, **attributes):
    return helper.make_node(op, inputs, outputs, name=f"{op}_{outputs[0]}", **attributes)


def ints(*values):
    return np.array(values, I)


def reals(*values):
    return np.array(values, F)


def rand(*shape, seed=0, dtype=F):
    return (np.random.default_rng(seed).standard_normal(shape) * 4).astype(dtype)


def one(op, inputs, outputs, weights=(), opset=17, absent=(), **attributes):
    """`absent`: positions of inputs that are left out."""
    names = [i[0] for i in inputs] + [w[0] for w in weights]
    for position in absent:
        names.insert(position, "")
    return model_of([node(op, names, [o[0] for o in outputs], **attributes)], inputs, outputs, weights, opset)


IMAGE = [("x", F, ["n", 3, "h", "w"])]
IMAGES = [(1, 3, 4, 5), (2, 3, 7, 3), (1, 3, 1, 1), (3, 3, 16, 33)]


@pytest.mark.parametrize("mode", ["nearest", "linear", "cubic"])
@pytest.mark.parametrize("coordinates", ["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
def test_scales(run_dovetail, tmp_path, mode, coordinates):
    model = one(
        "Resize",
        [*IMAGE, ("s", F, [4])],
        [("y", F, ["n", 3, "p", "q"])],
        absent=(1,),
        mode=mode,
        coordinate_transformation_mode=coordinates,
    )
    # Whole results: onnxruntime aligns corners of extents that are rounded already.
    scales = [(2, 3), (1, 1), (4, 1), (1, 5)] + ([(0.71, 1.37), (1.93, 0.37)] if coordinates in ("asymmetric", "half_pixel") else [])
    check(run_dovetail, model, tmp_path, [{"x": rand(*shape), "s": reals(1, 1, *s)} for shape in IMAGES for s in scales])


def resized_to(mode, opset, sizes):
    """What exporters wrote before Resize took sizes: Shape, Slice, Cast, Div and Concat make the scales."""
    nodes = [
        node("Shape", ["x"], ["shape"]),
        node("Slice", ["shape", "two", "four", "zero"], ["extents"]),
        node("Cast", ["extents"], ["from"], to=1),
        node("Cast", [sizes], ["to"], to=1),
        node("Div", ["to", "from"], ["scale"]),
        node("Concat", ["ones", "scale"], ["scales"], axis=0),
        node("Resize", ["x", *(["none"] if opset > 10 else []), "scales"], ["resized"], mode=mode),
    ]
    weights = [("two", ints(2)), ("four", ints(4)), ("zero", ints(0)), ("ones", reals(1, 1)), ("none", reals())]
    return nodes, weights if opset > 10 else weights[:-1]


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize("opset", [10, 11, 13, 18])
def test_scales_from_shapes(run_dovetail, tmp_path, mode, opset):
    """To the size of another image, which is added: the sums check that the extents are equal."""
    nodes, weights = resized_to(mode, opset, "sizes")
    nodes = [
        node("Shape", ["z"], ["z_shape"]),
        node("Slice", ["z_shape", "two", "four", "zero"], ["sizes"]),
        *nodes,
        node("Add", ["resized", "z"], ["sum"]),
        node("Conv", ["sum", "kernel"], ["y"], pads=[1, 1, 1, 1]),
    ]
    model = model_of(
        nodes,
        [*IMAGE, ("z", F, ["n", 3, "p", "q"])],
        [("y", F, ["n", 5, "p", "q"])],
        [*weights, ("kernel", rand(5, 3, 3, 3))],
        opset,
    )
    runs = [
        {"x": rand(*shape), "z": rand(*shape[:2], *size, seed=1)}
        for shape in IMAGES
        for size in ((8, 10), (3, 2), (17, 31), shape[2:])
    ]
    check(run_dovetail, model, tmp_path, runs)


def test_known_scales_stay_known(run_dovetail, tmp_path):
    """Of [1, 1, s, s] only two axes are resampled: the others keep their extents."""
    nodes, weights = resized_to("linear", 11, "size")
    model = model_of(nodes, [*IMAGE, ("size", I, [2])], [("resized", F, ["n", 3, "p", "q"])], weights, 11)
    check(run_dovetail, model, tmp_path, [{"x": rand(*s), "size": ints(6, 9)} for s in IMAGES])
    text = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "again.so", "--dump=import").stdout
    assert "[n,3,resized.extent.0,resized.extent.1]" in text


def test_scales_that_are_none(run_dovetail, tmp_path):
    model = one("Resize", [("x", F, [2, 3]), ("s", F, [2])], [("y", F, ["p", "q"])], absent=(1,))
    run = Executor(compiled(run_dovetail, model, tmp_path))
    for wrong in (0, -1.5, np.inf, np.nan):
        message = r"^node 'Resize_y': scales must hold finite numbers above 0: y.wrong_scales is 1, expected 0$"
        with pytest.raises(ValueError, match=message):
            run({"x": rand(2, 3), "s": reals(2, wrong)})
    assert run({"x": rand(2, 3), "s": reals(2, 0.2)})[0].shape == (4, 0)


@pytest.mark.parametrize("policy", ["not_larger", "not_smaller"])
@pytest.mark.parametrize("measured", [False, True])
def test_aspect_ratio(run_dovetail, tmp_path, policy, measured):
    attributes = {"axes": [2, 3], "keep_aspect_ratio_policy": policy, "mode": "linear", "opset": 18, "absent": (1, 2)}
    outputs = [("y", F, ["n", 3, "p", "q"])]
    if measured:
        model = one("Resize", [*IMAGE, ("s", I, [2])], outputs, **attributes)
        runs = [{"x": rand(*shape), "s": ints(*s)} for shape in IMAGES for s in ((7, 6), (3, 20), (5, 5))]
    else:
        model = one("Resize", IMAGE, outputs, [("s", ints(7, 6))], **attributes)
        runs = [{"x": rand(*shape)} for shape in IMAGES]
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize("mode", ["linear", "cubic"])
@pytest.mark.parametrize("exclude", [0, 1])
def test_antialias(run_dovetail, tmp_path, mode, exclude):
    attributes = {"mode": mode, "antialias": 1, "exclude_outside": exclude, "opset": 18}
    model = one("Resize", [*IMAGE, ("s", F, [4])], [("y", F, ["n", 3, "p", "q"])], absent=(1,), **attributes)
    scales = [(0.3, 0.2), (0.5, 2), (1, 0.9), (3, 1.5)]
    runs = [{"x": rand(*shape), "s": reals(1, 1, *s)} for shape in IMAGES for s in scales]
    check(run_dovetail, model, tmp_path, [r for r in runs if min(np.floor(r["x"].shape * r["s"])) > 0])


def test_antialias_to_sizes(run_dovetail, tmp_path):
    attributes = {"mode": "cubic", "antialias": 1, "opset": 18, "axes": [2, 3]}
    outputs = [("y", F, ["n", 3, 4, 6])]
    model = one("Resize", IMAGE, outputs, [("s", ints(4, 6))], absent=(1, 2), **attributes)
    check(run_dovetail, model, tmp_path, [{"x": rand(*shape)} for shape in IMAGES])


@pytest.mark.parametrize("shape", [[], [1], ["k"]])
def test_border(run_dovetail, tmp_path, shape):
    """Also where the number of elements of the border is known in the run only."""
    model = one("Pad", [("x", F, ["n", 5]), ("p", I, [4]), ("v", F, shape)], [("y", F, ["a", "b"])])
    border = [reals(v).reshape([1] * len(shape)) for v in (2.5, -1)]
    amounts = [(0, 0, 0, 0), (1, 2, 3, 4), (-1, 1, 0, -2), (0, -2, -1, 6)]
    check(run_dovetail, model, tmp_path, [{"x": rand(3, 5), "p": ints(*p), "v": v} for p in amounts for v in border])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
def test_pad_axes(run_dovetail, tmp_path, mode):
    inputs = [("x", F, ["n", 5, "m"]), ("p", I, [4]), ("axes", I, [2])]
    model = one("Pad", inputs, [("y", F, ["a", "b", "c"])], absent=(2,), opset=19, mode=mode)
    cases = [((0, 1), (0, 2, 1, 1)), ((-1, 1), (1, 0, 2, 3)), ((2, 0), (1, 1, 0, 0))]
    runs = [{"x": rand(n, 5, m), "p": ints(*p), "axes": ints(*a)} for a, p in cases for n, m in ((3, 4), (7, 6))]
    check(run_dovetail, model, tmp_path, runs)
    run = Executor(tmp_path / "model.so")
    message = r"^node 'Pad_y': input 3 \('axes'\) must hold different axes within -3..2: y.axes is 1, expected 2$"
    for axes in ((1, 1), (-1, 2), (0, 3), (-4, 0)):
        with pytest.raises(ValueError, match=message):
            run({"x": rand(3, 5, 4), "p": ints(0, 1, 1, 0), "axes": ints(*axes)})


@pytest.mark.parametrize("steps", [False, True])
def test_slice_axes(run_dovetail, tmp_path, steps):
    inputs = [("x", F, ["n", 8, "m"]), ("a", I, [2]), ("b", I, [2]), ("axes", I, [2])]
    inputs += [("steps", I, [2])] if steps else []
    model = one("Slice", inputs, [("y", F, ["p", "q", "r"])])
    far = np.iinfo(I).max
    runs = []
    for n, m in ((5, 3), (1, 9)):
        for axes, a, b, s in [
            ((0, 1), (1, 7), (4, 9), (1, 2)), ((-1, 0), (-3, -1), (far, -9), (2, -1)), ((1, 2), (0, 100), (-1, -100), (3, -2)),
            ((2, 1), (20, 5), (3, 5), (1, far)), ((0, 2), (-far, far), (far, -far), (1, -1)),
        ]:  # fmt: skip
            run = {"x": rand(n, 8, m), "a": ints(*a), "b": ints(*b), "axes": ints(*axes)}
            runs.append(run | ({"steps": ints(*s)} if steps else {}))
    check(run_dovetail, model, tmp_path, runs)
    if steps:
        with pytest.raises(ValueError, match=r"^node 'Slice_y': input 4 \('steps'\) holds 0: .* is 0, expected 1$"):
            Executor(tmp_path / "model.so")(runs[0] | {"steps": ints(1, 0)})


def test_slice_steps(run_dovetail, tmp_path):
    """Known axes, steps of both signs: the second one is known."""
    nodes = [
        node("Concat", ["s", "minus"], ["steps"], axis=0),
        node("Slice", ["x", "a", "b", "axes", "steps"], ["y"]),
    ]
    inputs = [("x", F, ["n", 8]), ("a", I, [2]), ("b", I, [2]), ("s", I, [1])]
    model = model_of(nodes, inputs, [("y", F, ["p", "q"])], [("axes", ints(0, 1)), ("minus", ints(-2))])
    runs = [
        {"x": rand(n, 8), "a": ints(a, 7), "b": ints(b, -9), "s": ints(s)}
        for n in (1, 6, 17)
        for a, b, s in [(0, 5, 1), (1, 99, 2), (-1, -99, -1), (99, 0, -3), (2, 2, 1), (5, 1, 1), (1, 5, -1), (-99, 99, 7)]
    ]
    check(run_dovetail, model, tmp_path, runs)


@pytest.mark.parametrize("reverse", [0, 1])
def test_cumulate(run_dovetail, tmp_path, reverse):
    model = one("CumSum", [("x", F, ["n", 3, "m"]), ("axis", I, [])], [("y", F, ["n", 3, "m"])], reverse=reverse)
    runs = [{"x": rand(n, 3, m), "axis": np.array(a)} for n, m in ((2, 5), (1, 33)) for a in range(-3, 3)]
    check(run_dovetail, model, tmp_path, runs)
    with pytest.raises(ValueError, match=r"^node 'CumSum_y': input 1 \('axis'\) is out of range for rank 3: .* is 3 but .* is 2$"):
        Executor(tmp_path / "model.so")({"x": rand(2, 3, 5), "axis": np.array(3)})


@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMean", "ReduceMax", "ReduceL2", "ReduceLogSumExp"])
@pytest.mark.parametrize("keepdims", [0, 1])
def test_reduce(run_dovetail, tmp_path, op, keepdims):
    out = ["p", "q", "r", "s"] if keepdims else ["p", "q"]
    model = one(op, [("x", F, ["n", 3, 4, "m"]), ("axes", I, [2])], [("y", F, out)], opset=18, keepdims=keepdims)
    pairs = [(0, 1), (-1, 0), (1, 2), (3, -2), (2, 0), (1, -1)]
    check(run_dovetail, model, tmp_path, [{"x": rand(n, 3, 4, m), "axes": ints(*a)} for n, m in ((2, 5), (7, 33)) for a in pairs])
    message = rf"^node '{op}_y': input 1 \('axes'\) must hold different axes within -4..3: y.axes is 1, expected 2$"
    with pytest.raises(ValueError, match=message):
        Executor(tmp_path / "model.so")({"x": rand(2, 3, 4, 5), "axes": ints(1, -3)})


@pytest.mark.parametrize("extents", [[5, 4], ["n", "m"]])
def test_what_a_reduction_keeps_broadcasts(run_dovetail, tmp_path, extents):
    """Of each kept extent only the run knows whether it is 1."""
    nodes = [
        node("ReduceMean", ["x", "a"], ["m"], keepdims=1),
        node("Sub", ["x", "m"], ["d"]),
        node("Mul", ["m", "d"], ["y"]),
    ]
    model = model_of(nodes, [("x", F, extents), ("a", I, [1])], [("y", F, extents)], opset=18)
    sizes = [(5, 4)] if extents[0] == 5 else [(5, 4), (1, 7), (3, 1), (0, 2)]
    check(run_dovetail, model, tmp_path, [{"x": rand(*size), "a": ints(a)} for size in sizes for a in (0, -1) if size[a]])


def test_aspect_ratio_of_nothing(run_dovetail, tmp_path):
    model = one("Resize", [("x", F, [1, 1, 0, 4])], [("y", F, [1, 1, "p", "q"])], [("s", ints(3, 3))], 18, (1, 2),
                axes=[2, 3], keep_aspect_ratio_policy="not_smaller", mode="linear")  # fmt: skip
    save(model, tmp_path / "model.onnx")
    error = run_dovetail("build", tmp_path / "model.onnx", "-o", tmp_path / "model.so", code=1).stderr
    assert error.endswith("keep_aspect_ratio_policy needs extents and sizes above 0\n")
