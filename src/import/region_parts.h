// What the importers of If, Loop and Scan share.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "import/graph_importer.h"
#include "ops/lowering/builder.h"

namespace dovetail::import {

// A loop before its body is imported.
struct LoopParts {
  bool may_stop = false;  // the body's first output is a condition
  std::optional<ir::Dim> trips = {};
  ir::Value* condition = nullptr;  // the first one, unless it is known to be true
  std::vector<ir::Value*> initial = {};
  std::vector<std::string> state_names = {};
  // Makes the body in `inner`: gives the condition (if may_stop), the next states, the scans.
  std::function<std::vector<ir::Value*>(Scope& inner, ir::Value* iteration,
                                        const std::vector<ir::Value*>& states)>
      iterate = {};
};

// Throws kValue unless the value is one bool; `name` says what it is.
void require_condition(const ir::Value* value, const char* name);

// What one bool is in every run that the bounds of the graph's symbols allow, if it is one thing.
std::optional<bool> truth_of(const ir::Graph& graph, const ir::Value* condition);

// The same for a node's condition, which must be one bool; the params it comes from are frozen.
std::optional<bool> known_condition(Scope& scope, ir::Value* condition);

// At least 0; measured where only a run knows it.
ir::Dim trip_count(ops::Builder& build, Scope& scope, ir::Value* count);

// Makes the body's values its graph's outputs, each made by a node of its own. Of `states` that
// follow `first` outputs, one that is its own input stays so.
void finish_body(Body* body, size_t first = 0, int states = 0);

}  // namespace dovetail::import
