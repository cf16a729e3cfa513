// Elementwise expressions that are affine in one operand.
#pragma once

#include <optional>

#include "ir/scalar_expr.h"

namespace dovetail::passes {

// expr = scale * x + offset, where both parts read the other operands only (numbered as in the
// expression; x's number is unused). Absent: 1 and 0.
struct Affine {
  std::optional<ir::ScalarExpr> scale;
  std::optional<ir::ScalarExpr> offset;
};

// Nothing when the expression is not affine in operand `x` or does not read it. Floats only. Equal
// in real numbers; rounding may differ.
std::optional<Affine> affine_in(const ir::ScalarExpr& expr, int x);

}  // namespace dovetail::passes
