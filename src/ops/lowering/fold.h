// Contents that follow from constants and params alone, and integers of which only a run knows
// more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ir/graph.h"
#include "ops/lowering/builder.h"

namespace dovetail::ops {

// `value` computed by the evaluator when it depends on params and constants only and is small;
// else nothing. For what shapes code (borders, ranges, axes), not for weights.
std::optional<ir::TensorData> folded(const ir::Value* value);

// Integers as expressions: known ones as they are, others measured. Without `signs` a run that
// finds a negative one fails. `name` is for errors, and for symbols where the value has no name.
std::vector<ir::Dim> integers_of(Builder& build, ir::Value* value, const std::string& name,
                                 bool signs);

// How many elements it has. kUnsupported unless that is known and moderate; `what` they are.
int64_t count_of(const ir::Value& value, const std::string& name, const char* what);

}  // namespace dovetail::ops
