// Hyperbolic functions and their inverses, of float64 vectors; float32 is computed in float64. At
// most 4 ULP.
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::math {

loop::Value sinh(loop::Builder& b, const loop::Value& x);
loop::Value cosh(loop::Builder& b, const loop::Value& x);
loop::Value asinh(loop::Builder& b, const loop::Value& x);
loop::Value acosh(loop::Builder& b, const loop::Value& x);
loop::Value atanh(loop::Builder& b, const loop::Value& x);

}  // namespace dovetail::kernels::math
