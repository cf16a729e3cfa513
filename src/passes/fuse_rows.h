// A part of fuse: reductions with their elementwise neighbours.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

// Reductions over the same axes of one shape, with the elementwise nodes over that shape or the
// reduced one that feed or read them, become composites named "rows": softmax, normalisations,
// means. A reduction without such neighbours stays as it is.
void fuse_rows(ir::Graph& graph);

}  // namespace dovetail::passes
