"""Cuts a graph that fails down to few nodes that still fail, and prints it."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from graph import PLAIN, Rejected, finish, info, names_read, run

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ops"))

from case_writer import CaseWriter
from compiled_cases import run_cases


def tolerances(model, outputs):
    """Absolute, for each output: 1e-4 of its largest value, or of 1e-4; 1e-9 where everything is float64."""
    single = any(np.asarray(a).dtype == np.float32 for a in outputs) or b"x_single" in model.doc_string.encode()
    relative = 1e-4 if single else 1e-9
    return [relative * max(1e-4, float(np.abs(a).max())) if a.size and a.dtype.kind == "f" else 0.0 for a in outputs]


def add_case(writer, name, model, runs):
    """`runs`: (inputs, expected outputs) of each."""
    (feeds, expected), *later = runs
    writer.add_model("random", name, model, list(feeds.values()), expected, rtol=0.0, atol=tolerances(model, expected))
    for feeds, expected in later:
        writer.add_run(list(feeds.values()), expected, rtol=0.0, atol=tolerances(model, expected))


def failure(model, feeds):
    """What is wrong with our answer to the model; "" when nothing is, or onnxruntime refuses it."""
    try:
        expected = [np.asarray(a) for a in run(model, feeds)]
    except Rejected:
        return ""
    with tempfile.TemporaryDirectory() as folder:
        writer = CaseWriter(folder)
        add_case(writer, "case", model, [(feeds, expected)])
        writer.finish()
        ((_, word, reason),) = run_cases(folder, jobs=1)
    return reason if word == "FAILED" else ""


def all_values(model, feeds):
    whole = onnx.ModelProto.FromString(model.SerializeToString())
    names = [name for node in model.graph.node for name in node.output]
    del whole.graph.output[:]
    whole.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name in names)
    return dict(zip(names, run(whole, feeds, PLAIN))) | feeds


def cut(model, values, outputs, given):
    """The part of the model that makes `outputs` when the values `given` are inputs."""
    needed, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if needed & set(node.output) - set(given):
            nodes.insert(0, node)
            needed.update(names_read([node]))
    inputs = [i for i in model.graph.input if i.name in needed and i.name not in given]
    inputs += [info(name, np.asarray(values[name]).dtype, np.shape(values[name])) for name in given if name in needed]
    weights = [w for w in model.graph.initializer if w.name in needed]
    part = finish(nodes, inputs, outputs, weights, model.opset_import[0].version)
    part.doc_string = model.doc_string
    return part, {i.name: values[i.name] for i in inputs}


def reduced(model, feeds):
    """(a smaller model that fails, its inputs, the reason)"""
    values = all_values(model, feeds)
    best = (model, feeds, failure(model, feeds))
    for node in model.graph.node:
        part = cut(model, values, [node.output[0]], [])
        reason = failure(*part)
        if reason:
            best = (*part, reason)
            break
    outputs, given = [o.name for o in best[0].graph.output], []
    for name in list(outputs):
        rest = [other for other in outputs if other != name]
        if not rest:
            break
        part = cut(model, values, rest, [])
        reason = failure(*part)
        if reason:
            outputs, best = rest, (*part, reason)
    for node in reversed(list(best[0].graph.node)):
        for name in node.output:
            if name in outputs:
                continue
            part = cut(model, values, outputs, [*given, name])
            reason = failure(*part)
            if reason:
                given.append(name)
                best = (*part, reason)
    return best


def text_of(model, feeds):
    lines = [f"  {name}: {array.dtype}{list(array.shape)}" for name, array in feeds.items()]
    for weight in model.graph.initializer:
        array = onnx.numpy_helper.to_array(weight)
        lines.append(f"  {weight.name} = {array.dtype}{list(array.shape)} {array.ravel()[:8].tolist()}")
    lines += ["  " + " ".join(onnx.printer.to_text(node).split()) for node in model.graph.node]
    shapes = [f"{i.name}[{', '.join(d.dim_param or str(d.dim_value) for d in i.type.tensor_type.shape.dim)}]"
              for i in model.graph.input]  # fmt: skip
    return "\n".join([f"  opset {model.opset_import[0].version}, inputs {' '.join(shapes)}", *lines])
