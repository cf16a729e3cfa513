#include "passes/lookup_runs.h"

#include <algorithm>
#include <vector>

namespace dovetail::passes {

using ir::ScalarNode;
using ir::ScalarOp;

std::optional<std::map<int, int>> run_coordinates(const ir::ScalarExpr& expr, int axis) {
  std::vector<bool> varies, steps;  // by one
  std::map<int, int> coordinates;
  for (const ScalarNode& node : expr.nodes) {
    const auto& a = node.arguments;
    const bool index = node.op == ScalarOp::kIndex && node.index == axis;
    const auto count = std::count_if(a.begin(), a.end(), [&](int i) { return varies[i]; });
    const bool sum = count == 1 && ((node.op == ScalarOp::kAdd && (steps[a[0]] || steps[a[1]])) ||
                                    (node.op == ScalarOp::kSub && steps[a[0]]));
    varies.push_back(index || count > 0);
    steps.push_back(index || sum);
    if (node.op != ScalarOp::kLoad || count == 0) continue;
    const auto at = std::find_if(a.begin(), a.end(), [&](int i) { return varies[i]; });
    const auto coordinate = static_cast<int>(at - a.begin());
    const auto known = coordinates.try_emplace(node.index, coordinate).first;
    if (count > 1 || !steps[*at] || known->second != coordinate) return std::nullopt;
  }
  return coordinates;
}

}  // namespace dovetail::passes
