// Canonical form: folds constants and known integer contents with the evaluator, moves scalar
// constants into elementwise expressions, joins and drops views and copies that change nothing,
// turns permutes that only move extents of 1 into reshapes, removes equal and dead nodes. Runs
// until nothing changes; used between the other passes.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void simplify(ir::Graph& graph);

}  // namespace dovetail::passes
