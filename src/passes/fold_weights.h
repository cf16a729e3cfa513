// Folds what params alone decide into contractions: a per-column multiplication after a
// contraction goes into its weights, additions become one bias (so a BatchNormalization
// disappears); 1x1 stride-1 windows become matrix products over merged rows.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void fold_weights(ir::Graph& graph);

}  // namespace dovetail::passes
