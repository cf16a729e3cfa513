#include "kernels/scalar/math.h"

#include <cmath>
#include <limits>
#include <vector>

namespace dovetail::kernels::math {

using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;

namespace {

// Constants of a value's own type.
class Constants {
 public:
  Constants(Builder& b, const Value& like) : b_(b), type_(like.type()) {}
  Value operator()(double value) const { return b_.constant(value, type_); }
  Value integer(int64_t value) const {
    return b_.constant(
        value, {type_.dtype == DType::kF32 ? DType::kI32 : DType::kI64, type_.lanes, false});
  }
  bool single() const { return type_.dtype == DType::kF32; }
  DType integers() const { return single() ? DType::kI32 : DType::kI64; }

 private:
  Builder& b_;
  loop::Type type_;
};

// coefficients[0] + x * (coefficients[1] + ...)
Value polynomial(Builder& b, const Value& x, const std::vector<double>& coefficients) {
  const Constants c(b, x);
  Value sum = c(coefficients.back());
  for (size_t i = coefficients.size() - 1; i-- > 0;) sum = b.fma(sum, x, c(coefficients[i]));
  return sum;
}

std::vector<double> exp_series(int degree) {
  std::vector<double> coefficients{1.0};
  for (int i = 1; i <= degree; ++i) coefficients.push_back(coefficients.back() / i);
  return coefficients;
}

int mantissa_bits(const Constants& c) { return c.single() ? 23 : 52; }

// The sum of a small x and this constant is rounded to a whole number, which its low bits hold.
Value rounding_constant(const Constants& c) { return c(c.single() ? 0x1.8p23 : 0x1.8p52); }

// x = n ln 2 + r with whole n, |r| <= 0.35 (Cody and Waite: ln 2 in two parts).
struct Reduced {
  Value n;  // the integer bits of n plus the rounding constant
  Value r;
};

Reduced reduce_by_ln2(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value magic = rounding_constant(c);
  const Value shifted = b.fma(x, c(1.4426950408889634), magic);
  const Value n = shifted - magic;
  Value r = b.fma(n, c(c.single() ? -0x1.62e400p-1 : -0x1.62e42fee00000p-1), x);
  r = b.fma(n, c(c.single() ? -0x1.7f7d1cp-20 : -0x1.a39ef35793c76p-33), r);
  return {b.bitcast(shifted, c.integers()), r};
}

// 2^n for n inside the exponent range; bits of the rounding constant above n fall out of the shift.
Value power_of_two(Builder& b, const Value& n, const Constants& c) {
  const Value biased = n + c.integer(c.single() ? 127 : 1023);
  const Value shift = c.integer(mantissa_bits(c));
  return b.bitcast(b.binary(Opcode::kShl, biased, shift), c.single() ? DType::kF32 : DType::kF64);
}

// exp(x) where neither it nor a power of two near it leaves the normal range.
Value exp_of_moderate(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Reduced x_parts = reduce_by_ln2(b, x);
  const Value series = polynomial(b, x_parts.r, exp_series(c.single() ? 7 : 13));
  return series * power_of_two(b, x_parts.n, c);
}

// The bits of `magnitude` >= 0 with the sign of `sign`.
Value with_sign_of(Builder& b, const Value& magnitude, const Value& sign) {
  const Constants c(b, sign);
  const Value top = c.integer(c.single() ? int64_t{INT32_MIN} : INT64_MIN);
  const Value sign_bit = b.binary(Opcode::kAnd, b.bitcast(sign, c.integers()), top);
  const Value bits = b.binary(Opcode::kOr, b.bitcast(magnitude, c.integers()), sign_bit);
  return b.bitcast(bits, sign.dtype());
}

}  // namespace

// exp(x) = 2^n * exp(r) with the Taylor polynomial of exp. The scale is applied in two halves, so
// that results down to the denormals and up to the largest come out right.
Value exp(Builder& b, const Value& x) {
  const Constants c(b, x);
  const double high = c.single() ? 89.0 : 710.0;
  const double low = c.single() ? -104.0 : -746.0;
  // max(low, x) and min(high, ...) give back their second argument for a NaN.
  const Value clamped = min(c(high), max(c(low), x));
  const Reduced parts = reduce_by_ln2(b, clamped);
  const Value series = polynomial(b, parts.r, exp_series(c.single() ? 7 : 13));
  const Value n = parts.n - b.bitcast(rounding_constant(c), c.integers());
  const Value half = b.binary(Opcode::kShr, n, c.integer(1));
  return series * power_of_two(b, half, c) * power_of_two(b, n - half, c);
}

// log(x) = e ln 2 + log(m), m in [sqrt(1/2), sqrt(2)): with s = (m - 1) / (m + 1),
// log(m) = 2 (s + s^3/3 + s^5/5 + ...).
Value log(Builder& b, const Value& x) {
  const Constants c(b, x);
  const bool single = c.single();
  const int mantissa = single ? 23 : 52;
  // Denormals are scaled into the normal range first.
  const Value tiny = x < c(single ? 0x1p-126 : 0x1p-1022);
  const Value scaled = b.select(tiny, x * c(single ? 0x1p25 : 0x1p54), x);
  const Value bits = b.bitcast(scaled, c.integers());
  // The exponent of bits - bits(sqrt(1/2)) is that of m's range.
  const int64_t root = single ? 0x3f3504f3 : 0x3fe6a09e667f3bcd;
  const Value exponent = b.binary(Opcode::kShr, bits - c.integer(root), c.integer(mantissa));
  const Value m =
      b.bitcast(bits - b.binary(Opcode::kShl, exponent, c.integer(mantissa)), x.dtype());
  const Value e = b.cast(exponent, x.dtype()) - b.select(tiny, c(single ? 25.0 : 54.0), c(0.0));
  const Value f = m - c(1.0);
  const Value s = f / (f + c(2.0));
  const Value s2 = s * s;
  std::vector<double> series;
  for (int k = 0; k <= (single ? 4 : 10); ++k) series.push_back(2.0 / (2 * k + 3));
  // log(m) = f - s (f - s^2 P(s^2)): the leading terms stay exact.
  const Value tail = s2 * polynomial(b, s2, series);
  const Value mantissa_log = f - s * (f - tail);
  const Value result =
      b.fma(e, c(single ? 0x1.62e400p-1 : 0x1.62e42fee00000p-1),
            b.fma(e, c(single ? 0x1.7f7d1cp-20 : 0x1.a39ef35793c76p-33), mantissa_log));
  const double infinity = std::numeric_limits<double>::infinity();
  Value checked = b.select(x == c(infinity), x, result);
  checked = b.select(x == c(0.0), c(-infinity), checked);
  // Negative or NaN.
  return b.select(x >= c(0.0), checked, c(std::numeric_limits<double>::quiet_NaN()));
}

// 1 / (1 + exp(-x)), 0 where it is no normal number.
Value sigmoid(Builder& b, const Value& x) {
  const Constants c(b, x);
  const double high = c.single() ? 88.0 : 709.0;
  const double low = c.single() ? -87.0 : -708.0;
  const Value e = exp_of_moderate(b, min(c(high), max(c(low), -x)));
  return b.select(x < c(-high), c(0.0), c(1.0) / (c(1.0) + e));
}

// With m = exp(-2|x|) - 1, tanh(|x|) = -m / (m + 2). m = 2^n (exp(r) - 1) + (2^n - 1) keeps small
// arguments exact: n is 0 there.
Value tanh(Builder& b, const Value& x) {
  const Constants c(b, x);
  // Here tanh rounds to 1.
  const double end = c.single() ? -20.0 : -40.0;
  const Value magnitude = b.unary(Opcode::kAbs, x);
  const Reduced parts = reduce_by_ln2(b, max(c(end), magnitude * c(-2.0)));
  std::vector<double> series = exp_series(c.single() ? 7 : 13);
  series.erase(series.begin());
  const Value small = parts.r * polynomial(b, parts.r, series);
  const Value scale = power_of_two(b, parts.n, c);
  const Value m = b.fma(scale, small, scale - c(1.0));
  return with_sign_of(b, b.unary(Opcode::kAbs, m / (m + c(2.0))), x);
}

// The Maclaurin series below 1 (alternating, summed in Horner form), the continued-fraction-free
// complement above: erf(x) = 1 - exp(-x^2) P(t), t = 1 / (1 + x / 2), a Chebyshev fit with relative
// error below 1.2e-7 (Numerical Recipes in C, 2nd edition, section 6.2, erfcc).
Value erf(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value magnitude = b.unary(Opcode::kAbs, x);
  static const std::vector<double> kComplement = {-1.26551223, 1.00002368, 0.37409196,  0.09678418,
                                                  -0.18628806, 0.27886807, -1.13520398, 1.48851587,
                                                  -0.82215223, 0.17087277};
  const Value t = c(1.0) / b.fma(magnitude, c(0.5), c(1.0));
  const Value complement = t * exp(b, b.fma(-magnitude, magnitude, polynomial(b, t, kComplement)));
  std::vector<double> series;
  double factorial = 1;
  for (int k = 0; k <= 12; ++k) {
    if (k > 0) factorial *= k;
    series.push_back((k % 2 ? -1 : 1) * 1.1283791670955126 / (factorial * (2 * k + 1)));
  }
  const Value small = magnitude * polynomial(b, x * x, series);
  const Value result = b.select(magnitude < c(1.0), small, c(1.0) - complement);
  return b.select(x < c(0.0), -result, b.select(x > c(0.0), result, x));
}

}  // namespace dovetail::kernels::math
