// A graph's outputs: names, values, and what the file declared about them.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <functional>
#include <string>

#include "import/scope.h"
#include "ir/graph.h"

namespace dovetail::import {

// Outputs that no node makes are kValue; declared types that contradict the inferred ones are
// warnings. An output that is an input, a param or another output becomes a copy of it.
void set_outputs(const onnx::GraphProto& proto, Scope& scope, const std::string& file,
                 const std::function<void(const std::string&)>& on_warning, ir::Graph* graph);

}  // namespace dovetail::import
