// Depthwise convolutions against the evaluator, at every CPU level.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;
using ir::DType;

// `c` with as many groups and columns as channels.
void expect_depthwise(ConvCase c, const Check& check = {}) {
  c.groups = c.x.back().value();
  c.columns = c.groups;
  c.packed = false;
  SCOPED_TRACE(fmt::format("x {} kernel {}", ir::to_string(c.x), c.kernel.back()));
  expect_matches_evaluator(ContractCase::conv(c).node(), check);
}

TEST(Depthwise, ThreeByThreeOfEveryWidthAndHeight) {
  for (const int64_t width : {1, 2, 3, 4, 6, 7, 8, 13, 14, 15, 20, 29}) {
    expect_depthwise({.x = {1, width, width, 16}, .kernel = {3, 3}, .pad_lo = {1, 1}});
    expect_depthwise(
        {.x = {2, 5, width, 8}, .kernel = {3, 3}, .strides = {2, 2}, .pad_lo = {1, 1}});
  }
}

TEST(Depthwise, ChannelsOfEveryNumber) {
  for (const int64_t channels : {2, 3, 5, 8, 15, 17, 24, 33, 58, 70}) {
    expect_depthwise({.x = {1, 6, 9, channels},
                      .kernel = {3, 3},
                      .pad_lo = {1, 1},
                      .relu_bias = true,
                      .residual = true},
                     {.gaps = {3, 0, 0, 2, 1}});
  }
}

TEST(Depthwise, LargerWindows) {
  expect_depthwise({.x = {1, 14, 14, 20}, .kernel = {5, 5}, .pad_lo = {2, 2}, .relu_bias = true});
  expect_depthwise({.x = {1, 9, 15, 20}, .kernel = {5, 5}, .strides = {2, 2}, .pad_lo = {2, 2}});
  expect_depthwise({.x = {2, 9, 15, 20}, .kernel = {7, 7}, .pad_lo = {3, 3}, .residual = true});
  expect_depthwise({.x = {1, 20, 33, 6}, .kernel = {13, 11}, .pad_lo = {6, 5}, .relu_bias = true});
  expect_depthwise({.x = {1, 4, 6, 6}, .kernel = {9, 9}, .pad_lo = {4, 4}});
}

TEST(Depthwise, StridesDilationsAndUnevenPadding) {
  expect_depthwise({.x = {1, 12, 17, 9},
                    .kernel = {3, 2},
                    .strides = {3, 1},
                    .dilations = {1, 2},
                    .pad_lo = {0, 2},
                    .pad_hi = {3, 0}});
  expect_depthwise({.x = {1, 12, 31, 9},
                    .kernel = {3, 3},
                    .strides = {1, 2},
                    .dilations = {2, 12},
                    .pad_lo = {2, 12}});
  expect_depthwise({.x = {1, 4, 5, 9}, .kernel = {2, 2}, .pad_lo = {3, 4}});
}

TEST(Depthwise, OneRowOrColumnWithinMorePadding) {
  expect_depthwise({.x = {1, 1, 6, 9}, .kernel = {3, 3}, .pad_lo = {2, 2}, .relu_bias = true});
  expect_depthwise({.x = {2, 6, 1, 9}, .kernel = {3, 3}, .dilations = {1, 2}, .pad_lo = {2, 4}});
  expect_depthwise({.x = {1, 1, 1, 5}, .kernel = {5, 5}, .pad_lo = {4, 4}, .residual = true});
  expect_depthwise({.x = {1, 1, 1, 4, 5}, .kernel = {3, 3, 3}, .pad_lo = {2, 2, 2}});
}

TEST(Depthwise, OneAndThreeSpatialAxes) {
  expect_depthwise({.x = {2, 50, 9}, .kernel = {3}, .pad_lo = {1}, .relu_bias = true});
  expect_depthwise({.x = {1, 4000, 16}, .kernel = {31}, .pad_lo = {15}, .residual = true});
  expect_depthwise({.x = {2, 4, 5, 6, 7}, .kernel = {3, 3, 3}, .pad_lo = {1, 1, 1}});
  expect_depthwise({.x = {1, 6, 5, 9, 20},
                    .kernel = {2, 9, 3},
                    .strides = {2, 1, 1},
                    .pad_lo = {1, 4, 1},
                    .relu_bias = true});
}

TEST(Depthwise, SymbolicExtentsRunAtAnySize) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h"), w = Dim::symbol("w");
  const std::vector<ir::SymbolValues> sizes = {{{"n", 1}, {"h", 5}, {"w", 6}},
                                               {{"n", 2}, {"h", 9}, {"w", 29}},
                                               {{"n", 1}, {"h", 1}, {"w", 1}},
                                               {{"n", 0}, {"h", 3}, {"w", 3}}};
  for (const int64_t kernel : {1, 3, 5, 9}) {
    expect_depthwise({.x = {n, h, w, 20},
                      .kernel = {kernel, kernel},
                      .pad_lo = {kernel / 2, kernel / 2},
                      .relu_bias = true,
                      .residual = true},
                     {.symbols = sizes});
  }
  expect_depthwise({.x = {n, h, w, 7}, .kernel = {3, 3}, .strides = {2, 2}, .pad_lo = {1, 1}},
                   {.symbols = sizes});
  expect_depthwise({.x = {n, w, 20}, .kernel = {9}, .pad_lo = {4}}, {.symbols = sizes});
}

TEST(Depthwise, EveryNumericDtype) {
  for (const DType dtype :
       {DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kI32, DType::kI64, DType::kU8}) {
    SCOPED_TRACE(ir::name_of(dtype));
    const double tolerance = dtype == DType::kF64 ? 1e-13 : dtype == DType::kF16 ? 2e-3 : 1.6e-2;
    expect_depthwise({.x = {1, 5, 9, 19}, .kernel = {3, 3}, .pad_lo = {1, 1}, .dtype = dtype},
                     {.tolerance = tolerance});
  }
}

TEST(Depthwise, ManyChunks) {
  expect_depthwise({.x = {2, 30, 31, 96}, .kernel = {3, 3}, .pad_lo = {1, 1}});
  expect_depthwise({.x = {1, 3000, 40}, .kernel = {5}, .pad_lo = {2}});
}

}  // namespace
}  // namespace dovetail::kernels::testing
