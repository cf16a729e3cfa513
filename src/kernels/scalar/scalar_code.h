// Scalar expressions as loop IR over vectors of any width.
#pragma once

#include <span>

#include "ir/loop.h"
#include "ir/scalar_expr.h"

namespace dovetail::kernels {

// The value of `expr` on these operands, all of `lanes` lanes and of the dtypes the expression
// names. Half precision is computed in float32. kUnsupported names an operation that has no code.
loop::Value emit_scalar(loop::Builder& builder, const ir::ScalarExpr& expr,
                        std::span<const loop::Value> operands, int lanes);

}  // namespace dovetail::kernels
