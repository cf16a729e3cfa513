"""Writes cases for evaluate_cases: FOLDER/cases.json, and an ONNX file and .npy files for each."""

import json
import zlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

# Relative and absolute tolerance of results in each type: the evaluator computes in double and
# rounds once per node, the references round at every step.
TOLERANCES = {"bfloat16": (1e-2, 1e-2), "float16": (2e-3, 1e-3), "float32": (2e-5, 2e-6), "float64": (1e-10, 1e-12)}


def tolerance_of(arrays):
    tolerances = [TOLERANCES[str(a.dtype)] for a in arrays if str(a.dtype) in TOLERANCES]
    return [max(t[k] for t in tolerances) if tolerances else 0 for k in (0, 1)]


def reference_outputs(model, feeds):
    """onnxruntime's answer, or that of the ONNX reference where onnxruntime has no kernel."""
    try:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return session.run(None, feeds)
    except Exception:  # noqa: BLE001  onnxruntime raises several unrelated classes
        return ReferenceEvaluator(model).run(None, feeds)


class CaseWriter:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rows = []
        self.names = set()

    def add_model(self, suite, name, model, inputs, outputs, refused="", rtol=None, atol=None):
        """`inputs` and `outputs` are arrays in the model's order. A tolerance is a number, or one for each output."""
        assert name not in self.names, name
        self.names.add(name)
        onnx.save(model, str(self.folder / f"{name}.onnx"))
        row = {"suite": suite, "name": name, "model": f"{name}.onnx", "refused": refused, "later": []}
        self.rows.append(row | self._run(name, inputs, outputs, rtol, atol))

    def add_run(self, inputs, outputs, rtol=None, atol=None):
        """Another run of the last model."""
        row = self.rows[-1]
        row["later"].append(self._run(f"{row['name']}.{len(row['later']) + 1}", inputs, outputs, rtol, atol))

    def _run(self, name, inputs, outputs, rtol, atol):
        default = tolerance_of(outputs)
        run = {"rtol": default[0] if rtol is None else rtol, "atol": default[1] if atol is None else atol}
        for kind, arrays in (("inputs", inputs), ("outputs", outputs)):
            run[kind] = [f"{name}.{kind[:-1]}{i}.npy" for i in range(len(arrays))]
            for file, array in zip(run[kind], arrays):
                np.save(self.folder / file, np.asarray(array, order="C"))
        return run

    def add(self, op, arrays, *, name, opset, weights=(), outputs=1, shapes=None, refused="", suite=None, rtol=None, atol=None, **attributes):
        """One node. `arrays` may hold None (absent); positions in `weights` become initializers.

        `outputs`: how many, or which of them are wanted.
        `shapes`: declared shapes of the inputs, where they are not the arrays' own.
        """
        names = [f"x{i}" if a is not None else "" for i, a in enumerate(arrays)]
        wanted = [True] * outputs if isinstance(outputs, int) else outputs
        output_names = [f"y{i}" if w else "" for i, w in enumerate(wanted)]
        node = helper.make_node(op, names, output_names, name="node", **attributes)
        feeds = {f"x{i}": a for i, a in enumerate(arrays) if a is not None and i not in weights}
        inputs = [
            helper.make_tensor_value_info(
                n, helper.np_dtype_to_tensor_dtype(a.dtype), (shapes or {}).get(n, list(a.shape))
            )
            for n, a in feeds.items()
        ]
        initializers = [numpy_helper.from_array(arrays[i], f"x{i}") for i in weights if arrays[i] is not None]
        declared = [helper.make_empty_tensor_value_info(n) for n in output_names if n]
        graph = helper.make_graph([node], "graph", inputs, declared, initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
        model.ir_version = min(model.ir_version, 10)
        expected = [] if refused else reference_outputs(typed(model), feeds)
        self.add_model(suite or op, name, model, list(feeds.values()), expected, refused, rtol, atol)

    def finish(self):
        (self.folder / "cases.json").write_text(json.dumps(self.rows, indent=1))


def typed(model):
    """The references want declared output types."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, strict_mode=False)
        if all(o.type.tensor_type.elem_type for o in inferred.graph.output):
            return inferred
    except Exception:  # noqa: BLE001
        pass
    return model


def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def symbolic_shapes(arrays, weights, keep=()):
    """Extents as symbols named after their size, so that equal extents are one symbol.

    1 stays, as do extents in `keep` and those of weights, which a symbol would have to equal.
    """
    fixed = {1, *keep}
    for i in weights:
        fixed.update(() if arrays[i] is None else arrays[i].shape)
    return {
        f"x{i}": [d if d in fixed else f"n{d}" for d in a.shape]
        for i, a in enumerate(arrays)
        if a is not None and i not in weights
    }
