#include "kernels/scalar/polynomial.h"

namespace dovetail::kernels::math {

using loop::Builder;
using loop::Opcode;
using loop::Value;

Value polynomial(Builder& b, const Value& x, const std::vector<double>& coefficients) {
  const Constants c(b, x);
  Value sum = c(coefficients.back());
  for (size_t i = coefficients.size() - 1; i-- > 0;) sum = b.fma(sum, x, c(coefficients[i]));
  return sum;
}

Value nearest(const Value& x, const Constants& c) {
  const Value magic = c(c.single() ? 0x1.8p23 : 0x1.8p52);
  return (x + magic) - magic;
}

Value with_sign_of(Builder& b, const Value& magnitude, const Value& x) {
  const Constants c(b, x);
  const int64_t sign = c.single() ? int64_t{INT32_MIN} : INT64_MIN;
  const Value bit = b.binary(Opcode::kAnd, b.bitcast(x, c.integers()), c.integer(sign));
  const Value bits = b.binary(Opcode::kOr, b.bitcast(magnitude, c.integers()), bit);
  return b.bitcast(bits, x.dtype());
}

}  // namespace dovetail::kernels::math
