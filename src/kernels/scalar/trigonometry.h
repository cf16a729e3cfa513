// Circular functions and their inverses, of float64 vectors. Few models use them, so there is one
// version; float32 is computed in float64. At most 2 ULP (tan 3).
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::math {

loop::Value sin(loop::Builder& b, const loop::Value& x);
loop::Value cos(loop::Builder& b, const loop::Value& x);
loop::Value tan(loop::Builder& b, const loop::Value& x);
loop::Value asin(loop::Builder& b, const loop::Value& x);
loop::Value acos(loop::Builder& b, const loop::Value& x);
loop::Value atan(loop::Builder& b, const loop::Value& x);

}  // namespace dovetail::kernels::math
