// Moves reshapes of contraction results below the elementwise nodes that read them, so that a view
// between a contraction and its bias, activation or residual does not keep them apart. A node that
// a contraction can take as it is stays, lest a view comes between those; so does one beside an
// elementwise node that has to stay, where no contraction would take it anyway.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void sink_reshapes(ir::Graph& graph);

}  // namespace dovetail::passes
