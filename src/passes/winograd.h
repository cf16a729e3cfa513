// Decides which 3x3 convolutions of stride 1 run by Winograd tiles, dilated ones after they are
// split into phases (split_phases.h), and transforms their weights by nodes that end up in prepare.
// Weights that are activations, other windows and other dtypes stay direct. The choice weighs the
// products that tiles save against the transforms and the larger weights (1.8 times for tiles of
// 2x2, 4 times for 4x4). Runs after fusion, before the weights are packed.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

// `largest_tile`: 4, 2, or 0 for none.
void winograd(ir::Graph& graph, int largest_tile);

}  // namespace dovetail::passes
