#include <algorithm>
#include <numeric>

#include "compiler/lower.h"

namespace dovetail::compiler {
namespace {

using ir::Buffer;
using ir::Dim;

constexpr int64_t kAlignment = 64;  // DV_ALIGNMENT

Dim aligned(const Dim& bytes) { return ir::ceildiv(bytes, kAlignment) * kAlignment; }

void find_live_ranges(ir::Plan* plan) {
  std::vector<bool> seen(plan->buffers.size(), false);
  for (size_t s = 0; s < plan->steps.size(); ++s) {
    for (const ir::StepArgument& argument : plan->steps[s].arguments) {
      if (argument.kind != ir::StepArgument::Kind::kPointer) continue;
      Buffer& buffer = plan->buffers[argument.buffer];
      if (!seen[argument.buffer]) buffer.first_step = static_cast<int>(s);
      seen[argument.buffer] = true;
      buffer.last_step = static_cast<int>(s);
    }
  }
}

// A guess of the size that only decides who shares a slot with whom; any guess gives a right plan.
int64_t estimate(const Dim& bytes, const ir::SymbolBounds& symbols) {
  std::map<std::string, int64_t> values;
  for (const std::string& name : bytes.symbols()) {
    const auto found = symbols.find(name);
    const ir::Bounds bounds = found == symbols.end() ? ir::Bounds{} : found->second;
    values[name] = std::clamp<int64_t>(64, bounds.min, bounds.max);
  }
  return bytes.evaluate(values);
}

struct Slot {
  Dim bytes;
  std::vector<int> members;
};

bool overlap(const Buffer& a, const Buffer& b) {
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

// Largest first, each into the first slot where nobody is alive at the same time (the "shared
// objects, greedy by size" strategy of Pisarchyk and Lee, arXiv:2001.03288).
void plan_memory(ir::Plan* plan, const ir::SymbolBounds& symbols) {
  find_live_ranges(plan);
  std::vector<int> order;
  std::vector<int64_t> sizes(plan->buffers.size(), 0);
  for (size_t b = 0; b < plan->buffers.size(); ++b) {
    const Buffer& buffer = plan->buffers[b];
    if (buffer.kind != Buffer::Kind::kWorkspace || buffer.last_step < 0) continue;
    sizes[b] = estimate(buffer.bytes, symbols);
    order.push_back(static_cast<int>(b));
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sizes[a] > sizes[b]; });
  std::vector<Slot> slots;
  for (const int b : order) {
    const auto fits = std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) {
      return std::none_of(slot.members.begin(), slot.members.end(), [&](int member) {
        return overlap(plan->buffers[member], plan->buffers[b]);
      });
    });
    if (fits == slots.end()) {
      slots.push_back({aligned(plan->buffers[b].bytes), {b}});
    } else {
      fits->bytes = ir::max(fits->bytes, aligned(plan->buffers[b].bytes));
      fits->members.push_back(b);
    }
  }
  plan->workspace = 0;
  for (const Slot& slot : slots) {
    for (const int member : slot.members) plan->buffers[member].offset = plan->workspace;
    plan->workspace += slot.bytes;
  }
}

}  // namespace dovetail::compiler
