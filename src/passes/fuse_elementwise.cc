#include "passes/fuse_elementwise.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "passes/rebuild.h"
#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;
using ir::Value;

// A kernel keeps every operand's address and the live parts of the expression in registers.
constexpr size_t kMaxParts = 64;
constexpr size_t kMaxOperands = 8;

class Grouping {
 public:
  explicit Grouping(Graph& graph)
      : graph_(graph),
        users_(graph.users()),
        prepared_(prepared_values(graph)),
        outputs_(graph.outputs.begin(), graph.outputs.end()) {}

  // The node whose expression each elementwise node ends in; users before producers.
  std::unordered_map<const Node*, const Node*> run() {
    for (auto it = graph_.nodes().rbegin(); it != graph_.nodes().rend(); ++it) {
      const Node* node = it->get();
      if (!node->as<ir::Elementwise>()) continue;
      const Node* root = reads_all(*node) ? common_root(*node) : nullptr;
      if (root && fits(*node, *root)) {
        add(node, root);
      } else {
        add(node, node);
      }
    }
    return root_of_;
  }

 private:
  // An operand that the expression does not read gives the result its shape; a joined expression
  // would lose it.
  static bool reads_all(const Node& node) {
    std::unordered_set<int> read;
    for (const ScalarNode& part : node.as<ir::Elementwise>()->expr.nodes) {
      if (part.op == ScalarOp::kOperand) read.insert(part.index);
    }
    return read.size() == node.operands.size();
  }

  // What all users end in, when that is one node of the same shape.
  const Node* common_root(const Node& node) const {
    const Value* value = node.result();
    const auto users = users_.find(value);
    if (users == users_.end() || outputs_.contains(value)) return nullptr;
    const Node* root = nullptr;
    for (const Node* user : users->second) {
      const auto found = root_of_.find(user);
      if (found == root_of_.end() || (root && root != found->second)) return nullptr;
      if (!reads_all(*user)) return nullptr;
      root = found->second;
    }
    if (root->result()->shape() != value->shape()) return nullptr;
    return prepared_.contains(value) == prepared_.contains(root->result()) ? root : nullptr;
  }

  struct Size {
    size_t parts = 0;
    std::unordered_set<const Value*> operands;
  };

  // Upper bounds: the node's own result is an operand of the group no more.
  bool fits(const Node& node, const Node& root) const {
    const Size& size = sizes_.at(&root);
    std::unordered_set<const Value*> operands = size.operands;
    operands.erase(node.result());
    operands.insert(node.operands.begin(), node.operands.end());
    return size.parts + node.as<ir::Elementwise>()->expr.nodes.size() <= kMaxParts &&
           operands.size() <= kMaxOperands;
  }

  void add(const Node* node, const Node* root) {
    root_of_[node] = root;
    Size& size = sizes_[root];
    size.parts += node->as<ir::Elementwise>()->expr.nodes.size();
    size.operands.erase(node->result());
    size.operands.insert(node->operands.begin(), node->operands.end());
  }

  const Graph& graph_;
  std::unordered_map<const Value*, std::vector<Node*>> users_;
  std::unordered_set<const Value*> prepared_;
  std::unordered_set<const Value*> outputs_;
  std::unordered_map<const Node*, const Node*> root_of_;
  std::unordered_map<const Node*, Size> sizes_;
};

// One expression over the operands of a whole group.
class Joined {
 public:
  // The members' parts in topological order; a member's operand is another member or from outside.
  void add(const Node& member, const std::vector<Value*>& operands) {
    const ScalarExpr& expr = member.as<ir::Elementwise>()->expr;
    std::vector<int> moved;
    for (const ScalarNode& node : expr.nodes) {
      if (node.op == ScalarOp::kOperand) {
        moved.push_back(operand(*member.operands[node.index], operands[node.index]));
        continue;
      }
      ScalarNode copy = node;
      for (int& argument : copy.arguments) argument = moved[argument];
      moved.push_back(append(std::move(copy)));
    }
    results_[member.result()] = moved.back();
    last_ = moved.back();
    origins_ = join_origins(std::move(origins_), member.origins);
  }

  ScalarExpr expr() const {
    ScalarExpr expr{nodes_};
    expr.nodes.resize(last_ + 1);
    return simplify_expr(expr);
  }
  const std::vector<Value*>& operands() const { return operands_; }
  const std::vector<std::string>& origins() const { return origins_; }

 private:
  int append(ScalarNode node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  int operand(const Value& old, Value* now) {
    const auto found = results_.find(&old);
    if (found != results_.end()) return found->second;
    const auto at = std::find(operands_.begin(), operands_.end(), now);
    const auto index = static_cast<int>(at - operands_.begin());
    if (at == operands_.end()) operands_.push_back(now);
    return append({ScalarOp::kOperand, now->dtype(), {}, index, int64_t{0}});
  }

  std::vector<ScalarNode> nodes_;
  std::vector<Value*> operands_;
  std::unordered_map<const Value*, int> results_;  // of members
  std::vector<std::string> origins_;
  int last_ = 0;
};

}  // namespace

void fuse_elementwise(Graph& graph) {
  const auto root_of = Grouping(graph).run();
  std::unordered_map<const Node*, std::vector<const Node*>> members;
  for (const auto& node : graph.nodes()) {
    const auto found = root_of.find(node.get());
    if (found != root_of.end()) members[found->second].push_back(node.get());
  }
  Rebuild rebuild(graph);
  for (const auto& node : graph.nodes()) {
    const auto found = root_of.find(node.get());
    if (found == root_of.end() || members.at(found->second).size() == 1) {
      rebuild.copy(*node);
      continue;
    }
    if (found->second != node.get()) continue;  // becomes part of its root
    Joined joined;
    for (const Node* member : members.at(node.get())) {
      std::vector<Value*> operands;
      for (const Value* operand : member->operands) {
        operands.push_back(rebuild.has(operand) ? rebuild.at(operand) : nullptr);
      }
      joined.add(*member, operands);
    }
    rebuild.set(node->result(),
                rebuild.make(ir::Elementwise{joined.expr()}, joined.operands(), joined.origins()));
  }
  rebuild.finish();
}

}  // namespace dovetail::passes
