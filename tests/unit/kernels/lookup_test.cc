// Lookups and scatters against the evaluator, at every CPU level.
#include <gtest/gtest.h>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using ir::ExprBuilder;
using ir::ScalarOp;
using ir::TensorData;
using Ref = ExprBuilder::Ref;

Ref number(ExprBuilder& e, int64_t value) { return e.constant(value, DType::kI64); }
Ref add(ExprBuilder& e, Ref a, int64_t b) { return e.binary(ScalarOp::kAdd, a, number(e, b)); }

// x (h, w, c), y (2h, 3w, c): rows are copied whole.
TEST(Lookup, RepeatsPixels) {
  for (const DType dtype : kEveryDType) {
    for (const int64_t channels : {1, 3, 16, 70}) {
      SCOPED_TRACE(channels);
      ExprBuilder e;
      const Ref row = e.binary(ScalarOp::kDiv, e.index(0), number(e, 2));
      const Ref column = e.binary(ScalarOp::kDiv, e.index(1), number(e, 3));
      const ir::Lookup op{
          e.finish(e.load(0, dtype, {row, column, e.index(2)})), {10, 21, channels}, {}};
      OneNode node(op, {random_tensor(dtype, {5, 7, channels}, 0, 100)});
      expect_evaluated(node.run);
      node.run.result_strides = {ordered_strides({10, 21, channels}, {1, 0, 2}, channels + 5)};
      expect_evaluated(node.run);
    }
  }
}

TEST(Lookup, RepeatsElements) {
  for (const DType dtype : {DType::kF32, DType::kF64, DType::kU8, DType::kF16}) {
    for (const int64_t repeat : {2, 3, 4}) {
      for (const int64_t extent : {1, 7, 16, 45}) {
        SCOPED_TRACE(::testing::Message() << repeat << ", " << extent);
        ExprBuilder e;
        const Ref row = e.binary(ScalarOp::kDiv, e.index(0), number(e, 2));
        const Ref column = e.binary(ScalarOp::kDiv, e.index(1), number(e, repeat));
        const ir::Lookup op{e.finish(e.load(0, dtype, {row, column})), {6, extent * repeat}, {}};
        OneNode node(op, {random_tensor(dtype, {3, extent}, 0, 100)});
        expect_evaluated(node.run);
      }
    }
  }
}

// Loads beside each other, clamped at both ends: what an edge border does.
TEST(Lookup, ClampsTheEndsOfRows) {
  for (const int64_t shift : {-40, -3, 0, 3, 40}) {
    for (const int64_t extent : {1, 2, 33, 64}) {
      SCOPED_TRACE(::testing::Message() << shift << ", " << extent);
      ExprBuilder e;
      const Ref near = e.load(0, DType::kF32, {e.index(0), add(e, e.index(1), shift)});
      const Ref far =
          e.load(0, DType::kF32, {add(e, e.index(0), 1), add(e, e.index(1), shift + 1)});
      const ir::Lookup op{e.finish(e.binary(ScalarOp::kSub, near, far)), {3, 37}, {}};
      OneNode node(op, {random_tensor(DType::kF32, {3, extent})});
      expect_evaluated(node.run);
    }
  }
}

// Coordinates that are data, far outside too.
TEST(Lookup, LoadedCoordinates) {
  const auto index =
      TensorData::of<int64_t>(DType::kI64, {7}, {0, 4, -1, 9, INT64_MAX, INT64_MIN, 2});
  for (const bool shifted : {false, true}) {
    ExprBuilder e;
    const Ref at = e.load(1, DType::kI64, {e.index(0)});
    const Ref column = shifted ? e.binary(ScalarOp::kAdd, e.index(1), at) : e.index(1);
    const ir::Lookup op{e.finish(e.load(0, DType::kF32, {at, column})), {7, 35}, {}};
    OneNode node(op, {random_tensor(DType::kF32, {5, 35}), index});
    expect_evaluated(node.run);
    node.run.operand_strides = {{1, 5}, {2}};
    expect_evaluated(node.run);
    node.run.operand_strides = {};
    node.run.result_strides = {{-1, 7}};
    expect_evaluated(node.run);
  }
}

TEST(Lookup, ElementsOfRankZeroAndOne) {
  ExprBuilder e;
  OneNode one({ir::Lookup{e.finish(e.load(0, DType::kI32, {number(e, 2)})), {}, {}}},
              {random_tensor(DType::kI32, {5})});
  expect_evaluated(one.run);
  ExprBuilder f;
  const Ref back = f.binary(ScalarOp::kSub, number(f, 4), f.index(0));
  OneNode row({ir::Lookup{f.finish(f.load(0, DType::kU8, {back})), {5}, {}}},
              {random_tensor(DType::kU8, {5}, 0, 200)});
  expect_evaluated(row.run);
}

TEST(Lookup, ManyChunksOfOneRow) {
  ExprBuilder e;
  const Ref at = e.binary(ScalarOp::kAdd, e.index(1), number(e, -5));
  OneNode node({ir::Lookup{e.finish(e.load(0, DType::kF32, {at})), {1, 200000}, {}}},
               {random_tensor(DType::kF32, {199990})});
  expect_evaluated(node.run);
}

// Five axes, the values of every level in one sum.
TEST(Lookup, LevelsOfVariation) {
  ExprBuilder e;
  Ref sum = e.cast(e.dim(0), DType::kF32);
  for (int axis = 0; axis < 5; ++axis) {
    const Ref at = e.cast(e.index(axis), DType::kF32);
    const Ref part = e.unary(ScalarOp::kSqrt, e.binary(ScalarOp::kMul, at, sum));
    sum = e.binary(ScalarOp::kAdd, part, e.constant(0.25, DType::kF32));
  }
  const ir::Lookup op{e.finish(sum), {3, 2, 1, 5, 19}, {7}};
  OneNode node(op, {});
  expect_evaluated(node.run, {.relative = 1e-6});
}

TEST(Lookup, SymbolicExtentsAndEmptyOperands) {
  const Dim n = Dim::symbol("n");
  ir::Graph graph;
  ExprBuilder e;
  const Ref back =
      e.binary(ScalarOp::kSub, e.binary(ScalarOp::kSub, e.dim(0), number(e, 1)), e.index(0));
  const Ref mirrored = e.load(0, DType::kF32, {back, e.index(1)});
  const Ref straight = e.load(0, DType::kF32, {number(e, 0), e.index(1)});
  NodeRun run;
  run.node = graph.add(
      ir::Lookup{e.finish(e.binary(ScalarOp::kAdd, mirrored, straight)), {n + 2, 20}, {n}},
      {graph.input("x", {DType::kF32, {n, 20}})});
  for (const int64_t size : {0, 1, 6}) {
    SCOPED_TRACE(size);
    run.symbols = {{"n", size}};
    run.operands = {random_tensor(DType::kF32, {size, 20})};
    expect_evaluated(run);
  }
}

ir::Scatter rows_scatter(ir::ScatterKind kind) {
  ExprBuilder e;
  const Ref row = e.load(2, DType::kI64, {e.index(0)});
  ExprBuilder f;
  return {kind, {e.finish(row), f.finish(f.index(1))}, {}};
}

constexpr ir::ScatterKind kKinds[] = {ir::ScatterKind::kReplace, ir::ScatterKind::kAdd,
                                      ir::ScatterKind::kMultiply, ir::ScatterKind::kMin,
                                      ir::ScatterKind::kMax};

// Repeated rows, and rows outside.
TEST(Scatter, RowsOfEveryDtypeAndKind) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {6}, {3, 0, 3, 7, -1, 3});
  for (const DType dtype : kEveryDType) {
    for (const ir::ScatterKind kind : kKinds) {
      SCOPED_TRACE(ir::name_of(dtype));
      OneNode node(rows_scatter(kind), {random_tensor(dtype, {5, 37}, 0, 5),
                                        random_tensor(dtype, {6, 37}, 0, 5, 2), index});
      expect_evaluated(node.run);
    }
  }
}

TEST(Scatter, AnyStrides) {
  const auto index = TensorData::of<int64_t>(DType::kI64, {6}, {3, 0, 3, 7, -1, 3});
  OneNode node(rows_scatter(ir::ScatterKind::kAdd),
               {random_tensor(DType::kF32, {5, 37}), random_tensor(DType::kF32, {6, 37}), index});
  node.run.operand_strides = {{1, 5}, {1, 6}, {-1}};
  node.run.result_strides = {{1, 7}};
  expect_evaluated(node.run);
  node.run.result_strides = {{40, 1}};
  expect_evaluated(node.run);
}

// Elements that meet: the later one wins, sums take both.
TEST(Scatter, ElementsInOrder) {
  for (const ir::ScatterKind kind : kKinds) {
    ExprBuilder e;
    const Ref at = e.load(2, DType::kI32, {e.index(0), e.index(1)});
    ExprBuilder f;
    const ir::Scatter op{kind, {e.finish(e.cast(at, DType::kI64)), f.finish(f.index(1))}, {}};
    OneNode node(op, {random_tensor(DType::kF32, {3, 20}), random_tensor(DType::kF32, {4, 20}),
                      random_tensor(DType::kI32, {4, 20}, -1, 4)});
    expect_evaluated(node.run);
  }
}

TEST(Scatter, ShiftedRowsLeaveOutWhatIsOutside) {
  for (const int64_t shift : {-30, -3, 0, 5, 30}) {
    ExprBuilder e;
    const ir::Scatter op{ir::ScatterKind::kReplace, {e.finish(add(e, e.index(0), shift))}, {}};
    OneNode node(op, {random_tensor(DType::kF32, {25}), random_tensor(DType::kF32, {21})});
    expect_evaluated(node.run);
  }
}

TEST(Scatter, RankZeroAndNoUpdates) {
  OneNode scalar(ir::Scatter{ir::ScatterKind::kAdd, {}, {}},
                 {random_tensor(DType::kF32, {}), random_tensor(DType::kF32, {})});
  expect_evaluated(scalar.run);
  OneNode none(rows_scatter(ir::ScatterKind::kReplace),
               {random_tensor(DType::kF32, {5, 7}), random_tensor(DType::kF32, {0, 7}),
                random_tensor(DType::kI64, {0})});
  expect_evaluated(none.run);
}

}  // namespace
}  // namespace dovetail::kernels
