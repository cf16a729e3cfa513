#include "compiler/reserves.h"

#include <algorithm>
#include <iterator>
#include <set>

namespace dovetail::compiler {
namespace {

using ir::Buffer;

class Reserves {
 public:
  explicit Reserves(const ir::Plan& plan) : plan_(plan) {}

  // `done`: the buffers that are reserved where the steps begin, then where they end.
  ir::Steps added(const ir::Steps& steps, std::set<int>* done) {
    ir::Steps result;
    for (const ir::Step& step : steps) {
      const auto need = [&](int buffer) {
        if (!is_late(buffer) || !done->insert(buffer).second) return;
        result.push_back({ir::ReserveStep{buffer}, step.origins});
      };
      for_each_buffer(step, need);
      if (const auto* reserve = std::get_if<ir::ReserveStep>(&step.node)) {
        done->insert(reserve->buffer);
      }
      result.push_back(step);
      if (auto* branch = std::get_if<ir::BranchStep>(&result.back().node)) add_to(*branch, done);
      if (auto* loop = std::get_if<ir::LoopStep>(&result.back().node)) {
        std::set<int> inside = *done;
        *loop->body = added(*loop->body, &inside);
      }
    }
    return result;
  }

 private:
  void add_to(const ir::BranchStep& branch, std::set<int>* done) {
    std::set<int> after_then = *done, after_else = *done;
    *branch.then_steps = added(*branch.then_steps, &after_then);
    *branch.else_steps = added(*branch.else_steps, &after_else);
    done->clear();
    std::set_intersection(after_then.begin(), after_then.end(), after_else.begin(),
                          after_else.end(), std::inserter(*done, done->end()));
  }

  bool is_late(int index) const {
    const Buffer& buffer = plan_.buffers[index];
    if (buffer.grows) return false;
    return buffer.kind == Buffer::Kind::kReserved ||
           (buffer.kind == Buffer::Kind::kOutput && !ir::known_early(plan_, buffer));
  }

  template <class Visit>
  static void for_each_buffer(const ir::Step& step, Visit visit) {
    const auto pointer = [&](const ir::StepArgument& argument) {
      if (argument.kind == ir::StepArgument::Kind::kPointer) visit(argument.buffer);
    };
    if (const auto* call = std::get_if<ir::KernelCall>(&step.node)) {
      for (const ir::StepArgument& argument : call->arguments) pointer(argument);
      if (call->scratch_buffer >= 0) visit(call->scratch_buffer);
    }
    if (const auto* measure = std::get_if<ir::MeasureStep>(&step.node)) pointer(measure->from);
    if (const auto* branch = std::get_if<ir::BranchStep>(&step.node)) pointer(branch->condition);
    if (const auto* loop = std::get_if<ir::LoopStep>(&step.node)) pointer(loop->enter);
  }

  const ir::Plan& plan_;
};

}  // namespace

void add_reserves(ir::Plan* plan) {
  std::set<int> done;
  ir::Steps steps = Reserves(*plan).added(plan->steps, &done);
  plan->steps = std::move(steps);
}

}  // namespace dovetail::compiler
