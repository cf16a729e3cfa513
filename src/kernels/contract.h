// Contract nodes: matrix products, dense, grouped and depthwise convolutions.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// The calls of a Contract node; throws kUnsupported for bool, the one dtype without a product.
std::vector<Call> contract_calls(const Request& request);

// What those calls read: stride 1 along the channels of x and the columns of plain weights, packed
// weights compact, epilogue operands with stride 1 along the columns or one element for all.
bool contract_accepts(const ir::Node& node, int operand, const Layout& layout);

}  // namespace dovetail::kernels
