"""Inputs for the models of models/manifest.json, made as their entries describe them.

The `values` of an input are one of
    uniform LOW HIGH       floats of [LOW, HIGH)
    normal DEVIATION       floats around 0
    integers LOW HIGH      integers of [LOW, HIGH)
    constant VALUE         one value everywhere
    text INK PAPER         rows of words; the last two axes are the image (noise would hide errors of
                           models that look for text: their answer to it is nearly 0 everywhere)
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "examples" / "orientation"))

from page import LETTERS

WORDS = ["DOVETAIL", "JOINT", "RIVER", "PLANE", "TENON", "SAND", "OLIVE", "INSERT", "FOREST"]


def _draw_words(height, width, scale):
    """Rows of words over an image, 0 where ink is and 1 elsewhere."""
    image = np.ones((height, width))
    top = max(1, (height - 7 * scale) // 2) if height < 14 * scale else 4 * scale
    count = 0
    while top + 7 * scale <= height:
        left = 3 * scale
        while left + 6 * scale * len(WORDS[count % len(WORDS)]) <= width:
            for letter in WORDS[count % len(WORDS)]:
                ink = np.kron([[c == "#" for c in row] for row in LETTERS[letter]], np.ones((scale, scale)))
                image[top : top + 7 * scale, left : left + 5 * scale] -= ink
                left += 6 * scale
            left += 4 * scale
            count += 1
        top += 12 * scale
        count += 1
    return image


def make_values(values, shape, random):
    """An array of float64 or int64 as `values` describes it; ValueError names an unknown kind."""
    kind, *numbers = values.split()
    if kind == "integers":
        return random.integers(int(numbers[0]), int(numbers[1]), shape)
    numbers = [float(number) for number in numbers]
    if kind == "uniform":
        return random.uniform(numbers[0], numbers[1], shape)
    if kind == "normal":
        return random.standard_normal(shape) * numbers[0]
    if kind == "constant":
        return np.full(shape, numbers[0])
    if kind == "text":
        height, width = shape[-2:]
        page = _draw_words(height, width, max(2, min(6, (height - 8) // 7)))
        return np.broadcast_to(numbers[0] + (numbers[1] - numbers[0]) * page, shape)
    raise ValueError(f"input values of kind '{kind}' are unknown")


def model_inputs(model, seed=0):
    """name -> array for every input of a manifest entry, in the entry's order."""
    random = np.random.default_rng(seed)
    return {
        entry["name"]: np.array(make_values(entry["values"], entry["shape"], random), entry["dtype"], order="C")
        for entry in model["inputs"]
    }
