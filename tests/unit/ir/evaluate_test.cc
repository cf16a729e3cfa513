#include "ir/evaluate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tensors.h"

namespace dovetail::ir {
namespace {

using Numbers = std::vector<double>;
using Extents = std::vector<int64_t>;
constexpr double kInf = std::numeric_limits<double>::infinity();

constexpr DType kAll[] = {DType::kF32, DType::kF64, DType::kF16, DType::kBF16, DType::kI8,
                          DType::kI16, DType::kI32, DType::kI64, DType::kU8,   DType::kU16,
                          DType::kU32, DType::kU64, DType::kBool};

Elementwise binary(ScalarOp op, DType dtype) {
  ExprBuilder e;
  return {e.finish(e.binary(op, e.operand(0, dtype), e.operand(1, dtype)))};
}

Window window(Extents kernel, Extents strides, Extents dilations, Shape lo, Shape hi) {
  return {std::move(kernel), std::move(strides), std::move(dilations), std::move(lo),
          std::move(hi)};
}

TEST(Elementwise, RepeatsExtentsOfOne) {
  const TensorData y =
      apply(binary(ScalarOp::kAdd, DType::kF32), {f32({2, 1}, {10, 20}), f32({1, 3}, {1, 2, 3})});
  EXPECT_EQ(y.shape(), (Extents{2, 3}));
  EXPECT_EQ(numbers(y), (Numbers{11, 12, 13, 21, 22, 23}));
}

TEST(Elementwise, HasAScalarOfRankZeroAndEmptyTensors) {
  const Elementwise add = binary(ScalarOp::kAdd, DType::kF32);
  EXPECT_EQ(numbers(apply(add, {f32({}, {1}), f32({}, {2})})), (Numbers{3}));
  const TensorData empty = apply(add, {f32({0, 1}, {}), f32({1, 3}, {1, 2, 3})});
  EXPECT_EQ(empty.shape(), (Extents{0, 3}));
  EXPECT_EQ(empty.bytes().size(), 0);
}

TEST(Elementwise, RoundsOnceToTheResultsType) {
  // 1 + 2^-24 is not a float32, but the sum is taken before rounding.
  ExprBuilder e;
  const auto x = e.operand(0, DType::kF32);
  const auto sum = e.binary(ScalarOp::kAdd, x, e.constant(0x1p-24, DType::kF32));
  const Elementwise op{e.finish(e.binary(ScalarOp::kSub, sum, e.constant(1.0, DType::kF32)))};
  EXPECT_EQ(numbers(apply(op, {f32({1}, {1})})), (Numbers{0x1p-24}));
}

TEST(Elementwise, EveryDtypeKeepsSmallNumbers) {
  for (const DType dtype : kAll) {
    const TensorData y = apply(binary(ScalarOp::kMul, dtype),
                               {tensor(dtype, {2}, {1, 1}), tensor(dtype, {2}, {0, 1})});
    EXPECT_EQ(y.dtype(), dtype);
    EXPECT_EQ(numbers(y), (Numbers{0, 1})) << name_of(dtype);
  }
}

TEST(Reduce, SumsAndKeepsTheAxis) {
  const TensorData x = counting({2, 3});
  const TensorData rows = apply(Reduce{ReduceKind::kSum, {1}}, {x});
  EXPECT_EQ(rows.shape(), (Extents{2, 1}));
  EXPECT_EQ(numbers(rows), (Numbers{3, 12}));
  EXPECT_EQ(numbers(apply(Reduce{ReduceKind::kMax, {0}}, {x})), (Numbers{3, 4, 5}));
  EXPECT_EQ(numbers(apply(Reduce{ReduceKind::kMin, {0, 1}}, {x})), (Numbers{0}));
}

TEST(Reduce, OfNothingIsTheIdentity) {
  const auto of = [](ReduceKind kind, DType dtype) {
    return numbers(apply(Reduce{kind, {0}}, {tensor(dtype, {0}, {})})).at(0);
  };
  EXPECT_EQ(of(ReduceKind::kSum, DType::kF32), 0);
  EXPECT_EQ(of(ReduceKind::kProduct, DType::kI32), 1);
  EXPECT_EQ(of(ReduceKind::kMin, DType::kF16), kInf);
  EXPECT_EQ(of(ReduceKind::kMax, DType::kF64), -kInf);
  EXPECT_EQ(of(ReduceKind::kMax, DType::kI8), -128);
  EXPECT_EQ(of(ReduceKind::kMin, DType::kU16), 65535);
  EXPECT_EQ(of(ReduceKind::kMin, DType::kBool), 1);
  EXPECT_EQ(of(ReduceKind::kMax, DType::kBool), 0);
}

TEST(Reduce, SmallIntegersWrapInTheirOwnType) {
  EXPECT_EQ(numbers(apply(Reduce{ReduceKind::kSum, {0}}, {tensor(DType::kU8, {2}, {200, 100})})),
            (Numbers{44}));
}

TEST(Contract, IsAMatrixProductAtRankZero) {
  const TensorData y =
      apply(Contract{}, {f32({2, 2}, {1, 2, 3, 4}), f32({2, 3}, {1, 0, 2, 0, 1, 3})});
  EXPECT_EQ(y.shape(), (Extents{2, 3}));
  EXPECT_EQ(numbers(y), (Numbers{1, 2, 8, 3, 4, 18}));
}

TEST(Contract, MultipliesEachMatrixOfABatch) {
  Contract op;
  op.batch = 1;
  const TensorData y = apply(op, {counting({2, 1, 2}), f32({2, 2, 1}, {1, 1, 10, 1})});
  EXPECT_EQ(y.shape(), (Extents{2, 1, 1}));
  EXPECT_EQ(numbers(y), (Numbers{1, 23}));
}

TEST(Contract, WithoutDepthIsZero) {
  EXPECT_EQ(numbers(apply(Contract{}, {f32({1, 0}, {}), f32({0, 2}, {})})), (Numbers{0, 0}));
}

TEST(Contract, ConvolvesWithPaddingStrideAndDilation) {
  Contract op;
  op.window = window({2}, {2}, {2}, {1}, {1});
  // x = 1 2 3 4 5 between zeros; taps at positions 2o-1 and 2o+1.
  const TensorData y = apply(op, {counting({1, 5, 1}, 1), f32({2, 1, 1}, {1, 10})});
  EXPECT_EQ(y.shape(), (Extents{1, 3, 1}));
  EXPECT_EQ(numbers(y), (Numbers{20, 42, 4}));
}

TEST(Contract, PutsZerosBetweenNeighboursOfADilatedInput) {
  Contract op;
  op.window = window({3}, {1}, {1}, {1}, {-1});
  op.window.input_dilations = {2};
  // 1 0 2 0 3 after one zero; the last position is cut off.
  const TensorData y = apply(op, {counting({1, 3, 1}, 1), f32({3, 1, 1}, {1, 10, 100})});
  EXPECT_EQ(y.shape(), (Extents{1, 3, 1}));
  EXPECT_EQ(numbers(y), (Numbers{10, 201, 20}));
}

TEST(Contract, ConvolvesInGroups) {
  Contract op;
  op.groups = 2;
  op.window = window({1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0});
  // Channels 0, 1 feed columns 0, 1; channels 2, 3 feed columns 2, 3.
  const TensorData y =
      apply(op, {f32({1, 1, 1, 4}, {1, 2, 3, 4}), f32({1, 1, 2, 4}, {1, 0, 1, 0, 0, 1, 0, 2})});
  EXPECT_EQ(numbers(y), (Numbers{1, 2, 3, 8}));
}

TEST(Contract, OfThreeSpatialAxesAgreesWithTheFormula) {
  Contract op;
  op.window = window({2, 1, 2}, {1, 2, 1}, {1, 1, 1}, {1, 0, 0}, {0, 0, 1});
  const TensorData x = counting({1, 2, 3, 2, 2}, 1);
  const TensorData w = counting({2, 1, 2, 2, 1}, 1);
  const TensorData y = apply(op, {x, w});
  ASSERT_EQ(y.shape(), (Extents{1, 2, 2, 2, 1}));
  size_t at = 0;
  for (int d = 0; d < 2; ++d) {
    for (int h = 0; h < 2; ++h) {
      for (int v = 0; v < 2; ++v) {
        double sum = 0;
        for (int kd = 0; kd < 2; ++kd) {
          for (int kv = 0; kv < 2; ++kv) {
            if (d + kd - 1 < 0 || v + kv > 1) continue;
            const int source = (((d + kd - 1) * 3 + 2 * h) * 2 + v + kv) * 2;
            for (int c = 0; c < 2; ++c) {
              sum += x.as_double(source + c) * w.as_double((kd * 2 + kv) * 2 + c);
            }
          }
        }
        EXPECT_EQ(y.as_double(static_cast<int64_t>(at++)), sum);
      }
    }
  }
}

TEST(Contract, PackedWeightsMeanTheSame) {
  const TensorData x = counting({2, 3}, 1);
  const TensorData plain = counting({3, 5}, 1);
  // (M/NR, C, NR) with NR = 4, filled with 0.
  Numbers packed;
  for (int panel = 0; panel < 2; ++panel) {
    for (int c = 0; c < 3; ++c) {
      for (int m = 4 * panel; m < 4 * panel + 4; ++m) {
        packed.push_back(m < 5 ? plain.as_double(c * 5 + m) : 0);
      }
    }
  }
  Contract op;
  op.panel = 4;
  op.columns = 5;
  EXPECT_EQ(numbers(apply(op, {x, f32({2, 3, 4}, packed)})),
            numbers(apply(Contract{}, {x, plain})));
}

TEST(Contract, PackedWindowsOfABatchMeanTheSame) {
  Contract op;
  op.batch = 1;
  op.window = window({2}, {1}, {1}, {0}, {0});
  const TensorData x = counting({2, 1, 3, 2}, 1);
  const TensorData plain = counting({2, 2, 2, 3}, 1);
  Numbers packed;
  for (int b = 0; b < 2; ++b) {
    for (int panel = 0; panel < 2; ++panel) {
      for (int row = 0; row < 4; ++row) {
        for (int m = 2 * panel; m < 2 * panel + 2; ++m) {
          packed.push_back(m < 3 ? plain.as_double((b * 4 + row) * 3 + m) : 0);
        }
      }
    }
  }
  const Numbers expected = numbers(apply(op, {x, plain}));
  op.panel = 2;
  op.columns = 3;
  EXPECT_EQ(numbers(apply(op, {x, f32({2, 2, 2, 2, 2}, packed)})), expected);
}

TEST(Contract, TheEpilogueReadsTheSumAndItsOperands) {
  ExprBuilder e;
  const auto sum = e.binary(ScalarOp::kAdd, e.operand(0, DType::kF32), e.operand(1, DType::kF32));
  Contract op;
  op.epilogue =
      e.finish(e.cast(e.binary(ScalarOp::kMax, sum, e.constant(0.0, DType::kF32)), DType::kI8));
  const TensorData y =
      apply(op, {f32({1, 1}, {2}), f32({1, 3}, {1, 100, -5}), f32({1, 3}, {0.5, 1, 1})});
  EXPECT_EQ(y.dtype(), DType::kI8);
  EXPECT_EQ(numbers(y), (Numbers{2, 127, 0}));
}

TEST(Contract, OfIntegersWraps) {
  EXPECT_EQ(numbers(apply(Contract{}, {tensor(DType::kI8, {1, 2}, {100, 100}),
                                       tensor(DType::kI8, {2, 1}, {1, 1})})),
            (Numbers{-56}));
}

TEST(Pool, MaxLeavesOutThePadding) {
  Pool op{PoolKind::kMax, window({2}, {2}, {1}, {1}, {1}), {0}};
  EXPECT_EQ(numbers(apply(op, {f32({1, 4, 1}, {-1, -2, -3, -4})})), (Numbers{-1, -2, -4}));
}

TEST(Pool, AverageDividesByThePositionsInside) {
  Pool op{PoolKind::kAverage, window({3}, {2}, {1}, {1}, {1}), {0}};
  EXPECT_EQ(numbers(apply(op, {f32({1, 3, 1}, {2, 4, 9})})), (Numbers{3, 6.5}));
}

TEST(Pool, AverageWithPaddingNeverCountsTheCeilExtra) {
  // 4 positions and padding of 1 on the left: windows at -1, 1, 3; the last one ends in the extra.
  Pool op{PoolKind::kAverageWithPadding, window({2}, {2}, {1}, {1}, {0}), {1}};
  EXPECT_EQ(numbers(apply(op, {f32({1, 4, 1}, {2, 4, 6, 8})})), (Numbers{1, 5, 8}));
}

TEST(Pool, KeepsChannelsApartIn2d) {
  Pool op{PoolKind::kMax, window({2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}), {0, 0}};
  EXPECT_EQ(numbers(apply(op, {f32({1, 2, 2, 2}, {1, 9, 2, 8, 3, 7, 4, 6})})), (Numbers{4, 9}));
}

TEST(Permute, MovesAxes) {
  const TensorData y = apply(Permute{{2, 0, 1}}, {counting({1, 2, 3})});
  EXPECT_EQ(y.shape(), (Extents{3, 1, 2}));
  EXPECT_EQ(numbers(y), (Numbers{0, 3, 1, 4, 2, 5}));
}

TEST(Broadcast, Repeats) {
  EXPECT_EQ(numbers(apply(Broadcast{{2, 2}}, {f32({2, 1}, {1, 2})})), (Numbers{1, 1, 2, 2}));
}

TEST(Slice, TakesStridesOfBothSigns) {
  const TensorData x = counting({2, 5});
  EXPECT_EQ(numbers(apply(Slice{{0, 1}, {1, 2}, {2, 2}}, {x})), (Numbers{1, 3, 6, 8}));
  EXPECT_EQ(numbers(apply(Slice{{1, 4}, {-1, -2}, {2, 3}}, {x})), (Numbers{9, 7, 5, 4, 2, 0}));
  EXPECT_EQ(apply(Slice{{0, 5}, {1, 1}, {2, 0}}, {x}).shape(), (Extents{2, 0}));
}

TEST(Reshape, KeepsTheOrder) {
  const TensorData y = apply(Reshape{{3, 2}}, {counting({2, 3})});
  EXPECT_EQ(y.shape(), (Extents{3, 2}));
  EXPECT_EQ(numbers(y), numbers(counting({6})));
  EXPECT_EQ(apply(Reshape{{}}, {counting({1, 1})}).shape(), Extents{});
}

TEST(Concat, JoinsAlongAnInnerAxis) {
  const TensorData y = apply(Concat{1}, {counting({2, 1}), counting({2, 2}, 10), f32({2, 0}, {})});
  EXPECT_EQ(y.shape(), (Extents{2, 3}));
  EXPECT_EQ(numbers(y), (Numbers{0, 10, 11, 1, 12, 13}));
}

TEST(Pad, FillsTheBorder) {
  EXPECT_EQ(numbers(apply(Pad{{1, 0}, {0, 1}, 7}, {counting({1, 2})})),
            (Numbers{7, 7, 7, 0, 1, 7}));
  EXPECT_EQ(numbers(apply(Pad{{0}, {1}, 300}, {tensor(DType::kU8, {1}, {1})})), (Numbers{1, 255}));
}

TEST(Gather, CountsNegativeIndicesFromTheEnd) {
  const TensorData indices = tensor(DType::kI64, {2, 1}, {-1, 0});
  const TensorData y = apply(Gather{1}, {counting({2, 3}), indices});
  EXPECT_EQ(y.shape(), (Extents{2, 2, 1}));
  EXPECT_EQ(numbers(y), (Numbers{2, 0, 5, 3}));
  EXPECT_EQ(numbers(apply(Gather{0}, {counting({3}), tensor(DType::kI32, {}, {1})})), (Numbers{1}));
}

TEST(Gather, RefusesAnIndexOutOfRange) {
  expect_error(ErrorKind::kValue, "gather: index 3 is out of range for axis 0 of extent 3",
               [] { apply(Gather{0}, {counting({3}), tensor(DType::kI64, {1}, {3})}); });
}

TEST(Movement, KeepsTheBytesOfEveryDtype) {
  for (const DType dtype : kAll) {
    const TensorData x = tensor(dtype, {2, 2}, {0, 1, 1, 0});
    EXPECT_EQ(numbers(apply(Permute{{1, 0}}, {x})), (Numbers{0, 1, 1, 0}));
    EXPECT_EQ(numbers(apply(Concat{0}, {x, x})), (Numbers{0, 1, 1, 0, 0, 1, 1, 0}));
    EXPECT_EQ(numbers(apply(Pad{{0, 0}, {0, 1}, 1}, {x})), (Numbers{0, 1, 1, 1, 0, 1}));
    EXPECT_EQ(numbers(apply(Copy{}, {x})), numbers(x));
  }
}

// ---- Graphs ----------------------------------------------------------------------------------

TEST(EvaluateGraph, BindsSymbolsFromTheInputs) {
  Graph graph;
  const Dim n = Dim::symbol("n");
  Value* x = graph.input("x", {DType::kF32, {n, 2}});
  Value* sum = graph.value(Reduce{ReduceKind::kSum, {0}}, {x});
  graph.outputs = {graph.value(Broadcast{{n + 1, 2}}, {sum}), x};
  graph.output_names = {"sum", "same"};
  const auto y = evaluate(graph, {counting({3, 2})});
  EXPECT_EQ(y[0].shape(), (Extents{4, 2}));
  EXPECT_EQ(numbers(y[0]), (Numbers{6, 9, 6, 9, 6, 9, 6, 9}));
  EXPECT_EQ(numbers(y[1]), numbers(counting({3, 2})));
}

TEST(EvaluateGraph, ReadsParamsAndConstants) {
  Graph graph;
  Value* w = graph.param("w", f32({2}, {1, 2}));
  Value* c = graph.constant(f32({2}, {10, 20}));
  graph.outputs = {graph.value(binary(ScalarOp::kAdd, DType::kF32), {w, c})};
  graph.output_names = {"y"};
  EXPECT_EQ(numbers(evaluate(graph, {})[0]), (Numbers{11, 22}));
}

TEST(EvaluateGraph, OpensCompositesWithTheSymbolsAround) {
  const Dim n = Dim::symbol("n");
  auto body = std::make_shared<Graph>();
  Value* x = body->input("x", {DType::kF32, {n, 2}});
  body->outputs = {
      body->value(Reduce{ReduceKind::kMax, {1}}, {x}),
      body->value(Broadcast{{n, 2}}, {body->value(Reduce{ReduceKind::kMin, {0}}, {x})})};
  body->output_names = {"max", "min"};
  Graph graph;
  Value* input = graph.input("input", {DType::kF32, {n, 2}});
  Node* rows = graph.add(Composite{"rows", body}, {input});
  graph.outputs = {rows->results[0].get(), rows->results[1].get()};
  graph.output_names = {"a", "b"};
  verify(graph);
  const auto y = evaluate(graph, {counting({2, 2})});
  EXPECT_EQ(numbers(y[0]), (Numbers{1, 3}));
  EXPECT_EQ(numbers(y[1]), (Numbers{0, 1, 0, 1}));
}

TEST(EvaluateGraph, RefusesInputsThatDoNotFit) {
  Graph graph;
  const Dim n = Dim::symbol("n");
  graph.input("a", {DType::kF32, {n, 2}});
  graph.input("b", {DType::kF32, {n}});
  graph.symbols["n"] = {1, 8};
  const auto run = [&](const TensorData& a, const TensorData& b) { evaluate(graph, {a, b}); };
  expect_error(ErrorKind::kValue, "input 'a' has shape [3], expected [n,2]",
               [&] { run(counting({3}), counting({3})); });
  expect_error(ErrorKind::kValue, "input 'a' has shape [3,4], expected [n,2]",
               [&] { run(counting({3, 4}), counting({3})); });
  expect_error(ErrorKind::kValue, "axis 0 of input 'b' is 4, but the dimension 'n' is already 3",
               [&] { run(counting({3, 2}), counting({4})); });
  expect_error(ErrorKind::kValue, "the dimension 'n' is 9, expected 1 to 8",
               [&] { run(counting({9, 2}), counting({9})); });
  expect_error(ErrorKind::kType, "input 'b' is int64, expected float32",
               [&] { run(counting({3, 2}), tensor(DType::kI64, {3}, {1, 2, 3})); });
  expect_error(ErrorKind::kValue, "1 inputs are given, the graph has 2",
               [&] { evaluate(graph, {counting({3, 2})}); });
}

TEST(EvaluateGraph, TellsAParamWithoutContent) {
  Graph graph;
  graph.outputs = {graph.value(Copy{}, {graph.param("w", TensorData(DType::kF32, {2}, {}))})};
  graph.output_names = {"y"};
  expect_error(ErrorKind::kInternal, "a float32[2] has 0 bytes: its content is not known yet",
               [&] { evaluate(graph, {}); });
}

TEST(Symbolic, ComparesByBounds) {
  Graph graph;
  Value* n = graph.input("n", {DType::kI64, {1}});
  n->elements = std::vector<Dim>{Dim::symbol("n")};
  const auto compared = [&](ScalarOp op, int64_t other) {
    return graph.value(binary(op, DType::kI64), {n, graph.constant_ints({other})})->elements;
  };
  EXPECT_EQ(compared(ScalarOp::kEq, -1), std::vector<Dim>{0});
  EXPECT_EQ(compared(ScalarOp::kNe, -1), std::vector<Dim>{1});
  EXPECT_EQ(compared(ScalarOp::kGe, 0), std::vector<Dim>{1});
  EXPECT_EQ(compared(ScalarOp::kLt, 0), std::vector<Dim>{0});
  EXPECT_EQ(compared(ScalarOp::kGt, -1), std::vector<Dim>{1});
  EXPECT_EQ(compared(ScalarOp::kLe, -1), std::vector<Dim>{0});
  // What the bounds leave open is an expression.
  const Dim symbol = Dim::symbol("n"), at_least = ir::select_ge(symbol - 3, 0, 1, 0),
            at_most = ir::select_ge(0, symbol - 3, 1, 0);
  EXPECT_EQ(compared(ScalarOp::kEq, 3), std::vector<Dim>{at_least * at_most});
  EXPECT_EQ(compared(ScalarOp::kNe, 3), std::vector<Dim>{Dim(1) - at_least * at_most});
  EXPECT_EQ(compared(ScalarOp::kGe, 3), std::vector<Dim>{at_least});
  EXPECT_EQ(compared(ScalarOp::kLt, 3), std::vector<Dim>{Dim(1) - at_least});
  EXPECT_EQ(compared(ScalarOp::kLe, 3), std::vector<Dim>{at_most});
  EXPECT_EQ(compared(ScalarOp::kGt, 3), std::vector<Dim>{Dim(1) - at_most});
  const Dim equal = compared(ScalarOp::kEq, 3)->front();
  for (const int64_t value : {0, 2, 3, 4, 9}) EXPECT_EQ(equal.evaluate({{"n", value}}), value == 3);
}

}  // namespace
}  // namespace dovetail::ir
