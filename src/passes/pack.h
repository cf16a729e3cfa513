// Rewrites the weights of contractions into panels [M/panel][K][panel] by pad, reshape and permute
// nodes: of params these end up in prepare, of activations they are computed at run time. Few
// columns with many channels become panels of one column. Depthwise weights stay plain.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void pack(ir::Graph& graph, int panel);

}  // namespace dovetail::passes
