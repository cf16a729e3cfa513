// Powers and remainders.
#pragma once

#include "ir/loop.h"

namespace dovetail::kernels::math {

// x ^ y of float64 as C's pow, within 0.52 ULP; `single`: relative error up to 1e-13, enough for a
// result that is rounded to float32.
loop::Value pow(loop::Builder& b, const loop::Value& x, const loop::Value& y, bool single);
// The same of integers, wrapping around; a negative power is 0 unless the base is 1 or -1.
loop::Value integer_pow(loop::Builder& b, const loop::Value& x, const loop::Value& y);
// What is left of x in float64 when y is taken away as often as possible, with the sign of x:
// exact, as C's fmod.
loop::Value remainder(loop::Builder& b, const loop::Value& x, const loop::Value& y);

}  // namespace dovetail::kernels::math
