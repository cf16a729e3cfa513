#include "import/freeze.h"

#include <algorithm>
#include <map>
#include <unordered_set>

#include "ir/regions.h"

namespace dovetail::import {

namespace {

void settle(ir::Graph& graph, const std::map<std::string, ir::TensorData>& frozen) {
  std::unordered_set<const ir::Value*> replaceable;  // computed from weights that stay
  for (const auto& node : graph.nodes()) {
    if (auto* param = node->as<ir::Param>()) {
      if (frozen.contains(param->name)) {
        node->op = ir::Constant{std::move(param->data)};
        continue;
      }
      replaceable.insert(node->result());
      node->result()->elements.reset();
    }
    if (std::any_of(node->operands.begin(), node->operands.end(),
                    [&](const ir::Value* operand) { return replaceable.contains(operand); })) {
      for (const auto& result : node->results) {
        replaceable.insert(result.get());
        result->elements.reset();
      }
    }
  }
}

}  // namespace

void settle_frozen(ir::Graph& graph) {
  // What a body froze is frozen for all.
  std::map<std::string, ir::TensorData> frozen;
  ir::for_each_graph(graph, [&](ir::Graph& g) { frozen.insert(g.frozen.begin(), g.frozen.end()); });
  graph.frozen = frozen;
  ir::for_each_graph(graph, [&](ir::Graph& g) { settle(g, frozen); });
}

}  // namespace dovetail::import
