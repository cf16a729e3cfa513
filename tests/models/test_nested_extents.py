"""Bodies within bodies whose results' extents only the innermost knows, compared with onnxruntime."""

import itertools

import numpy as np
import pytest
from executors import check
from onnx import parser


def model(text):
    return parser.parse_model(f'<ir_version: 8, opset_import: ["": 17]>\n{text}')


def rand(*shape):
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype("float32")


def flags(names, **more):
    """A run for each way to set the flags."""
    for values in itertools.product((False, True), repeat=len(names)):
        yield {name: np.array(value) for name, value in zip(names, values)} | more


IF_IN_IF = """
g (bool p, bool q, float[n] x) => (float[m] y) {
  zero = Constant<value = float {0.0}>()
  positive = Greater(x, zero)
  y = If(p) <
    then_branch = g1 () => (float[a] t1) { t1 = Concat<axis = 0>(x, x) },
    else_branch = g2 () => (float[b] e1) {
      e1 = If(q) <
        then_branch = g3 () => (float[c] t2) { t2 = Compress<axis = 0>(x, positive) },
        else_branch = g4 () => (float[d] e2) { e2 = Neg(x) }
      >
    }
  >
}"""

THREE_IFS = """
g (bool p, bool q, bool r, float[n] x) => (float[m] y, float[k] z) {
  y, z = If(p) <
    then_branch = g1 () => (float[a] t1, float[a2] t2) {
      t1 = Concat<axis = 0>(x, x)
      t2 = Identity(x)
    },
    else_branch = g2 () => (float[b] e1, float[b2] e2) {
      unused, inner = If(q) <
        then_branch = g3 () => (float[c] t3, float[c2] t4) {
          t3 = Identity(x)
          t4 = Concat<axis = 0>(x, x, x)
        },
        else_branch = g4 () => (float[d] e3, float[d2] e4) {
          first, last = If(r) <
            then_branch = g5 () => (float[f] t5, float[f2] t6) {
              t5 = Concat<axis = 0>(x, x, x, x)
              t6 = Identity(t5)
            },
            else_branch = g6 () => (float[h] e5, float[h2] e6) {
              e5 = Identity(x)
              e6 = Identity(x)
            }
          >
          e3 = Identity(last)
          e4 = Identity(last)
        }
      >
      e1 = Identity(inner)
      e2 = Identity(x)
    }
  >
}"""

IF_IN_LOOP = """
g (int64 trips, bool q, float[n] x) => (float[t, m] y) {
  y = Loop(trips, "") <
    body = g1 (int64 i, bool go) => (bool go_on, float[a] row) {
      go_on = Identity(go)
      row = If(q) <
        then_branch = g2 () => (float[b] t1) { t1 = Concat<axis = 0>(x, x) },
        else_branch = g3 () => (float[c] e1) { e1 = Neg(x) }
      >
    }
  >
}"""

IF_IN_SCAN_IN_IF = """
g (bool p, bool q, float[n, m] x) => (float[a, b] y, float[c] sums) {
  y = If(q) <
    then_branch = g1 () => (float[d, e] t1) {
      t1 = Scan(x) <num_scan_inputs = 1, body = g2 (float[f] part) => (float[h] row) {
        row = If(p) <
          then_branch = g3 () => (float[k] t2) { t2 = Concat<axis = 0>(part, part) },
          else_branch = g4 () => (float[l] e2) { e2 = Neg(part) }
        >
      }>
    },
    else_branch = g5 () => (float[o, r] e1) { e1 = Transpose<perm = [1, 0]>(x) }
  >
  axis = Constant<value_ints = [0]>()
  sums = ReduceSum<keepdims = 0>(y, axis)
}"""

# `sum`, and with it the check that its operands fit, is read by nothing but a node that goes.
UNUSED_IN_A_LOOP = """
g (float[n] x, float[n] y, bool[n] c, int64 trips) => (float[t] indices, float[m] kept) {
  a = Compress<axis = 0>(x, c)
  b = Compress<axis = 0>(y, c)
  sum = Add(a, b)
  kept, indices = Loop(trips, "", b) <
    body = g1 (int64 i, bool go, float[s] state) => (bool go_on, float[s2] next, float index) {
      go_on = Identity(go)
      unused = Neg(sum)
      next = Identity(b)
      index = Cast<to = 1>(i)
    }
  >
}"""

# Without elements, there is memory for it before the run; its extents are known behind the loop.
STATE_WITHOUT_ELEMENTS = """
g (float[n, 0] x, int64 trips) => (float[m, 0] y) {
  y = Loop(trips, "", x) <
    body = g1 (int64 i, bool go, float[a, b] state) => (bool go_on, float[c, d] next) {
      go_on = Identity(go)
      zero = Constant<value_ints = [0]>()
      two = Constant<value_ints = [2]>()
      next = Slice(state, zero, two, zero)
    }
  >
}"""

# `known` is made of `more` before the loop; the loop reads both.
CONSTANTS_OF_A_BODY = """
g (float[n] x, int64 trips, bool start) => (float[n] y, bool[t] z) {
  y, z = Loop(trips, start, x) <
    body = g1 (int64 i, bool go, float[a] s) => (bool more, float[b] r, bool known) <float w = {1}> {
      more = Equal(w, w)
      known = Identity(more)
      r = Tanh(s)
    }
  >
}"""

CASES = {
    "if in if": (IF_IN_IF, [run for n in (3, 5, 1, 0) for run in flags("pq", x=rand(n))]),
    "three ifs": (THREE_IFS, [run for n in (3, 0) for run in flags("pqr", x=rand(n))]),
    "if in loop": (
        IF_IN_LOOP,
        [run for n in (3, 50, 1) for t in (3, 1, 2) for run in flags("q", x=rand(n), trips=np.array(t))],
    ),
    "if in scan in if": (IF_IN_SCAN_IN_IF, [run for n in (3, 5, 1) for run in flags("pq", x=rand(n, 2))]),
    "unused in a loop": (
        UNUSED_IN_A_LOOP,
        [{"x": rand(3), "y": rand(3) + 1, "c": np.array([True, k, True]), "trips": np.array(2)} for k in (False, True)],
    ),
    "state without elements": (
        STATE_WITHOUT_ELEMENTS,
        [{"x": rand(n, 0), "trips": np.array(t)} for n in (4, 1, 0) for t in (0, 1, 3)],
    ),
    "constants of a body": (
        CONSTANTS_OF_A_BODY,
        [{"x": rand(3), "trips": np.array(t), "start": np.array(s)} for t in (0, 1, 3) for s in (False, True)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_extents_of_nested_bodies(run_dovetail, tmp_path, name):
    text, runs = CASES[name]
    check(run_dovetail, model(text), tmp_path, runs)
