"""Extents that ONNX wants equal, some of which only a run knows: compiled all the same, checked by the run.

Every operator runs right, as onnxruntime does, and wrong: the error names the node and both extents.
"""

import re
from dataclasses import dataclass, field

import numpy as np
import pytest
from executors import Executor, check, compiled
from onnx_models import helper, model_of


@dataclass
class Case:
    """One node. Inputs are "NAME: EXTENTS", "n c 4" and so on; weights arrays."""

    op: str
    inputs: dict
    sizes: list  # of the symbols, in right runs
    wrong: dict  # symbols -> text of the error
    weights: dict = field(default_factory=dict)
    attributes: dict = field(default_factory=dict)
    order: str = ""  # of inputs and weights
    opset: int = 17
    ranks: tuple = ()  # of the outputs; one like the first input
    whole: dict = field(default_factory=dict)  # inputs that are integers -> one above the largest

    def arrays(self, sizes):
        random = np.random.default_rng(1)
        result = {}
        for name, shape in self.inputs.items():
            extents = [sizes.get(d, d) for d in dims(shape)]
            if name in self.whole:
                result[name] = random.integers(0, self.whole[name], extents)
            else:
                result[name] = random.standard_normal(extents).astype("float32")
        return result

    def model(self):
        names = self.order.split() or [*self.inputs, *self.weights]
        ranks = self.ranks or (len(dims(next(iter(self.inputs.values())))),)
        outputs = [(f"y{k}", "float32", [f"y{k}.{axis}" for axis in range(rank)]) for k, rank in enumerate(ranks)]
        node = helper.make_node(self.op, names, [y[0] for y in outputs], name="the_node", **self.attributes)
        inputs = [(n, "int64" if n in self.whole else "float32", dims(s)) for n, s in self.inputs.items()]
        return model_of([node], inputs, outputs, self.weights.items(), self.opset)


def dims(shape):
    return [int(d) if d.isdigit() else d for d in shape.split()]


def rand(*shape):
    return np.random.default_rng(2).random(shape, dtype="float32") + 0.1


def ints(*numbers):
    return np.array(numbers, "int64")


CASES = [
    Case("Einsum", {"a": "i j", "b": "k l"}, [{"i": 2, "j": 3, "k": 3, "l": 4}],
         {"i:2 j:3 k:5 l:4": "'j' of the equation has two extents: k is 5 but j is 3"}, attributes={"equation": "ij,jk->ik"}),
    Case("Einsum", {"a": "n m"}, [{"n": 4, "m": 4}, {"n": 1, "m": 1}],
         {"n:4 m:3": "'i' of the equation has two extents: m is 3 but n is 4"}, attributes={"equation": "ii->i"}, ranks=(1,)),
    Case("Einsum", {"a": "b n 3"}, [{"b": 2, "n": 3}],
         {"b:2 n:4": "'i' of the equation has two extents: n is 4, expected 3"}, attributes={"equation": "bii->bi"}, ranks=(2,)),
    Case("Einsum", {"a": "b n", "w": "n 5"}, [{"b": 2, "n": 5}],
         {"b:2 n:4": "'j' of the equation has two extents: n is 4, expected 5"}, attributes={"equation": "bj,jj->b"}, ranks=(1,)),
    Case("Conv", {"x": "n c h 9"}, [{"n": 2, "c": 3, "h": 7}, {"n": 1, "c": 3, "h": 4}],
         {"n:2 c:4 h:7": "the channels of input 0 ('x') of shape [n,c,h,9] and input 1 ('w') of shape [5,3,3,3] do not fit with "
                         "group = 1: c is 4, expected 3"},
         {"w": rand(5, 3, 3, 3), "b": rand(5)}),
    Case("Conv", {"x": "1 c 7"}, [{"c": 4}], {"c:5": "with group = 2: c is 5, expected 4"}, {"w": rand(6, 2, 3)}, {"group": 2}),
    Case("Conv", {"x": "n c 7", "w": "m d 3", "b": "k"}, [{"n": 1, "c": 4, "m": 6, "d": 2, "k": 6}],
         {"n:1 c:5 m:6 d:2 k:6": "with group = 2: c is 5 but 2*d is 4",
          "n:1 c:4 m:7 d:2 k:7": "input 1 ('w') has m output channels, which group = 2 does not divide: m is 7 but 2*floordiv(m, 2) is 6",
          "n:1 c:4 m:6 d:2 k:5": "input 2 ('b') has shape [k], expected [2*floordiv(m, 2)]: k is 5 but 2*floordiv(m, 2) is 6"},
         attributes={"group": 2}),
    Case("Conv", {"x": "n 4 7", "w": "6 d 3"}, [{"n": 1, "d": 2}], {"n:1 d:3": "with group = 2: d is 3, expected 2"}, attributes={"group": 2}),
    Case("ConvTranspose", {"x": "n c h"}, [{"n": 2, "c": 4, "h": 5}],
         {"n:2 c:3 h:5": "the channels of input 0 ('x') of shape [n,c,h] and input 1 ('w') of shape [4,3,3] do not fit: c is 3, expected 4"},
         {"w": rand(4, 3, 3), "b": rand(3)}, {"strides": [2]}),
    Case("ConvTranspose", {"x": "n c 5", "w": "d 3 3"}, [{"n": 2, "c": 4, "d": 4}],
         {"n:2 c:6 d:4": "do not fit: c is 6 but d is 4",
          "n:2 c:3 d:3": "input 0 ('x') has d channels, which group = 2 does not divide: d is 3 but 2*floordiv(d, 2) is 2"},
         attributes={"group": 2, "strides": [2]}),
    Case("BatchNormalization", {"x": "n c h"}, [{"n": 2, "c": 3, "h": 5}],
         {"n:2 c:4 h:5": "input 0 ('x') has shape [n,c,h], expected [n,3,h]: c is 4, expected 3"},
         {name: rand(3) for name in ("scale", "bias", "mean", "variance")}),
    Case("BatchNormalization", {"x": "n c", "scale": "s", "bias": "c", "mean": "c", "variance": "c"}, [{"n": 2, "c": 3, "s": 3}],
         {"n:2 c:3 s:4": "input 1 ('scale') has shape [s], expected [c]: s is 4 but c is 3"}, opset=15,
         attributes={"training_mode": 1}, ranks=(2, 1, 1)),
    Case("InstanceNormalization", {"x": "n c h", "b": "k"}, [{"n": 2, "c": 3, "h": 5, "k": 3}],
         {"n:2 c:4 h:5 k:3": "input 0 ('x') has shape [n,c,h], expected [n,3,h]: c is 4, expected 3",
          "n:2 c:3 h:5 k:4": "input 2 ('b') has shape [k], expected [3]: k is 4, expected 3"},
         {"s": rand(3)}, order="x s b"),
    Case("GroupNormalization", {"x": "n c h"}, [{"n": 2, "c": 6, "h": 5}], {"n:2 c:4 h:5": "c is 4, expected 6"},
         {"s": rand(6), "b": rand(6)}, {"num_groups": 3}, opset=21),
    Case("GroupNormalization", {"x": "n c h", "s": "k", "b": "c"}, [{"n": 2, "c": 6, "h": 5, "k": 6}, {"n": 1, "c": 9, "h": 2, "k": 9}],
         {"n:2 c:5 h:5 k:5": "num_groups is 3, but input 0 ('x') of shape [n,c,h] has c channels: c is 5 but 3*floordiv(c, 3) is 3",
          "n:2 c:6 h:5 k:3": "input 1 ('s') has shape [k], expected [3*floordiv(c, 3)]: k is 3 but 3*floordiv(c, 3) is 6"},
         attributes={"num_groups": 3}, opset=21),
    Case("LayerNormalization", {"x": "n d"}, [{"n": 3, "d": 5}],
         {"n:3 d:4": "input 1 ('s') has shape [5], expected one that broadcasts to [d]: d is 4, expected 5"}, {"s": rand(5), "b": rand(5)}),
    Case("LayerNormalization", {"x": "n e d", "s": "k", "b": "e d"}, [{"n": 3, "e": 2, "d": 5, "k": 5}],
         {"n:3 e:2 d:4 k:5": "input 1 ('s') has shape [k], expected one that broadcasts to [e,d]: k is 5 but d is 4"}, attributes={"axis": 1}),
    Case("RMSNormalization", {"x": "n d", "s": "k"}, [{"n": 3, "d": 5, "k": 5}],
         {"n:3 d:4 k:5": "input 1 ('s') has shape [k], expected one that broadcasts to [d]: k is 5 but d is 4"}, opset=23),
    Case("Gemm", {"a": "m k"}, [{"m": 2, "k": 3}], {"m:2 k:4": "k is 4, expected 3"}, {"b": rand(3, 5), "c": rand(5)}),
    Case("Gemm", {"a": "m 3", "b": "3 n"}, [{"m": 2, "n": 5}],
         {"m:2 n:4": "input 2 ('c') has shape [5], which does not broadcast to [m,n]: n is 4, expected 5"}, {"c": rand(5)}),
    Case("ReverseSequence", {"x": "t b 2"}, [{"t": 4, "b": 3}],
         {"t:4 b:2": "input 0 ('x') has shape [t,b,2], expected [t,3,2]: b is 2, expected 3"}, {"lengths": ints(4, 1, 2)}, opset=10),
    Case("ScatterElements", {"x": "n 3", "updates": "m 3", "indices": "k 3"}, [{"n": 5, "m": 2, "k": 2}],
         {"n:5 m:3 k:2": "input 2 ('updates') has shape [m,3], expected [k,3]: m is 3 but k is 2"}, order="x indices updates", whole={"indices": 2},
         attributes={"reduction": "add"}, opset=18),
    Case("ScatterND", {"x": "n 3", "updates": "m 3"}, [{"n": 5, "m": 2}],
         {"n:5 m:3": "input 2 ('updates') has shape [m,3], expected [2,3]: m is 3, expected 2"}, {"indices": ints(4, 1).reshape(2, 1)},
         order="x indices updates", opset=16),
    Case("GatherND", {"x": "n 3", "i": "m 1"}, [{"n": 5, "m": 5}],
         {"n:5 m:4": "input 1 ('i') has shape [m,1], expected [n,1]: m is 4 but n is 5"}, whole={"i": 3}, attributes={"batch_dims": 1}, ranks=(1,)),
    Case("GridSample", {"x": "n 2 5 6", "grid": "m 3 4 k"}, [{"n": 2, "m": 2, "k": 2}],
         {"n:2 m:3 k:2": "input 1 ('grid') has shape [m,3,4,k], expected [n,3,4,2]: m is 3 but n is 2",
          "n:2 m:2 k:3": "input 1 ('grid') has shape [m,3,4,k], expected [n,3,4,2]: k is 3, expected 2"}, opset=16),
    Case("RoiAlign", {"x": "n 2 9 9", "rois": "r four", "which": "b"}, [{"n": 2, "r": 3, "four": 4, "b": 3}],
         {"n:2 r:3 four:4 b:2": "input 2 ('which') has shape [b], expected [r]: b is 2 but r is 3",
          "n:2 r:3 four:5 b:3": "input 1 ('rois') has shape [r,four], expected [r,4]: four is 5, expected 4"},
         attributes={"output_height": 2, "output_width": 2, "sampling_ratio": 2}, whole={"which": 2}),
    Case("DepthToSpace", {"x": "n c 2 3"}, [{"n": 2, "c": 8}, {"n": 1, "c": 4}],
         {"n:2 c:6": "axis 1 of input 0 ('x') has extent c, which is no multiple of 4: c is 6 but 4*floordiv(c, 4) is 4"},
         attributes={"blocksize": 2}),
    Case("SpaceToDepth", {"x": "n 3 h w"}, [{"n": 2, "h": 4, "w": 6}],
         {"n:2 h:4 w:5": "axis 3 of input 0 ('x') has extent w, which is no multiple of 2: w is 5 but 2*floordiv(w, 2) is 4"},
         attributes={"blocksize": 2}),
    Case("LSTM", {"x": "t b c"}, [{"t": 4, "b": 2, "c": 3}], {"t:4 b:2 c:5": "input 0 ('x') has shape [t,b,c], expected [t,b,3]: c is 5, expected 3"},
         {"w": rand(1, 8, 3), "r": rand(1, 8, 2)}, {"hidden_size": 2}, ranks=(4,)),
    Case("GRU", {"x": "t b 3", "r": "1 g h"}, [{"t": 4, "b": 2, "g": 6, "h": 2}],
         {"t:4 b:2 g:6 h:3": "input 2 ('r') has shape [1,g,h], expected [1,6,2]: h is 3, expected 2"}, {"w": rand(1, 6, 3)}, {"hidden_size": 2}, order="x w r", ranks=(4,)),
    Case("Attention", {"q": "b h s d", "k": "c 2 t 8", "v": "b g u 8"}, [{"b": 2, "h": 4, "s": 3, "d": 8, "c": 2, "t": 5, "g": 2, "u": 5}],
         {"b:2 h:4 s:3 d:8 c:3 t:5 g:2 u:5": "queries of shape [b,h,s,d], keys of shape [c,2,t,8] and values of shape [b,g,u,8] do not fit: c is 3 but b is 2",
          "b:2 h:4 s:3 d:9 c:2 t:5 g:2 u:5": "d is 9, expected 8", "b:2 h:4 s:3 d:8 c:2 t:5 g:3 u:5": "g is 3, expected 2",
          "b:2 h:4 s:3 d:8 c:2 t:5 g:2 u:6": "u is 6 but t is 5",
          "b:2 h:5 s:3 d:8 c:2 t:5 g:2 u:5": "h heads of queries for 2 of keys and values, expected a multiple: h is 5 but 2*floordiv(h, 2) is 4"},
         opset=23),
    Case("Attention", {"q": "b s e", "k": "b t e", "v": "b t e"}, [{"b": 2, "s": 3, "t": 5, "e": 16}, {"b": 1, "s": 1, "t": 2, "e": 4}],
         {"b:2 s:3 t:5 e:15": "q_num_heads is 4, which does not divide the e columns of input 0 ('q'): e is 15 but 4*floordiv(e, 4) is 12"},
         attributes={"q_num_heads": 4, "kv_num_heads": 4}, opset=23),
    Case("Attention", {"q": "b 2 s 8", "k": "b 2 t 8", "v": "b 2 t 8", "mask": "s m"}, [{"b": 2, "s": 3, "t": 5, "m": 5}],
         {"b:2 s:3 t:5 m:4": "m is 4 but t is 5", "b:2 s:3 t:5 m:6": "m is 6 but t is 5"}, opset=23),
    Case("RotaryEmbedding", {"x": "b 2 s d"}, [{"b": 1, "s": 3, "d": 8}],
         {"b:1 s:3 d:6": "input 0 ('x') has shape [b,2,s,d], expected [b,2,s,8]: d is 6, expected 8"}, {"cos": rand(1, 3, 4), "sin": rand(1, 3, 4)}, opset=23),
    Case("RotaryEmbedding", {"x": "b s d", "cos": "b s k", "sin": "b s k"}, [{"b": 1, "s": 3, "d": 16, "k": 4}, {"b": 2, "s": 1, "d": 8, "k": 2}],
         {"b:1 s:3 d:18 k:4": "floordiv(d, 2) elements of heads of floordiv(d, 2) cannot be turned in pairs: floordiv(d, 2) is 9 but 2*floordiv(d, 4) is 8", "b:1 s:3 d:15 k:4": "num_heads is 2, which does not divide the d columns of input 0 ('x'): d is 15 but",
          "b:1 s:3 d:16 k:3": "input 1 ('cos') has k columns, expected half of the turned elements: k is 3 but floordiv(d, 4) is 4"},
         attributes={"num_heads": 2}, opset=23),
    Case("OneHot", {"i": "n", "depth": "k", "values": "two"}, [{"n": 3, "k": 1, "two": 2}],
         {"n:3 k:2 two:2": "input 1 ('depth') has shape [k], expected one element: k is 2, expected 1",
          "n:3 k:1 two:3": "input 2 ('values') has shape [two], expected [2]: two is 3, expected 2"}, whole={"i": 4, "depth": 5}, ranks=(2,)),
    Case("Clip", {"x": "n", "low": "k"}, [{"n": 3, "k": 1}], {"n:3 k:2": "input 1 ('low') has shape [k], expected one element: k is 2, expected 1"}),
]  # fmt: skip


def name_of(case):
    return f"{case.op}_{'_'.join(case.inputs.values())}".replace(" ", "")


@pytest.mark.parametrize("case", CASES, ids=name_of)
def test_a_run_checks_extents(run_dovetail, tmp_path, case):
    check(run_dovetail, case.model(), tmp_path, [case.arrays(sizes) for sizes in case.sizes])
    for sizes, text in case.wrong.items():
        numbers = {symbol: int(size) for symbol, size in (pair.split(":") for pair in sizes.split())}
        with pytest.raises(ValueError, match=f"^node 'the_node': .*{re.escape(text)}"):
            Executor(tmp_path / "model.so")(case.arrays(numbers))


def test_extents_that_a_run_computes(run_dovetail, tmp_path):
    """Where the extents come out of a NonZero, the check stands between it and the convolution."""
    nodes = [
        helper.make_node("NonZero", ["mask"], ["found"], name="find"),
        helper.make_node("Reshape", ["found", "line"], ["index"], name="line"),
        helper.make_node("Gather", ["x", "index"], ["kept"], name="gather", axis=1),
        helper.make_node("Conv", ["kept", "w"], ["y"], name="the_node"),
    ]
    weights = {"w": rand(4, 3, 3), "line": ints(-1)}
    model = model_of(nodes, [("x", "float32", ["n", 8, 9]), ("mask", "bool", [8])], [("y", "float32", ["n", 4, "w"])], weights.items())
    mask = np.isin(np.arange(8), [1, 4, 6])
    check(run_dovetail, model, tmp_path, [{"x": rand(n, 8, 9), "mask": mask} for n in (1, 5)])
    with pytest.raises(ValueError, match=r"^node 'the_node': the channels of .*: found\.count is 8, expected 3$"):
        Executor(compiled(run_dovetail, model, tmp_path))({"x": rand(1, 8, 9), "mask": np.ones(8, bool)})


# The output has a shape that looks right; a tensor before it has an extent below 0.
NEGATIVE = {
    "MaxPool": (
        [
            helper.make_node("MaxPool", ["x"], ["p"], name="the_node", kernel_shape=[5, 1]),
            helper.make_node("Concat", ["p", "x"], ["y"], axis=2),
        ],
        {"x": rand(1, 1, 3, 4)},
        "h - 4 is -1, expected at least 0",
    ),
    "Pad": (
        [helper.make_node("Pad", ["x", "p"], ["y"], name="the_node", mode="constant")],
        {"x": rand(1, 1, 3, 4), "p": ints(0, 0, -100, 0, 0, 0, 100, 0)},
        "is -97, expected at least 0",
    ),
}


@pytest.mark.parametrize("name", NEGATIVE)
def test_no_tensor_has_an_extent_below_zero(run_dovetail, tmp_path, name):
    nodes, arrays, text = NEGATIVE[name]
    inputs = [("x", "float32", ["n", "c", "h", "w"]), ("p", "int64", [8])][: len(arrays)]
    run = Executor(compiled(run_dovetail, model_of(nodes, inputs, [("y", "float32", ["n", "c", "a", "b"])]), tmp_path))
    with pytest.raises(ValueError, match=f"^node 'the_node': an extent would be negative: .*{text}$"):
        run(arrays)


def test_no_tensor_of_an_iteration_has_an_extent_below_zero(run_dovetail, tmp_path):
    """The loop's result is pooled too: what is checked of it says nothing of the iterations before."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("MaxPool", ["s"], ["p"], name="the_node", kernel_shape=[5]),
            helper.make_node("Concat", ["p", "s"], ["t"], axis=2),
        ],
        "body",
        [helper.make_tensor_value_info(n, k, s) for n, k, s in (("i", 7, []), ("go", 9, []), ("s", 1, [1, 1, None]))],
        [helper.make_tensor_value_info(n, k, s) for n, k, s in (("on", 9, []), ("t", 1, [1, 1, None]))],
    )
    nodes = [
        helper.make_node("Loop", ["trips", "", "x"], ["r"], name="loop", body=body),
        helper.make_node("MaxPool", ["r"], ["y"], name="after", kernel_shape=[5]),
    ]
    inputs = [("trips", "int64", []), ("x", "float32", [1, 1, "n"])]
    model = model_of(nodes, inputs, [("y", "float32", [1, 1, "m"])])
    runs = [{"trips": np.array(t), "x": rand(1, 1, n)} for t, n in ((0, 5), (1, 5), (2, 9))]
    check(run_dovetail, model, tmp_path, runs)
    with pytest.raises(ValueError, match=r"the_node': an extent would be negative: .* is -1, expected at least 0$"):
        Executor(tmp_path / "model.so")({"trips": np.array(1), "x": rand(1, 1, 3)})
