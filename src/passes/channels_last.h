// Moves permutes through elementwise nodes, concats, reduces, pools, pads and slices so that those
// which the importer put around windowed primitives meet and cancel: afterwards activations between
// convolutions are channels-last and only the model's borders keep a permute.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void channels_last(ir::Graph& graph);

}  // namespace dovetail::passes
