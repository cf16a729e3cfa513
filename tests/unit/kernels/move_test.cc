// Copies, concatenations, borders and gathers against the evaluator, at every CPU level.
#include <gtest/gtest.h>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using ir::TensorData;

TEST(Copy, EveryOrderOfAxes) {
  const std::vector<int64_t> shape{2, 5, 18, 35};
  std::vector<int> order{0, 1, 2, 3};
  do {
    SCOPED_TRACE(::testing::PrintToString(order));
    OneNode copy(ir::Copy{}, {random_tensor(DType::kF32, shape)});
    copy.run.operand_strides = {ordered_strides(shape, order)};
    expect_evaluated(copy.run);
    std::swap(copy.run.operand_strides, copy.run.result_strides);
    expect_evaluated(copy.run);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Copy, StridedAndReversedSlices) {
  OneNode copy(ir::Copy{}, {random_tensor(DType::kF32, {7, 33})});
  for (const std::vector<int64_t>& strides :
       {std::vector<int64_t>{66, 2}, {-33, 1}, {33, -1}, {-80, -2}, {1, -7}}) {
    SCOPED_TRACE(::testing::PrintToString(strides));
    copy.run.operand_strides = {strides};
    expect_evaluated(copy.run);
  }
}

TEST(Copy, ImagesOfThreeChannels) {
  OneNode copy(ir::Copy{}, {random_tensor(DType::kF32, {1, 3, 20, 21})});
  copy.run.result_strides = {ordered_strides({1, 3, 20, 21}, {0, 2, 3, 1}, 16)};
  expect_evaluated(copy.run);
}

void expect_streams(DType dtype, int64_t streams, int64_t length) {
  SCOPED_TRACE(::testing::PrintToString(std::pair(streams, length)));
  OneNode join(ir::Copy{}, {random_tensor(dtype, {3, streams, length}, 0, 100)});
  join.run.result_strides = {ordered_strides({3, streams, length}, {0, 2, 1})};
  expect_evaluated(join.run);
  std::swap(join.run.operand_strides, join.run.result_strides);
  expect_evaluated(join.run);
}

TEST(Copy, FewStreamsInTurn) {
  for (const int64_t streams : {2, 3, 4, 10, 12, 13}) expect_streams(DType::kF32, streams, 35);
  for (const int64_t length : {1, 7, 16, 130}) expect_streams(DType::kF32, 5, length);
  for (const DType dtype : {DType::kF64, DType::kF16, DType::kU8}) expect_streams(dtype, 3, 150);
}

TEST(Copy, StreamsInChunks) {
  OneNode copy(ir::Copy{}, {random_tensor(DType::kF32, {1, 3, 200, 301})});
  copy.run.result_strides = {ordered_strides({1, 3, 200, 301}, {0, 2, 3, 1})};
  expect_evaluated(copy.run);
  std::swap(copy.run.operand_strides, copy.run.result_strides);
  expect_evaluated(copy.run);
}

TEST(Pad, AllSides) {
  for (const DType dtype : {DType::kF32, DType::kI64, DType::kU8, DType::kF16}) {
    OneNode pad(ir::Pad{{0, 1, 2}, {2, 0, 3}, 1.0}, {random_tensor(dtype, {2, 3, 19}, 0, 100)});
    expect_evaluated(pad.run);
  }
}

TEST(Pad, SymbolicAmounts) {
  const Dim n = Dim::symbol("n");
  ir::Graph graph;
  NodeRun run{.node = nullptr, .operands = {}};
  run.node =
      graph.add(ir::Pad{{n, 0}, {1, n + 1}, -0.5}, {graph.input("x", {DType::kF32, {n, 5}})});
  for (const int64_t size : {0, 1, 6}) {
    run.symbols = {{"n", size}};
    run.operands = {random_tensor(DType::kF32, {size, 5})};
    expect_evaluated(run);
  }
}

TEST(Gather, AlongEveryAxisWithNegativeIndices) {
  for (int axis = 0; axis < 3; ++axis) {
    SCOPED_TRACE(axis);
    const auto index = TensorData::of<int64_t>(DType::kI64, {2, 3}, {0, -1, 2, -3, 1, 2});
    OneNode gather(ir::Gather{axis}, {random_tensor(DType::kF32, {3, 4, 37}), index});
    expect_evaluated(gather.run);
  }
}

TEST(Gather, OneIndexOfEveryDtype) {
  for (const DType dtype : {DType::kF64, DType::kU8, DType::kBool, DType::kI16}) {
    OneNode gather(ir::Gather{0}, {random_tensor(dtype, {5, 3, 70}, 0, 9),
                                   TensorData::of<int32_t>(DType::kI32, {}, {-2})});
    expect_evaluated(gather.run);
  }
}

TEST(Gather, AnyStrides) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {4}, {3, 0, -4, 2});
  OneNode gather(ir::Gather{1}, {random_tensor(DType::kF32, {3, 4, 37}), index});
  gather.run.operand_strides = {{1, 3, 12}, {-2}};
  gather.run.result_strides = {ordered_strides({3, 4, 37}, {1, 0, 2}, 40)};
  expect_evaluated(gather.run);
}

TEST(Gather, ScalarsOfAVector) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {3}, {3, 0, -4});
  OneNode gather(ir::Gather{0}, {random_tensor(DType::kI64, {4}, -9, 9), index});
  expect_evaluated(gather.run);
}

TEST(Gather, IndicesOutsideReadTheNearestElement) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {4}, {4, INT64_MAX, -5, INT64_MIN});
  OneNode gather(ir::Gather{0}, {TensorData::of<float>(DType::kF32, {4}, {1, 2, 3, 4}), index});
  for (const ir::CpuLevel& level : host_levels()) {
    const TensorData result = run_node(gather.run, level)[0];
    EXPECT_EQ(result.as_double(0), 4);
    EXPECT_EQ(result.as_double(1), 4);
    EXPECT_EQ(result.as_double(2), 1);
    EXPECT_EQ(result.as_double(3), 1);
  }
}

// Of an axis without elements; each element taken is a tensor of shape `run`.
void expect_zeros(const Dim& extent, DType dtype, const std::vector<int64_t>& run) {
  SCOPED_TRACE(extent.to_string() + ::testing::PrintToString(run));
  ir::Shape shape{extent};
  shape.insert(shape.end(), run.begin(), run.end());
  std::vector<int64_t> empty{0};
  empty.insert(empty.end(), run.begin(), run.end());
  const auto index = TensorData::of<int64_t>(DType::kI64, {3}, {0, 5'000'000, -1});
  ir::Graph graph;
  NodeRun gather{.operands = {random_tensor(dtype, empty), index}, .symbols = {{"n", 0}}};
  gather.node = graph.add(ir::Gather{0},
                          {graph.input("x", {dtype, shape}), graph.input("i", {DType::kI64, {3}})});
  for (const ir::CpuLevel& level : host_levels()) {
    const TensorData result = run_node(gather, level)[0];
    for (int64_t i = 0; i < result.element_count(); ++i) EXPECT_EQ(result.as_double(i), 0);
  }
}

TEST(Gather, NothingToReadGivesZeros) {
  for (const Dim& extent : {Dim(0), Dim::symbol("n")}) {
    for (const DType dtype : {DType::kF32, DType::kF16, DType::kBool}) {
      expect_zeros(extent, dtype, {});
      expect_zeros(extent, dtype, {3});
      expect_zeros(extent, dtype, {2, 300});
    }
  }
}

TEST(Gather, EmptyResults) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {0}, {});
  OneNode gather(ir::Gather{0}, {random_tensor(DType::kF32, {4, 5}), index});
  expect_evaluated(gather.run);
}

}  // namespace
}  // namespace dovetail::kernels
