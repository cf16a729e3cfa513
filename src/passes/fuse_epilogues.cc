#include "passes/fuse_epilogues.h"

#include <unordered_map>
#include <unordered_set>

#include "ir/scalar_cost.h"
#include "passes/rebuild.h"
#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ScalarExpr;
using ir::Value;

class EpilogueFuser {
 public:
  explicit EpilogueFuser(Graph& graph) : old_(graph), rebuild_(graph), uses_(count_uses(graph)) {
    int position = 0;
    for (const auto& node : graph.nodes()) position_[node.get()] = position++;
    for (const auto& node : graph.nodes()) plan(*node);
  }

  void run() {
    for (const auto& node : old_.nodes()) {
      const auto found = contract_of_.find(node.get());
      if (found != contract_of_.end()) {
        rebuild_.set(node->result(), join(*found->second, *node));
      } else if (!moved_.contains(node.get())) {
        rebuild_.copy(*node);
      }
    }
    rebuild_.finish();
  }

 private:
  // One column: the contraction would compute a vector of an elementary function for each element.
  static bool wastes_lanes(const Node& node) {
    return node.result()->shape().back() == ir::Dim(1) &&
           ir::has_elementary(node.as<ir::Elementwise>()->expr);
  }

  // Which contraction an elementwise node goes into: the last that only it reads.
  void plan(const Node& node) {
    if (!node.as<ir::Elementwise>()) return;
    const Node* best = nullptr;
    for (const Value* operand : node.operands) {
      const auto* contract = operand->node->as<ir::Contract>();
      if (!contract || uses_[operand] != 1 || operand->shape() != node.result()->shape()) continue;
      if (wastes_lanes(node)) continue;
      if (!best || position_[operand->node] > position_[best]) best = operand->node;
    }
    if (!best) return;
    contract_of_[&node] = best;
    moved_.insert(best);
  }

  // The contraction in place of the elementwise node. Numbering of an epilogue: 0 is the sum, then
  // the extra operands.
  Value* join(const Node& contract, const Node& user) {
    ir::Contract op = *contract.as<ir::Contract>();
    std::vector<Value*> operands = rebuild_.operands_of(contract);
    const ScalarExpr inner =
        op.epilogue ? *op.epilogue : ir::operand_expr(contract.operands[0]->dtype());
    std::vector<int> inner_map(operands.size() - 1);
    for (size_t k = 0; k < inner_map.size(); ++k) inner_map[k] = static_cast<int>(k);
    std::vector<int> outer_map(user.operands.size(), 0);
    int place = -1;
    for (size_t k = 0; k < user.operands.size(); ++k) {
      if (user.operands[k] == contract.result()) {
        place = static_cast<int>(k);
        continue;
      }
      outer_map[k] = static_cast<int>(operands.size()) - 1;
      operands.push_back(rebuild_.at(user.operands[k]));
    }
    op.epilogue = simplify_expr(
        ir::compose(user.as<ir::Elementwise>()->expr, place, inner, outer_map, inner_map));
    return rebuild_.make(std::move(op), std::move(operands),
                         join_origins(contract.origins, user.origins));
  }

  Graph& old_;
  Rebuild rebuild_;
  std::unordered_map<const Value*, int> uses_;
  std::unordered_map<const Node*, int> position_;
  std::unordered_map<const Node*, const Node*> contract_of_;
  std::unordered_set<const Node*> moved_;
};

}  // namespace

void fuse_epilogues(Graph& graph) { EpilogueFuser(graph).run(); }

}  // namespace dovetail::passes
