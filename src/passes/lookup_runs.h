// How the loads of a lookup step along one axis of its result.
#pragma once

#include <map>
#include <optional>

#include "ir/scalar_expr.h"

namespace dovetail::passes {

// For each operand that is read at other places along `axis`, the coordinate that steps with the
// position by one. Nothing when some load goes another way: then no row along the axis is a run of
// memory, however the operands lie.
std::optional<std::map<int, int>> run_coordinates(const ir::ScalarExpr& expr, int axis);

}  // namespace dovetail::passes
