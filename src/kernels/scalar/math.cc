#include "kernels/scalar/math.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/scalar/polynomial.h"

namespace dovetail::kernels::math {

using ir::DType;
using loop::Builder;
using loop::Opcode;
using loop::Value;

namespace {

// x * 2^n of whole n, given as an integer, in two halves: so results down to the denormals and up
// to the largest come out right.
Value scaled(Builder& b, const Value& x, const Value& n, const Constants& c) {
  const auto power = [&](const Value& exponent) {
    const Value shifted = exponent + c.integer(c.single() ? 127 : 1023);
    return b.bitcast(b.binary(Opcode::kShl, shifted, c.integer(c.single() ? 23 : 52)), x.dtype());
  };
  const Value half = b.binary(Opcode::kShr, n, c.integer(1));
  return x * power(half) * power(n - half);
}

}  // namespace

// exp(x) = 2^n * exp(r), r = x - n ln 2 in two parts (Cody and Waite), polynomial on |r| <= 0.35.
// 1.5 times a power of two added rounds n to a whole number, which its low bits then are.
Value exp(Builder& b, const Value& x) {
  const Constants c(b, x);
  // Polynomials through 1 + r that interpolate at Chebyshev points: 1e-8 and 2e-17 off.
  static const std::vector<double> kSingle = {1.0,
                                              1.0,
                                              0.5,
                                              0.16666576989698775,
                                              0.041666554617204574,
                                              0.008363179052722578,
                                              0.0013926183587713494};
  static const std::vector<double> kDouble = {1.0,
                                              1.0,
                                              0.5000000000000001,
                                              0.16666666666666669,
                                              0.04166666666662413,
                                              0.008333333333330062,
                                              0.0013888888917213717,
                                              0.00019841269863053618,
                                              2.4801521295954376e-05,
                                              2.7557268459997064e-06,
                                              2.7620088445409746e-07,
                                              2.510038549551032e-08};
  const double high = c.single() ? 89.0 : 710.0;
  const double low = c.single() ? -104.0 : -746.0;
  // max(low, x) and min(high, ...) give back their second argument for a NaN.
  const Value clamped = min(c(high), max(c(low), x));
  const Value magic = c(c.single() ? 0x1.8p23 : 0x1.8p52);
  const Value rounded = b.fma(clamped, c(1.4426950408889634), magic);
  const Value n = rounded - magic;
  Value r = b.fma(n, c(c.single() ? -0x1.62e400p-1 : -0x1.62e42fee00000p-1), clamped);
  r = b.fma(n, c(c.single() ? -0x1.7f7d1cp-20 : -0x1.a39ef35793c76p-33), r);
  const Value whole =
      b.bitcast(rounded, c.integers()) - c.integer(c.single() ? 0x4b400000 : 0x4338000000000000);
  return scaled(b, polynomial(b, r, c.single() ? kSingle : kDouble), whole, c);
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

Value sigmoid(Builder& b, const Value& x) {
  const Constants c(b, x);
  return c(1.0) / (c(1.0) + exp(b, -x));
}

namespace {

// An odd function that reaches 1: x * above(x^2) / below(x^2) up to `limit`, 1 from there on.
Value odd_quotient(Builder& b, const Value& x, double limit, const std::vector<double>& above,
                   const std::vector<double>& below) {
  const Constants c(b, x);
  const Value inside = min(c(limit), max(c(-limit), x));
  const Value square = inside * inside;
  const Value quotient = inside * polynomial(b, square, above) / polynomial(b, square, below);
  return min(c(1.0), max(c(-1.0), quotient));
}

// Small arguments: Taylor's polynomial, a function of exp elsewhere:
// tanh(x) = sign(x) (1 - 2 / (exp(2|x|) + 1)).
Value tanh_double(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value magnitude = b.unary(Opcode::kAbs, x);
  const Value large = c(1.0) - c(2.0) / (exp(b, magnitude + magnitude) + c(1.0));
  // Taylor coefficients of tanh(x) / x in x^2.
  static const std::vector<double> kSeries = {1.0,
                                              -1.0 / 3,
                                              2.0 / 15,
                                              -17.0 / 315,
                                              62.0 / 2835,
                                              -1382.0 / 155925,
                                              21844.0 / 6081075,
                                              -929569.0 / 638512875,
                                              6404582.0 / 10854718875,
                                              -443861162.0 / 1856156927625,
                                              18888466084.0 / 194896477400625,
                                              -113927491862.0 / 2900518163668125,
                                              58870668456604.0 / 3698160658676859375.0};
  const Value small = magnitude * polynomial(b, x * x, kSeries);
  return with_sign_of(b, b.select(magnitude < c(0.25), small, large), x);
}

// Taylor's series below 1/2; above, erf(x) = 1 - exp(-x^2) * erfcx(x) with erfcx as a polynomial of
// t = (x - 2) / (x + 2), which interpolates it at the Chebyshev points of 1/2 <= x <= 6.
Value erf_double(Builder& b, const Value& x) {
  const Constants c(b, x);
  const Value magnitude = b.unary(Opcode::kAbs, x);
  static const std::vector<double> kScaled = {
      0.25539567631050575,     -0.4271858474139578,    0.2416581942424656,
      -0.0789785810158316,     0.0037328924044099385,  0.006997461744502038,
      -0.0008471432535586284,  -0.0009819771553749572, 4.3555641243885816e-05,
      0.00017436285513930343,  2.7525148521881573e-05, -2.7592650029862432e-05,
      -1.3965939699241742e-05, 1.4479562897572207e-06, 3.778302790211546e-06,
      1.0557849981880937e-06,  -5.04571132574258e-07,  -3.293367922046562e-07};
  const Value inside = min(c(6.0), magnitude);
  const Value t = (inside - c(2.0)) / (inside + c(2.0));
  const Value large = c(1.0) - exp(b, -inside * inside) * polynomial(b, t, kScaled);
  std::vector<double> series;
  double factorial = 1;
  for (int k = 0; k <= 12; ++k) {
    if (k > 0) factorial *= k;
    series.push_back((k % 2 ? -1 : 1) * 1.1283791670955126 / (factorial * (2 * k + 1)));
  }
  const Value small = magnitude * polynomial(b, x * x, series);
  const Value size = b.select(magnitude < c(0.5), small, large);
  return with_sign_of(b, b.select(x == x, size, x), x);
}

}  // namespace

// The quotients are best approximations of the relative error, found by reweighted least squares.
Value tanh(Builder& b, const Value& x) {
  if (x.dtype() == DType::kF64) return tanh_double(b, x);
  return odd_quotient(b, x, 9.02,
                      {1.0, 0.1337977945804596, 0.003494101809337735, 2.0584377125487663e-05,
                       1.3319928271471326e-08},
                      {1.0, 0.46713095903396606, 0.025871343910694122, 0.0003283193800598383,
                       7.762450309201085e-07});
}

Value erf(Builder& b, const Value& x) {
  if (x.dtype() == DType::kF64) return erf_double(b, x);
  return odd_quotient(b, x, 3.925,
                      {1.1283791065216064, 0.19056622684001923, 0.052765145897865295,
                       0.0037712312769144773, 0.0002847905270755291, 2.04593038688472e-06},
                      {1.0, 0.5022176504135132, 0.1141708716750145, 0.014980573207139969,
                       0.0011634946567937732, 3.804400694207288e-05});
}

}  // namespace dovetail::kernels::math
