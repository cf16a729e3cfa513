"""Cases for every operator: make_operators.py FOLDER.

A module per group of operators, in it tables of arrays, attributes, opsets, element types. Every case
is written with fixed shapes, and with symbolic ones unless it says why not.
"""

import sys

import attention_cases
import corner_cases
import elementwise_cases
import movement_cases
import normalization_cases
import numpy as np
import order_cases
import position_cases
import product_cases
import recurrent_cases
import reduction_cases
import runtime_input_cases
import window_cases
from case_writer import CaseWriter, symbolic_shapes

MODULES = (
    elementwise_cases,
    window_cases,
    product_cases,
    attention_cases,
    normalization_cases,
    reduction_cases,
    movement_cases,
    order_cases,
    corner_cases,
    recurrent_cases,
    position_cases,
    runtime_input_cases,
)


class Cases:
    def __init__(self, folder):
        self.writer = CaseWriter(folder)
        self.counts = {}

    def __call__(self, op, arrays, *, opset=17, weights=(), symbolic=True, keep=(), refused="", **rest):
        arrays = [np.asarray(a) if a is not None else None for a in arrays]
        index = self.counts[op] = self.counts.get(op, -1) + 1
        name = f"{op}_{index}_opset{opset}"
        self.writer.add(op, arrays, name=name, opset=opset, weights=weights, refused=refused, **rest)
        # Also with symbols, where an input has an extent that can be one.
        shapes = symbolic_shapes(arrays, weights, keep)
        if symbolic and not refused and any(isinstance(d, str) for s in shapes.values() for d in s):
            self.writer.add(op, arrays, name=f"{name}_symbolic", opset=opset, weights=weights, shapes=shapes, **rest)


def main(folder):
    case = Cases(folder)
    for module in MODULES:
        for group in module.GROUPS:
            group(case)
    case.writer.finish()
    print(f"{len(case.writer.rows)} cases")


if __name__ == "__main__":
    main(sys.argv[1])
