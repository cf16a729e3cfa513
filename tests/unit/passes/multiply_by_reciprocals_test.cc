#include "passes/multiply_by_reciprocals.h"

#include <gtest/gtest.h>

#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::ScalarOp;
using ir::Value;

std::string rewritten(const ModelWriter& model) {
  return text_of(*expect_same(model.graph, multiply_by_reciprocals, 1e-6));
}

TEST(MultiplyByReciprocals, OfParamsThatRepeat) {
  ModelWriter model;
  Value* x = model.input("x", {4, 5});
  model.output(model.binary(ScalarOp::kDiv, x, model.param("p", {1, 5}, 1)));
  EXPECT_EQ(rewritten(model),
            "%0 = input() {\"x\"} : float32[4,5]\n"
            "%1 = param() {\"p\"} : float32[1,5]\n"
            "%2 = elementwise(%1) {reciprocal(%0)} : float32[1,5]\n"
            "%3 = elementwise(%0, %2) {mul(%0, %1)} : float32[4,5]\n"
            "return \"y0\" = %3\n");
}

TEST(MultiplyByReciprocals, NotOfActivationsNorWhereTheQuotientIsRounded) {
  ModelWriter model;
  Value* x = model.input("x", {4, 5});
  Value* p = model.param("p", {1, 5}, 1);
  model.output(model.binary(ScalarOp::kDiv, p, x));
  model.output(model.binary(ScalarOp::kDiv, x, model.reduce(ir::ReduceKind::kMax, x, {1})));
  model.output(model.binary(ScalarOp::kDiv, x, model.param("whole", {4, 5}, 1)));
  model.output(model.unary(ScalarOp::kRoundEven, model.binary(ScalarOp::kDiv, x, p)));
  EXPECT_EQ(rewritten(model), text_of(model.graph));
}

}  // namespace
}  // namespace dovetail::passes
