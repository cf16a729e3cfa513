#include "kernels/scalar/power.h"

#include <limits>
#include <vector>

#include "kernels/scalar/math.h"
#include "kernels/scalar/polynomial.h"

namespace dovetail::kernels::math {

using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;
using loop::Var;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

Value floor(Builder& b, const Value& x) { return b.unary(Opcode::kFloor, x); }

// A positive finite float64 as mantissa * 2^exponent, the mantissa in [1, 2).
struct Split {
  Value mantissa, exponent;  // float64, int64
};

Split split(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value tiny = x < 0x1p-1022;
  const Value bits = b.bitcast(b.select(tiny, x * 0x1p54, x), DType::kI64);
  const Value one = c.integer(int64_t{1023} << 52);
  const Value fraction = b.binary(Opcode::kAnd, bits, c.integer((int64_t{1} << 52) - 1));
  const Value exponent = b.binary(Opcode::kShr, bits, c.integer(52)) -
                         b.select(tiny, c.integer(1023 + 54), c.integer(1023));
  return {b.bitcast(b.binary(Opcode::kOr, fraction, one), DType::kF64), exponent};
}

// x * 2^exponent in two steps, as 2^exponent alone may be out of range.
Value scaled(Builder& b, const Value& x, const Value& exponent) {
  const Constants c(b, x);
  const auto power = [&](const Value& n) {
    return b.bitcast(b.binary(Opcode::kShl, n + 1023, c.integer(52)), DType::kF64);
  };
  const Value half = b.binary(Opcode::kShr, exponent, c.integer(1));
  return x * power(half) * power(exponent - half);
}

// ---- Numbers of twice the precision: Dekker, "A floating-point technique for extending the
// available precision", 1971. No target need have a fused product.

struct Pair {
  Value high, low;  // the number is their sum
};

// The upper 26 bits of the mantissa: products of such halves are exact.
Value upper(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value bits = b.binary(Opcode::kAnd, b.bitcast(x, DType::kI64), c.integer(-(1 << 27)));
  return b.bitcast(bits, DType::kF64);
}

Pair product(Builder& b, const Value& x, const Value& y) {
  const Value p = x * y;
  const Value x1 = upper(b, x), y1 = upper(b, y);
  const Value x2 = x - x1, y2 = y - y1;
  return {p, ((x1 * y1 - p) + x1 * y2 + x2 * y1) + x2 * y2};
}

// Of |x| >= |y|, or x = 0.
Pair ordered_sum(const Value& x, const Value& y) {
  const Value sum = x + y;
  return {sum, y - (sum - x)};
}

Pair any_sum(const Value& x, const Value& y) {
  const Value sum = x + y;
  const Value of_y = sum - x;
  return {sum, (x - (sum - of_y)) + (y - of_y)};
}

constexpr double kLn2High = 0x1.62e42fee00000p-1;  // times any exponent it is exact
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// log(m) of m in [sqrt(1/2), sqrt(2)) as math::log: 2 s + 2/3 s^3 + ..., relative error 2^-63.
Pair log_of_mantissa(Builder& b, const Value& m) {
  const Constants c(b, m);
  const Value f = m - 1.0;
  const Pair d = ordered_sum(c(2.0), f);
  const Value s = f / d.high;
  const Pair back = product(b, s, d.high);
  const Value s_low = (((f - back.high) - back.low) - s * d.low) / d.high;
  const Pair z = product(b, s, s);
  const double two_thirds = 2.0 / 3, missing = 0x1p-54 * two_thirds;
  const Pair cubic = product(b, c(two_thirds), z.high);
  const Value cubic_low = cubic.low + (z.low + 2.0 * s * s_low) * two_thirds + z.high * missing;
  std::vector<double> series;
  for (int k = 0; k < 12; ++k) series.push_back(2.0 / (2 * k + 5));
  const Pair tail = ordered_sum(cubic.high, z.high * z.high * polynomial(b, z.high, series));
  const Pair sum = ordered_sum(c(2.0), tail.high);
  const Pair log = product(b, s, sum.high);
  const Value sum_low = sum.low + (tail.low + cubic_low);
  return {log.high, log.low + (s * sum_low + s_low * sum.high)};
}

// Of a positive finite number.
Pair log_of(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Split parts = split(b, x);
  const Value large = parts.mantissa > 1.4142135623730951;
  const Value m = b.select(large, parts.mantissa * 0.5, parts.mantissa);
  const Value e = b.cast(parts.exponent + b.select(large, c.integer(1), c.integer(0)), DType::kF64);
  const Pair log = log_of_mantissa(b, m);
  const Pair sum = ordered_sum(e * kLn2High, log.high);
  return ordered_sum(sum.high, sum.low + (e * kLn2Low + log.low));
}

// exp of a number whose low part is below the last place of its high one.
Value exp_of(Builder& b, const Pair& x) {
  const Constants c(b, x.high);
  const Value inside = b.unary(Opcode::kAbs, x.high) < 800.0;
  const Value high = min(c(800.0), max(c(-800.0), x.high));
  const Value low = b.select(inside, x.low, c(0.0));
  const double magic = 0x1.8p52;
  const Value rounded = high * 1.4426950408889634 + magic;
  const Value n = rounded - magic;
  const Pair r = any_sum(high - n * kLn2High, low - n * kLn2Low);
  const Pair square = product(b, r.high, r.high);
  std::vector<double> series;  // 1/3!, 1/4!, ...
  for (double k = 3, factorial = 6; k < 16; ++k, factorial *= k) series.push_back(1 / factorial);
  const Value cubic = r.high * square.high * polynomial(b, r.high, series);
  const Pair linear = ordered_sum(c(1.0), r.high);
  const Pair sum = ordered_sum(linear.high, square.high * 0.5);
  const Value rest = cubic + (sum.low + (linear.low + (r.low * linear.high + square.low * 0.5)));
  return scaled(b, sum.high + rest, b.bitcast(rounded, DType::kI64) - 0x4338000000000000);
}

// |x| ^ y to 0.52 ULP, so that powers that are float64 numbers are exact: casts to integers cut.
Value accurate_size(Builder& b, const Value& a, const Value& y) {
  const Constants c(b, a);
  const auto both = [&](const Value& p, const Value& q) { return b.binary(Opcode::kAnd, p, q); };
  const Value finite = both(a > 0.0, a < kInfinity);
  const Pair log = log_of(b, b.select(finite, a, c(1.0)));
  // Larger ones have the same results, but products that are none.
  const Value power = min(c(0x1p64), max(c(-0x1p64), y));
  const Pair scaled_log = product(b, power, log.high);
  const Value size = exp_of(b, {scaled_log.high, scaled_log.low + power * log.low});
  const Value zero = b.binary(Opcode::kXor, a == 0.0, y < 0.0);  // 0 ^ 2, infinity ^ -2
  const Value special = b.select(zero, c(0.0), c(kInfinity));
  const Value numbers = both(a == a, y == y);
  return b.select(numbers, b.select(finite, size, special), c(kNaN));
}

}  // namespace

Value pow(Builder& b, const Value& x, const Value& y, bool single) {
  const Constants c(b, x);
  const Value a = b.unary(Opcode::kAbs, x);
  const Value size = single ? exp(b, y * log(b, a)) : accurate_size(b, a, y);
  const Value half = y * 0.5;
  const Value whole = floor(b, y) == y;
  const Value odd = b.binary(Opcode::kAnd, whole, floor(b, half) != half);
  // Zeros have a sign too; negative numbers have whole powers only.
  const Value negative = b.bitcast(x, DType::kI64) < c.integer(0);
  const Value signed_size = b.select(b.binary(Opcode::kAnd, negative, odd), -size, size);
  const Value outside = b.binary(Opcode::kAnd, b.binary(Opcode::kAnd, x < 0.0, a < kInfinity),
                                 b.unary(Opcode::kNot, whole));
  const Value value = b.select(outside, c(kNaN), signed_size);
  // 1 to any power and anything to the power 0 are 1, NaN included; so is -1 to an infinite one.
  const Value unit = b.binary(Opcode::kAnd, x == -1.0, b.unary(Opcode::kAbs, y) == kInfinity);
  const Value one = b.binary(Opcode::kOr, b.binary(Opcode::kOr, x == 1.0, y == 0.0), unit);
  return b.select(one, c(1.0), b.select(y == 1.0, x, value));
}

// Square and multiply over all bits of the exponent.
Value integer_pow(Builder& b, const Value& x, const Value& y) {
  const auto constant = [&](int64_t value) { return b.constant(value, x.type()); };
  const Var result = b.var("power", constant(1));
  const Var square = b.var("square", x);
  const Var rest = b.var("rest", y);
  const int bits = 8 * ir::size_of(x.dtype());
  b.for_each("bit", b.constant(int64_t{0}), b.constant(int64_t{bits}), 1, [&](const Value&) {
    const Value odd = b.binary(Opcode::kAnd, rest.get(), constant(1)) == constant(1);
    result.set(b.select(odd, result.get() * square.get(), result.get()));
    square.set(square.get() * square.get());
    rest.set(b.binary(Opcode::kShr, rest.get(), constant(1)));
  });
  if (ir::is_unsigned_int(x.dtype())) return result.get();
  const Value odd = b.binary(Opcode::kAnd, y, constant(1)) == constant(1);
  const Value reciprocal =
      b.select(x == constant(1), constant(1),
               b.select(x == constant(-1), b.select(odd, constant(-1), constant(1)), constant(0)));
  return b.select(y < constant(0), reciprocal, result.get());
}

// Long division by binary digits: every subtraction is exact. As many steps as the exponents of
// the lanes differ by at most.
Value remainder(Builder& b, const Value& x, const Value& y) {
  const Constants c(b, x);
  const Value a = b.unary(Opcode::kAbs, x);
  const Value d = b.unary(Opcode::kAbs, y);
  // Lanes whose answer is not computed divide 1 by 1.
  const Value divides =
      b.binary(Opcode::kAnd, b.binary(Opcode::kAnd, a >= d, a < kInfinity), d > 0.0);
  const Split of_x = split(b, b.select(divides, a, c(1.0)));
  const Split of_y = split(b, b.select(divides, d, c(1.0)));
  const Value steps = of_x.exponent - of_y.exponent;
  const Value most = steps.lanes() == 1 ? steps : b.reduce(Opcode::kReduceMax, steps);
  const Var rest = b.var("rest", of_x.mantissa);
  b.for_each("digit", b.constant(int64_t{0}), most + 1, 1, [&](const Value& digit) {
    const Value now = b.broadcast(digit, x.lanes());
    const Value r = rest.get();
    const Value less = b.select(r >= of_y.mantissa, r - of_y.mantissa, r);
    const Value next = b.select(now < steps, less + less, less);
    rest.set(b.select(now <= steps, next, r));
  });
  const Value computed = scaled(b, rest.get(), of_y.exponent);
  const Value defined = b.binary(Opcode::kAnd, a < kInfinity, d > 0.0);
  const Value size = b.select(divides, computed, b.select(defined, a, c(kNaN)));
  return with_sign_of(b, size, x);
}

}  // namespace dovetail::kernels::math
