// 3x3 convolutions by Winograd tiles.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ir/winograd.h"
#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;
using ir::DType;

// With tiles of both sizes. The products are random as well, so errors are a little larger than of
// real weights.
void expect_winograd(ConvCase c, const Check& check = {}) {
  for (const int tile : {2, 4}) {
    c.winograd = tile;
    SCOPED_TRACE("x " + ir::to_string(c.x) + " tile " + std::to_string(tile));
    expect_matches_evaluator(ContractCase::conv(c).node(), check);
  }
}

TEST(Winograd, ImagesOfEverySize) {
  for (const int64_t side : {1, 3, 4, 6, 9, 17}) {
    expect_winograd({.x = {1, side, side + 1, 16}, .columns = 32, .pad_lo = {1, 1}});
    expect_winograd({.x = {1, side + 2, 19 - side, 16}, .columns = 32});
  }
}

TEST(Winograd, ChannelsAndColumnsOfEveryKind) {
  const int64_t sizes[][2] = {{1, 1}, {3, 24}, {8, 64}, {17, 36}, {20, 80}, {33, 63}, {16, 65}};
  for (const auto& [channels, columns] : sizes) {
    expect_winograd(
        {.x = {1, 6, 9, channels}, .columns = columns, .pad_lo = {1, 1}, .relu_bias = true});
  }
}

TEST(Winograd, PaddingOfEveryKind) {
  for (const int64_t top : {0, 2, 5}) {
    expect_winograd({.x = {1, 9, 11, 16}, .columns = 32, .pad_lo = {top, 1}, .pad_hi = {0, 2}});
    expect_winograd({.x = {1, 10, 7, 16}, .columns = 32, .pad_lo = {1, top}, .pad_hi = {2, 0}});
  }
}

TEST(Winograd, BatchesGapsAndResidual) {
  expect_winograd(
      {.x = {3, 9, 10, 12}, .columns = 36, .pad_lo = {1, 1}, .relu_bias = true, .residual = true},
      {.gaps = {4, 0, 0, 3, 5}});
  expect_winograd({.x = {2, 6, 7, 32}, .columns = 64, .residual = true}, {.gaps = {4, 0, 3, 5}});
}

// The sums are up to 50, those of tanh to 1, so errors weigh more.
TEST(Winograd, EpiloguesOfManyInstructions) {
  expect_winograd({.x = {1, 9, 10, 16}, .columns = 72, .pad_lo = {1, 1}, .tanh = true},
                  {.tolerance = 5e-5});
  expect_winograd(
      {.x = {2, 5, 6, 16}, .columns = 33, .relu_bias = true, .residual = true, .tanh = true},
      {.gaps = {4, 0, 0, 3, 5}, .tolerance = 5e-5});
}

TEST(Winograd, SymbolicExtentsRunAtAnySize) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h"), w = Dim::symbol("w");
  const std::vector<ir::SymbolValues> sizes = {{{"n", 1}, {"h", 5}, {"w", 6}},
                                               {{"n", 2}, {"h", 9}, {"w", 29}},
                                               {{"n", 1}, {"h", 1}, {"w", 1}},
                                               {{"n", 3}, {"h", 16}, {"w", 24}},
                                               {{"n", 0}, {"h", 3}, {"w", 3}}};
  expect_winograd({.x = {n, 6, 7, 8}, .columns = 40, .pad_lo = {1, 1}}, {.symbols = sizes});
  expect_winograd({.x = {n, h, w, 20}, .columns = 40, .pad_lo = {1, 1}, .relu_bias = true},
                  {.symbols = sizes});
}

TEST(Winograd, ManyChunks) {
  expect_winograd({.x = {2, 30, 31, 64}, .columns = 96, .pad_lo = {1, 1}});
  expect_winograd({.x = {1, 14, 14, 256}, .columns = 288, .pad_lo = {1, 1}});
}

// N(0, deviation)
std::vector<float> normal_values(int64_t count, double deviation, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0, deviation);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(normal(generator));
  return values;
}

// w (3, 3, C, M) -> its products in panels (M/NR, n, n, C, NR)
std::vector<float> packed_products(const std::vector<float>& w, int64_t channels, int64_t columns,
                                   int tile, int64_t panel) {
  const std::vector<double> factors = ir::winograd_weights(ir::winograd_transform(tile));
  const int64_t points = int64_t{tile + 2} * (tile + 2);
  std::vector<float> u(points * channels * columns);
  for (int64_t p = 0; p < points; ++p) {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t m = 0; m < columns; ++m) {
        double sum = 0;
        for (int64_t k = 0; k < 9; ++k) {
          sum += factors[p * 9 + k] * w[(k * channels + c) * columns + m];
        }
        u[((m / panel * points + p) * channels + c) * panel + m % panel] = static_cast<float>(sum);
      }
    }
  }
  return u;
}

// One output of a 3x3 window with padding 1, in double.
double direct_sum(const std::vector<float>& x, const std::vector<float>& w, int64_t side,
                  int64_t channels, int64_t columns, const std::vector<int64_t>& at) {
  double sum = 0;
  for (int64_t k = 0; k < 9; ++k) {
    const int64_t row = at[0] + k / 3 - 1;
    const int64_t pixel = at[1] + k % 3 - 1;
    if (row < 0 || row >= side || pixel < 0 || pixel >= side) continue;
    for (int64_t c = 0; c < channels; ++c) {
      sum +=
          double{x[(row * side + pixel) * channels + c]} * w[(k * channels + c) * columns + at[2]];
    }
  }
  return sum;
}

Request request_of(const ContractCase& conv, const ir::CpuLevel& level) {
  Request request{.node = &conv.node(),
                  .operands = {},
                  .results = {layout_of(conv.node().result()->type)},
                  .level = &level,
                  .symbols = {},
                  .strict = false};
  for (const ir::Value* operand : conv.node().operands)
    request.operands.push_back(layout_of(operand->type));
  return request;
}

// The root of the mean square error over that of the outputs: normal inputs, He weights.
double relative_error(int tile) {
  const int64_t side = 14, channels = 64, columns = 64;
  const ContractCase conv = ContractCase::conv(
      {.x = {1, side, side, channels}, .columns = columns, .pad_lo = {1, 1}, .winograd = tile});
  const ir::CpuLevel level = host_levels().back();
  const std::vector<float> x = normal_values(side * side * channels, 1, 1);
  const std::vector<float> w =
      normal_values(9 * channels * columns, std::sqrt(2.0 / (9 * channels)), 2);
  const int64_t panel = conv.node().as<ir::Contract>()->panel;
  const ir::TensorData y =
      CompiledCalls(request_of(conv, level))
          .run({ir::TensorData::of(DType::kF32, {1, side, side, channels}, x),
                ir::TensorData::of(DType::kF32,
                                   {columns / panel, tile + 2, tile + 2, channels, panel},
                                   packed_products(w, channels, columns, tile, panel))})
          .front();
  double errors = 0;
  double squares = 0;
  for (int64_t i = 0; i < y.element_count(); ++i) {
    const double exact = direct_sum(x, w, side, channels, columns,
                                    {i / columns / side, i / columns % side, i % columns});
    errors += std::pow(y.as_double(i) - exact, 2);
    squares += exact * exact;
  }
  return std::sqrt(errors / squares);
}

TEST(Winograd, RoundsAsWellAsItsPointsAllow) {
  EXPECT_LE(relative_error(2), 3.2e-7);
  EXPECT_LE(relative_error(4), 9e-7);
}

TEST(Winograd, LayersOfOtherExtentsShareTheirCode) {
  const auto code = [](ir::Shape x, int64_t columns) {
    const ContractCase conv = ContractCase::conv(
        {.x = std::move(x), .columns = columns, .pad_lo = {1, 1}, .winograd = 4});
    const ir::CpuLevel level = host_levels().back();
    return loop::to_string(make_calls(request_of(conv, level))[0].function, false);
  };
  EXPECT_EQ(code({1, 56, 56, 64}, 64), code({1, 112, 112, 64}, 256));
}

}  // namespace
}  // namespace dovetail::kernels::testing
