"""Cases from ONNX's own backend node tests, for the operators that the compiler has:

make_nodes.py FOLDER

Inputs that say how an operator works (axes, shapes, borders) become initializers, as they are in
exported models; the compiler must know them. node_tests_refused.txt lists the tests that are expected to be refused, each with a part of the
message; it is checked both ways.
"""

import re
import sys
import warnings
from pathlib import Path

import numpy as np
import onnx
from case_writer import CaseWriter
from onnx import numpy_helper

HERE = Path(__file__).resolve().parent
PLAIN = {"float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint64", "uint32", "uint16", "uint8", "bool"}
SETTINGS = {
    "ConstantOfShape": (0,), "Dropout": (1, 2), "Expand": (1,), "Pad": (1, 2, 3), "Range": (0, 1, 2), "Reshape": (1,),
    "Slice": (1, 2, 3, 4), "Split": (1,), "Squeeze": (1,), "Tile": (1,), "Unsqueeze": (1,),
}  # fmt: skip


def freeze_settings(model, inputs):
    """A copy of the model where settings are initializers, and the inputs that are left."""
    frozen = {
        name
        for node in model.graph.node
        for position, name in enumerate(node.input)
        if position in SETTINGS.get(node.op_type, (1,) if node.op_type.startswith("Reduce") else ())
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
    """Names in src/ops: every .name = "..." and the first string of every table row."""
    names = set()
    for file in (HERE.parent.parent / "src" / "ops").glob("*.cc"):
        text = file.read_text()
        names.update(re.findall(r'\.name = "(\w+)"', text))
        names.update(re.findall(r'^ *(?:row\(|versions\(|\{)"([A-Z]\w+)",', text, re.MULTILINE))
        if "BatchNormalization" in text:
            names.add("BatchNormalization")
    return names


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
        if str(array.dtype) not in PLAIN:
            return None
        arrays.append(array)
    return arrays


def expected_refusals():
    rows = {}
    for line in (HERE / "node_tests_refused.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, reason = line.split(": ", 1)
            rows[name] = reason
    return rows


def main(folder):
    from onnx.backend.test.case.node import collect_testcases

    writer = CaseWriter(folder)
    operators = supported_operators()
    refusals = expected_refusals()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tests = collect_testcases(None)
    other_types = 0
    for test in tests:
        used = {node.op_type for node in test.model.graph.node}
        if not used <= operators or not test.data_sets:
            continue
        inputs, outputs = (arrays_of(values) for values in test.data_sets[0])
        if inputs is None or outputs is None:
            other_types += 1
            continue
        refused = refusals.pop(test.name, "")
        model, inputs = freeze_settings(test.model, inputs)
        rtol = max(test.rtol, 2e-5)
        writer.add_model("nodes", test.name, model, inputs, outputs, refused, rtol=rtol)
    if refusals:
        sys.exit(f"node_tests_refused.txt names tests that are not there: {', '.join(sorted(refusals))}")
    writer.finish()
    print(
        f"{len(writer.rows)} of {len(tests)} node tests use supported operators only"
        f" ({other_types} more use types without a .npy form)"
    )


if __name__ == "__main__":
    main(sys.argv[1])
