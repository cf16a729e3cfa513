// Functions local to a model: a call is replaced by the function's nodes.
#pragma once

#include <onnx/onnx-ml.pb.h>

#include <string>
#include <vector>

#include "import/nodes.h"

namespace dovetail::import {

// A graph's nodes with every call opened, in the file's order.
std::vector<Node> inlined_nodes(const GraphSource& source);

}  // namespace dovetail::import
