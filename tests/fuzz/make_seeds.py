#!/usr/bin/env python3
"""Writes what the fuzzers start from: make_seeds.py FOLDER makes FOLDER/NAME/seeds for each.

Models: one-node models of every operator case and ONNX node test, pieces of a few nodes cut from the
real models, with weights that are inputs where they are large, and for the importer every kind of the
former with one tensor of another shape or type, or one extreme number.
"""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import helper
from safetensors.numpy import save as save_safetensors
from variants import kind_of, variants

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("DOVETAIL_BUILD_DIR", ROOT / "build"))
MAX_BYTES = 4000  # the compiler takes some 50 ms for a model: it starts from every sixth
PIECE = 8  # nodes
PIECES_OF_A_MODEL = 12


def cases(folder, script):
    """Rows and models that the other tests make."""
    if not (folder / "cases.json").exists():
        subprocess.run([sys.executable, ROOT / "tests" / "ops" / script, folder], check=True, stdout=subprocess.DEVNULL)
    for row in json.loads((folder / "cases.json").read_text()):
        model = (folder / row["model"]).read_bytes()
        if len(model) <= MAX_BYTES:
            yield row, model


def small_models():
    """At most two operator cases for each operator and opset."""
    seen = {}
    for row, model in cases(BUILD / "cases" / "operators", "make_operators.py"):
        key = (row["suite"], row["name"].split("_opset")[-1])
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= 2:
            yield model


def changed_models():
    seen = set()
    for folder, script in (("operators", "make_operators.py"), ("nodes", "make_nodes.py")):
        for _, model in cases(BUILD / "cases" / folder, script):
            model = onnx.load_from_string(model)
            if kind_of(model) not in seen:
                seen.add(kind_of(model))
                for changed in variants(model):
                    yield changed.SerializeToString()


def pieces(path):
    """Models of PIECE consecutive nodes of a model."""
    whole = onnx.shape_inference.infer_shapes(onnx.load(path))
    graph = whole.graph
    infos = {i.name: i for i in (*graph.value_info, *graph.input)}
    weights = {w.name: w for w in graph.initializer}
    step = max(PIECE, len(graph.node) // PIECES_OF_A_MODEL)
    for start in range(0, len(graph.node) - PIECE, step):
        nodes = graph.node[start : start + PIECE]
        made = [name for node in nodes for name in node.output if name]
        read = list(dict.fromkeys(name for node in nodes for name in node.input if name and name not in made))
        kept = [weights[name] for name in read if name in weights and weights[name].ByteSize() < 300]
        names = {weight.name for weight in kept}
        inputs = [
            helper.make_tensor_value_info(name, weights[name].data_type, weights[name].dims)
            if name in weights
            else infos.get(name, helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["n", 3, 4]))
            for name in read
            if name not in names
        ]
        outputs = [helper.make_empty_tensor_value_info(name) for name in made[-2:]]
        piece = helper.make_model(
            helper.make_graph(nodes, "piece", inputs, outputs, kept), opset_imports=list(whole.opset_import)
        )
        piece.ir_version = 8
        yield piece.SerializeToString()


def arrays():
    for array in (np.zeros(3, "float32"), np.ones((2, 3), "int64"), np.zeros((), "bool"), np.asfortranarray(np.eye(2))):
        stream = io.BytesIO()
        np.save(stream, array)
        yield stream.getvalue()


def safetensors():
    for tensors in ({}, {"a": np.ones((2, 3), "float32")}, {"b": np.zeros(3, "bool"), "c": np.zeros((), "int64")}):
        yield save_safetensors(tensors, metadata={"é": "\\"})


def libraries(folder):
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Relu", ["x"], ["y"])],
            "graph",
            [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])],
            [helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, [4])],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    path = folder / "relu.onnx"
    onnx.save(model, path)
    subprocess.run([BUILD / "bin" / "dovetail", "build", path, "-o", folder / "relu.so"], check=True)
    yield (folder / "relu.so").read_bytes()
    path.unlink()
    (folder / "relu.so").unlink()


def main(folder):
    models = [*small_models()]
    for path in sorted((ROOT / "build" / "models").glob("*.onnx")):
        models += pieces(path)
    models = [model for model in models if len(model) <= MAX_BYTES]
    folder.mkdir(parents=True, exist_ok=True)
    corpora = {
        "import": [*models, *changed_models()],
        "compile": models[::6],
        "npy": arrays(),
        "safetensors": safetensors(),
        "library": libraries(folder),
    }
    for name, seeds in corpora.items():
        place = folder / name / "seeds"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        for number, seed in enumerate(seeds):
            (place / str(number)).write_bytes(seed)
        print(f"{name}: starts from {number + 1}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
