#include "kernels/scalar/trigonometry.h"

#include <cmath>
#include <string_view>

#include "kernels/scalar/polynomial.h"

namespace dovetail::kernels::math {

using loop::Builder;
using loop::Opcode;
using loop::Value;
using loop::Var;

namespace {

// x = quadrant * pi/2 + high + low with |high| <= pi/4; the quadrant is one of 0, 1, 2, 3.
struct Reduced {
  Value high, low, quadrant;
};

// n modulo 4 of whole numbers.
Value modulo_4(Builder& b, const Value& n, const Constants& c) {
  return n - c(4.0) * b.unary(Opcode::kFloor, n * c(0.25));
}

// n less the nearest multiple of 4: exact for any n.
Value around_zero(Builder& b, const Value& n, const Constants& c) {
  return n - c(4.0) * b.unary(Opcode::kRoundEven, n * c(0.25));
}

// Below this the products of n and the parts of pi/2 are exact (Cody and Waite).
constexpr double kFewQuadrants = 0x1p20 * 1.57;

// pi/2 in parts of 33 bits.
Reduced reduce_small(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value n = nearest(x * c(0x1.45f306dc9c883p-1), c);
  const Value first = x - n * c(0x1.921fb544p+0);
  const Value part = n * c(0x1.0b4611a6p-34);
  const Value second = first - part;
  const Value rest =
      ((first - second) - part) - (n * c(0x1.3198a2ep-69) + n * c(0x1.b839a252049c1p-104));
  const Value high = second + rest;
  return {high, rest - (high - second), modulo_4(b, n, c)};
}

// The bits of 2/pi behind the point.
constexpr std::string_view kTwoByPi =
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e006492eea09d1"
    "921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f49c845f8bbdf9283b1ff897ff"
    "de05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d7527bac7ebe5f17b3d0739f78a5292ea6bfb"
    "5fb11f8d5d0856033046fc7b6babf0cfbc20";
constexpr int kChunkDigits = 6;  // 24 bits

// Digits first, first + 1, ... as a whole number.
double digits(size_t first) {
  return static_cast<double>(
      std::stoul(std::string(kTwoByPi.substr(first, kChunkDigits)), nullptr, 16));
}

// a + b and what its rounding loses.
std::pair<Value, Value> two_sum(const Value& a, const Value& b) {
  const Value sum = a + b;
  const Value of_b = sum - a;
  return {sum, (a - (sum - of_b)) + (b - of_b)};
}

// x in two parts of at most 27 bits, so that their products with 24 bits are exact.
std::pair<Value, Value> halves(Builder& b, const Value& x, const Constants& c) {
  const Value high =
      b.bitcast(b.binary(Opcode::kAnd, b.bitcast(x, c.integers()), c.integer(~int64_t{0x3ffffff})),
                x.dtype());
  return {high, x - high};
}

// x * 2/pi modulo 4 for any x: x times each chunk of 2/pi is exact, and so is that product modulo
// 4 (Payne and Hanek, without their choice of chunks, which lanes would make differently). x is
// scaled down and the chunks up, so that neither leaves the range of exponents.
Reduced reduce_large(Builder& b, const Value& x) {
  const Constants c(b, x);
  constexpr int kScale = 512;
  const auto [first, second] = halves(b, x * c(std::ldexp(1.0, -kScale)), c);
  Value sum = c(0.0);
  Value lost = c(0.0);
  for (size_t at = 0; at + kChunkDigits <= kTwoByPi.size(); at += kChunkDigits) {
    const int exponent = kScale - 4 * static_cast<int>(at + kChunkDigits);
    const Value chunk = c(std::ldexp(digits(at), exponent));
    for (const Value& half : {first, second}) {
      const auto [total, error] = two_sum(sum, around_zero(b, half * chunk, c));
      sum = total;
      lost = lost + error;
    }
    sum = around_zero(b, sum, c);
  }
  // The fraction of a quadrant in two parts, times pi/2.
  const Value n = b.unary(Opcode::kRoundEven, sum);
  const auto [fraction, small] = two_sum(sum - n, lost);
  const auto [a, a_low] = halves(b, fraction, c);
  const Value product = a * c(0x1.921fb4p+0);
  const Value rest =
      a_low * c(0x1.921fb4p+0) + (fraction * c(0x1.4442d18469899p-24) + small * c(M_PI_2));
  const Value high = product + rest;
  return {high, rest - (high - product), modulo_4(b, n, c)};
}

Reduced reduce(Builder& b, const Value& x) {
  const Reduced small = reduce_small(b, x);
  const Var high = b.var("high", small.high);
  const Var low = b.var("low", small.low);
  const Var quadrant = b.var("quadrant", small.quadrant);
  const Value magnitude = b.unary(Opcode::kAbs, x);
  const Value large = magnitude > kFewQuadrants;
  const Value largest =
      magnitude.lanes() == 1 ? magnitude : b.reduce(Opcode::kReduceMax, magnitude);
  b.if_(largest > kFewQuadrants, [&] {
    const Reduced exact = reduce_large(b, x);
    high.set(b.select(large, exact.high, high.get()));
    low.set(b.select(large, exact.low, low.get()));
    quadrant.set(b.select(large, exact.quadrant, quadrant.get()));
  });
  return {high.get(), low.get(), quadrant.get()};
}

// Taylor series on |r| <= pi/4.
Value sin_of(Builder& b, const Reduced& r) {
  static const std::vector<double> kSeries = {-1.0 / 6,
                                              1.0 / 120,
                                              -1.0 / 5040,
                                              1.0 / 362880,
                                              -1.0 / 39916800,
                                              1.0 / 6227020800.0,
                                              -1.0 / 1307674368000.0,
                                              1.0 / 355687428096000.0};
  const Value square = r.high * r.high;
  const Value cubic = r.high * square * polynomial(b, square, kSeries);
  return r.high + (cubic + r.low * (1.0 - 0.5 * square));
}

Value cos_of(Builder& b, const Reduced& r) {
  static const std::vector<double> kSeries = {
      1.0 / 24,          -1.0 / 720,           1.0 / 40320,           -1.0 / 3628800,
      1.0 / 479001600.0, -1.0 / 87178291200.0, 1.0 / 20922789888000.0};
  const Value square = r.high * r.high;
  const Value half = 0.5 * square;
  const Value lead = 1.0 - half;
  const Value tail = square * square * polynomial(b, square, kSeries) - r.high * r.low;
  return lead + (((1.0 - lead) - half) + tail);
}

// Quadrant 1 and 3 exchange the two functions, 2 and 3 turn the sign (of the sine).
Value sine_in(Builder& b, const Reduced& r, const Value& quadrant) {
  const Value odd = b.binary(Opcode::kOr, quadrant == 1.0, quadrant == 3.0);
  const Value value = b.select(odd, cos_of(b, r), sin_of(b, r));
  return b.select(quadrant >= 2.0, -value, value);
}

}  // namespace

Value sin(Builder& b, const Value& x) {
  const Reduced r = reduce(b, x);
  // Keeps the sign of zeros.
  return b.select(x == 0.0, x, sine_in(b, r, r.quadrant));
}

Value cos(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Reduced r = reduce(b, x);
  return sine_in(b, r, modulo_4(b, r.quadrant + 1.0, c));
}

Value tan(Builder& b, const Value& x) {
  const Reduced r = reduce(b, x);
  const Value sine = sin_of(b, r);
  const Value cosine = cos_of(b, r);
  const Value odd = b.binary(Opcode::kOr, r.quadrant == 1.0, r.quadrant == 3.0);
  const Value value = b.select(odd, -cosine, sine) / b.select(odd, sine, cosine);
  return b.select(x == 0.0, x, value);
}

// atan(a) = atan(c) + atan((a - c) / (1 + a c)) with the c of 0, tan(pi/8), 1, tan(3 pi/8) and
// infinity that leaves at most tan(pi/16), then the Taylor series.
Value atan(Builder& b, const Value& x) {
  const Constants c(b, x);
  struct Base {
    double from, tangent, high, low;
  };
  static constexpr Base kBases[] = {
      {0.198912367379658, 0x1.a827999fcef32p-2, 0x1.921fb54442d18p-2, 0x1.c398861b78b55p-59},
      {0.6681786379192989, 1.0, 0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
      {1.496605762665489, 0x1.3504f333f9de6p+1, 0x1.2d97c7f3321d2p+0, 0x1.fc774dbe287a0p-56}};
  const Value a = b.unary(Opcode::kAbs, x);
  Value above = a;
  Value below = c(1.0);
  Value high = c(0.0);
  Value low = c(0.0);
  for (const Base& base : kBases) {
    const Value here = a > base.from;
    above = b.select(here, a - base.tangent, above);
    below = b.select(here, a * base.tangent + 1.0, below);
    high = b.select(here, c(base.high), high);
    low = b.select(here, c(base.low), low);
  }
  const Value far = a > 5.027339492125848;
  above = b.select(far, c(-1.0), above);
  below = b.select(far, a, below);
  high = b.select(far, c(0x1.921fb54442d18p+0), high);
  low = b.select(far, c(0x1.1a62633145c07p-54), low);
  const Value t = above / below;
  const Value square = t * t;
  std::vector<double> series;
  for (int k = 1; k <= 12; ++k) series.push_back((k % 2 ? -1.0 : 1.0) / (2 * k + 1));
  const Value tail = t * square * polynomial(b, square, series);
  return with_sign_of(b, high + (t + (tail + low)), x);
}

Value asin(Builder& b, const Value& x) {
  return atan(b, x / b.unary(Opcode::kSqrt, (1.0 - x) * (x + 1.0)));
}

Value acos(Builder& b, const Value& x) {
  return 2.0 * atan(b, b.unary(Opcode::kSqrt, (1.0 - x) / (x + 1.0)));
}

}  // namespace dovetail::kernels::math
