// Elementary functions of float32 and float64 vectors as polynomials, without a library. At most
// 2 ULP; tanh and erf of float32 6, sigmoid 3.
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::math {

loop::Value exp(loop::Builder& b, const loop::Value& x);
loop::Value log(loop::Builder& b, const loop::Value& x);
loop::Value tanh(loop::Builder& b, const loop::Value& x);
loop::Value sigmoid(loop::Builder& b, const loop::Value& x);
loop::Value erf(loop::Builder& b, const loop::Value& x);

}  // namespace dovetail::kernels::math
