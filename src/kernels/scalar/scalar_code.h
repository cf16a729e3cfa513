// Stand-in until branch `rows` lands.
#pragma once

#include <span>

#include "ir/loop.h"
#include "ir/scalar_expr.h"

namespace dovetail::kernels {

loop::Value emit_scalar(loop::Builder& code, const ir::ScalarExpr& expr,
                        std::span<const loop::Value> operands, bool strict);

}  // namespace dovetail::kernels
