// A Contract by Winograd tiles, summed in double: the sums before the epilogue.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/evaluate_scalar.h"
#include "ir/graph.h"

namespace dovetail::ir {

// x (N, H, W, C), w (t+2, t+2, C, M), shape (N, OH, OW, M)
std::vector<Scalar> contract_winograd(const Contract& op, const std::vector<int64_t>& x_shape,
                                      const std::vector<Scalar>& x, const std::vector<Scalar>& w,
                                      const std::vector<int64_t>& shape);

}  // namespace dovetail::ir
