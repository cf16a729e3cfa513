// 3x3 convolutions by Winograd tiles.
#include <gtest/gtest.h>

#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;

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

}  // namespace
}  // namespace dovetail::kernels::testing
