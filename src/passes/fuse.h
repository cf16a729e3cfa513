// Joins elementwise chains into one node, elementwise users of a contraction
// into its epilogue (bias, activation, residual), and reductions with the elementwise nodes over
// the same outer domain into a composite named rows (softmax, normalisations).
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void fuse(ir::Graph& graph);

}  // namespace dovetail::passes
