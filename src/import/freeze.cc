#include "import/freeze.h"

#include <algorithm>
#include <unordered_set>

namespace dovetail::import {

void settle_frozen(ir::Graph& graph) {
  std::unordered_set<const ir::Value*> replaceable;  // computed from weights that stay
  for (const auto& node : graph.nodes()) {
    if (auto* param = node->as<ir::Param>()) {
      if (graph.frozen.contains(param->name)) {
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

}  // namespace dovetail::import
