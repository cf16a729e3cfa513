#include "compiler/facts.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::compiler {

using ir::Dim;

Facts Facts::inside() const {
  Facts facts(plan_);
  facts.defined_ = defined_;
  facts.in_body_ = true;
  return facts;
}

void Facts::add_checks(const ir::Graph& graph) {
  for (const ir::Check& check : graph.checks) {
    const int index = static_cast<int>(plan_->assertions.size());
    const bool early =
        !in_body_ && ir::known_early(*plan_, check.a) && ir::known_early(*plan_, check.b);
    plan_->assertions.push_back(
        {ir::Assertion::Kind::kEqual, check.a, check.b, check.text, check.origins, early});
    if (!early) add({ir::CheckStep{index}, check.origins}, {check.a, check.b});
  }
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
