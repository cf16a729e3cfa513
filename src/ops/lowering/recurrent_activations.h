// The activation functions of LSTM, GRU and RNN, named by the attribute `activations`.
#pragma once

#include <vector>

#include "ops/lowering/context.h"

namespace dovetail::ops {

// Expressions of one operand, as the attributes activations, activation_alpha, activation_beta and
// clip state them: `usual` for each of `directions` when there are no activations. Clip bounds what
// goes into the gates, not an LSTM's cell. kValue names what does not fit.
std::vector<ir::ScalarExpr> recurrent_activations(const LowerContext& c, const Texts& usual,
                                                  int directions, ir::DType dtype);

}  // namespace dovetail::ops
