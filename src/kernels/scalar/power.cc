#include "kernels/scalar/power.h"

#include <limits>

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

}  // namespace

Value pow(Builder& b, const Value& x, const Value& y) {
  const Constants c(b, x);
  const Value a = b.unary(Opcode::kAbs, x);
  const Value size = exp(b, y * log(b, a));
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
