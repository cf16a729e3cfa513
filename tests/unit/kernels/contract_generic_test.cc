// Contractions that are rarer: plain weights, groups, three spatial axes, other dtypes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "kernels/contract.h"
#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;
using ir::DType;

void expect_conv(const ConvCase& c, const Check& check = {}) {
  SCOPED_TRACE(fmt::format("x {} groups {}", ir::to_string(c.x), c.groups));
  expect_matches_evaluator(ContractCase::conv(c).node(), check);
}

TEST(ContractGeneric, PlainWeights) {
  for (const int64_t columns : {1, 7, 16, 33, 64, 100}) {
    SCOPED_TRACE(columns);
    expect_matches_evaluator(
        ContractCase::gemm({2, 15, 20}, columns, false, DType::kF32, true).node(),
        {.gaps = {1, 2, 0, 3}});
  }
}

TEST(ContractGeneric, SymbolicColumns) {
  const Dim n = Dim::symbol("n"), m = Dim::symbol("m");
  expect_matches_evaluator(ContractCase::gemm({3, n, m}, m, false, DType::kF32, false, true).node(),
                           {.gaps = {0, 5},
                            .symbols = {{{"n", 4}, {"m", 1}},
                                        {{"n", 15}, {"m", 50}},
                                        {{"n", 2}, {"m", 64}},
                                        {{"n", 3}, {"m", 0}}}});
}

TEST(ContractGeneric, EveryNumericDtype) {
  for (const DType dtype :
       {DType::kF64, DType::kF16, DType::kBF16, DType::kI8, DType::kI16, DType::kI32, DType::kI64,
        DType::kU8, DType::kU16, DType::kU32, DType::kU64}) {
    SCOPED_TRACE(ir::name_of(dtype));
    const double tolerance = dtype == DType::kF64 ? 1e-13 : dtype == DType::kF16 ? 2e-3 : 1.6e-2;
    expect_matches_evaluator(ContractCase::gemm({17, 12}, 70, false, dtype, true).node(),
                             {.tolerance = tolerance});
    expect_matches_evaluator(ContractCase::gemm({17, 12}, 70, true, dtype).node(),
                             {.tolerance = tolerance});
    expect_conv({.x = {1, 5, 9, 4},
                 .columns = 19,
                 .kernel = {3, 3},
                 .pad_lo = {1, 1},
                 .packed = false,
                 .dtype = dtype},
                {.tolerance = tolerance});
  }
}

TEST(ContractGeneric, Groups) {
  expect_conv({.x = {2, 6, 15, 12},
               .columns = 20,
               .kernel = {3, 3},
               .pad_lo = {1, 1},
               .groups = 4,
               .packed = false,
               .relu_bias = true,
               .residual = true},
              {.gaps = {3, 0, 0, 2, 1}});
  expect_conv({.x = {1, 6, 6, 64},
               .columns = 128,
               .kernel = {3, 3},
               .strides = {2, 2},
               .pad_lo = {1, 1},
               .groups = 2,
               .packed = false});
  expect_conv(
      {.x = {1, 20, 8}, .columns = 8, .kernel = {5}, .pad_lo = {2}, .groups = 2, .packed = false});
}

TEST(ContractGeneric, DepthMultiplier) {
  expect_conv({.x = {1, 7, 7, 6},
               .columns = 18,
               .kernel = {3, 3},
               .pad_lo = {1, 1},
               .groups = 6,
               .packed = false,
               .relu_bias = true});
}

TEST(ContractGeneric, ThreeSpatialAxes) {
  expect_conv({.x = {2, 4, 5, 6, 7},
               .columns = 40,
               .kernel = {3, 3, 3},
               .pad_lo = {1, 1, 1},
               .relu_bias = true});
  expect_conv({.x = {1, 6, 7, 20, 3},
               .columns = 9,
               .kernel = {2, 3, 1},
               .strides = {2, 1, 2},
               .dilations = {1, 2, 1},
               .packed = false},
              {.gaps = {2, 0, 3}});
}

TEST(ContractGeneric, BoolIsRefused) {
  const ContractCase c = ContractCase::gemm({2, 3}, 4, false, DType::kBool);
  const ir::CpuLevel level = host_levels()[0];
  Request request{.node = &c.node(),
                  .operands = {},
                  .results = {layout_of(c.node().result()->type)},
                  .level = &level,
                  .symbols = {},
                  .strict = false};
  for (const ir::Value* operand : c.node().operands)
    request.operands.push_back(layout_of(operand->type));
  try {
    make_calls(request);
    FAIL() << "not refused";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "a contraction of bool tensors has no meaning here; cast them to a number first");
  }
}

TEST(ContractGeneric, AcceptsWhatItReads) {
  const ContractCase c = ContractCase::gemm({4, 8}, 32, true, DType::kF32, true);
  const auto accepted = [&](int operand, std::vector<Dim> strides) {
    Layout layout = layout_of(c.node().operands[operand]->type);
    layout.strides = std::move(strides);
    return contract_accepts(c.node(), operand, layout);
  };
  EXPECT_TRUE(accepted(0, {11, 1}));
  EXPECT_FALSE(accepted(0, {1, 4}));
  EXPECT_TRUE(accepted(1, {999, 32, 1}));
  EXPECT_FALSE(accepted(1, {256, 33, 1}));
  EXPECT_TRUE(accepted(2, {0, 1}));
  EXPECT_TRUE(accepted(2, {0, 0}));
  EXPECT_FALSE(accepted(2, {0, 2}));
}

}  // namespace
}  // namespace dovetail::kernels::testing
