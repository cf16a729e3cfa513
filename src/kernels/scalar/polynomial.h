// Constants and polynomials of a value's own type, for the elementary functions.
#pragma once

#include <vector>

#include "ir/loop.h"

namespace dovetail::kernels::math {

// Constants in all lanes, of the type of a float32 or float64 value.
class Constants {
 public:
  Constants(loop::Builder& b, const loop::Value& like) : b_(b), type_(like.type()) {}
  loop::Value operator()(double value) const { return b_.constant(value, type_); }
  // Of the integer type as wide as the float one.
  loop::Value integer(int64_t value) const {
    return b_.constant(value, {integers(), type_.lanes, false});
  }
  bool single() const { return type_.dtype == ir::DType::kF32; }
  ir::DType integers() const { return single() ? ir::DType::kI32 : ir::DType::kI64; }

 private:
  loop::Builder& b_;
  loop::Type type_;
};

// coefficients[0] + x * (coefficients[1] + ...)
loop::Value polynomial(loop::Builder& b, const loop::Value& x,
                       const std::vector<double>& coefficients);

// Nearest whole number for |x| below half of 2^(mantissa bits): the sum with 1.5 times that power
// rounds.
loop::Value nearest(const loop::Value& x, const Constants& c);

// `magnitude` (>= 0) with the sign of x; of two zeros too.
loop::Value with_sign_of(loop::Builder& b, const loop::Value& magnitude, const loop::Value& x);

}  // namespace dovetail::kernels::math
