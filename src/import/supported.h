// Whether the compiler has every operator that a model uses.
#pragma once

#include <string>
#include <vector>

#include "import/nodes.h"

namespace dovetail::import {

// kUnsupported with all missing operators, each with its domain, its count and all its nodes.
void require_supported(const std::vector<Node>& nodes, const std::string& file);

// The version of the node's domain that its model (or function) asks for; 0 when it imports none.
int opset_of(const Node& node);

}  // namespace dovetail::import
