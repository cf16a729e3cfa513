#include "passes/split_phases.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;

struct Transposed {
  Shape x;
  int64_t columns = 1;
  std::vector<int64_t> kernel, strides, dilations, spread, pad_lo, pad_hi;
  int64_t groups = 1;
};

// relu(contraction + bias), with a further operand of the result's shape when `residual`.
Value* contraction(ModelWriter& model, const Transposed& t, bool residual) {
  ir::Contract op;
  op.groups = t.groups;
  op.window = {t.kernel, t.strides, t.dilations, {}, {}, t.spread};
  op.window.pad_lo.assign(t.pad_lo.begin(), t.pad_lo.end());
  op.window.pad_hi.assign(t.pad_hi.begin(), t.pad_hi.end());
  std::vector<int64_t> w = t.kernel;
  w.push_back(t.x.back().value() / t.groups);
  w.push_back(t.columns);
  Value* x = model.input("x", t.x);
  Value* weights = model.param("w", w);
  std::vector<int64_t> bias(t.x.size(), 1);
  bias.back() = t.columns;
  std::vector<Value*> operands = {x, weights, model.param("b", bias)};
  ir::ExprBuilder e;
  auto sum =
      e.binary(ir::ScalarOp::kAdd, e.operand(0, ir::DType::kF32), e.operand(1, ir::DType::kF32));
  if (residual) {
    operands.push_back(model.input("r", ir::infer(op, {x->type, weights->type})[0].shape));
    sum = e.binary(ir::ScalarOp::kAdd, sum, e.operand(2, ir::DType::kF32));
  }
  op.epilogue = e.finish(e.binary(ir::ScalarOp::kMax, sum, e.constant(0.0, ir::DType::kF32)));
  return model.graph.value(std::move(op), operands);
}

using Symbols = std::map<std::string, int64_t>;

std::map<std::string, int> split(const Transposed& t, bool residual, const Symbols& symbols = {},
                                 void (*pass)(ir::Graph&) = split_phases) {
  ModelWriter model;
  model.output(contraction(model, t, residual));
  return count_kinds(*expect_same(model.graph, pass, 1e-6, symbols));
}

void split_dilated_windows(ir::Graph& graph) {
  split_phases_of(graph, [](const ir::Node& node) {
    const auto* op = node.as<ir::Contract>();
    return op && std::ranges::any_of(op->window.dilations, [](int64_t d) { return d != 1; });
  });
}

std::map<std::string, int> split_dilated(const Transposed& t, bool residual,
                                         const Symbols& symbols = {}) {
  return split(t, residual, symbols, split_dilated_windows);
}

TEST(SplitPhases, KernelsAsLargeAsTheStrideHaveTheirColumnsSideBySide) {
  const Transposed t{{2, 3, 5, 4}, 6, {2, 2}, {1, 1}, {1, 1}, {2, 2}, {1, 1}, {1, 1}};
  EXPECT_EQ(split(t, true).at("contract"), 2);
}

TEST(SplitPhases, LargerKernelsHaveOneContractionForEachPhase) {
  const Transposed t{{1, 3, 5, 4}, 6, {4, 4}, {1, 1}, {1, 1}, {2, 2}, {2, 2}, {2, 2}};
  const auto kinds = split(t, true);
  EXPECT_EQ(kinds.at("contract"), 4);
  EXPECT_EQ(kinds.count("elementwise"), 0);
}

TEST(SplitPhases, PhasesOfUnequalExtentAreCutAndTheEpilogueComesAfterwards) {
  const Transposed t{{1, 3, 5, 4}, 6, {3, 3}, {1, 1}, {1, 1}, {2, 2}, {1, 2}, {1, 2}};
  EXPECT_EQ(split(t, false).count("elementwise"), 0);
  EXPECT_EQ(split(t, true).at("elementwise"), 1);
}

TEST(SplitPhases, PhasesWithoutTapsHoldTheEpilogueOfZero) {
  const Transposed t{{1, 3, 5, 4}, 6, {1, 2}, {1, 1}, {1, 1}, {2, 3}, {0, 1}, {1, 1}};
  EXPECT_EQ(split(t, false).at("contract"), 6);
}

TEST(SplitPhases, StridesDilationsGroupsAndNegativePaddingTogether) {
  const Transposed t{{2, 9, 11, 4}, 6, {3, 4}, {3, 4}, {2, 3}, {2, 6}, {-1, 3}, {2, -2}, 2};
  EXPECT_EQ(split(t, false).at("contract"), 6);
}

TEST(SplitPhases, OneAndThreeAxesOfSymbolicExtent) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h");
  const Transposed line{{n, h, 4}, 6, {4}, {1}, {1}, {2}, {2}, {2}};
  EXPECT_EQ(split(line, true, {{"n", 2}, {"h", 7}}).at("contract"), 2);
  const Transposed solid{{n, h, 3, 2, 4}, 6,         {2, 3, 2}, {1, 1, 1},
                         {1, 1, 1},       {2, 2, 1}, {1, 1, 0}, {1, 1, 1}};
  EXPECT_EQ(split(solid, false, {{"n", 1}, {"h", 4}}).at("contract"), 4);
}

TEST(SplitPhases, ZerosAreWrittenWherePhasesWouldBeTooMany) {
  const Transposed wide{{1, 2, 3, 4}, 6, {18, 18}, {1, 1}, {1, 1}, {17, 17}, {17, 17}, {16, 17}};
  const auto kinds = split(wide, true);
  EXPECT_EQ(kinds.at("contract"), 1);
  EXPECT_EQ(kinds.at("pad"), 1);
  EXPECT_EQ(kinds.count("concat"), 0);
  const Dim h = Dim::symbol("h");
  const Transposed line{{2, h, 4}, 6, {3}, {6}, {2}, {5000}, {4}, {-2}, 2};
  for (const int64_t extent : {1, 2, 3}) {
    EXPECT_EQ(split(line, false, {{"h", extent}}).at("contract"), 1);
  }
}

TEST(SplitPhases, DilatedWindowsBecomeDenseOverEverySecondRow) {
  const Transposed t{{2, 8, 7, 4}, 6, {3, 3}, {1, 1}, {2, 1}, {}, {2, 1}, {2, 1}};
  const auto kinds = split_dilated(t, true);
  EXPECT_EQ(kinds.at("contract"), 2);
  EXPECT_EQ(kinds.count("elementwise"), 0);
  EXPECT_EQ(kinds.at("concat"), 1);
}

TEST(SplitPhases, DilationsOfBothAxesGroupsAndUnevenPadding) {
  const Transposed even{{1, 12, 10, 4}, 6, {3, 3}, {1, 1}, {2, 2}, {}, {1, 3}, {3, 1}, 2};
  EXPECT_EQ(split_dilated(even, true).at("contract"), 4);
  const Transposed odd{{1, 11, 13, 4}, 6, {3, 2}, {1, 1}, {3, 4}, {}, {-1, 5}, {4, 0}};
  EXPECT_EQ(split_dilated(odd, false).at("contract"), 12);
  EXPECT_EQ(split_dilated(odd, true).at("elementwise"), 1);
}

TEST(SplitPhases, DilatedWindowsOverSymbolicExtents) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h");
  const Transposed t{{n, h, 4}, 6, {3}, {1}, {2}, {}, {2}, {2}};
  for (const int64_t extent : {1, 2, 7, 8}) {
    EXPECT_EQ(split_dilated(t, true, {{"n", 2}, {"h", extent}}).at("contract"), 2);
  }
}

}  // namespace
}  // namespace dovetail::passes
