// Dense convolutions on packed weights.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;

void expect_conv(const ConvCase& c, const Check& check = {}) {
  SCOPED_TRACE(fmt::format("x {} kernel {}", ir::to_string(c.x), c.kernel.front()));
  expect_matches_evaluator(ContractCase::conv(c).node(), check);
}

TEST(Conv, ThreeByThreeOfEveryWidth) {
  for (const int64_t width : {1, 2, 3, 5, 6, 7, 8, 13, 14, 15, 16, 20, 28, 29, 43}) {
    expect_conv({.x = {1, 5, width, 8}, .columns = 40, .kernel = {3, 3}, .pad_lo = {1, 1}});
  }
}

TEST(Conv, WideTilesOfNarrowImages) {
  expect_conv(
      {.x = {2, 7, 7, 20}, .columns = 136, .kernel = {3, 3}, .pad_lo = {1, 1}, .relu_bias = true});
}

TEST(Conv, Strides) {
  for (const int64_t width : {9, 14, 15, 30, 56}) {
    expect_conv({.x = {1, width, width, 5},
                 .columns = 33,
                 .kernel = {3, 3},
                 .strides = {2, 2},
                 .pad_lo = {1, 1}});
    expect_conv({.x = {1, 7, width, 5},
                 .columns = 16,
                 .kernel = {1, 1},
                 .strides = {2, 2},
                 .relu_bias = true});
    expect_conv({.x = {1, width, width, 3}, .columns = 8, .kernel = {2, 2}, .strides = {3, 3}});
  }
}

TEST(Conv, FirstLayerOfThreeChannels) {
  expect_conv({.x = {1, 31, 32, 3},
               .columns = 64,
               .kernel = {7, 7},
               .strides = {2, 2},
               .pad_lo = {3, 3},
               .relu_bias = true});
  expect_conv({.x = {1, 32, 32, 3}, .columns = 24, .kernel = {4, 4}, .strides = {4, 4}});
}

TEST(Conv, DilationsAndUnevenPadding) {
  expect_conv({.x = {1, 12, 17, 6},
               .columns = 32,
               .kernel = {3, 3},
               .dilations = {2, 2},
               .pad_lo = {2, 2}});
  expect_conv({.x = {1, 12, 33, 4},
               .columns = 32,
               .kernel = {3, 3},
               .dilations = {3, 12},
               .pad_lo = {3, 12}});
  expect_conv(
      {.x = {1, 9, 11, 4}, .columns = 20, .kernel = {3, 2}, .pad_lo = {0, 1}, .pad_hi = {2, 0}});
  expect_conv(
      {.x = {1, 6, 6, 4}, .columns = 20, .kernel = {1, 1}, .pad_lo = {1, 2}, .pad_hi = {0, 1}});
  expect_conv({.x = {1, 4, 4, 4}, .columns = 20, .kernel = {3, 3}, .pad_lo = {5, 5}});
}

// More than a megabyte of them, which is fetched ahead.
TEST(Conv, LargeWeights) {
  expect_conv(
      {.x = {1, 6, 7, 120}, .columns = 260, .kernel = {3, 3}, .pad_lo = {1, 1}, .relu_bias = true});
  expect_conv({.x = {1, 5, 9, 120},
               .columns = 260,
               .kernel = {3, 3},
               .strides = {2, 2},
               .dilations = {1, 2},
               .pad_lo = {1, 2}});
}

TEST(Conv, KernelsLargerThanTheImage) {
  expect_conv({.x = {1, 3, 3, 4}, .columns = 8, .kernel = {7, 7}, .pad_lo = {3, 3}});
  expect_conv({.x = {1, 10, 40, 2}, .columns = 8, .kernel = {11, 11}, .pad_lo = {5, 5}});
}

TEST(Conv, OneDimensional) {
  expect_conv({.x = {2, 50, 9}, .columns = 40, .kernel = {3}, .pad_lo = {1}, .relu_bias = true});
  expect_conv({.x = {1, 4000, 1}, .columns = 40, .kernel = {40}, .strides = {16}, .pad_lo = {20}});
  expect_conv({.x = {1, 300, 4}, .columns = 8, .kernel = {64}, .pad_lo = {32}, .pad_hi = {31}});
}

TEST(Conv, PanelsOfOneColumn) {
  for (const int64_t columns : {1, 2, 3, 7, 8, 13, 26}) {
    for (const int64_t channels : {1, 8, 24, 64, 70}) {
      expect_conv({.x = {1, 5, 9, channels},
                   .columns = columns,
                   .kernel = {3, 3},
                   .pad_lo = {1, 1},
                   .panel = 1,
                   .relu_bias = true});
    }
  }
  expect_conv({.x = {2, 9, 30, 6}, .columns = 3, .kernel = {5, 5}, .pad_lo = {2, 2}, .panel = 1},
              {.gaps = {3, 0, 5}});
  expect_conv({.x = {1, 9, 23, 20},
               .columns = 2,
               .kernel = {3, 3},
               .strides = {2, 3},
               .dilations = {2, 2},
               .pad_lo = {2, 1},
               .panel = 1,
               .residual = true});
  expect_conv(
      {.x = {1, 1, 2000, 1}, .columns = 1, .kernel = {1, 256}, .strides = {1, 2}, .panel = 1});
  expect_conv({.x = {1, 40, 33}, .columns = 4, .kernel = {1}, .panel = 1, .dtype = ir::DType::kF16},
              {.tolerance = 2e-3});
  const Dim n = Dim::symbol("n"), w = Dim::symbol("w");
  expect_conv({.x = {n, 6, w, 20}, .columns = 3, .kernel = {3, 3}, .pad_lo = {1, 1}, .panel = 1},
              {.symbols = {{{"n", 1}, {"w", 1}}, {{"n", 2}, {"w", 25}}}});
}

TEST(Conv, BatchesGapsAndResidual) {
  expect_conv({.x = {3, 8, 10, 12},
               .columns = 36,
               .kernel = {3, 3},
               .pad_lo = {1, 1},
               .relu_bias = true,
               .residual = true},
              {.gaps = {4, 0, 0, 3, 5}});
  expect_conv({.x = {2, 6, 7, 12}, .columns = 36, .kernel = {1, 1}, .residual = true},
              {.gaps = {4, 0, 3, 5}});
  expect_conv({.x = {2, 6, 7, 12}, .columns = 36, .kernel = {1, 1}, .residual = true});
}

TEST(Conv, EpiloguesOfManyInstructions) {
  expect_conv(
      {.x = {1, 9, 10, 16}, .columns = 72, .pad_lo = {1, 1}, .residual = true, .tanh = true},
      {.gaps = {4, 0, 3, 5}});
}

TEST(Conv, SymbolicExtentsRunAtAnySize) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h"), w = Dim::symbol("w");
  const std::vector<ir::SymbolValues> sizes = {{{"n", 1}, {"h", 5}, {"w", 6}},
                                               {{"n", 2}, {"h", 9}, {"w", 29}},
                                               {{"n", 1}, {"h", 1}, {"w", 1}},
                                               {{"n", 0}, {"h", 3}, {"w", 3}}};
  expect_conv({.x = {n, 6, 7, 8}, .columns = 40, .kernel = {3, 3}, .pad_lo = {1, 1}},
              {.symbols = sizes});
  expect_conv(
      {.x = {n, h, w, 8}, .columns = 40, .kernel = {3, 3}, .pad_lo = {1, 1}, .relu_bias = true},
      {.symbols = sizes});
  expect_conv(
      {.x = {n, h, w, 3}, .columns = 16, .kernel = {5, 5}, .strides = {2, 2}, .pad_lo = {2, 2}},
      {.symbols = sizes});
  expect_conv({.x = {n, h, w, 8}, .columns = 24, .kernel = {1, 1}}, {.symbols = sizes});
  expect_conv({.x = {n, w, 8}, .columns = 24, .kernel = {9}, .pad_lo = {4}}, {.symbols = sizes});
}

TEST(Conv, ManyChunks) {
  expect_conv({.x = {2, 30, 31, 32}, .columns = 96, .kernel = {3, 3}, .pad_lo = {1, 1}});
  expect_conv({.x = {1, 9, 9, 128}, .columns = 160, .kernel = {3, 3}, .pad_lo = {1, 1}});
  expect_conv({.x = {1, 3000, 16}, .columns = 64, .kernel = {5}, .pad_lo = {2}});
}

std::string code_of(const ConvCase& c) {
  const ContractCase contract = ContractCase::conv(c);
  const ir::CpuLevel level = host_levels().back();
  Request request{.node = &contract.node(),
                  .operands = {},
                  .results = {layout_of(contract.node().result()->type)},
                  .level = &level,
                  .symbols = {},
                  .strict = false};
  for (const ir::Value* operand : contract.node().operands)
    request.operands.push_back(layout_of(operand->type));
  return loop::to_string(make_calls(request)[0].function);
}

TEST(Conv, LayersOfOtherExtentsShareTheirCode) {
  EXPECT_EQ(code_of({.x = {1, 28, 84, 64},
                     .columns = 64,
                     .kernel = {3, 3},
                     .pad_lo = {1, 1},
                     .relu_bias = true}),
            code_of({.x = {1, 90, 42, 64},
                     .columns = 96,
                     .kernel = {3, 3},
                     .pad_lo = {1, 1},
                     .relu_bias = true}));
  EXPECT_EQ(code_of({.x = {1, 28, 28, 64}, .columns = 64, .kernel = {1, 1}}),
            code_of({.x = {1, 14, 14, 64}, .columns = 96, .kernel = {1, 1}}));
}

}  // namespace
}  // namespace dovetail::kernels::testing
