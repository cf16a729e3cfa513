#include "compiler/facts.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::compiler {

using ir::Dim;

Facts Facts::inside() const {
  Facts facts(plan_);
  facts.defined_ = defined_;
  // Others may be checked here for values that they do not have there yet.
  for (const Dim& extent : extents_) {
    if (ir::known_early(*plan_, extent)) facts.extents_.insert(extent);
  }
  facts.in_body_ = true;
  return facts;
}

void Facts::add_checks(const ir::Graph& graph) {
  for (const ir::Check& check : graph.checks) {
    add_check({ir::Assertion::Kind::kEqual, check.a, check.b, check.text, check.origins});
  }
}

void Facts::add_extents(const ir::Graph& graph) {
  if (!in_body_) {
    for (const ir::Value* output : graph.outputs) {
      for (const Dim& extent : output->shape()) {
        if (ir::known_early(*plan_, extent)) extents_.insert(extent);
      }
    }
  }
  for (const auto& node : graph.nodes()) {
    for (const auto& result : node->results) {
      for (const Dim& extent : result->shape()) {
        if (extent.bounds(graph.symbols).min >= 0 || !extents_.insert(extent).second) continue;
        add_check({ir::Assertion::Kind::kAtLeast, extent, 0, "an extent would be negative",
                   node->origins});
      }
    }
  }
}

void Facts::add_check(ir::Assertion assertion) {
  assertion.by_layout = !in_body_ && ir::known_early(*plan_, assertion.given) &&
                        ir::known_early(*plan_, assertion.expected);
  const int index = static_cast<int>(plan_->assertions.size());
  if (!assertion.by_layout) {
    add({ir::CheckStep{index}, assertion.origins}, {assertion.given, assertion.expected});
  }
  plan_->assertions.push_back(std::move(assertion));
}

void Facts::add_bind(const std::string& name, const Dim& value) {
  add({ir::BindStep{{{name, value}}}, {}}, {value});
}

void Facts::add(ir::Step step, const std::vector<Dim>& needs) {
  Fact fact{std::move(step), {}};
  for (const Dim& dim : needs) {
    for (const std::string& name : dim.symbols()) {
      if (plan_->run_symbols.contains(name)) fact.needs.insert(name);
    }
  }
  waiting_.push_back(std::move(fact));
}

void Facts::define(const std::vector<std::string>& symbols) {
  defined_.insert(symbols.begin(), symbols.end());
}

void Facts::settle(ir::Steps* steps) {
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<Fact> waiting = std::move(waiting_);
    waiting_.clear();
    for (Fact& fact : waiting) {
      if (!std::includes(defined_.begin(), defined_.end(), fact.needs.begin(), fact.needs.end())) {
        waiting_.push_back(std::move(fact));
        continue;
      }
      if (const auto* bind = std::get_if<ir::BindStep>(&fact.step.node)) {
        for (const auto& [name, value] : bind->values) changed |= defined_.insert(name).second;
      }
      steps->push_back(std::move(fact.step));
    }
  }
}

void Facts::require_settled() const {
  DOVETAIL_CHECK(waiting_.empty(), "a check or an extent waits for the symbol {}, which is nowhere",
                 *waiting_.front().needs.begin());
}

}  // namespace dovetail::compiler
