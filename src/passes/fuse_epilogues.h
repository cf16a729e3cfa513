// A part of fuse: elementwise nodes into the contractions they read.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

// The only user of a contraction, when it is elementwise over its result, becomes its epilogue. A
// node that reads two contractions goes into the later one, which then stands in its place.
void fuse_epilogues(ir::Graph& graph);

}  // namespace dovetail::passes
