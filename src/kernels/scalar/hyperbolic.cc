#include "kernels/scalar/hyperbolic.h"

#include <limits>

#include "kernels/scalar/math.h"
#include "kernels/scalar/polynomial.h"

namespace dovetail::kernels::math {

using loop::Builder;
using loop::Opcode;
using loop::Value;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kLn2 = 0x1.62e42fefa39efp-1;
constexpr double kHuge = 0x1p28;  // its square plus 1 is its square

// exp(a) / 2, finite as long as the result is: the square of exp(a / 2).
Value half_exp(Builder& b, const Value& a) {
  const Value root = exp(b, a * 0.5);
  return (root * 0.5) * root;
}

// log(1 + u) without losing small u: log(w) * u / (w - 1), w = 1 + u rounded.
Value log1p(Builder& b, const Value& u) {
  const Value w = u + 1.0;
  const Value d = w - 1.0;
  const Value value = log(b, w) * (u / d);
  return b.select(d == 0.0, u, b.select(w == kInfinity, w, value));
}

}  // namespace

Value sinh(Builder& b, const Value& x) {
  const Value a = b.unary(Opcode::kAbs, x);
  const Value half = half_exp(b, a);
  const Value large = half - 0.25 / half;
  std::vector<double> series;
  double factorial = 1;
  for (int k = 0; k <= 9; ++k) {
    if (k > 0) factorial *= (2 * k) * (2 * k + 1);
    series.push_back(1 / factorial);
  }
  const Value small = a * polynomial(b, a * a, series);
  return with_sign_of(b, b.select(a < 1.0, small, large), x);
}

Value cosh(Builder& b, const Value& x) {
  const Value half = half_exp(b, b.unary(Opcode::kAbs, x));
  return half + 0.25 / half;
}

Value asinh(Builder& b, const Value& x) {
  const Value a = b.unary(Opcode::kAbs, x);
  const Value square = a * a;
  const Value small = log1p(b, a + square / (b.unary(Opcode::kSqrt, square + 1.0) + 1.0));
  return with_sign_of(b, b.select(a > kHuge, log(b, a) + kLn2, small), x);
}

Value acosh(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value t = x - 1.0;
  const Value small = log1p(b, t + b.unary(Opcode::kSqrt, t * (t + 2.0)));
  const Value value = b.select(x > kHuge, log(b, x) + kLn2, small);
  return b.select(x >= 1.0, value, c(kNaN));
}

// log((1 + a) / (1 - a)) / 2
Value atanh(Builder& b, const Value& x) {
  const Value a = b.unary(Opcode::kAbs, x);
  return with_sign_of(b, 0.5 * log1p(b, (a + a) / (1.0 - a)), x);
}

}  // namespace dovetail::kernels::math
