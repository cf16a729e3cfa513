// Pools against the evaluator, at every CPU level.
#include <gtest/gtest.h>

#include <limits>
#include <utility>

#include "base/error.h"
#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using ir::PoolKind;

struct PoolNode {
  ir::Graph graph;
  NodeRun run;

  PoolNode(ir::Pool pool, DType dtype, const std::vector<int64_t>& shape) {
    run.operands = {random_tensor(dtype, shape, -100, 100)};
    run.node = graph.add(std::move(pool),
                         {graph.input("x", {dtype, ir::Shape(shape.begin(), shape.end())})});
  }
};

constexpr Tolerance kRounding{.relative = 2e-6, .absolute = 2e-5};
constexpr PoolKind kKinds[] = {PoolKind::kMax, PoolKind::kSum, PoolKind::kAverage,
                               PoolKind::kAverageWithPadding};

TEST(Pool, BordersOfEveryKind) {
  for (const PoolKind kind : kKinds) {
    for (const int64_t channels : {1, 3, 16, 35, 70, 130}) {
      SCOPED_TRACE(channels);
      PoolNode pool({kind, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}}, DType::kF32,
                    {2, 9, 10, channels});
      expect_evaluated(pool.run, kRounding);
    }
  }
}

TEST(Pool, ExtraRowsOfCeilModeAreNotCounted) {
  for (const PoolKind kind : kKinds) {
    PoolNode pool({kind, {{3, 2}, {2, 2}, {1, 1}, {1, 0}, {0, 1}}, {1, 1}}, DType::kF32,
                  {1, 8, 8, 20});
    expect_evaluated(pool.run, kRounding);
  }
}

TEST(Pool, DilationsAndUnevenPadding) {
  for (const PoolKind kind : kKinds) {
    PoolNode pool({kind, {{2, 3}, {1, 3}, {3, 2}, {2, 0}, {1, 4}}, {0, 0}}, DType::kF32,
                  {1, 7, 11, 17});
    expect_evaluated(pool.run, kRounding);
  }
}

TEST(Pool, OneRowOrColumnWithinMorePadding) {
  for (const PoolKind kind : kKinds) {
    for (const auto& [height, width] : {std::pair{1, 6}, {6, 1}, {1, 1}, {2, 1}}) {
      PoolNode pool({kind, {{3, 3}, {1, 1}, {1, 2}, {2, 4}, {2, 4}}, {0, 0}}, DType::kF32,
                    {2, height, width, 5});
      expect_evaluated(pool.run, kRounding);
    }
    PoolNode volume({kind, {{3, 3, 3}, {1, 1, 1}, {1, 1, 1}, {2, 2, 2}, {2, 2, 2}}, {0, 0, 0}},
                    DType::kF32, {1, 1, 1, 4, 5});
    expect_evaluated(volume.run, kRounding);
  }
}

TEST(Pool, OneAndThreeSpatialAxes) {
  for (const PoolKind kind : kKinds) {
    PoolNode line({kind, {{4}, {3}, {1}, {1}, {2}}, {0}}, DType::kF32, {3, 13, 9});
    expect_evaluated(line.run, kRounding);
    PoolNode volume({kind, {{2, 3, 2}, {1, 2, 2}, {1, 1, 1}, {0, 1, 1}, {1, 0, 0}}, {0, 0, 0}},
                    DType::kF32, {1, 4, 5, 6, 18});
    expect_evaluated(volume.run, kRounding);
  }
}

TEST(Pool, LargeWindows) {
  // Partial sums of 117 numbers are in the thousands.
  constexpr Tolerance kManySums{.relative = 2e-6, .absolute = 5e-4};
  for (const PoolKind kind : kKinds) {
    PoolNode wide({kind, {{9, 13}, {1, 1}, {1, 1}, {4, 6}, {4, 6}}, {0, 0}}, DType::kF32,
                  {1, 12, 30, 20});
    expect_evaluated(wide.run, kManySums);
    PoolNode all({kind, {{5, 20}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}}, DType::kF32,
                 {2, 5, 20, 33});
    expect_evaluated(all.run, kManySums);
  }
}

TEST(Pool, PaddedRowsAndPermutedSpace) {
  for (const PoolKind kind : kKinds) {
    PoolNode pool({kind, {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}}, DType::kF32,
                  {2, 6, 7, 21});
    pool.run.operand_strides = {ordered_strides({2, 6, 7, 21}, {2, 0, 1, 3}, 32)};
    pool.run.result_strides = {ordered_strides({2, 4, 5, 21}, {0, 1, 2, 3}, 24)};
    expect_evaluated(pool.run, kRounding);
  }
}

TEST(Pool, MaximumOfEveryDtype) {
  for (const DType dtype : {DType::kF64, DType::kF16, DType::kI8, DType::kU8, DType::kI32}) {
    SCOPED_TRACE(ir::name_of(dtype));
    PoolNode pool({PoolKind::kMax, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}}, dtype,
                  {1, 6, 4, 67});
    expect_evaluated(pool.run);
  }
}

TEST(Pool, AveragesHalfPrecisionInSingle) {
  PoolNode pool({PoolKind::kAverage, {{2, 2}, {1, 1}, {1, 1}, {1, 1}, {0, 0}}, {0, 0}}, DType::kF16,
                {1, 5, 5, 19});
  expect_evaluated(pool.run, {.relative = 1e-3});
}

TEST(Pool, MaximumKeepsNan) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int place = 0; place < 4; ++place) {
    std::vector<float> numbers{1, 2, 3, 4};
    numbers[place] = nan;
    PoolNode pool({PoolKind::kMax, {{4}, {1}, {1}, {0}, {0}}, {0}}, DType::kF32, {1, 4, 1});
    pool.run.operands = {ir::TensorData::of(DType::kF32, {1, 4, 1}, numbers)};
    expect_evaluated(pool.run);
  }
}

TEST(Pool, SymbolicExtents) {
  const Dim n = Dim::symbol("n");
  const Dim w = Dim::symbol("w");
  ir::Graph graph;
  NodeRun run{.node = nullptr, .operands = {}};
  run.node =
      graph.add(ir::Pool{PoolKind::kAverage, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}},
                {graph.input("x", {DType::kF32, {n, w, 9, 24}})});
  for (const int64_t size : {1, 2, 7}) {
    run.symbols = {{"n", size}, {"w", size + 3}};
    run.operands = {random_tensor(DType::kF32, {size, size + 3, 9, 24})};
    expect_evaluated(run, kRounding);
  }
}

TEST(Pool, LargeTensorsAreSplit) {
  PoolNode pool({PoolKind::kMax, {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}, {0, 0}}, DType::kF32,
                {1, 56, 56, 48});
  expect_evaluated(pool.run);
}

TEST(Pool, AverageOfIntegersIsRefused) {
  PoolNode pool({PoolKind::kAverage, {{2}, {1}, {1}, {0}, {0}}, {0}}, DType::kI32, {1, 4, 1});
  try {
    function_names(pool.run, host_levels()[0]);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUnsupported);
    EXPECT_STREQ(error.what(),
                 "an average pool of int32 has no kernel; cast to a float type around it");
  }
}

TEST(Pool, ChannelsMustBeContiguous) {
  PoolNode pool({PoolKind::kMax, {{2}, {1}, {1}, {0}, {0}}, {0}}, DType::kF32, {1, 4, 8});
  EXPECT_TRUE(accepts(*pool.run.node, 0, {DType::kF32, {1, 4, 8}, {64, 16, 1}}));
  EXPECT_FALSE(accepts(*pool.run.node, 0, {DType::kF32, {1, 4, 8}, {32, 1, 4}}));
}

}  // namespace
}  // namespace dovetail::kernels
