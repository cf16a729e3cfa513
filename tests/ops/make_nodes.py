"""Cases from ONNX's own backend node tests, for the operators that the compiler has:

make_nodes.py FOLDER

Inputs that say how an operator works (axes, shapes, borders) become initializers, as they are in
exported models. Where the compiler need not know them the test runs a second time with them as
inputs (NAME_at_run). node_tests_refused.txt lists the tests that are expected to be refused, each with
a part of the message; it is checked both ways. FOLDER/counts.json says what was left out.
"""

import collections
import fnmatch
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from case_values import REDUCTIONS
from case_writer import CaseWriter
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
# What .npy files hold, and the types that every operator should take.
STORED = {"float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"}
COMMON = {"float32", "float64", "int64", "int32", "int8", "uint8", "bool"}
SETTINGS = dict.fromkeys(REDUCTIONS, (1,)) | {
    "AffineGrid": (1,), "CenterCropPad": (1,), "Col2Im": (1, 2), "ConstantOfShape": (0,), "CumProd": (1,), "CumSum": (1,),
    "Dropout": (1, 2), "Expand": (1,), "MaxUnpool": (2,), "OneHot": (1,), "Pad": (1, 2, 3), "Range": (0, 1, 2),
    "Reshape": (1,), "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,),
    "TopK": (1,), "Unsqueeze": (1,), "Upsample": (1,),
}  # fmt: skip
# Those that may be measured when a model runs.
MEASURED = dict.fromkeys(REDUCTIONS, (1,)) | {
    "AffineGrid": (1,), "CenterCropPad": (1,), "Col2Im": (1,), "ConstantOfShape": (0,), "CumProd": (1,), "CumSum": (1,),
    "Expand": (1,), "MaxUnpool": (2,), "OneHot": (1,), "Pad": (1, 2, 3), "Range": (0, 1, 2),
    "Reshape": (1,), "Resize": (1, 2, 3), "Slice": (1, 2, 3, 4), "Split": (1,), "Tile": (1,), "TopK": (1,), "Upsample": (1,),
}  # fmt: skip


def freeze_settings(model, inputs, left_out):
    """A copy of the model where settings are initializers, and the inputs that are left."""
    frozen = {
        name
        for node in model.graph.node
        for position, name in enumerate(node.input)
        if position in SETTINGS.get(node.op_type, ())
        and position not in left_out.get(node.op_type, ())
    }
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    left = []
    for info, array in zip(model.graph.input, inputs):
        if info.name in frozen:
            copy.graph.initializer.append(numpy_helper.from_array(array, info.name))
            copy.graph.input.remove(next(i for i in copy.graph.input if i.name == info.name))
        else:
            left.append(array)
    return copy, left


def supported_operators():
    """Names of the default domain, as the command line tool lists them."""
    build = Path(os.environ.get("DOVETAIL_BUILD_DIR", HERE.parent.parent / "build"))
    command = [build / "bin" / "dovetail", "operators", "--json"]
    listed = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return {row["name"] for row in listed if not row["domain"]}


def operators_of(graph):
    """Every operator of a graph and of the bodies in it."""
    used = set()
    for node in graph.node:
        used.add(node.op_type)
        for attribute in node.attribute:
            if attribute.HasField("g"):
                used |= operators_of(attribute.g)
    return used


def arrays_of(values):
    """Arrays of the types that .npy files hold, or None."""
    arrays = []
    for value in values:
        if not isinstance(value, np.ndarray) and not np.isscalar(value):
            try:
                value = numpy_helper.to_array(value)
            except Exception:  # noqa: BLE001  sequences, optionals, maps
                return None
        array = np.asarray(value)
        if str(array.dtype) not in STORED:
            return None
        arrays.append(array)
    return arrays


def is_common(model):
    """Whether every input and output is a tensor of one of the COMMON types."""
    types = [info.type for info in (*model.graph.input, *model.graph.output)]
    codes = [t.tensor_type.elem_type if t.HasField("tensor_type") else TensorProto.STRING for t in types]
    return all(code != TensorProto.STRING and str(helper.tensor_dtype_to_np_dtype(code)) in COMMON for code in codes)


class Refusals:
    """The lines of node_tests_refused.txt: NAME: MESSAGE, or compile NAME: MESSAGE for what only the
    generation of code refuses. * in a name stands for anything; the first line that fits counts."""

    def __init__(self, text):
        lines = [line.split(": ", 1) for line in text.splitlines() if line and not line.startswith("#")]
        self.rows = [(name.removeprefix("compile "), name.startswith("compile "), reason) for name, reason in lines]
        self.used = set()

    def of(self, test):
        """(the message of the importer, that of the compiler) that is expected; "": none."""
        for row in self.rows:
            name, late, reason = row
            if fnmatch.fnmatchcase(test, name):
                self.used.add(row)
                return ("" if late else reason), reason
        return "", ""

    def unused(self):
        return [name for name, *rest in self.rows if (name, *rest) not in self.used]


def main(folder):
    from onnx.backend.test.case.node import collect_testcases

    writer = CaseWriter(folder)
    operators = supported_operators()
    refusals = Refusals((HERE / "node_tests_refused.txt").read_text())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = collect_testcases(None)
    counts = {"total": len(tests), "common": 0, "absent": collections.Counter(), "common_absent": 0}
    for test in tests:
        common = is_common(test.model)
        counts["common"] += common
        absent = sorted(operators_of(test.model.graph) - operators)
        if absent:
            counts["absent"][absent[0]] += 1
            counts["common_absent"] += common
            continue
        inputs, outputs = (arrays_of(values) for values in test.data_sets[0])
        every = inputs
        refused, refused_by_compiler = refusals.of(test.name)
        model = test.model
        if inputs is None or outputs is None:
            inputs, outputs = [], []  # of types without tensors: there has to be a refusal
            refused = refused or "(node_tests_refused.txt has no line for it)"
        else:
            model, inputs = freeze_settings(model, every, {})
        writer.add_model("nodes", test.name, model, inputs, outputs, refused, rtol=max(test.rtol, 2e-5))
        writer.rows[-1] |= {"common": common, "refused_by_compiler": refused_by_compiler or refused}
        if refused or refused_by_compiler:
            continue
        at_run, some = freeze_settings(test.model, every, MEASURED)
        if len(some) > len(inputs):
            writer.add_model("nodes", test.name + "_at_run", at_run, some, outputs, "", rtol=max(test.rtol, 2e-5))
            writer.rows[-1] |= {"common": False, "refused_by_compiler": ""}
    if refusals.unused():
        sys.exit(f"node_tests_refused.txt names tests that are not there: {', '.join(refusals.unused())}")
    writer.finish()
    (writer.folder / "counts.json").write_text(json.dumps(counts))
    print(f"{len(writer.rows)} of {len(tests)} node tests use supported operators only")


if __name__ == "__main__":
    main(sys.argv[1])
