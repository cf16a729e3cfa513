#include "passes/hoist_prepared.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "ir/regions.h"
#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

class Hoister {
 public:
  explicit Hoister(Graph& graph) : graph_(graph) {
    for (const auto& node : graph.nodes()) {
      if (const auto* param = node->as<ir::Param>()) params_[param->name] = node->result();
    }
  }

  void run() {
    std::vector<Node*> regions;
    for (const auto& node : graph_.nodes()) {
      if (!ir::bodies_of(*node).empty()) regions.push_back(node.get());
    }
    for (Node* region : regions) {
      for (Graph* body : ir::bodies_of(*region)) {
        Hoister(*body).run();  // what comes out of inner bodies goes on from here
        hoist(*region, *body);
      }
      ir::prune_captures(*region);
    }
  }

 private:
  // Prepared values that the rest of the body reads.
  static std::vector<Value*> border_of(Graph& body,
                                       const std::unordered_set<const Value*>& prepared) {
    std::vector<Value*> border;
    const auto add = [&](Value* value) {
      if (!prepared.contains(value)) return;
      if (std::find(border.begin(), border.end(), value) == border.end()) border.push_back(value);
    };
    for (const auto& node : body.nodes()) {
      if (prepared.contains(node->results.front().get())) continue;
      for (Value* operand : node->operands) add(operand);
    }
    for (Value* output : body.outputs) add(output);
    return border;
  }

  void hoist(Node& region, Graph& body) {
    std::unordered_map<const Value*, Value*> outside;
    for (Value* value : border_of(body, prepared_values(body))) {
      Value* moved = move_out(*value, region, &outside);
      Value* seen = ir::capture(region, body, moved);
      body.replace_uses(value, seen);
      outside[seen] = moved;  // other prepared values may read it
    }
    body.remove_dead();
  }

  Value* move_out(const Value& value, Node& region,
                  std::unordered_map<const Value*, Value*>* outside) {
    const auto found = outside->find(&value);
    if (found != outside->end()) return found->second;
    const Node& node = *value.node;
    const auto* param = node.as<ir::Param>();
    if (param && params_.contains(param->name)) {
      return (*outside)[&value] = params_.at(param->name);
    }
    std::vector<Value*> operands;
    for (const Value* operand : node.operands) {
      operands.push_back(move_out(*operand, region, outside));
    }
    Node* made = graph_.add(node.op, std::move(operands), param ? first_node() : &region);
    made->origins = node.origins;
    for (size_t i = 0; i < node.results.size(); ++i) {
      made->results[i]->name = node.results[i]->name;
      made->results[i]->order = node.results[i]->order;
      (*outside)[node.results[i].get()] = made->results[i].get();
    }
    if (param) params_[param->name] = made->result();
    return outside->at(&value);
  }

  // Params stand first: any region may read them.
  Node* first_node() const {
    const auto at = std::find_if(graph_.nodes().begin(), graph_.nodes().end(),
                                 [](const auto& node) { return !node->template as<ir::Input>(); });
    return at->get();
  }

  Graph& graph_;
  std::map<std::string, Value*> params_;
};

}  // namespace

void hoist_prepared(Graph& graph) { Hoister(graph).run(); }

}  // namespace dovetail::passes
