#include "passes/multiply_by_reciprocals.h"

#include <algorithm>
#include <map>

#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Node;
using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;
using ir::Value;

bool is_single_or_double(ir::DType dtype) {
  return dtype == ir::DType::kF32 || dtype == ir::DType::kF64;
}

// Steps whose result may jump when their operand changes in the last place.
bool has_steps(const ScalarExpr& expr) {
  return std::any_of(expr.nodes.begin(), expr.nodes.end(), [](const ScalarNode& node) {
    const bool rounds = node.op >= ScalarOp::kFloor && node.op <= ScalarOp::kTrunc;
    return rounds || (node.op == ScalarOp::kCast && !ir::is_float(node.dtype));
  });
}

class Rewriter {
 public:
  explicit Rewriter(ir::Graph& graph)
      : old_(graph), rebuild_(graph), users_(graph.users()), prepared_(prepared_values(graph)) {}

  void run() {
    for (const auto& node : old_.nodes()) {
      if (node->as<ir::Elementwise>() && !prepared_.contains(node->result()) &&
          !feeds_steps(*node)) {
        rewrite(*node);
      } else {
        rebuild_.copy(*node);
      }
    }
    rebuild_.finish();
  }

 private:
  // A quantised value is round(x / scale): a half has to stay one.
  bool feeds_steps(const Node& node) const {
    if (has_steps(node.as<ir::Elementwise>()->expr)) return true;
    const auto users = users_.find(node.result());
    return users != users_.end() &&
           std::any_of(users->second.begin(), users->second.end(), [](const Node* user) {
             const auto* elementwise = user->as<ir::Elementwise>();
             return elementwise && has_steps(elementwise->expr);
           });
  }

  void rewrite(const Node& node) {
    ScalarExpr expr = node.as<ir::Elementwise>()->expr;
    std::vector<Value*> operands = rebuild_.operands_of(node);
    for (size_t i = 0; i < expr.nodes.size(); ++i) {
      if (expr.nodes[i].op != ScalarOp::kDiv || !is_single_or_double(expr.nodes[i].dtype)) continue;
      ScalarNode& divisor = expr.nodes[expr.nodes[i].arguments[1]];
      if (divisor.op != ScalarOp::kOperand) continue;
      const Value* old = node.operands[divisor.index];
      if (!prepared_.contains(old) || old->shape() == node.result()->shape()) continue;
      if (!is_read_once(expr, divisor.index)) continue;
      operands[divisor.index] = reciprocal(old, node.origins);
      expr.nodes[i].op = ScalarOp::kMul;
    }
    rebuild_.set(node.result(), rebuild_.make(ir::Elementwise{std::move(expr)}, std::move(operands),
                                              node.origins));
  }

  // Whether one node alone reads this operand.
  static bool is_read_once(const ScalarExpr& expr, int operand) {
    int reads = 0;
    for (const ScalarNode& node : expr.nodes) {
      for (const int argument : node.arguments) {
        const ScalarNode& read = expr.nodes[argument];
        reads += read.op == ScalarOp::kOperand && read.index == operand;
      }
    }
    return reads == 1;
  }

  Value* reciprocal(const Value* old, const std::vector<std::string>& origins) {
    Value*& made = reciprocals_[old];
    if (made) return made;
    ir::ExprBuilder e;
    ScalarExpr expr = e.finish(e.unary(ScalarOp::kReciprocal, e.operand(0, old->dtype())));
    return made = rebuild_.make(ir::Elementwise{std::move(expr)}, {rebuild_.at(old)}, origins);
  }

  ir::Graph& old_;
  Rebuild rebuild_;
  std::unordered_map<const Value*, std::vector<Node*>> users_;
  std::unordered_set<const Value*> prepared_;
  std::map<const Value*, Value*> reciprocals_;
};

}  // namespace

void multiply_by_reciprocals(ir::Graph& graph) { Rewriter(graph).run(); }

}  // namespace dovetail::passes
