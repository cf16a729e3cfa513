// A debug executor's functions by name, beside those of every executor.
#include <algorithm>
#include <iterator>

#include "runtime/debug.h"
#include "runtime/function_table.h"

namespace dovetail::detail {
namespace {

using Args = std::span<const Any>;

constexpr FunctionRow<DebugNode> kRows[] = {
    {"profile", "()", 0, 0,
     [](DebugNode& node, Args) {
       node.profile();
       return Any();
     }},
    {"run_until", "(node)", 1, 1,
     [](DebugNode& node, Args args) { return Any(node.run_until(args[0].as<std::string>())); }},
    // Milliseconds of every step that ran, and beside it the names of the nodes it computes.
    {"step_times", "()", 0, 0,
     [](DebugNode& node, Args) {
       const std::vector<StepTime> times = node.step_times();
       Tensor result = Tensor::empty({static_cast<int64_t>(times.size())}, DType::of<double>());
       std::ranges::transform(times, result.data<double>(), &StepTime::milliseconds);
       return Any(result);
     }},
    {"step_nodes", "()", 0, 0,
     [](DebugNode& node, Args) {
       std::vector<std::string> nodes;
       for (const StepTime& time : node.step_times()) nodes.emplace_back(time.step->nodes);
       return Any(std::move(nodes));
     }},
    {"tensor_names", "()", 0, 0, [](DebugNode& node, Args) { return Any(node.tensor_names()); }},
    {"get_tensor", "(name)", 1, 1,
     [](DebugNode& node, Args args) { return Any(node.get_tensor(args[0].as<std::string>())); }},
};

}  // namespace

std::vector<std::string> DebugNode::names() const {
  std::vector<std::string> names = ExecutorNode::names();
  for (const auto& row : kRows) names.emplace_back(row.name);
  return names;
}

Function DebugNode::function(const std::string& name) {
  const auto* row = std::ranges::find(kRows, name, &FunctionRow<DebugNode>::name);
  if (row == std::end(kRows)) return ExecutorNode::function(name);
  return bind(std::static_pointer_cast<DebugNode>(shared_from_this()), *row);
}

}  // namespace dovetail::detail
