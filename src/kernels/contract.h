// Contractions: matrix products and convolutions.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// The calls of a Contract node: tiles over packed weights where they are packed, pixel tiles for
// depthwise windows, plain loops for what is left.
std::vector<Call> contract_calls(const Request& request);

// Whether contractions read operand `operand` lying so.
bool contract_accepts(const ir::Node& node, int operand, const Layout& layout);

}  // namespace dovetail::kernels
