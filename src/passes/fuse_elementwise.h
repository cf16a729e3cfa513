// A part of fuse: elementwise nodes into the elementwise nodes that read them.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

// Elementwise nodes whose users all belong to one group over the same shape become one node. What
// params alone decide stays apart: prepare computes it.
void fuse_elementwise(ir::Graph& graph);

}  // namespace dovetail::passes
