#include "kernels/scalar/scalar_code.h"

#include <vector>

#include "base/error.h"

namespace dovetail::kernels {

using ir::ScalarOp;
using loop::Value;

Value emit_scalar(loop::Builder& code, const ir::ScalarExpr& expr, std::span<const Value> operands,
                  bool /*strict*/) {
  std::vector<Value> values;
  const int lanes = operands[0].lanes();
  for (const ir::ScalarNode& node : expr.nodes) {
    const auto a = [&](int i) { return values[node.arguments[i]]; };
    switch (node.op) {
      case ScalarOp::kOperand: values.push_back(operands[node.index]); break;
      case ScalarOp::kConstant:
        values.push_back(std::holds_alternative<double>(node.constant)
                             ? code.constant(std::get<double>(node.constant), loop::vector(node.dtype, lanes))
                             : code.constant(std::get<int64_t>(node.constant), loop::vector(node.dtype, lanes)));
        break;
      case ScalarOp::kAdd: values.push_back(a(0) + a(1)); break;
      case ScalarOp::kMul: values.push_back(a(0) * a(1)); break;
      case ScalarOp::kMax: values.push_back(max(a(0), a(1))); break;
      case ScalarOp::kCast: values.push_back(code.cast(a(0), node.dtype)); break;
      default: throw_error(ErrorKind::kInternal, "not yet");
    }
  }
  return values.back();
}

}  // namespace dovetail::kernels
