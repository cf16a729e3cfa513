// What must be done about symbols as soon as they are known: checks of the graph, extents of a
// region's results, growth of what a loop collects. A fact waits until every symbol in it is
// defined and then becomes a step.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ir/plan.h"

namespace dovetail::compiler {

class Facts {
 public:
  explicit Facts(ir::Plan* plan) : plan_(plan) {}
  // For a body: the same symbols are defined, nothing waits, what layout checks is checked.
  Facts inside() const;

  // Those of the model itself that layout can check become assertions of the plan at once; a body
  // may not run at all.
  void add_checks(const ir::Graph& graph);
  // Kernels, and the places of tensors in others, are right for no extent below 0: every one that
  // may be so is checked, but for those of the model's outputs, which its executor looks at.
  void add_extents(const ir::Graph& graph);
  // symbol := value, which defines the symbol.
  void add_bind(const std::string& name, const ir::Dim& value);
  void add(ir::Step step, const std::vector<ir::Dim>& needs);

  void define(const std::vector<std::string>& symbols);
  // Appends the steps of facts whose symbols are all defined.
  void settle(ir::Steps* steps);
  void require_settled() const;

 private:
  struct Fact {
    ir::Step step;
    std::set<std::string> needs;
  };
  void add_check(ir::Assertion assertion);

  ir::Plan* plan_;
  bool in_body_ = false;
  std::set<ir::Dim> extents_;  // checked
  std::set<std::string> defined_;
  std::vector<Fact> waiting_;
};

}  // namespace dovetail::compiler
