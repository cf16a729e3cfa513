// Window axes of one pixel and one tap go: a convolution along one axis that was exported as one of
// two (H x 1 or 1 x W) has its pixels in the last axis again, where kernels take several at once.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void drop_window_axes(ir::Graph& graph);

}  // namespace dovetail::passes
