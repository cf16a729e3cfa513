"""Settings that only the run knows: scales, borders, axes and steps."""

import numpy as np
import pytest
from executors import Executor, check, compiled
from onnx_models import helper, model_of

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
