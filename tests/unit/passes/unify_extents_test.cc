#include "passes/unify_extents.h"

#include <gtest/gtest.h>

#include "passes/simplify.h"
#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Value;

const Dim n = Dim::symbol("n");

Dim taken(int64_t step) { return ir::ceildiv(n, Dim(step)); }

Value* every(ModelWriter& model, Value* x, int64_t step) {
  return model.graph.value(ir::Slice{{0}, {step}, {taken(step)}}, {x});
}

// Every second element plus every fourth one, each taken twice: levels of a pyramid that meet
// where n is 4 k or 4 k - 1.
void levels(ModelWriter& model) {
  Value* x = model.input("x", {n});
  Value* fine = every(model, x, 2);
  const Dim coarse = taken(4);
  Value* column = model.reshape(every(model, x, 4), {coarse, 1});
  Value* merged = model.reshape(model.concat({column, column}, 1), {coarse * 2});
  model.graph.checks.push_back({coarse * 2, taken(2), "levels", {}});
  model.output(model.binary(ir::ScalarOp::kAdd, fine, model.reshape(merged, fine->shape())));
}

TEST(UnifyExtents, WhatIsCheckedToBeEqualIsOneExpression) {
  ModelWriter model;
  levels(model);
  for (const int64_t extent : {3, 4, 16, 31}) {
    expect_same(model.graph, unify_extents, 0, {{"n", extent}});
  }
  const auto unified = expect_same(model.graph, unify_extents, 0, {{"n", 8}});
  EXPECT_EQ(unified->outputs[0]->shape(), ir::Shape{taken(4) * 2});
  EXPECT_EQ(unified->checks[0].b, taken(2));  // it is still made
  simplify(*unified);
  EXPECT_EQ(count_kinds(*unified).at("reshape"), 2);  // one merges, one says that levels meet
}

TEST(UnifyExtents, WhatANodeDefinesStaysWhereItIsKnown) {
  ModelWriter model;
  Value* x = model.input("x", {n});
  Value* k = model.graph.input("k", {ir::DType::kI64, {}});
  Value* half = every(model, x, 2);
  model.graph.symbols["k"] = {0, 100};
  model.graph.add(ir::Measure{{"k"}}, {k});
  model.graph.checks.push_back({taken(2), Dim::symbol("k"), "lengths", {}});
  model.output(model.relu(half));
  const std::string before = text_of(model.graph);
  unify_extents(model.graph);
  EXPECT_EQ(text_of(model.graph), before);
}

}  // namespace
}  // namespace dovetail::passes
