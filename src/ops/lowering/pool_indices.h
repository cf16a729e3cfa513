// Where a maximum pool found its results.
#pragma once

#include "ops/lowering/context.h"

namespace dovetail::ops {

// x (N, S..., C) under a window -> int64 (N, O..., C): the position of every maximum, the first one
// of equals, among the elements of (N, C, S...) in row-major order; `column_major`: spatial axes
// count in reverse. kUnsupported for windows of more than 1024 elements.
ir::Value* max_indices(LowerContext& c, ir::Value* x, const ir::Window& window,
                       const ir::Shape& result, bool column_major);

}  // namespace dovetail::ops
