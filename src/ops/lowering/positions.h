// Positions along an axis as a tensor.
#pragma once

#include "ops/lowering/builder.h"

namespace dovetail::ops {

// int64 0, 1, 2, ... extent - 1 along one axis; extents 1 elsewhere.
ir::Value* positions(Builder& build, const ir::Dim& extent, int axis, int rank);

}  // namespace dovetail::ops
