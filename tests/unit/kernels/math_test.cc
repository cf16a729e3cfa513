// Elementary functions against the C library in long double: units in the last place over all
// exponents, and what C says of zeros, infinities and NaN, at every CPU level.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::DType;
using ir::ScalarOp;
using ir::TensorData;
using Real = long double;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct Function {
  const char* name;
  ScalarOp op;
  Real (*reference)(Real);
  double largest;  // of the arguments tried
  double ulp_single, ulp_double;
};

void PrintTo(const Function& function, std::ostream* out) { *out << function.name; }

// Numbers of every size up to `largest`, of both signs, and special ones.
std::vector<double> arguments(double largest, bool single) {
  std::mt19937_64 random(1);
  std::uniform_real_distribution<double> mantissa(1, 2);
  std::vector<double> result = {0.0, -0.0, 1, -1, 0.5, -0.5, 2, -2, kInfinity, -kInfinity, kNaN};
  const int lowest = single ? -149 : -1074;
  for (int exponent = lowest; std::ldexp(1.0, exponent) <= largest; ++exponent) {
    for (int i = 0; i < (exponent < -30 || exponent > 30 ? 20 : 200); ++i) {
      const double x = std::min(std::ldexp(mantissa(random), exponent), largest);
      result.push_back(x);
      result.push_back(-x);
    }
  }
  std::uniform_real_distribution<double> near(-std::min(largest, 20.0), std::min(largest, 20.0));
  for (int i = 0; i < 20000; ++i) result.push_back(near(random));
  return result;
}

TensorData tensor(const std::vector<double>& values, DType dtype) {
  const auto count = static_cast<int64_t>(values.size());
  if (dtype == DType::kF64) return TensorData::of<double>(dtype, {count}, values);
  return TensorData::of<float>(dtype, {count}, std::vector<float>(values.begin(), values.end()));
}

// Distance in units of the last place of `expected`.
double ulps(double got, Real expected, DType dtype) {
  const bool single = dtype == DType::kF32;
  const Real rounded = single ? static_cast<float>(expected) : static_cast<double>(expected);
  if (std::isnan(expected) || std::isinf(rounded) || rounded == 0) {
    const bool same = std::isnan(expected) ? std::isnan(got) : got == rounded;
    if (same) return 0;
    if (std::isnan(got) || std::isnan(expected)) return kInfinity;
  }
  const int bits = single ? 24 : 53;
  const int lowest = single ? -149 : -1074;
  const int exponent = std::max(std::ilogb(expected) + 1 - bits, lowest);
  return static_cast<double>(std::abs(static_cast<Real>(got) - expected) /
                             std::ldexp(Real{1}, exponent));
}

class Elementary : public testing::TestWithParam<Function> {};

TEST_P(Elementary, IsWithinItsUnits) {
  const Function& function = GetParam();
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const bool single = dtype == DType::kF32;
    const std::vector<double> values =
        arguments(single ? std::min(function.largest, 3.4e38) : function.largest, single);
    ir::Graph graph;
    ir::ExprBuilder e;
    NodeRun run;
    run.operands = {tensor(values, dtype)};
    run.node = graph.add(ir::Elementwise{e.finish(e.unary(function.op, e.operand(0, dtype)))},
                         {graph.input("x", {dtype, {static_cast<int64_t>(values.size())}})});
    for (const ir::CpuLevel& level : host_levels()) {
      SCOPED_TRACE(level.name);
      const TensorData got = run_node(run, level).front();
      double worst = 0;
      double where = 0;
      for (size_t i = 0; i < values.size(); ++i) {
        const double x = run.operands[0].as_double(static_cast<int64_t>(i));
        const double distance =
            ulps(got.as_double(static_cast<int64_t>(i)), function.reference(x), dtype);
        if (distance > worst) {
          worst = distance;
          where = x;
        }
      }
      RecordProperty(single ? "float32" : "float64", std::to_string(worst));
      EXPECT_LE(worst, single ? function.ulp_single : function.ulp_double)
          << ir::name_of(dtype) << " at " << where;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Functions, Elementary,
    testing::Values(Function{"exp", ScalarOp::kExp, std::exp, 1e4, 2, 2},
                    Function{"log", ScalarOp::kLog, std::log, 1e308, 2, 2},
                    Function{"sin", ScalarOp::kSin, std::sin, 1e308, 0.51, 2},
                    Function{"cos", ScalarOp::kCos, std::cos, 1e308, 0.51, 2},
                    Function{"tan", ScalarOp::kTan, std::tan, 1e308, 0.51, 3},
                    Function{"asin", ScalarOp::kAsin, std::asin, 1, 0.51, 2.5},
                    Function{"acos", ScalarOp::kAcos, std::acos, 1, 0.51, 2.5},
                    Function{"atan", ScalarOp::kAtan, std::atan, 1e308, 0.51, 2},
                    Function{"sinh", ScalarOp::kSinh, std::sinh, 1e3, 0.51, 4},
                    Function{"cosh", ScalarOp::kCosh, std::cosh, 1e3, 0.51, 4},
                    Function{"asinh", ScalarOp::kAsinh, std::asinh, 1e308, 0.51, 4},
                    Function{"acosh", ScalarOp::kAcosh, std::acosh, 1e308, 0.51, 4},
                    Function{"atanh", ScalarOp::kAtanh, std::atanh, 1, 0.51, 4},
                    Function{"tanh", ScalarOp::kTanh, std::tanh, 1e308, 6, 3},
                    Function{"erf", ScalarOp::kErf, std::erf, 1e308, 6, 3},
                    Function{"sigmoid", ScalarOp::kSigmoid,
                             [](Real x) { return 1 / (1 + std::exp(-x)); }, 80, 3, 3}),
    [](const auto& info) { return std::string(info.param.name); });

// x op y for all pairs of a list.
void expect_pairs(ScalarOp op, const std::vector<double>& list, DType dtype, double ulp,
                  const std::function<Real(Real, Real)>& reference) {
  std::vector<double> x;
  std::vector<double> y;
  for (const double a : list) {
    for (const double b : list) {
      x.push_back(a);
      y.push_back(b);
    }
  }
  ir::Graph graph;
  ir::ExprBuilder e;
  NodeRun run;
  run.operands = {tensor(x, dtype), tensor(y, dtype)};
  const ir::TensorType type{dtype, {static_cast<int64_t>(x.size())}};
  run.node =
      graph.add(ir::Elementwise{e.finish(e.binary(op, e.operand(0, dtype), e.operand(1, dtype)))},
                {graph.input("x", type), graph.input("y", type)});
  for (const ir::CpuLevel& level : host_levels()) {
    const TensorData got = run_node(run, level).front();
    for (int64_t i = 0; i < got.element_count(); ++i) {
      const double a = run.operands[0].as_double(i);
      const double b = run.operands[1].as_double(i);
      const Real expected = reference(a, b);
      ASSERT_LE(ulps(got.as_double(i), expected, dtype), ulp)
          << ir::name_of(op) << " of " << ir::name_of(dtype) << ", " << a << " and " << b << " at "
          << level.name << ": " << got.as_double(i) << ", expected " << expected;
      if (expected == 0) {
        ASSERT_EQ(std::signbit(got.as_double(i)), std::signbit(expected)) << a << " and " << b;
      }
    }
  }
}

const std::vector<double> kList = {
    0.0,  -0.0,  1,    -1,    0.5, -0.5,  2,     -2, 3,     -3,   7.25,      -7.25,      1e10,
    1e-9, -1e-9, 1e30, -1e30, 5,   1.001, 0.999, 64, 1e-40, 88.5, kInfinity, -kInfinity, kNaN};

TEST(Power, IsThatOfC) {
  const auto pow = [](Real x, Real y) { return std::pow(x, y); };
  expect_pairs(ScalarOp::kPow, kList, DType::kF32, 0.51, pow);
  std::vector<double> list = kList;
  std::mt19937_64 random(1);
  for (const double most : {1.5, 30.0}) {
    std::uniform_real_distribution<double> numbers(-most, most);
    for (int i = 0; i < 60; ++i) list.push_back(numbers(random));
  }
  list.insert(list.end(),
              {1 + 0x1p-52, 1 - 0x1p-53, 5e-324, 1.7e308, -1.7e308, 4503599627370495.0});
  expect_pairs(ScalarOp::kPow, list, DType::kF64, 0.52, pow);
}

// Less than a unit off is exact where the result is a number; a cast to an integer would cut it.
TEST(Power, IsExactWhereTheResultIsANumber) {
  std::vector<double> list = {0.5, 0.25, 0.125, 6561, 43046721};
  for (int k = -9; k <= 81; ++k) list.push_back(k);
  const auto pow = [](Real x, Real y) { return std::pow(x, y); };
  expect_pairs(ScalarOp::kPow, list, DType::kF64, 0.52, pow);
}

TEST(Remainder, IsExact) {
  const auto fmod = [](Real x, Real y) { return std::fmod(x, y); };
  std::vector<double> list = kList;
  list.insert(list.end(), {1e300, 5e-324, 2.5e-310, 1.7e308, 3e-308});
  expect_pairs(ScalarOp::kRem, kList, DType::kF32, 0, fmod);
  expect_pairs(ScalarOp::kRem, list, DType::kF64, 0, fmod);
}

TEST(Remainder, FloorsWithTheSignOfTheDivisor) {
  for (const DType dtype : {DType::kF32, DType::kF64}) {
    const auto mod = [&](Real x, Real y) {
      const Real rest = std::fmod(x, y);
      if (rest == 0 || (rest < 0) == (y < 0)) return rest;
      return dtype == DType::kF32 ? Real{static_cast<float>(rest) + static_cast<float>(y)}
                                  : Real{static_cast<double>(rest) + static_cast<double>(y)};
    };
    expect_pairs(ScalarOp::kFloorMod, kList, dtype, 0, mod);
  }
}

TEST(Integers, PowersAndRemaindersAreThoseOfTheEvaluator) {
  for (const DType dtype : {DType::kI8, DType::kI32, DType::kI64, DType::kU8, DType::kU32}) {
    for (const ScalarOp op : {ScalarOp::kPow, ScalarOp::kDiv, ScalarOp::kRem, ScalarOp::kFloorMod,
                              ScalarOp::kShl, ScalarOp::kShr, ScalarOp::kMin, ScalarOp::kMax}) {
      ir::Graph graph;
      ir::ExprBuilder e;
      NodeRun run;
      run.operands = {random_tensor(dtype, {40, 40}, -9, 9, 1),
                      random_tensor(dtype, {40, 40}, -9, 9, 2)};
      const ir::TensorType type{dtype, {40, 40}};
      run.node = graph.add(
          ir::Elementwise{e.finish(e.binary(op, e.operand(0, dtype), e.operand(1, dtype)))},
          {graph.input("x", type), graph.input("y", type)});
      SCOPED_TRACE(ir::name_of(op));
      expect_evaluated(run);
    }
  }
}

}  // namespace
}  // namespace dovetail::kernels
