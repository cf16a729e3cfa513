#include "ir/scalar_cost.h"

#include <algorithm>

namespace dovetail::ir {

bool is_elementary(ScalarOp op) {
  return (op >= ScalarOp::kExp && op <= ScalarOp::kSigmoid) || op == ScalarOp::kPow;
}

bool has_elementary(const ScalarExpr& expr) {
  return std::any_of(expr.nodes.begin(), expr.nodes.end(),
                     [](const ScalarNode& node) { return is_elementary(node.op); });
}

}  // namespace dovetail::ir
