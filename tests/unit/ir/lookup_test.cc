// Expressions of positions, evaluated by hand.
#include <gtest/gtest.h>

#include "base/error.h"
#include "tensors.h"

namespace dovetail::ir {
namespace {

using Numbers = std::vector<double>;
using Ref = ExprBuilder::Ref;

Ref number(ExprBuilder& e, int64_t value) { return e.constant(value, DType::kI64); }

TEST(Lookup, ReadsAtComputedPositionsAndClamps) {
  ExprBuilder e;
  const Ref at = e.binary(ScalarOp::kSub, e.index(0), number(e, 2));
  const Lookup op{e.finish(e.load(0, DType::kF32, {at})), {7}, {}};
  EXPECT_EQ(numbers(apply(op, {f32({3}, {5, 6, 7})})), (Numbers{5, 5, 5, 6, 7, 7, 7}));
  EXPECT_EQ(numbers(apply(op, {f32({0}, {})})), (Numbers{0, 0, 0, 0, 0, 0, 0}));
}

TEST(Lookup, RoundsEveryOperation) {
  // 0.1f + 1 - 1 differs from 0.1f once the sum is rounded.
  ExprBuilder e;
  const Ref one = e.constant(1.0, DType::kF32);
  const Ref sum = e.binary(ScalarOp::kAdd, e.load(0, DType::kF32, {}), one);
  const Lookup op{e.finish(e.binary(ScalarOp::kSub, sum, one)), {}, {}};
  EXPECT_EQ(numbers(apply(op, {f32({}, {0.1})})), (Numbers{(0.1F + 1.0F) - 1.0F}));
}

TEST(Lookup, KnowsItsElementsAsExpressions) {
  const Dim n = Dim::symbol("n");
  Graph graph;
  ExprBuilder e;
  const Ref twice = e.binary(ScalarOp::kMul, e.index(0), number(e, 2));
  const Value* y =
      graph.value(Lookup{e.finish(e.binary(ScalarOp::kAdd, twice, e.dim(0))), {3}, {n}}, {});
  EXPECT_EQ(*y->elements, (std::vector<Dim>{n, n + 2, n + 4}));
}

TEST(Lookup, PrintsItsExpression) {
  Graph graph;
  ExprBuilder e;
  const Ref at = e.binary(ScalarOp::kMin, e.index(1), e.dim(0));
  graph.outputs = {graph.value(Lookup{e.finish(e.load(0, DType::kF32, {at})), {2, 3}, {4}},
                               {graph.input("x", {DType::kF32, {5}})})};
  graph.output_names = {"y"};
  EXPECT_EQ(to_string(graph),
            "%0 = input() {\"x\"} : float32[5]\n"
            "%1 = lookup(%0) {%0[min(i1, d0)], dims=[4]} : float32[2,3]\n"
            "return \"y\" = %1\n");
}

TEST(Lookup, ItsOperationsAreRefusedInElementwiseNodes) {
  Graph graph;
  ExprBuilder e;
  Value* x = graph.input("x", {DType::kI64, {5}});
  expect_error(ErrorKind::kInternal, "elementwise: its expression holds 'index'",
               [&] { graph.value(Elementwise{e.finish(e.index(0))}, {x}); });
}

Scatter at_index(ScatterKind kind) {
  ExprBuilder e;
  return {kind, {e.finish(e.load(2, DType::kI64, {e.index(0)}))}, {}};
}

TEST(Scatter, CombinesInOrderAndLeavesOutWhatIsOutside) {
  const TensorData x = f32({4}, {1, 2, 3, 4});
  const TensorData updates = f32({5}, {10, 20, 30, 40, 50});
  const TensorData index = tensor(DType::kI64, {5}, {1, 3, 1, 4, -1});
  const auto of = [&](ScatterKind kind) {
    return numbers(apply(at_index(kind), {x, updates, index}));
  };
  EXPECT_EQ(of(ScatterKind::kReplace), (Numbers{1, 30, 3, 20}));
  EXPECT_EQ(of(ScatterKind::kAdd), (Numbers{1, 42, 3, 24}));
  EXPECT_EQ(of(ScatterKind::kMultiply), (Numbers{1, 600, 3, 80}));
  EXPECT_EQ(of(ScatterKind::kMin), (Numbers{1, 2, 3, 4}));
  EXPECT_EQ(of(ScatterKind::kMax), (Numbers{1, 30, 3, 20}));
}

}  // namespace
}  // namespace dovetail::ir
