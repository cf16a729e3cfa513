// The attribute `reduction` of the operators that write.
#pragma once

#include "ops/lowering/context.h"

namespace dovetail::ops {

// none, add, mul, min, max; kValue for another word.
ir::ScatterKind scatter_kind(const LowerContext& c);

}  // namespace dovetail::ops
