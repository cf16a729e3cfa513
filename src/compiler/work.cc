#include "compiler/work.h"

#include <set>

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Node;
using ir::Value;

int64_t operations(const ir::ScalarExpr& expr) {
  int64_t count = 0;
  for (const ir::ScalarNode& node : expr.nodes) {
    switch (node.op) {
      case ir::ScalarOp::kOperand:
      case ir::ScalarOp::kConstant:
      case ir::ScalarOp::kSelect:
      case ir::ScalarOp::kCast:
      case ir::ScalarOp::kLoad:
        break;
      default:
        count += ir::is_float(node.dtype) ? 1 : 0;
    }
  }
  return count;
}

Dim elements(const Value* value) { return ir::element_count(value->shape()); }

int64_t taps(const ir::Window& window) {
  int64_t count = 1;
  for (const int64_t extent : window.kernel) count *= extent;
  return count;
}

Dim flops_of(const Node& node, const ir::Contract& op) {
  const Value* x = node.operands[0];
  Dim products = elements(node.result()) * x->shape().back();
  for (const int64_t zeros : op.window.input_dilations) {
    // Each element of x meets every tap once.
    if (zeros > 1) products = elements(x) * node.result()->shape().back();
  }
  const Dim sums = products * (2 * taps(op.window));
  const Dim grouped = op.groups == 1 ? sums : ir::floordiv(sums, op.groups);
  return op.epilogue ? grouped + elements(node.result()) * operations(*op.epilogue) : grouped;
}

Dim flops_of(const Node& node, const ir::Recurrence& op) {
  const ir::Shape& inputs = node.operands[ir::Recurrence::kInputs]->shape();
  const Dim& hidden = node.operands[ir::Recurrence::kHidden]->shape().back();
  int64_t each = op.gates();  // the sums of both products
  for (const ir::ScalarExpr& activation : op.activations) each += operations(activation);
  if (op.kind == ir::CellKind::kGru) each += 5;   // s * h, (1 - z) * m + z * h
  if (op.kind == ir::CellKind::kLstm) each += 4;  // f * c + i * g, o * c
  const Dim units = inputs[0] * inputs[1] * hidden;
  return units * hidden * 2 * op.gates() + units * each;
}

Dim flops_of(const Node& node);

struct Counter {
  const Node& node;

  Dim operator()(const ir::Elementwise& op) const {
    return elements(node.result()) * operations(op.expr);
  }
  Dim operator()(const ir::Reduce&) const { return elements(node.operands[0]); }
  Dim operator()(const ir::Cumulate&) const { return elements(node.result()); }
  Dim operator()(const ir::Pool& op) const { return elements(node.result()) * taps(op.window); }
  Dim operator()(const ir::Contract& op) const { return flops_of(node, op); }
  Dim operator()(const ir::Recurrence& op) const { return flops_of(node, op); }
  Dim operator()(const ir::Composite& op) const {
    Dim total = 0;
    for (const auto& part : op.body->nodes()) total += flops_of(*part);
    return total;
  }
  template <class T>
  Dim operator()(const T&) const {
    return 0;
  }
};

Dim flops_of(const Node& node) {
  const bool floats = ir::is_float(node.result()->dtype());
  return floats || node.as<ir::Composite>() ? std::visit(Counter{node}, node.op) : Dim(0);
}

// What a kernel has to touch of a tensor: elements repeated by a stride of 0 count once.
Dim bytes_of(const kernels::Layout& layout) {
  Dim count = ir::size_of(layout.dtype);
  for (size_t axis = 0; axis < layout.shape.size(); ++axis) {
    if (layout.strides[axis] != Dim(0)) count *= layout.shape[axis];
  }
  return count;
}

}  // namespace

Work work_of(const kernels::Request& request) {
  const Node& node = *request.node;
  Dim results = 0;
  for (const kernels::Layout& layout : request.results) results += bytes_of(layout);
  Dim operands = 0;
  std::set<const Value*> seen;
  for (size_t k = 0; k < request.operands.size(); ++k) {
    if (!seen.insert(node.operands[k]).second) continue;
    const Dim whole = bytes_of(request.operands[k]);
    // Only some elements are picked.
    const bool picks = node.as<ir::Lookup>() || (node.as<ir::Gather>() && k == 0);
    operands += picks ? ir::min(whole, results) : whole;
  }
  return {flops_of(node), operands + results};
}

}  // namespace dovetail::compiler
