// Errors of the elementary functions, in units of the last place.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::DType;
using ir::ScalarOp;

// Numbers of both signs with these bounds of their magnitude, some of every exponent.
template <class T>
std::vector<T> samples(T low, T high) {
  std::vector<T> values = {0, -T{0}};
  for (T x = low; x <= high; x *= T(1.0137)) values.insert(values.end(), {x, -x});
  return values;
}

template <class T>
std::vector<T> apply(ScalarOp op, const std::vector<T>& x, const ir::CpuLevel& level) {
  const DType dtype = sizeof(T) == 4 ? DType::kF32 : DType::kF64;
  const std::vector<int64_t> shape = {static_cast<int64_t>(x.size())};
  ir::Graph graph;
  ir::ExprBuilder e;
  const auto expr = e.finish(e.unary(op, e.operand(0, dtype)));
  const ir::Node* node = graph.add(ir::Elementwise{expr}, {graph.input("x", {dtype, {shape[0]}})});
  const auto result =
      run_node({.node = node, .operands = {ir::TensorData::of(dtype, shape, x)}}, level);
  std::vector<T> y(x.size());
  std::memcpy(y.data(), result[0].bytes().data(), y.size() * sizeof(T));
  return y;
}

// The largest error in units of the last place of the expected value, at least the smallest normal
// number's.
template <class T>
double worst(ScalarOp op, const std::vector<T>& x, const ir::CpuLevel& level,
             long double (*expected)(long double)) {
  const std::vector<T> y = apply(op, x, level);
  double error = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const long double exact = expected(x[i]);
    const T rounded = std::max(std::abs(static_cast<T>(exact)), std::numeric_limits<T>::min());
    const T unit = std::nextafter(rounded, std::numeric_limits<T>::infinity()) - rounded;
    if (std::isinf(static_cast<T>(exact)) && y[i] == static_cast<T>(exact)) continue;
    const auto off = static_cast<double>(std::abs(static_cast<long double>(y[i]) - exact) / unit);
    if (!(off <= error)) error = off;
  }
  return error;
}

long double sigmoid(long double x) { return 1 / (1 + std::exp(-x)); }
long double tanh_of(long double x) { return std::tanh(x); }
long double exp_of(long double x) { return std::exp(x); }

TEST(Math, StaysWithinAFewUnitsOfTheLastPlace) {
  const std::vector<float> all = samples<float>(1e-38F, 87);
  const std::vector<double> wide = samples<double>(1e-300, 700);
  for (const ir::CpuLevel& level : host_levels()) {
    SCOPED_TRACE(level.name);
    EXPECT_LE(worst<float>(ScalarOp::kExp, all, level, exp_of), 1.5);
    EXPECT_LE(worst<float>(ScalarOp::kSigmoid, all, level, sigmoid), 3);
    EXPECT_LE(worst<float>(ScalarOp::kTanh, all, level, tanh_of), 3);
    EXPECT_LE(worst<double>(ScalarOp::kExp, wide, level, exp_of), 1.5);
    EXPECT_LE(worst<double>(ScalarOp::kSigmoid, wide, level, sigmoid), 3);
    EXPECT_LE(worst<double>(ScalarOp::kTanh, wide, level, tanh_of), 3);
  }
}

TEST(Math, EndsOfTheRange) {
  const float inf = std::numeric_limits<float>::infinity();
  for (const ir::CpuLevel& level : host_levels()) {
    SCOPED_TRACE(level.name);
    const std::vector<float> ends = {-inf, inf, -200, 200, NAN, 0, -0.0F};
    const auto exp = apply<float>(ScalarOp::kExp, ends, level);
    EXPECT_EQ(std::vector<float>(exp.begin(), exp.begin() + 4),
              (std::vector<float>{0, inf, 0, inf}));
    const auto sigmoid = apply<float>(ScalarOp::kSigmoid, ends, level);
    EXPECT_EQ(std::vector<float>(sigmoid.begin(), sigmoid.begin() + 4),
              (std::vector<float>{0, 1, 0, 1}));
    const auto tanh = apply<float>(ScalarOp::kTanh, ends, level);
    EXPECT_EQ(std::vector<float>(tanh.begin(), tanh.begin() + 4),
              (std::vector<float>{-1, 1, -1, 1}));
    EXPECT_TRUE(std::isnan(exp[4]) && std::isnan(sigmoid[4]) && std::isnan(tanh[4]));
    EXPECT_TRUE(!std::signbit(tanh[5]) && std::signbit(tanh[6]));
    EXPECT_EQ(tanh[5], 0);
    // Denormal results.
    EXPECT_NEAR(apply<float>(ScalarOp::kExp, {-95}, level)[0], std::exp(-95.0), 2e-45);
  }
}

}  // namespace
}  // namespace dovetail::kernels
