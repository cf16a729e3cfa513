// Running sums, TopK, indices of max pools and non-maximum suppression against the evaluator, at
// every CPU level.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using ir::ReduceKind;
using ir::TensorData;

constexpr Tolerance kSums{1e-5, 1e-5};

// ---- Cumulate ----

TEST(Cumulate, EveryKindAlongEveryAxis) {
  const auto check = [](const ir::Cumulate& op) {
    OneNode node(op, {random_tensor(DType::kF32, {3, 5, 37}, -1.5, 1.5)});
    expect_evaluated(node.run, kSums);
  };
  for (int axis = 0; axis < 3; ++axis) {
    for (const ReduceKind kind :
         {ReduceKind::kSum, ReduceKind::kProduct, ReduceKind::kMin, ReduceKind::kMax})
      check({kind, axis});
    check({ReduceKind::kSum, axis, true, false});
    check({ReduceKind::kMin, axis, false, true});
    check({ReduceKind::kProduct, axis, true, true});
  }
}

TEST(Cumulate, EveryDtype) {
  for (const DType dtype : kEveryDType) {
    SCOPED_TRACE(ir::name_of(dtype));
    const double step = ir::size_of(dtype) == 2 && ir::is_float(dtype) ? 1e-2 : 1e-5;
    for (const ReduceKind kind : {ReduceKind::kSum, ReduceKind::kProduct, ReduceKind::kMax}) {
      for (int axis = 0; axis < 2; ++axis) {
        OneNode node(ir::Cumulate{kind, axis, axis == 1, false},
                     {random_tensor(dtype, {6, 70}, 0, 3)});
        expect_evaluated(node.run, {step, step});
      }
    }
  }
}

TEST(Cumulate, AnyStridesAndStrict) {
  OneNode node(ir::Cumulate{ReduceKind::kSum, 1}, {random_tensor(DType::kF32, {3, 20, 19})});
  for (const std::vector<int>& order : {std::vector<int>{1, 0, 2}, {2, 0, 1}, {0, 2, 1}}) {
    node.run.operand_strides = {ordered_strides({3, 20, 19}, order, 40)};
    node.run.result_strides = {};
    expect_evaluated(node.run, kSums);
    node.run.result_strides = node.run.operand_strides;
    expect_evaluated(node.run, kSums);
  }
  node.run.operand_strides = {{-400, 20, -1}};
  expect_evaluated(node.run, kSums);
}

TEST(Cumulate, StrictSumsAreEqualAtEveryLevel) {
  OneNode node(ir::Cumulate{ReduceKind::kSum, 1}, {random_tensor(DType::kF32, {3, 200})});
  node.run.strict = true;
  const std::vector<ir::CpuLevel> levels = host_levels();
  const TensorData first = run_node(node.run, levels[0])[0];
  for (const ir::CpuLevel& level : levels) {
    const TensorData y = run_node(node.run, level)[0];
    EXPECT_TRUE(std::equal(y.bytes().begin(), y.bytes().end(), first.bytes().begin()));
  }
}

TEST(Cumulate, LongSymbolicAndEmptyLines) {
  const Dim n = Dim::symbol("n");
  ir::Graph graph;
  NodeRun run{.node = nullptr, .operands = {}};
  run.node = graph.add(ir::Cumulate{ReduceKind::kSum, 1, true, true},
                       {graph.input("x", {DType::kI64, {3, n}})});
  for (const int64_t size : {0, 1, 7, 8, 9, 20000}) {
    run.symbols = {{"n", size}};
    run.operands = {random_tensor(DType::kI64, {3, size}, -50, 50)};
    expect_evaluated(run);
  }
}

// ---- TopK ----

std::vector<ir::TopK> orders(int axis, const Dim& k) {
  return {{axis, k, true, false},
          {axis, k, true, true},
          {axis, k, false, false},
          {axis, k, false, true}};
}

TEST(TopK, TheFirstElementOfEveryDtype) {
  for (const DType dtype : kEveryDType) {
    SCOPED_TRACE(ir::name_of(dtype));
    for (int axis = 0; axis < 2; ++axis) {
      for (const ir::TopK& op : {ir::TopK{axis, 1}, ir::TopK{axis, 1, false, true}}) {
        OneNode node(op, {random_tensor(dtype, {70, 67}, -6, 6)});
        expect_evaluated(node.run);
      }
    }
  }
}

TEST(TopK, SomeElementsOfEveryDtype) {
  for (const DType dtype : kEveryDType) {
    SCOPED_TRACE(ir::name_of(dtype));
    for (int axis = 0; axis < 2; ++axis) {
      for (const ir::TopK& op : {ir::TopK{axis, 9}, ir::TopK{axis, 9, false, true}}) {
        OneNode node(op, {random_tensor(dtype, {30, 67}, -100, 100)});
        expect_evaluated(node.run);
      }
    }
  }
}

TEST(TopK, EveryExtent) {
  for (const int64_t extent : {1, 2, 7, 8, 17, 63, 65, 130, 300}) {
    for (const int64_t k : {int64_t{1}, extent / 2, extent}) {
      SCOPED_TRACE(::testing::PrintToString(std::pair(extent, k)));
      for (const ir::TopK& op : {ir::TopK{1, k}, ir::TopK{1, k, false}}) {
        OneNode node(op, {random_tensor(DType::kF32, {2, extent}, -5, 5, 7)});
        expect_evaluated(node.run);
      }
    }
  }
}

TEST(TopK, EqualElementsByTheirIndices) {
  std::vector<int32_t> values(500);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 7 % 5);
  const auto x = TensorData::of(DType::kI32, {500}, values);
  for (const int64_t k : {1, 50, 130, 499, 500}) {
    for (const ir::TopK& op : orders(0, k)) {
      OneNode node(op, {x});
      expect_evaluated(node.run);
    }
  }
}

TEST(TopK, NanIsAboveEveryNumberAndZerosAreEqual) {
  const float nan = std::nanf("");
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<float> values = {0, -0.0F, 1, nan, -inf,    inf,   -nan,
                               3, -0.0F, 0, nan, -1e-40F, 1e-40F};
  while (values.size() < 40) values.push_back(0);
  values[35] = nan;
  const auto x = TensorData::of(DType::kF32, {40}, values);
  for (const int64_t k : {1, 3, 4, 12, 40}) {
    for (const ir::TopK& op : orders(0, k)) {
      OneNode node(op, {x});
      expect_evaluated(node.run);
    }
  }
}

TEST(TopK, TheEndsOfTheRange) {
  const auto of = [](DType dtype, auto low, auto high) {
    using T = decltype(low);
    std::vector<T> values(37, high);
    values[3] = values[20] = low;
    values[5] = 1;
    return TensorData::of(dtype, {37}, values);
  };
  const std::vector<TensorData> tensors = {
      of(DType::kI32, INT32_MIN, INT32_MAX),     of(DType::kI64, INT64_MIN, INT64_MAX),
      of(DType::kU32, uint32_t{0}, UINT32_MAX),  of(DType::kU64, uint64_t{0}, UINT64_MAX),
      of(DType::kI8, int8_t{-128}, int8_t{127}), of(DType::kU8, uint8_t{0}, uint8_t{255})};
  for (const TensorData& x : tensors) {
    for (const int64_t k : {1, 3, 36, 37}) {
      for (const ir::TopK& op : {ir::TopK{0, k}, ir::TopK{0, k, false}}) {
        OneNode node(op, {x});
        expect_evaluated(node.run);
      }
    }
  }
}

TEST(TopK, AnyStrides) {
  for (const int64_t k : {1, 4, 20}) {
    OneNode node(ir::TopK{1, k}, {random_tensor(DType::kF32, {3, 20, 19})});
    for (const std::vector<int>& order : {std::vector<int>{1, 0, 2}, {2, 0, 1}, {0, 2, 1}}) {
      node.run.operand_strides = {ordered_strides({3, 20, 19}, order, 40)};
      node.run.result_strides = {ordered_strides({3, k, 19}, order, 40), {}};
      expect_evaluated(node.run);
      node.run.result_strides = {{}, ordered_strides({3, k, 19}, order, 41)};
      expect_evaluated(node.run);
    }
    node.run.operand_strides = {{-400, 20, -1}};
    expect_evaluated(node.run);
  }
}

TEST(TopK, LinesShorterThanK) {
  const Dim n = Dim::symbol("n");
  for (const Dim& k : {Dim(1), Dim(5), n, min(n, 3)}) {
    ir::Graph graph;
    NodeRun run{.node = nullptr, .operands = {}};
    run.node = graph.add(ir::TopK{1, k}, {graph.input("x", {DType::kF32, {4, n}})});
    for (const int64_t size : {0, 1, 4, 5, 6, 3000}) {
      run.symbols = {{"n", size}};
      run.operands = {random_tensor(DType::kF32, {4, size})};
      expect_evaluated(run);
    }
  }
}

// Then the guess of a bound takes too many elements.
TEST(TopK, FewOfManyEqualElements) {
  std::vector<float> values(3000, 1);
  values[100] = values[2000] = 2;
  values[7] = 0;
  for (const ir::TopK& op : orders(0, 5)) {
    OneNode node(op, {TensorData::of(DType::kF32, {3000}, values)});
    expect_evaluated(node.run);
  }
}

TEST(TopK, LongLines) {
  for (const int64_t k : {1, 300, 5000}) {
    OneNode node(ir::TopK{0, k}, {random_tensor(DType::kF32, {20011})});
    expect_evaluated(node.run);
  }
}

// ---- PoolIndices ----

TEST(PoolIndices, WindowsOfEveryRank) {
  const auto window = [](std::vector<int64_t> kernel, std::vector<int64_t> strides) {
    const size_t rank = kernel.size();
    return ir::Window{std::move(kernel), std::move(strides), std::vector<int64_t>(rank, 1),
                      std::vector<Dim>(rank, 1), std::vector<Dim>(rank, 1)};
  };
  const auto check = [](const ir::Window& w, const TensorData& x) {
    OneNode node(ir::PoolIndices{w, std::vector<Dim>(w.rank(), 0)}, {x});
    expect_evaluated(node.run);
  };
  check(window({3}, {2}), random_tensor(DType::kF32, {2, 11, 19}));
  check(window({3, 2}, {2, 3}), random_tensor(DType::kF32, {2, 7, 9, 35}));
  check(window({2, 2, 2}, {1, 2, 1}), random_tensor(DType::kF32, {1, 4, 5, 6, 3}));
  for (const DType dtype : {DType::kF64, DType::kF16, DType::kI8, DType::kU8, DType::kI64})
    check(window({3, 3}, {1, 1}), random_tensor(dtype, {1, 7, 9, 21}, -3, 3));
}

TEST(PoolIndices, TheFirstNanAndPlacesWithoutAWindow) {
  const float nan = std::nanf("");
  const auto x = TensorData::of<float>(DType::kF32, {1, 4, 1}, {1, nan, nan, 5});
  OneNode node(ir::PoolIndices{{{2}, {1}, {1}, {3}, {1}}, {0}}, {x});
  expect_evaluated(node.run);
}

// ---- Nms ----

TensorData scalar_of(float value) { return TensorData::of<float>(DType::kF32, {}, {value}); }

struct NmsCase {
  int64_t batch = 1, boxes = 50, classes = 1, limit = 50, max_boxes = 50;
  float iou = 0.4F, score = 0.2F;
  bool centered = false;
  bool strided = false;
};

// The rows that count.
void check(const NmsCase& c) {
  const auto max_boxes = TensorData::of<int64_t>(DType::kI64, {}, {c.max_boxes});
  OneNode node(ir::Nms{c.centered, c.limit},
               {random_tensor(DType::kF32, {c.batch, c.boxes, 4}, c.centered ? 0.1 : 0, 1, 3),
                random_tensor(DType::kF32, {c.batch, c.classes, c.boxes}, 0, 1, 4), max_boxes,
                scalar_of(c.iou), scalar_of(c.score)});
  if (c.strided) {
    node.run.operand_strides = {ordered_strides({c.batch, c.boxes, 4}, {2, 0, 1}),
                                ordered_strides({c.batch, c.classes, c.boxes}, {2, 1, 0})};
  }
  const std::vector<TensorData> expected = ir::evaluate(*node.run.node, node.run.operands);
  for (const ir::CpuLevel& level : host_levels()) {
    SCOPED_TRACE(level.name);
    const std::vector<TensorData> got = run_node(node.run, level);
    ASSERT_EQ(got[1].as_int(0), expected[1].as_int(0));
    for (int64_t i = 0; i < 3 * expected[1].as_int(0); ++i)
      ASSERT_EQ(got[0].as_int(i), expected[0].as_int(i)) << "element " << i;
  }
}

TEST(Nms, BatchesAndClasses) {
  check({});
  check({.batch = 2, .classes = 3});
  check({.batch = 3, .boxes = 17, .classes = 5, .limit = 4, .max_boxes = 100});
  check({.boxes = 300, .classes = 2, .limit = 300, .max_boxes = 300, .iou = 0.9F, .score = -1});
}

TEST(Nms, CenteredBoxesAndAnyStrides) {
  check({.batch = 2, .classes = 3, .centered = true});
  check({.batch = 2, .classes = 3, .strided = true});
}

TEST(Nms, NothingToTake) {
  check({.max_boxes = 0});
  check({.max_boxes = -1});
  check({.limit = 0});
  check({.boxes = 0, .limit = 0});
  check({.classes = 0});
  check({.score = 2});
}

TEST(Nms, EqualScoresTakeTheLowerBox) {
  std::vector<float> boxes, scores(40, 0.5F);
  for (int i = 0; i < 40; ++i) {
    const auto at = static_cast<float>(i % 10);
    boxes.insert(boxes.end(), {at, at, at + 1, at + 1});
  }
  OneNode node(ir::Nms{false, 40},
               {TensorData::of(DType::kF32, {1, 40, 4}, boxes),
                TensorData::of(DType::kF32, {1, 1, 40}, scores),
                TensorData::of<int64_t>(DType::kI64, {}, {40}), scalar_of(0.5F), scalar_of(0)});
  for (const ir::CpuLevel& level : host_levels()) {
    const std::vector<TensorData> got = run_node(node.run, level);
    ASSERT_EQ(got[1].as_int(0), 10);
    for (int64_t i = 0; i < 10; ++i) EXPECT_EQ(got[0].as_int(3 * i + 2), i);
  }
}

}  // namespace
}  // namespace dovetail::kernels
