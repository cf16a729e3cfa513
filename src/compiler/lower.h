// From a placed graph to a plan: asks the kernel families for the calls of every node, keeps equal
// kernels once, and gives buffers of the workspace their places.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/place.h"
#include "ir/graph.h"
#include "ir/loop.h"
#include "ir/plan.h"
#include "ir/target.h"

namespace dovetail::compiler {

// Kernels by content: adding an equal function gives the old index back. Names become unique by a
// hash of the text.
class KernelSet {
 public:
  int add(loop::Function function);
  const std::vector<loop::Function>& functions() const { return functions_; }

 private:
  std::vector<loop::Function> functions_;
  std::map<std::string, int> by_name_;
};

struct LowerOptions {
  const ir::CpuLevel* level = nullptr;
  bool strict = false;
};

// `kernels` collects the functions that the plan's steps refer to.
ir::Plan lower(const ir::Graph& graph, const Placed& placed, const LowerOptions& options,
               KernelSet* kernels);

// Live ranges, then slots: buffers that are never alive together share a slot, whose size is the
// largest of its members; offsets are prefix sums. Sets offset of every workspace buffer and
// plan.workspace.
void plan_memory(ir::Plan* plan, const ir::SymbolBounds& symbols);

}  // namespace dovetail::compiler
