#include "compiler/lower.h"

#include <fmt/format.h>

#include "base/error.h"
#include "kernels/kernel.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Node;

bool computes(const Node& node) {
  return !node.as<ir::Input>() && !node.as<ir::Param>() && !node.as<ir::Permute>() &&
         !node.as<ir::Broadcast>() && !node.as<ir::Slice>() && !node.as<ir::Reshape>() &&
         !node.as<ir::Concat>();
}

class Lowering {
 public:
  Lowering(const Placed& placed, const LowerOptions& options, KernelSet* kernels)
      : placed_(placed), options_(options), kernels_(kernels) {
    plan_.buffers = placed.buffers;
  }

  void add(const Node& node, const ir::SymbolBounds& symbols) {
    kernels::Request request{.node = &node,
                             .operands = {},
                             .results = {},
                             .level = options_.level,
                             .symbols = symbols,
                             .strict = options_.strict};
    std::vector<const ir::Value*> tensors;
    for (const ir::Value* operand : node.operands) {
      request.operands.push_back(layout_of(operand));
      tensors.push_back(operand);
    }
    for (const auto& result : node.results) {
      request.results.push_back(layout_of(result.get()));
      tensors.push_back(result.get());
    }
    for (kernels::Call& call : kernels::make_calls(request))
      add_step(std::move(call), tensors, node);
  }

  ir::Plan take() { return std::move(plan_); }

 private:
  kernels::Layout layout_of(const ir::Value* value) const {
    return {value->dtype(), value->shape(), placed_.values.at(value).strides};
  }

  void add_step(kernels::Call call, const std::vector<const ir::Value*>& tensors,
                const Node& node) {
    DOVETAIL_CHECK(call.arguments.size() == call.function.parameters.size(),
                   "kernel {} takes {} arguments, its call has {}", call.function.name,
                   call.function.parameters.size(), call.arguments.size());
    ir::Step step;
    for (const kernels::Argument& argument : call.arguments) {
      ir::StepArgument word;
      switch (argument.kind) {
        case kernels::Argument::Kind::kPointer: {
          const ir::Placement& placement = placed_.values.at(tensors.at(argument.tensor));
          word = {ir::StepArgument::Kind::kPointer, placement.buffer,
                  placement.offset + argument.value};
          break;
        }
        case kernels::Argument::Kind::kInt:
          word = {ir::StepArgument::Kind::kInt, -1, argument.value};
          break;
        case kernels::Argument::Kind::kScratch:
          word = {ir::StepArgument::Kind::kScratch, -1, 0};
          break;
      }
      step.arguments.push_back(std::move(word));
    }
    step.chunks = call.chunks;
    step.scratch = call.scratch;
    step.origins = node.origins;
    step.function = kernels_->add(std::move(call.function));
    plan_.scratch = ir::max(plan_.scratch, step.scratch);
    plan_.steps.push_back(std::move(step));
  }

  const Placed& placed_;
  const LowerOptions& options_;
  KernelSet* kernels_;
  ir::Plan plan_;
};

}  // namespace

int KernelSet::add(loop::Function function) {
  // The CPU level is part of the identity: equal text for another level is other code.
  const uint64_t hash = loop::hash_of(function);
  function.name = fmt::format("{}_{:016x}", function.name, hash);
  if (!function.llvm_cpu.empty()) {
    function.name += fmt::format(".{}{}", function.llvm_cpu, function.llvm_features);
  }
  const auto [found, inserted] =
      by_name_.try_emplace(function.name, static_cast<int>(functions_.size()));
  if (inserted) functions_.push_back(std::move(function));
  return found->second;
}

ir::Plan lower(const ir::Graph& graph, const Placed& placed, const LowerOptions& options,
               KernelSet* kernels) {
  Lowering lowering(placed, options, kernels);
  for (const auto& node : graph.nodes()) {
    if (computes(*node)) lowering.add(*node, graph.symbols);
  }
  ir::Plan plan = lowering.take();
  plan_memory(&plan, graph.symbols);
  return plan;
}

}  // namespace dovetail::compiler
