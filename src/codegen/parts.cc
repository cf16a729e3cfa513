#include "codegen/parts.h"

#include <algorithm>
#include <utility>

namespace dovetail::codegen {
namespace {

// LLVM's time grows with the values that a function defines: 10 to 20 us for each. A part has a
// context, a target machine and passes of its own, which together take about 3 ms.
constexpr int64_t kValuesPerPart = 1000;
constexpr int64_t kMaxParts = 16;

int64_t work_of(const loop::Function& function) { return 50 + function.num_values; }

}  // namespace

std::vector<Part> divide(const loop::Module& module) {
  const std::vector<loop::Function>& functions = module.functions;
  int64_t work = 0;
  for (const loop::Function& function : functions) work += work_of(function);
  std::vector<Part> parts(std::clamp<int64_t>(work / kValuesPerPart, 1, kMaxParts));
  parts.front().defines_data = true;

  // The largest first, each to the part that has the least so far.
  std::vector<std::pair<int64_t, size_t>> order;
  for (size_t f = 0; f < functions.size(); ++f) order.emplace_back(-work_of(functions[f]), f);
  std::sort(order.begin(), order.end());
  std::vector<int64_t> loads(parts.size());
  std::vector<size_t> part_of(functions.size());
  for (const auto& [work_negated, f] : order) {
    part_of[f] = std::min_element(loads.begin(), loads.end()) - loads.begin();
    loads[part_of[f]] -= work_negated;
  }
  for (size_t f = 0; f < functions.size(); ++f)
    parts[part_of[f]].functions.push_back(&functions[f]);
  return parts;
}

Part whole(const loop::Module& module) {
  Part part{.defines_data = true};
  for (const loop::Function& function : module.functions) part.functions.push_back(&function);
  return part;
}

}  // namespace dovetail::codegen
