// What scalar operations cost, roughly.
#pragma once

#include "ir/scalar_expr.h"

namespace dovetail::ir {

// Operations that take tens of instructions a vector: exp, erf, pow and the like.
bool is_elementary(ScalarOp op);
bool has_elementary(const ScalarExpr& expr);

}  // namespace dovetail::ir
