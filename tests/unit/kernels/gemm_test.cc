// Matrix products on packed weights.
#include <gtest/gtest.h>

#include "unit/kernels/contract_cases.h"

namespace dovetail::kernels::testing {
namespace {

using ir::Dim;
using ir::DType;

ContractCase packed(ir::Shape x, int64_t columns, bool relu_bias = false, bool residual = false) {
  return ContractCase::gemm(std::move(x), columns, true, DType::kF32, relu_bias, residual);
}

TEST(Gemm, EveryRowCountUpToThreeTiles) {
  for (const int64_t rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 14, 15, 27, 28, 29, 33, 49}) {
    SCOPED_TRACE(rows);
    expect_matches_evaluator(packed({rows, 19}, 64).node());
  }
}

TEST(Gemm, ColumnTails) {
  for (const int64_t columns : {1, 3, 4, 8, 10, 16, 17, 31, 32, 33, 36, 58, 63, 65, 96, 100}) {
    SCOPED_TRACE(columns);
    expect_matches_evaluator(packed({17, 24}, columns, true).node());
    expect_matches_evaluator(packed({3, 24}, columns).node());
  }
}

TEST(Gemm, RowsWithGapsAndBiasAndResidual) {
  expect_matches_evaluator(packed({31, 40}, 70, true, true).node(), {.gaps = {3, 0, 0, 5, 7}});
}

TEST(Gemm, Batches) {
  expect_matches_evaluator(packed({3, 2, 15, 20}, 40, true, true).node(),
                           {.gaps = {1, 0, 0, 2, 3}});
  expect_matches_evaluator(packed({4, 1, 64}, 64).node());
}

TEST(Gemm, EmptyExtents) {
  expect_matches_evaluator(packed({0, 8}, 32).node());
  expect_matches_evaluator(packed({5, 0}, 40, true).node());
  expect_matches_evaluator(packed({0, 3, 8}, 32).node());
}

TEST(Gemm, SymbolicRowsRunAtAnySize) {
  const Dim n = Dim::symbol("n");
  expect_matches_evaluator(
      packed({n, 33}, 50, true, true).node(),
      {.symbols = {{{"n", 0}}, {{"n", 1}}, {{"n", 6}}, {{"n", 14}}, {{"n", 45}}, {{"n", 200}}}});
  expect_matches_evaluator(packed({n, n, 16}, 64).node(),
                           {.gaps = {2}, .symbols = {{{"n", 1}}, {{"n", 5}}, {{"n", 17}}}});
}

TEST(Gemm, ManyChunks) {
  expect_matches_evaluator(packed({130, 256}, 200, true).node());
  expect_matches_evaluator(packed({2, 1024}, 1500).node());
  expect_matches_evaluator(packed({40, 1024}, 300).node());
}

// Weights that come from memory are fetched ahead, unless many rows share them.
TEST(Gemm, LargeWeights) {
  const Dim n = Dim::symbol("n");
  expect_matches_evaluator(packed({n, 600}, 300, true).node(),
                           {.symbols = {{{"n", 0}}, {{"n", 1}}, {{"n", 30}}, {{"n", 63}}}});
  expect_matches_evaluator(packed({460, 600}, 250).node());
  expect_matches_evaluator(packed({3, 2, 15, 400}, 400, true, true).node(), {.gaps = {1}});
}

TEST(Gemm, StrictSumsInOrderAtEveryLevel) {
  const ContractCase c = packed({9, 100}, 48);
  std::vector<ir::TensorData> results;
  const std::vector<ir::TensorData> operands = {random_tensor(DType::kF32, {9, 100}, 1),
                                                random_tensor(DType::kF32, {2, 100, 32}, 2)};
  for (const ir::CpuLevel& level : host_levels()) {
    Request request{.node = &c.node(),
                    .operands = {},
                    .results = {layout_of(c.node().result()->type)},
                    .level = &level,
                    .symbols = {},
                    .strict = true};
    for (const ir::Value* operand : c.node().operands)
      request.operands.push_back(layout_of(operand->type));
    results.push_back(CompiledCalls(request).run(operands)[0]);
  }
  for (const ir::TensorData& result : results) {
    EXPECT_TRUE(
        std::equal(result.bytes().begin(), result.bytes().end(), results[0].bytes().begin()));
  }
}

}  // namespace
}  // namespace dovetail::kernels::testing
