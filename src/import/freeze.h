// Ends the import's knowledge of contents.
#pragma once

#include "ir/graph.h"

namespace dovetail::import {

// Params in graph.frozen become constants. The others are weights that may be replaced later, so
// what is known of their content, and of all that was computed from it, is forgotten.
void settle_frozen(ir::Graph& graph);

}  // namespace dovetail::import
