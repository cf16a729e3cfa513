// The meaning of running sums, TopK, indices of max pools and non-maximum suppression.
#include <gtest/gtest.h>

#include <cmath>

#include "tensors.h"

namespace dovetail::ir {
namespace {

using Numbers = std::vector<double>;
using Extents = std::vector<int64_t>;
const double kNan = std::nan("");

// All results of one primitive.
std::vector<TensorData> apply_all(Primitive op, const std::vector<TensorData>& operands) {
  Graph graph;
  std::vector<Value*> values;
  for (const TensorData& operand : operands) values.push_back(graph.input("x", type_of(operand)));
  const Node* node = graph.add(std::move(op), values);
  for (const auto& result : node->results) graph.outputs.push_back(result.get());
  graph.output_names.resize(graph.outputs.size());
  verify(graph);
  return evaluate(graph, operands);
}

void expect_top_k(const TopK& op, const TensorData& x, const Numbers& values,
                  const Numbers& indices) {
  const auto y = apply_all(op, {x});
  EXPECT_EQ(numbers(y[1]), indices);
  const Numbers got = numbers(y[0]);
  ASSERT_EQ(got.size(), values.size());
  for (size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(got[i] == values[i] || (std::isnan(got[i]) && std::isnan(values[i])));
}

TEST(Cumulate, AddsUpToAndWithTheElement) {
  const TensorData x = counting({2, 3}, 1);
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kSum, 1}, {x})), (Numbers{1, 3, 6, 4, 9, 15}));
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kSum, 0}, {x})), (Numbers{1, 2, 3, 5, 7, 9}));
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kProduct, 1, true}, {x})),
            (Numbers{1, 1, 2, 1, 4, 20}));
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kSum, 1, false, true}, {x})),
            (Numbers{6, 5, 3, 15, 11, 6}));
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kSum, 1, true, true}, {x})),
            (Numbers{5, 3, 0, 11, 6, 0}));
}

TEST(Cumulate, SmallIntegersWrapInTheirOwnType) {
  EXPECT_EQ(numbers(apply(Cumulate{ReduceKind::kSum, 0}, {tensor(DType::kU8, {2}, {200, 100})})),
            (Numbers{200, 44}));
}

TEST(TopK, TakesTheFirstOfAnOrder) {
  const TensorData x = f32({1, 5}, {1, 5, 3, 5, 2});
  expect_top_k({1, 3}, x, {5, 5, 3}, {1, 3, 2});
  expect_top_k({1, 3, true, true}, x, {5, 5, 3}, {3, 1, 2});
  expect_top_k({1, 2, false}, x, {1, 2}, {0, 4});
  expect_top_k({0, 1}, x, {1, 5, 3, 5, 2}, {0, 0, 0, 0, 0});
  expect_top_k({1, 0}, x, {}, {});
}

TEST(TopK, NanIsAboveEveryNumberAndZerosAreEqual) {
  const TensorData x = f32({5}, {kNan, INFINITY, -0.0, 0.0, kNan});
  expect_top_k({0, 4}, x, {kNan, kNan, INFINITY, 0}, {0, 4, 1, 2});
  expect_top_k({0, 4, false}, x, {0, 0, INFINITY, kNan}, {2, 3, 1, 0});
}

TEST(TopK, SaysWhereALineIsTooShort) {
  expect_top_k({0, 3}, f32({2}, {4, 7}), {7, 4, 0}, {1, 0, -1});
}

TEST(PoolIndices, CountsPositionsOfTheInput) {
  const PoolIndices op{{{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, {0, 0}};
  // (1, 2, 3, 1): 1 9 2 / 3 4 9
  EXPECT_EQ(numbers(apply(op, {f32({1, 2, 3, 1}, {1, 9, 2, 3, 4, 9})})), (Numbers{1, 1}));
  const PoolIndices padded{{{2}, {1}, {1}, {2}, {0}}, {0}};
  EXPECT_EQ(numbers(apply(padded, {f32({1, 3, 1}, {5, kNan, kNan})})), (Numbers{-1, 0, 1, 1}));
}

TEST(Nms, TakesBoxesThatDoNotOverlapThoseTaken) {
  const TensorData boxes = f32({1, 4, 4}, {0, 0, 1, 1, 0, 0.1, 1, 1.1, 1, 2, 0, 3, 0, 2, 1, 3});
  const TensorData scores = f32({1, 2, 4}, {0.5, 0.9, 0.3, 0.3, 0.1, 0.2, 0.05, 0.7});
  const auto y = apply_all(
      Nms{false, 4}, {boxes, scores, tensor(DType::kI64, {}, {3}), f32({}, {0.5}), f32({}, {0.1})});
  EXPECT_EQ(y[0].shape(), (Extents{8, 3}));
  EXPECT_EQ(numbers(y[1]), (Numbers{4}));
  Numbers rows = numbers(y[0]);
  rows.resize(12);
  EXPECT_EQ(rows, (Numbers{0, 0, 1, 0, 0, 2, 0, 1, 3, 0, 1, 1}));
}

TEST(Nms, RefusesOtherShapes) {
  expect_error(ErrorKind::kValue, "nms: boxes have shape [1,4,5], expected (batch, boxes, 4)", [] {
    apply_all(Nms{false, 1}, {f32({1, 4, 5}, Numbers(20)), f32({1, 1, 4}, Numbers(4)),
                              tensor(DType::kI64, {}, {1}), f32({}, {0}), f32({}, {0})});
  });
}

}  // namespace
}  // namespace dovetail::ir
