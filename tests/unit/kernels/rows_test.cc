// Elementwise nodes, reductions and fused rows against the evaluator, at every CPU level.
#include <gtest/gtest.h>

#include <set>

#include "unit/kernels/node_run.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;
using ir::DType;
using ir::ExprBuilder;
using ir::ReduceKind;
using ir::ScalarOp;
using ir::TensorData;

ir::ScalarExpr add_relu(DType dtype = DType::kF32) {
  ExprBuilder e;
  const auto sum = e.binary(ScalarOp::kAdd, e.operand(0, dtype), e.operand(1, dtype));
  return e.finish(e.binary(ScalarOp::kMax, sum, e.constant(int64_t{0}, dtype)));
}

ir::ScalarExpr binary(ScalarOp op, DType dtype = DType::kF32) {
  ExprBuilder e;
  return e.finish(e.binary(op, e.operand(0, dtype), e.operand(1, dtype)));
}

TEST(Elementwise, AnyNumberOfElements) {
  for (const int64_t count : {0, 1, 3, 15, 16, 17, 31, 64, 100, 1000}) {
    SCOPED_TRACE(count);
    OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{count}, {count}});
    expect_evaluated(add.run);
  }
}

TEST(Elementwise, ZeroDimensional) {
  OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{}, {}});
  expect_evaluated(add.run);
}

TEST(Elementwise, RepeatsOperands) {
  for (const std::vector<int64_t>& small :
       {std::vector<int64_t>{1, 1, 1}, {1, 1, 37}, {1, 5, 1}, {3, 1, 1}, {3, 1, 37}, {1, 5, 37}}) {
    SCOPED_TRACE(::testing::PrintToString(small));
    OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{3, 5, 37}, small});
    expect_evaluated(add.run);
  }
}

TEST(Elementwise, PaddedPermutedAndSlicedOperands) {
  OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{4, 6, 18}, {4, 6, 18}});
  add.run.operand_strides = {{6 * 20, 20, 1}, {1, 4 * 18, 4}};
  expect_evaluated(add.run);
  add.run.operand_strides = {{-6 * 18, 18, 1}, {6 * 36, 36, 2}};
  expect_evaluated(add.run);
  add.run.operand_strides = {{6 * 18, 18, -1}, {0, 0, 0}};
  add.run.result_strides = {{1, 4 * 18 + 1, 4}};
  add.run.operands[1] =
      TensorData::of<float>(DType::kF32, {4, 6, 18}, std::vector<float>(4 * 6 * 18, 0.25F));
  expect_evaluated(add.run);
}

TEST(Elementwise, TransposesByTiles) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{1, 1}, {3, 50}, {16, 16}, {17, 33}, {64, 40}, {5, 130}}) {
    SCOPED_TRACE(::testing::PrintToString(shape));
    OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {shape, shape});
    add.run.operand_strides = {ordered_strides(shape, {1, 0}), ordered_strides(shape, {0, 1}, 140)};
    expect_evaluated(add.run);
  }
}

TEST(Elementwise, TransposesEveryWidth) {
  for (const DType dtype : {DType::kU8, DType::kF16, DType::kF64, DType::kBool}) {
    SCOPED_TRACE(ir::name_of(dtype));
    OneNode copy(ir::Copy{}, dtype, {{2, 19, 23}});
    copy.run.operand_strides = {ordered_strides({2, 19, 23}, {0, 2, 1})};
    expect_evaluated(copy.run);
  }
}

TEST(Elementwise, EveryDtype) {
  for (const DType dtype : {DType::kF64, DType::kI8, DType::kI16, DType::kI32, DType::kI64,
                            DType::kU8, DType::kU16, DType::kU32, DType::kU64}) {
    SCOPED_TRACE(ir::name_of(dtype));
    OneNode add(ir::Elementwise{add_relu(dtype)}, dtype, {{7, 45}, {7, 45}});
    expect_evaluated(add.run);
  }
  OneNode logic(ir::Elementwise{binary(ScalarOp::kXor, DType::kBool)}, DType::kBool, {{77}, {77}});
  expect_evaluated(logic.run);
}

TEST(Elementwise, HalfPrecisionRoundsToTheDtype) {
  for (const DType dtype : {DType::kF16, DType::kBF16}) {
    OneNode add(ir::Elementwise{add_relu(dtype)}, dtype, {{7, 45}, {7, 45}});
    expect_evaluated(add.run);
  }
}

TEST(Elementwise, ComparesIntoBool) {
  OneNode less(ir::Elementwise{binary(ScalarOp::kLt)}, DType::kF32, {{9, 21}, {9, 1}});
  expect_evaluated(less.run);
}

TEST(Elementwise, OneFunctionServesSymbolicExtents) {
  ir::Graph graph;
  const Dim n = Dim::symbol("n");
  const Dim w = Dim::symbol("w");
  NodeRun run{.node = nullptr, .operands = {}};
  run.node = graph.add(ir::Elementwise{add_relu()}, {graph.input("x", {DType::kF32, {n, 3, w}}),
                                                     graph.input("y", {DType::kF32, {1, 3, 1}})});
  for (const int64_t size : {1, 2, 40}) {
    run.symbols = {{"n", size}, {"w", 2 * size + 1}};
    run.operands = {random_tensor(DType::kF32, {size, 3, 2 * size + 1}),
                    random_tensor(DType::kF32, {1, 3, 1})};
    expect_evaluated(run);
  }
}

TEST(Elementwise, ChunksCoverLargeTensors) {
  OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{300001}, {300001}});
  expect_evaluated(add.run);
  OneNode bias(ir::Elementwise{add_relu()}, DType::kF32, {{700, 300}, {1, 300}});
  expect_evaluated(bias.run);
}

TEST(Elementwise, FunctionsAreNamedAfterTheirExpression) {
  OneNode add(ir::Elementwise{add_relu()}, DType::kF32, {{4, 5}, {4, 5}});
  EXPECT_EQ(function_names(add.run, host_levels()[0]), std::vector<std::string>{"add_relu"});
}

// ---- Reductions
// ----------------------------------------------------------------------------------

TEST(Reduce, AnyAxesOfFourDimensions) {
  const std::vector<int64_t> shape{2, 5, 7, 33};
  for (int mask = 1; mask < 16; ++mask) {
    std::vector<int> axes;
    for (int axis = 0; axis < 4; ++axis) {
      if (mask >> axis & 1) axes.push_back(axis);
    }
    SCOPED_TRACE(::testing::PrintToString(axes));
    OneNode sum(ir::Reduce{ReduceKind::kSum, axes}, DType::kF32, {shape});
    expect_evaluated(sum.run, {.relative = 1e-6, .absolute = 2e-5});
    OneNode max(ir::Reduce{ReduceKind::kMax, axes}, DType::kF32, {shape});
    max.run.operand_strides = {ordered_strides(shape, {0, 2, 3, 1}, 6)};
    expect_evaluated(max.run);
  }
}

TEST(Reduce, EveryKindAndLength) {
  for (const ReduceKind kind :
       {ReduceKind::kSum, ReduceKind::kProduct, ReduceKind::kMin, ReduceKind::kMax}) {
    for (const int64_t length : {0, 1, 5, 16, 63, 64, 67, 200}) {
      SCOPED_TRACE(length);
      OneNode along(ir::Reduce{kind, {1}}, DType::kF32, {{3, length}});
      expect_evaluated(along.run, {.relative = 2e-6, .absolute = 2e-5});
      OneNode across(ir::Reduce{kind, {0}}, DType::kF32, {{length, 19}});
      expect_evaluated(across.run, {.relative = 2e-6, .absolute = 2e-5});
    }
  }
}

TEST(Reduce, IntegersWrapInTheirOwnType) {
  for (const DType dtype : {DType::kI8, DType::kU8, DType::kI32, DType::kI64, DType::kU64}) {
    for (const ReduceKind kind :
         {ReduceKind::kSum, ReduceKind::kProduct, ReduceKind::kMin, ReduceKind::kMax}) {
      SCOPED_TRACE(ir::name_of(dtype));
      OneNode reduce(ir::Reduce{kind, {1}}, dtype, {{3, 150}});
      reduce.run.operands = {random_tensor(dtype, {3, 150}, -120, 120)};
      expect_evaluated(reduce.run);
    }
  }
}

TEST(Reduce, EmptyIntegersGiveTheExtremes) {
  for (const DType dtype : {DType::kI8, DType::kU16, DType::kI64, DType::kBool}) {
    for (const ReduceKind kind : {ReduceKind::kMin, ReduceKind::kMax}) {
      OneNode reduce(ir::Reduce{kind, {1}}, dtype, {{3, 0}});
      expect_evaluated(reduce.run);
    }
  }
}

TEST(Reduce, NanAnywhereIsKept) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const int64_t place : {0, 1, 20, 70, 149}) {
    for (const ReduceKind kind : {ReduceKind::kMin, ReduceKind::kMax}) {
      std::vector<float> numbers(150, 1.0F);
      numbers[place] = nan;
      OneNode reduce(ir::Reduce{kind, {1}}, DType::kF32, {{1, 150}});
      reduce.run.operands = {TensorData::of(DType::kF32, {1, 150}, numbers)};
      expect_evaluated(reduce.run);
    }
  }
}

TEST(Reduce, SymbolicExtents) {
  ir::Graph graph;
  const Dim n = Dim::symbol("n");
  NodeRun run{.node = nullptr, .operands = {}};
  run.node = graph.add(ir::Reduce{ReduceKind::kSum, {1, 2}},
                       {graph.input("x", {DType::kF32, {n, n, 3, 20}})});
  for (const int64_t size : {0, 1, 5, 9}) {
    run.symbols = {{"n", size}};
    run.operands = {random_tensor(DType::kF32, {size, size, 3, 20})};
    expect_evaluated(run, {.relative = 1e-6, .absolute = 1e-5});
  }
}

TEST(Reduce, StrictSumsAreTheSameAtEveryLevel) {
  OneNode sum(ir::Reduce{ReduceKind::kSum, {1}}, DType::kF32, {{2, 1001}});
  sum.run.strict = true;
  std::set<std::vector<float>> results;
  for (const ir::CpuLevel& level : host_levels()) {
    const TensorData result = run_node(sum.run, level)[0];
    results.insert(
        {static_cast<float>(result.as_double(0)), static_cast<float>(result.as_double(1))});
  }
  EXPECT_EQ(results.size(), 1U);
}

// ---- Fused rows
// ----------------------------------------------------------------------------------

std::shared_ptr<ir::Graph> softmax_body(const ir::Shape& shape, int axis, DType dtype) {
  auto body = std::make_shared<ir::Graph>();
  ir::Value* x = body->input("x", {dtype, shape});
  ir::Value* max = body->value(ir::Reduce{ReduceKind::kMax, {axis}}, {x});
  ExprBuilder e;
  const auto expr = e.finish(
      e.unary(ScalarOp::kExp, e.binary(ScalarOp::kSub, e.operand(0, dtype), e.operand(1, dtype))));
  ir::Value* exp = body->value(ir::Elementwise{expr}, {x, max});
  ir::Value* sum = body->value(ir::Reduce{ReduceKind::kSum, {axis}}, {exp});
  body->outputs = {body->value(ir::Elementwise{binary(ScalarOp::kDiv, dtype)}, {exp, sum})};
  body->output_names = {"y"};
  return body;
}

TEST(Rows, SoftmaxAlongAnyAxis) {
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{3, 5, 40}, {1, 1, 1000}, {2, 130, 3}, {4, 1, 4}}) {
    for (int axis = 0; axis < 3; ++axis) {
      SCOPED_TRACE(axis);
      const ir::Shape dims(shape.begin(), shape.end());
      OneNode softmax(ir::Composite{"rows", softmax_body(dims, axis, DType::kF32)}, DType::kF32,
                      {shape});
      expect_evaluated(softmax.run, {.relative = 2e-6});
      softmax.run.operand_strides = {ordered_strides(shape, {1, 2, 0})};
      softmax.run.result_strides = {ordered_strides(shape, {0, 1, 2}, shape[2] + 3)};
      expect_evaluated(softmax.run, {.relative = 2e-6});
    }
  }
}

TEST(Rows, SoftmaxOfDoubleAndHalf) {
  for (const DType dtype : {DType::kF64, DType::kF16}) {
    OneNode softmax(ir::Composite{"rows", softmax_body({3, 50}, 1, dtype)}, dtype, {{3, 50}});
    expect_evaluated(softmax.run, {.relative = dtype == DType::kF64 ? 1e-14 : 3e-3});
    EXPECT_EQ(function_names(softmax.run, host_levels()[0])[0], "softmax");
  }
}

// y = (x - mean) / sqrt(mean((x - mean)^2) + eps) * scale, and the mean itself.
std::shared_ptr<ir::Graph> layernorm_body(const ir::Shape& shape) {
  auto body = std::make_shared<ir::Graph>();
  const DType f32 = DType::kF32;
  ir::Value* x = body->input("x", {f32, shape});
  ir::Value* scale = body->input("scale", {f32, {1, shape[1]}});
  ExprBuilder m;
  const auto mean_expr =
      m.finish(m.binary(ScalarOp::kMul, m.operand(0, f32), m.constant(1.0 / 33, f32)));
  ir::Value* mean = body->value(ir::Elementwise{mean_expr},
                                {body->value(ir::Reduce{ReduceKind::kSum, {1}}, {x})});
  ir::Value* centered = body->value(ir::Elementwise{binary(ScalarOp::kSub)}, {x, mean});
  ir::Value* square = body->value(ir::Elementwise{binary(ScalarOp::kMul)}, {centered, centered});
  ir::Value* variance = body->value(ir::Elementwise{mean_expr},
                                    {body->value(ir::Reduce{ReduceKind::kSum, {1}}, {square})});
  ExprBuilder n;
  const auto root =
      n.unary(ScalarOp::kSqrt, n.binary(ScalarOp::kAdd, n.operand(1, f32), n.constant(1e-5, f32)));
  const auto norm = n.binary(ScalarOp::kDiv, n.operand(0, f32), root);
  const auto expr = n.finish(n.binary(ScalarOp::kMul, norm, n.operand(2, f32)));
  body->outputs = {body->value(ir::Elementwise{expr}, {centered, variance, scale}), mean};
  body->output_names = {"y", "mean"};
  return body;
}

TEST(Rows, LayerNormalisationWithTwoResults) {
  for (const int64_t rows : {0, 1, 7}) {
    OneNode norm(ir::Composite{"rows", layernorm_body({rows, 33})}, DType::kF32,
                 {{rows, 33}, {1, 33}});
    expect_evaluated(norm.run, {.relative = 1e-5, .absolute = 2e-6});
    norm.run.operand_strides = {{1, std::max<int64_t>(rows, 1)}, {33, 1}};
    expect_evaluated(norm.run, {.relative = 1e-5, .absolute = 2e-6});
  }
}

}  // namespace
}  // namespace dovetail::kernels
