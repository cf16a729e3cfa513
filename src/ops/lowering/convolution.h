// What Conv and ConvTranspose share.
#pragma once

#include "ops/lowering/context.h"

namespace dovetail::ops {

// The window's extents from the weights, input 1; kernel_shape must agree where it is given.
Ints kernel_of(LowerContext& c);

// Attribute group; kValue unless it is positive.
int64_t groups_of(LowerContext& c);

// y (N, M, O...) plus input 2, where there is one.
ir::Value* with_bias(LowerContext& c, ir::Value* y);

}  // namespace dovetail::ops
