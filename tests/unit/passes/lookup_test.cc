// Lookups and scatters in the passes.
#include <gtest/gtest.h>

#include "passes/channels_last.h"
#include "passes/simplify.h"
#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::DType;
using ir::ExprBuilder;
using ir::ScalarOp;
using ir::Value;
using Ref = ExprBuilder::Ref;

Ref number(ExprBuilder& e, int64_t value) { return e.constant(value, DType::kI64); }

void channels_last_and_simplify(ir::Graph& graph) {
  channels_last(graph);
  simplify(graph);
}

// x (N, C, H, W) -> (N, C, 2H, 2W)
Value* repeated(ModelWriter& model, Value* x) {
  ExprBuilder e;
  const Ref row = e.binary(ScalarOp::kDiv, e.index(2), number(e, 2));
  const Ref column = e.binary(ScalarOp::kDiv, e.index(3), number(e, 2));
  ir::Shape shape = x->shape();
  shape[2] *= 2;
  shape[3] *= 2;
  const Ref result = e.load(0, DType::kF32, {e.index(0), e.index(1), row, column});
  return model.graph.value(ir::Lookup{e.finish(result), shape, {}}, {x});
}

TEST(ChannelsLast, LookupsBetweenWindowsMoveNothing) {
  ModelWriter model;
  Value* x = model.conv(model.input("x", {1, 3, 6, 7}), {.name = "a", .channels = 8});
  model.output(model.conv(repeated(model, x), {.name = "b", .channels = 4}));
  const auto graph = expect_same(model.graph, channels_last_and_simplify, 1e-6);
  for (const auto& node : graph->nodes()) {
    const auto* lookup = node->as<ir::Lookup>();
    if (lookup) {
      EXPECT_EQ(ir::to_string(lookup->expr), "%0[i0, div(i1, 2), div(i2, 2), i3]");
    }
  }
  // x and the output; weights are permuted by prepare.
  int moved = 0;
  for (const auto& node : graph->nodes())
    moved += node->as<ir::Permute>() && node->result()->rank() == 4 &&
             !node->operands[0]->node->as<ir::Param>();
  EXPECT_EQ(moved, 2);
}

TEST(ChannelsLast, WhatARowReadsIsPutAlongIt) {
  ModelWriter model;
  Value* x = model.permute(model.input("x", {2, 5, 4, 3}), {0, 2, 3, 1});
  Value* where = model.input("where", {2, 6});
  ExprBuilder e;
  const Ref at = e.cast(e.load(1, DType::kF32, {e.index(0), e.index(1)}), DType::kI64);
  const Ref result = e.load(0, DType::kF32, {e.index(0), at, at, e.index(2)});
  Value* y = model.graph.value(ir::Lookup{e.finish(result), {2, 6, 5}, {}}, {x, where});
  model.output(model.permute(y, {0, 2, 1}));
  EXPECT_EQ(text_of(*expect_same(model.graph, channels_last_and_simplify)),
            "%0 = input() {\"x\"} : float32[2,5,4,3]\n"
            "%1 = input() {\"where\"} : float32[2,6]\n"
            "%2 = permute(%0) {[0, 2, 3, 1]} : float32[2,4,3,5]\n"
            "%3 = lookup(%2, %1) {%0[i0, int64(%1[i0, i1]), int64(%1[i0, i1]), i2]} : "
            "float32[2,6,5]\n"
            "%4 = permute(%3) {[0, 2, 1]} : float32[2,5,6]\n"
            "return \"y0\" = %4\n");
}

TEST(ChannelsLast, ScattersWriteIntoPermutedTensors) {
  ModelWriter model;
  Value* x = model.permute(model.input("x", {2, 5, 4}), {0, 2, 1});
  Value* updates = model.permute(model.input("u", {2, 5, 3}), {0, 2, 1});
  ExprBuilder a, b, c;
  const ir::Scatter op{ir::ScatterKind::kAdd,
                       {a.finish(a.index(0)), b.finish(b.index(1)), c.finish(c.index(2))},
                       {}};
  model.output(model.permute(model.graph.value(op, {x, updates}), {0, 2, 1}));
  EXPECT_EQ(text_of(*expect_same(model.graph, channels_last_and_simplify)),
            "%0 = input() {\"x\"} : float32[2,5,4]\n"
            "%1 = input() {\"u\"} : float32[2,5,3]\n"
            "%2 = permute(%1) {[0, 2, 1]} : float32[2,3,5]\n"
            "%3 = scatter(%0, %2) {add, at=[i0, i2, i1]} : float32[2,5,4]\n"
            "return \"y0\" = %3\n");
}

TEST(Simplify, LookupsReadEveryOperandOnceAndScalarsNot) {
  ModelWriter model;
  Value* x = model.input("x", {4});
  Value* unread = model.input("unread", {4});
  ExprBuilder e;
  const Ref sum = e.binary(ScalarOp::kAdd, e.load(0, DType::kF32, {e.index(0)}),
                           e.load(2, DType::kF32, {e.index(0)}));
  const Ref result = e.binary(ScalarOp::kMul, sum, e.load(3, DType::kF32, {}));
  model.output(
      model.graph.value(ir::Lookup{e.finish(result), {4}, {}}, {x, unread, x, model.scalar(3)}));
  EXPECT_EQ(text_of(*expect_same(model.graph, simplify)),
            "%0 = input() {\"x\"} : float32[4]\n"
            "%1 = input() {\"unread\"} : float32[4]\n"
            "%2 = lookup(%0) {mul(add(%0[i0], %0[i0]), 3)} : float32[4]\n"
            "return \"y0\" = %2\n");
}

TEST(Simplify, LookupsOfNothingAreConstants) {
  ModelWriter model;
  ExprBuilder e;
  const Ref twice = e.binary(ScalarOp::kMul, e.index(0), number(e, 2));
  Value* y = model.graph.value(ir::Lookup{e.finish(e.cast(twice, DType::kF32)), {3}, {}}, {});
  model.output(model.binary(ScalarOp::kAdd, model.input("x", {3}), y));
  EXPECT_EQ(count_kinds(*expect_same(model.graph, simplify)).count("lookup"), 0);
}

}  // namespace
}  // namespace dovetail::passes
