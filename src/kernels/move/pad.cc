#include "kernels/move/pad.h"

#include "kernels/rows/rows.h"

namespace dovetail::kernels {
namespace {

// A node of its own for one call, with values of the given types.
struct LooseNode {
  ir::Node node;
  ir::Value operand;

  LooseNode(ir::Primitive op, const Layout* x, const Layout& y) {
    node.op = std::move(op);
    auto result = std::make_unique<ir::Value>();
    result->type = {y.dtype, y.shape};
    node.results.push_back(std::move(result));
    if (!x) return;
    operand.type = {x->dtype, x->shape};
    node.operands.push_back(&operand);
  }
};

Call on(const Request& request, const LooseNode& loose, std::vector<Layout> operands,
        const Layout& result) {
  Request own = request;
  own.node = &loose.node;
  own.operands = std::move(operands);
  own.results = {result};
  return rows_call(own);
}

}  // namespace

std::vector<Call> pad_calls(const Request& request) {
  const auto& pad = *request.node->as<ir::Pad>();
  const Layout& x = request.operands[0];
  const Layout& y = request.results[0];

  ir::ExprBuilder expr;
  const LooseNode fill_node(ir::Elementwise{expr.finish(expr.constant(pad.value, y.dtype))},
                            nullptr, y);
  Call fill = on(request, fill_node, {}, y);
  for (Argument& argument : fill.arguments) {
    if (argument.kind == Argument::Kind::kPointer) argument.tensor = 1;
  }

  Layout inside = y;
  inside.shape = x.shape;
  ir::Dim offset = 0;
  for (size_t i = 0; i < x.shape.size(); ++i)
    offset += pad.lo[i] * y.strides[i] * ir::size_of(y.dtype);
  const LooseNode copy_node(ir::Copy{}, &x, inside);
  Call copy = on(request, copy_node, {x}, inside);
  for (Argument& argument : copy.arguments) {
    if (argument.kind == Argument::Kind::kPointer && argument.tensor == 1) argument.value += offset;
  }
  return {std::move(fill), std::move(copy)};
}

}  // namespace dovetail::kernels
