// Moves what depends on params and constants alone out of the bodies of regions, so that
// split_prepare sees it: a body reads it as a capture. Afterwards bodies hold no Param and no
// Constant node, and capture nothing that they do not read.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void hoist_prepared(ir::Graph& graph);

}  // namespace dovetail::passes
