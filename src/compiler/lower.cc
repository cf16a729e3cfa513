#include "compiler/lower.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "base/error.h"
#include "compiler/facts.h"
#include "compiler/work.h"
#include "ir/regions.h"
#include "kernels/kernel.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Node;
using ir::StepArgument;

bool is_view(const Node& node) {
  return node.as<ir::Input>() || node.as<ir::Param>() || node.as<ir::Permute>() ||
         node.as<ir::Broadcast>() || node.as<ir::Slice>() || node.as<ir::Reshape>() ||
         node.as<ir::Concat>();
}

// What is measured, where the symbols are named after a tensor that x is made of.
std::string measured_text(const ir::Value* x, const ir::Measure& measure) {
  // "NAME", or "NAME.0" and so on.
  const std::string& symbol = measure.symbols.front();
  const std::string stem = symbol.substr(0, symbol.rfind('.'));
  while (x->name != symbol && x->name != stem) {
    if (x->node->operands.empty()) return "";
    x = x->node->operands.front();
  }
  return fmt::format("an extent that tensor '{}' holds", x->name);
}

class Lowering {
 public:
  Lowering(const Placed& placed, const LowerOptions& options, KernelSet* kernels)
      : placed_(placed), options_(options), kernels_(kernels) {
    plan_.buffers = placed.buffers;
    plan_.run_symbols = placed.run_symbols;
  }

  ir::Plan run(const ir::Graph& graph) {
    for (size_t k = 0; k < graph.outputs.size(); ++k) {
      if (ir::known_early(plan_, graph.outputs[k]->shape())) continue;
      plan_.late_outputs.insert(static_cast<int>(k));
    }
    Facts facts(&plan_);
    facts.add_checks(graph);
    add_graph(graph, &facts, &plan_.steps);
    return std::move(plan_);
  }

 private:
  // `facts` are settled as their symbols become known.
  void add_graph(const ir::Graph& graph, Facts* facts, ir::Steps* steps) {
    facts->add_extents(graph);
    facts->settle(steps);
    const std::vector<ir::StepResult> around = std::exchange(waiting_, {});
    for (const auto& node : graph.nodes()) {
      if (const auto* measure = node->as<ir::Measure>()) {
        add_measure(*node, *measure, graph.symbols, steps);
      } else if (const auto* branch = node->as<ir::If>()) {
        add_if(*node, *branch, *facts, steps);
      } else if (const auto* loop = node->as<ir::Loop>()) {
        add_loop(*node, *loop, *facts, steps);
      } else if (!is_view(*node)) {
        add_kernels(*node, graph.symbols, steps);
      }
      if (node->as<ir::Input>() || node->as<ir::Param>()) continue;
      for (const auto& result : node->results) tell_of(*result, steps);
      if (!ir::defines_symbols(*node)) continue;
      facts->define(ir::defined_symbols(*node));
      facts->settle(steps);
    }
    facts->require_settled();
    waiting_ = around;
  }

  // Makes a named value a result of the step before, or, where that is no kernel, of the next one:
  // there its extents are known, and its memory still holds it.
  void tell_of(const ir::Value& value, ir::Steps* steps) {
    const ir::Placement& placement = placed_.values.at(&value);
    const ir::Buffer::Kind kind = plan_.buffers[placement.buffer].kind;
    if (value.name.empty() || kind == ir::Buffer::Kind::kInput ||
        kind == ir::Buffer::Kind::kWeights || kind == ir::Buffer::Kind::kSymbol) {
      return;
    }
    if (!told_.insert(value.name).second) return;
    ir::StepResult result{value.name, value.dtype(), value.shape(), placement};
    for (size_t axis = 0; axis < value.order.size(); ++axis) {
      result.shape[axis] = value.shape()[value.order[axis]];
      result.placement.strides[axis] = placement.strides[value.order[axis]];
    }
    auto* before = steps->empty() ? nullptr : std::get_if<ir::KernelCall>(&steps->back().node);
    (before ? before->results : waiting_).push_back(std::move(result));
  }

  // ---- Symbols

  void add_measure(const Node& node, const ir::Measure& measure, const ir::SymbolBounds& bounds,
                   ir::Steps* steps) {
    const ir::Value& x = *node.operands[0];
    const ir::Placement& placement = placed_.values.at(&x);
    const Dim stride = placement.strides.empty() ? Dim(1) : placement.strides[0];
    steps->push_back({ir::MeasureStep{pointer_to(&x), stride * ir::size_of(x.dtype()), x.dtype(),
                                      measure.symbols},
                      node.origins});
    const std::string text = measured_text(&x, measure);
    for (const std::string& name : measure.symbols) {
      const auto found = bounds.find(name);
      const ir::Bounds allowed = found == bounds.end() ? ir::Bounds{} : found->second;
      using Kind = ir::Assertion::Kind;
      const Dim value = Dim::symbol(name);
      add_check({Kind::kAtLeast, value, allowed.min, text, node.origins}, steps);
      if (allowed.max != INT64_MAX) {
        add_check({Kind::kAtMost, value, allowed.max, text, node.origins}, steps);
      }
    }
  }

  void add_check(ir::Assertion assertion, ir::Steps* steps) {
    steps->push_back({ir::CheckStep{static_cast<int>(plan_.assertions.size())}, assertion.origins});
    plan_.assertions.push_back(std::move(assertion));
  }

  StepArgument pointer_to(const ir::Value* value, const Dim& bytes = 0) const {
    const ir::Placement& placement = placed_.values.at(value);
    return {StepArgument::Kind::kPointer, placement.buffer, placement.offset + bytes};
  }

  // ---- Regions

  void add_if(const Node& node, const ir::If& op, const Facts& outer, ir::Steps* steps) {
    ir::BranchStep branch{pointer_to(node.operands[0]), std::make_shared<ir::Steps>(),
                          std::make_shared<ir::Steps>()};
    const auto add_body = [&](const ir::Graph& body, ir::Steps* into) {
      Facts facts = outer.inside();
      facts.add_checks(body);
      for (const auto& [name, value] : result_binds(op, body)) facts.add_bind(name, value);
      add_graph(body, &facts, into);
    };
    add_body(*op.then_body, branch.then_steps.get());
    add_body(*op.else_body, branch.else_steps.get());
    steps->push_back({std::move(branch), node.origins});
  }

  void add_loop(const Node& node, const ir::Loop& op, const Facts& outer, ir::Steps* steps) {
    const size_t first = op.has_condition ? 1 : 0;
    const auto& moves = placed_.loop_moves.at(&node);
    // Before the first iteration: states have their initial extents, all else is 0.
    std::map<std::string, Dim> initial;
    std::vector<std::string> state_symbols;
    for (const std::string& name : op.symbols) initial[name] = 0;
    for (int s = 0; s < op.states; ++s) {
      for (auto& [name, value] : state_binds(op, s, node.operands[first + s]->shape())) {
        initial[name] = value;
        state_symbols.push_back(name);
      }
    }
    steps->push_back({ir::BindStep{{initial.begin(), initial.end()}}, node.origins});
    for (const Node* copy : moves.before) add_kernels(*copy, {}, steps);
    // Iterations write parts of scan outputs, and there may be none of them.
    for (int k = op.states; k < op.states + op.scans; ++k) {
      const int buffer = placed_.values.at(node.results[k].get()).buffer;
      if (plan_.buffers[buffer].grows || ir::known_early(plan_, plan_.buffers[buffer])) continue;
      steps->push_back({ir::ReserveStep{buffer}, node.origins});
    }

    ir::LoopStep loop;
    loop.trips = op.trips;
    loop.has_condition = op.has_condition;
    loop.iteration = op.iteration;
    loop.body = std::make_shared<ir::Steps>();
    Facts facts = outer.inside();
    facts.define(state_symbols);
    facts.define({op.iteration});
    facts.add_checks(*op.body);
    for (int k = 0; k < op.scans; ++k) add_scan_facts(node, op, op.states + k, &facts);
    add_graph(*op.body, &facts, loop.body.get());
    end_iteration(node, op, moves, loop.body.get());
    if (op.has_condition) {
      loop.enter = pointer_to(node.operands[0]);
      loop.again = pointer_to(op.body->outputs[0]);
    }
    steps->push_back({std::move(loop), node.origins});
  }

  // The extents of a scan's parts are known once the first part is; the others must agree. Where
  // the number of parts is not known the memory grows.
  void add_scan_facts(const Node& node, const ir::Loop& op, int k, Facts* facts) {
    const ir::Value* result = node.results[k].get();
    const size_t output = (op.has_condition ? 1 : 0) + static_cast<size_t>(k);
    const Dim iteration = Dim::symbol(op.iteration);
    for (const auto& [name, value] : scan_binds(op, k, op.body->outputs[output]->shape())) {
      const Dim before = ir::select_ge(iteration, 1, Dim::symbol(name), value);
      const int index = static_cast<int>(plan_.assertions.size());
      plan_.assertions.push_back({ir::Assertion::Kind::kEqual, value, before,
                                  "the shape of a scan output changes between iterations",
                                  node.origins});
      facts->add({ir::CheckStep{index}, node.origins}, {value});
      facts->add_bind(name, value);
    }
    const int buffer = placed_.values.at(result).buffer;
    if (!plan_.buffers[buffer].grows) return;
    const ir::Shape part(result->shape().begin() + 1, result->shape().end());
    const Dim bytes = (iteration + Dim(1)) * ir::element_count(part) * ir::size_of(result->dtype());
    facts->add({ir::GrowStep{buffer, bytes}, node.origins}, {ir::element_count(part)});
  }

  // Symbols take their next values, then states move to where they live.
  void end_iteration(const Node& node, const ir::Loop& op, const LoopMoves& moves,
                     ir::Steps* steps) {
    const size_t first = op.has_condition ? 1 : 0;
    std::map<std::string, Dim> next;
    for (int s = 0; s < op.states; ++s) {
      for (auto& [name, value] : state_binds(op, s, op.body->outputs[first + s]->shape())) {
        next[name] = value;
      }
    }
    std::vector<int> grown;
    for (int s = 0; s < op.states; ++s) {
      const ir::Value* state = node.results[s].get();
      if (op.body->outputs[first + s] == op.body->inputs[1 + s]) continue;
      if (!state_binds(op, s, state->shape()).empty()) {
        grown.push_back(placed_.values.at(state).buffer);
      }
    }
    for (int k = op.states; k < op.states + op.scans; ++k) {
      const auto name = op.types[k].shape[0].lone_symbol();
      if (name && std::find(op.symbols.begin(), op.symbols.end(), *name) != op.symbols.end()) {
        next[*name] = Dim::symbol(op.iteration) + Dim(1);
      }
    }
    if (!next.empty()) steps->push_back({ir::BindStep{{next.begin(), next.end()}}, node.origins});
    for (const int buffer : grown) steps->push_back({ir::ReserveStep{buffer}, node.origins});
    for (const Node* copy : moves.after) add_kernels(*copy, {}, steps);
  }

  // ---- Kernels

  void add_kernels(const Node& node, const ir::SymbolBounds& symbols, ir::Steps* steps) {
    try {
      add_calls(node, symbols, steps);
    } catch (const Error& error) {  // products of extents may overflow where each does not
      throw_error(error.kind(), "node '{}': {}", fmt::join(node.origins, "', '"), error.what());
    }
  }

  void add_calls(const Node& node, const ir::SymbolBounds& symbols, ir::Steps* steps) {
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
      add_step(std::move(call), tensors, node, steps);
    Work work = work_of(request);
    auto& last = std::get<ir::KernelCall>(steps->back().node);
    last.flops = std::move(work.flops);
    last.bytes = std::move(work.bytes);
  }

  kernels::Layout layout_of(const ir::Value* value) const {
    return {value->dtype(), value->shape(), placed_.values.at(value).strides};
  }

  void add_step(kernels::Call call, const std::vector<const ir::Value*>& tensors, const Node& node,
                ir::Steps* steps) {
    DOVETAIL_CHECK(call.arguments.size() == call.function.parameters.size(),
                   "kernel {} takes {} arguments, its call has {}", call.function.name,
                   call.function.parameters.size(), call.arguments.size());
    ir::KernelCall step;
    for (const kernels::Argument& argument : call.arguments) {
      switch (argument.kind) {
        case kernels::Argument::Kind::kPointer:
          step.arguments.push_back(pointer_to(tensors.at(argument.tensor), argument.value));
          break;
        case kernels::Argument::Kind::kInt:
          step.arguments.push_back({StepArgument::Kind::kInt, -1, argument.value});
          break;
        case kernels::Argument::Kind::kScratch:
          step.arguments.push_back({StepArgument::Kind::kScratch, -1, 0});
          break;
      }
    }
    step.results = std::exchange(waiting_, {});
    step.chunks = call.chunks;
    step.scratch = call.scratch;
    step.function = kernels_->add(std::move(call.function));
    if (ir::known_early(plan_, step.scratch)) {
      plan_.scratch = ir::max(plan_.scratch, step.scratch);
    } else {
      step.scratch_buffer = static_cast<int>(plan_.buffers.size());
      plan_.buffers.emplace_back().bytes = step.scratch * Dim::symbol(ir::kWorkersSymbol);
    }
    steps->push_back({std::move(step), node.origins});
  }

  const Placed& placed_;
  const LowerOptions& options_;
  KernelSet* kernels_;
  ir::Plan plan_;
  std::set<std::string> told_;           // names of results
  std::vector<ir::StepResult> waiting_;  // for the next kernel among the steps at hand
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
  ir::Plan plan = Lowering(placed, options, kernels).run(graph);
  plan_memory(&plan, graph.symbols);
  return plan;
}

}  // namespace dovetail::compiler
