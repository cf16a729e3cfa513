#include <algorithm>
#include <numeric>

#include "compiler/lower.h"
#include "compiler/reserves.h"

namespace dovetail::compiler {
namespace {

using ir::Buffer;
using ir::Dim;

constexpr int64_t kAlignment = 64;  // DV_ALIGNMENT

Dim aligned(const Dim& bytes) { return ir::ceildiv(bytes, kAlignment) * kAlignment; }

// Numbers the steps in order, bodies included, and finds where each buffer is touched first and
// last.
class LiveRanges {
 public:
  explicit LiveRanges(ir::Plan* plan) : plan_(*plan), seen_(plan->buffers.size(), false) {}

  void find() {
    visit(plan_.steps);
    // What is alive outside of a loop and touched inside is alive through all of it. Inner loops
    // come first.
    for (const auto& [begin, end] : loops_) {
      for (Buffer& buffer : plan_.buffers) {
        const bool inside = buffer.first_step <= end && buffer.last_step >= begin;
        if (!inside || (buffer.first_step >= begin && buffer.last_step <= end)) continue;
        buffer.first_step = std::min(buffer.first_step, begin);
        buffer.last_step = std::max(buffer.last_step, end);
      }
    }
  }

 private:
  void visit(const ir::Steps& steps) {
    for (const ir::Step& step : steps) {
      std::visit([&](const auto& node) { visit(node); }, step.node);
      ++position_;
    }
  }

  void visit(const ir::KernelCall& call) {
    for (const ir::StepArgument& argument : call.arguments) visit(argument);
    if (call.scratch_buffer >= 0) touch(call.scratch_buffer);
    for (const ir::StepResult& result : call.results) touch(result.placement.buffer);
  }
  void visit(const ir::MeasureStep& measure) { visit(measure.from); }
  void visit(const ir::BindStep&) {}
  void visit(const ir::CheckStep&) {}
  void visit(const ir::ReserveStep& reserve) { touch(reserve.buffer); }
  void visit(const ir::GrowStep& grow) { touch(grow.buffer); }
  void visit(const ir::BranchStep& branch) {
    visit(branch.condition);
    ++position_;
    visit(*branch.then_steps);
    visit(*branch.else_steps);
  }
  void visit(const ir::LoopStep& loop) {
    visit(loop.enter);
    const int begin = ++position_;
    visit(*loop.body);
    visit(loop.again);
    loops_.emplace_back(begin, position_);
  }
  void visit(const ir::StepArgument& argument) {
    if (argument.kind == ir::StepArgument::Kind::kPointer) touch(argument.buffer);
  }

  void touch(int index) {
    Buffer& buffer = plan_.buffers[index];
    if (!seen_[index]) buffer.first_step = position_;
    seen_[index] = true;
    buffer.last_step = position_;
  }

  ir::Plan& plan_;
  std::vector<bool> seen_;
  std::vector<std::pair<int, int>> loops_;
  int position_ = 0;
};

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

// Largest first, each into the first slot where nobody is alive at the same time (the "shared
// objects, greedy by size" strategy of Pisarchyk and Lee, arXiv:2001.03288).
std::vector<Slot> share(const ir::Plan& plan, Buffer::Kind kind, const ir::SymbolBounds& symbols) {
  std::vector<int> order;
  std::vector<int64_t> sizes(plan.buffers.size(), 0);
  for (size_t b = 0; b < plan.buffers.size(); ++b) {
    const Buffer& buffer = plan.buffers[b];
    if (buffer.kind != kind || buffer.last_step < 0) continue;
    sizes[b] = estimate(buffer.bytes, symbols);
    order.push_back(static_cast<int>(b));
  }
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return sizes[a] > sizes[b]; });
  std::vector<Slot> slots;
  for (const int b : order) {
    const auto fits = std::find_if(slots.begin(), slots.end(), [&](const Slot& slot) {
      return std::none_of(slot.members.begin(), slot.members.end(), [&](int member) {
        return overlap(plan.buffers[member], plan.buffers[b]);
      });
    });
    if (fits == slots.end()) {
      slots.push_back({aligned(plan.buffers[b].bytes), {b}});
    } else {
      fits->bytes = ir::max(fits->bytes, aligned(plan.buffers[b].bytes));
      fits->members.push_back(b);
    }
  }
  return slots;
}

}  // namespace

void plan_memory(ir::Plan* plan, const ir::SymbolBounds& symbols) {
  LiveRanges(plan).find();
  for (Buffer& buffer : plan->buffers) {
    if (buffer.kind != Buffer::Kind::kWorkspace || ir::known_early(*plan, buffer)) continue;
    buffer.kind = Buffer::Kind::kReserved;
  }
  const std::vector<Slot> slots = share(*plan, Buffer::Kind::kWorkspace, symbols);
  plan->workspace = 0;
  for (const Slot& slot : slots) {
    for (const int member : slot.members) plan->buffers[member].offset = plan->workspace;
    plan->workspace += slot.bytes;
  }
  for (const Slot& slot : share(*plan, Buffer::Kind::kReserved, symbols)) {
    for (const int member : slot.members) plan->buffers[member].index = plan->reserved_slots;
    ++plan->reserved_slots;
  }
  add_reserves(plan);
}

}  // namespace dovetail::compiler
