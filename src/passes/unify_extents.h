// Uses what the graph's checks state: where a run makes sure that two expressions of extents are
// equal, one of them is written as the other everywhere. Shapes that had to be asserted (the levels
// of a feature pyramid, a sequence cut at its longest length) become the same, and nothing stands
// between the nodes that meet there.
//
// Before: as imported; dimensions of the inputs stay as they are. After: types as inferred.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

// Of the graph and the bodies in it.
void unify_extents(ir::Graph& graph);

}  // namespace dovetail::passes
