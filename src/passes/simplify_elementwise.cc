#include <algorithm>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;
using ir::Value;

const ir::TensorData* scalar_constant(const Value* value) {
  const auto* constant = value->node->as<ir::Constant>();
  return constant && constant->data.element_count() == 1 ? &constant->data : nullptr;
}

void replace_by_constant(ScalarNode* node, const ir::TensorData& data) {
  node->op = ScalarOp::kConstant;
  node->index = 0;
  if (ir::is_float(data.dtype())) {
    node->constant = data.as_double(0);
  } else {
    node->constant = data.as_int(0);
  }
}

// The shape that elementwise operands give together.
ir::Shape joined_shape(const Operands& operands) {
  ir::Shape shape = operands.front()->shape();
  for (const Value* operand : operands) {
    for (size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] == Dim(1)) shape[i] = operand->shape()[i];
    }
  }
  return shape;
}

// An expression and the operands it reads.
struct Form {
  ScalarExpr expr;
  Operands operands;
};

// Scalar constants move into the expression, equal operands become one, unread ones go when the
// shape does not need them. With a sum (a contraction's epilogue) operand 0 is no tensor.
class OperandRules {
 public:
  OperandRules(const ScalarExpr& expr, const Operands& operands, bool has_sum)
      : form_{expr, operands}, sum_(has_sum ? 1 : 0) {}

  Form run() {
    inline_constants();
    merge_equal();
    form_.expr = simplify_expr(form_.expr);
    drop_unread();
    return std::move(form_);
  }

 private:
  // The tensor operand behind an operand of the expression; -1 for the sum of a contraction.
  int tensor(const ScalarNode& node) const { return node.index - sum_; }

  void inline_constants() {
    for (ScalarNode& node : form_.expr.nodes) {
      if (node.op != ScalarOp::kOperand || tensor(node) < 0) continue;
      if (const auto* data = scalar_constant(form_.operands[tensor(node)])) {
        replace_by_constant(&node, *data);
      }
    }
  }

  void merge_equal() {
    for (ScalarNode& node : form_.expr.nodes) {
      if (node.op != ScalarOp::kOperand || tensor(node) < 0) continue;
      const auto first =
          std::find(form_.operands.begin(), form_.operands.end(), form_.operands[tensor(node)]);
      node.index = static_cast<int>(first - form_.operands.begin()) + sum_;
    }
  }

  void drop_unread() {
    std::vector<bool> read(form_.operands.size(), false);
    for (const ScalarNode& node : form_.expr.nodes) {
      if (node.op == ScalarOp::kOperand && tensor(node) >= 0) read[tensor(node)] = true;
    }
    const ir::Shape whole = form_.operands.empty() ? ir::Shape() : joined_shape(form_.operands);
    for (size_t k = form_.operands.size(); k-- > 0;) {
      if (read[k]) continue;
      Operands rest = form_.operands;
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(k));
      const bool shape_stays = sum_ == 1 || (!rest.empty() && joined_shape(rest) == whole);
      if (!shape_stays) continue;
      form_.operands = std::move(rest);
      for (ScalarNode& node : form_.expr.nodes) {
        if (node.op == ScalarOp::kOperand && tensor(node) > static_cast<int>(k)) --node.index;
      }
    }
  }

  Form form_;
  int sum_;
};

// By bits: a NaN equals itself.
bool same(const ScalarExpr& a, const ScalarExpr& b) {
  return key_of(ir::Elementwise{a}, {}) == key_of(ir::Elementwise{b}, {});
}

// A broadcast that the other operands make needless.
bool skip_broadcasts(Operands* operands) {
  if (operands->empty()) return false;
  const ir::Shape whole = joined_shape(*operands);
  bool changed = false;
  for (Value*& operand : *operands) {
    if (!operand->node->as<ir::Broadcast>()) continue;
    Value* const wide = operand;
    operand = wide->node->operands[0];
    if (joined_shape(*operands) == whole) {
      changed = true;
    } else {
      operand = wide;
    }
  }
  return changed;
}

Value* rule(const ir::Elementwise& op, const Operands& operands, const Rules& rules) {
  if (operands.empty()) return nullptr;
  Operands narrow = operands;
  const bool skipped = skip_broadcasts(&narrow);
  Form form = OperandRules(op.expr, narrow, false).run();
  if (form.expr.nodes.size() == 1) {
    const ScalarNode& only = form.expr.nodes.front();
    const ir::Shape whole = joined_shape(operands);
    if (only.op == ScalarOp::kOperand) {
      Value* value = form.operands[only.index];
      return value->shape() == whole ? value : rules.make(ir::Broadcast{whole}, {value});
    }
  }
  if (!skipped && form.operands == operands && same(form.expr, op.expr)) return nullptr;
  return rules.make(ir::Elementwise{std::move(form.expr)}, std::move(form.operands));
}

Value* rule(const ir::Contract& op, const Operands& operands, const Rules& rules) {
  if (!op.epilogue) return nullptr;
  const Operands extra(operands.begin() + 2, operands.end());
  Form form = OperandRules(*op.epilogue, extra, true).run();
  const bool bare = form.expr.nodes.size() == 1 &&
                    form.expr.nodes.front().op == ScalarOp::kOperand &&
                    form.expr.nodes.front().index == 0;
  if (!bare && form.operands == extra && same(form.expr, *op.epilogue)) return nullptr;
  ir::Contract simpler = op;
  simpler.epilogue.reset();
  Operands rest{operands[0], operands[1]};
  if (!bare) {
    simpler.epilogue.emplace(std::move(form.expr));
    rest.insert(rest.end(), form.operands.begin(), form.operands.end());
  }
  return rules.make(std::move(simpler), std::move(rest));
}

}  // namespace

Value* simplify_elementwise(const ir::Primitive& op, const Operands& operands, const Rules& rules) {
  if (const auto* elementwise = std::get_if<ir::Elementwise>(&op)) {
    return rule(*elementwise, operands, rules);
  }
  if (const auto* contract = std::get_if<ir::Contract>(&op)) {
    return rule(*contract, operands, rules);
  }
  return nullptr;
}

}  // namespace dovetail::passes
