// Contents that follow from constants and params alone.
#pragma once

#include <optional>

#include "ir/graph.h"

namespace dovetail::ops {

// `value` computed by the evaluator when it depends on params and constants only and is small;
// else nothing. For what shapes code (borders, ranges, axes), not for weights.
std::optional<ir::TensorData> folded(const ir::Value* value);

}  // namespace dovetail::ops
