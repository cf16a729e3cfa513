// Elementary functions of float32 and float64 vectors as polynomials, without a library. Errors are
// measured by tests/unit/kernels over all exponents.
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::math {

loop::Value exp(loop::Builder& b, const loop::Value& x);
loop::Value log(loop::Builder& b, const loop::Value& x);
loop::Value tanh(loop::Builder& b, const loop::Value& x);
loop::Value sigmoid(loop::Builder& b, const loop::Value& x);
loop::Value erf(loop::Builder& b, const loop::Value& x);

}  // namespace dovetail::kernels::math
