#include <algorithm>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;
using ir::Value;

// A load from a tensor of one element that is known.
void inline_constants(ScalarExpr* expr, const Operands& operands) {
  for (ScalarNode& node : expr->nodes) {
    if (node.op != ScalarOp::kLoad) continue;
    const auto* constant = operands[node.index]->node->as<ir::Constant>();
    if (!constant || constant->data.element_count() != 1) continue;
    node = {ScalarOp::kConstant, node.dtype, {}, 0, constant->data.as_int(0)};
    if (ir::is_float(node.dtype)) node.constant = constant->data.as_double(0);
  }
}

// Equal operands become one, those that no expression reads go; the first `kept` stay anyhow.
Operands compact_operands(const std::vector<ScalarExpr*>& exprs, const Operands& operands,
                          size_t kept) {
  std::vector<bool> needed(operands.size(), false);
  std::fill_n(needed.begin(), kept, true);
  const auto each_load = [&](const auto& visit) {
    for (ScalarExpr* expr : exprs) {
      for (ScalarNode& node : expr->nodes) {
        if (node.op == ScalarOp::kLoad) visit(&node);
      }
    }
  };
  each_load([&](const ScalarNode* node) { needed[node->index] = true; });
  Operands rest;
  for (size_t k = 0; k < operands.size(); ++k) {
    const bool first = std::find(rest.begin(), rest.end(), operands[k]) == rest.end();
    if (k < kept || (needed[k] && first)) rest.push_back(operands[k]);
  }
  each_load([&](ScalarNode* node) {
    const auto at = std::find(rest.begin(), rest.end(), operands[node->index]);
    node->index = static_cast<int>(at - rest.begin());
  });
  return rest;
}

// By bits: a NaN equals itself.
bool same(const ir::Primitive& a, const ir::Primitive& b) { return key_of(a, {}) == key_of(b, {}); }

}  // namespace

Value* simplify_lookup(const ir::Primitive& op, const Operands& operands, const Rules& rules) {
  ir::Primitive simpler = op;
  std::vector<ScalarExpr*> exprs;
  size_t kept = 0;
  if (auto* lookup = std::get_if<ir::Lookup>(&simpler)) exprs.push_back(&lookup->expr);
  if (auto* scatter = std::get_if<ir::Scatter>(&simpler)) {
    kept = 2;
    for (ScalarExpr& expr : scatter->coordinates) exprs.push_back(&expr);
  }
  if (exprs.empty()) return nullptr;
  for (ScalarExpr* expr : exprs) {
    inline_constants(expr, operands);
    *expr = simplify_expr(*expr);
  }
  Operands rest = compact_operands(exprs, operands, kept);
  if (rest == operands && same(simpler, op)) return nullptr;
  return rules.make(std::move(simpler), std::move(rest));
}

}  // namespace dovetail::passes
