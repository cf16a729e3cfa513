#include "kernels/move/copy_part.h"

#include <algorithm>

#include "kernels/rows/rows.h"

namespace dovetail::kernels {
namespace {

// One call of the rows generator for an operation of its own: tensor k of that call is tensor
// `tensors[k]` of the request.
Call rows_part(const Request& request, ir::Primitive op, std::vector<Layout> operands,
               const Layout& result, const std::vector<int>& tensors) {
  ir::Node node;
  node.op = std::move(op);
  std::vector<ir::Value> values(operands.size());
  for (size_t k = 0; k < operands.size(); ++k) {
    values[k].type = {operands[k].dtype, operands[k].shape};
    node.operands.push_back(&values[k]);
  }
  node.results.push_back(std::make_unique<ir::Value>());
  node.results[0]->type = {result.dtype, result.shape};
  Request part = request;
  part.node = &node;
  part.operands = std::move(operands);
  part.results = {result};
  Call call = rows_call(part);
  for (Argument& argument : call.arguments) {
    if (argument.kind == Argument::Kind::kPointer) argument.tensor = tensors[argument.tensor];
  }
  return call;
}

}  // namespace

Call copy_part(const Request& request, int operand, const ir::Dim& byte_offset) {
  const int result = static_cast<int>(request.operands.size());
  Layout part = request.results[0];
  part.shape = request.operands[operand].shape;
  Call call = rows_part(request, ir::Copy{}, {request.operands[operand]}, part, {operand, result});
  for (Argument& argument : call.arguments) {
    if (argument.kind == Argument::Kind::kPointer && argument.tensor == result)
      argument.value += byte_offset;
  }
  return call;
}

Call fill_result(const Request& request, double value) {
  const Layout& y = request.results[0];
  ir::ExprBuilder expr;
  const ir::ExprBuilder::Ref constant =
      ir::is_float(y.dtype)
          ? expr.constant(value, y.dtype)
          : expr.constant(static_cast<int64_t>(std::clamp(value, -0x1p63, 0x1.fffffffffffffp62)),
                          y.dtype);
  return rows_part(request, ir::Elementwise{expr.finish(constant)}, {}, y,
                   {static_cast<int>(request.operands.size())});
}

}  // namespace dovetail::kernels
