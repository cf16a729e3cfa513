#include "passes/simplify.h"

#include <gtest/gtest.h>

#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Value;

std::string simplified(const ModelWriter& model,
                       const std::map<std::string, int64_t>& symbols = {}) {
  return text_of(*expect_same(model.graph, simplify, 0, symbols));
}

TEST(Simplify, JoinsPermutesAndDropsThoseThatCancel) {
  ModelWriter model;
  Value* x = model.input("x", {2, 3, 5, 7});
  model.output(model.permute(model.permute(x, {0, 2, 3, 1}), {0, 3, 1, 2}));
  model.output(model.permute(model.permute(x, {0, 2, 3, 1}), {1, 0, 2, 3}));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"x\"} : float32[2,3,5,7]\n"
            "%1 = permute(%0) {[2, 0, 3, 1]} : float32[5,2,7,3]\n"
            "return \"y0\" = %0, \"y1\" = %1\n");
}

TEST(Simplify, PermutesOfExtentsOfOneBecomeReshapes) {
  ModelWriter model;
  Value* x = model.input("x", {Dim::symbol("n"), 1, 1, 8});
  Value* y = model.permute(x, {0, 3, 1, 2});
  model.output(model.reshape(y, {Dim::symbol("n"), 8}));
  EXPECT_EQ(simplified(model, {{"n", 3}}),
            "%0 = input() {\"x\"} : float32[n,1,1,8]\n"
            "%1 = reshape(%0) {[n,8]} : float32[n,8]\n"
            "return \"y0\" = %1\n");
}

TEST(Simplify, JoinsSlicesWithTheirSteps) {
  ModelWriter model;
  Value* x = model.input("x", {20});
  Value* y = model.graph.value(ir::Slice{{2}, {3}, {6}}, {x});
  model.output(model.graph.value(ir::Slice{{5}, {-2}, {3}}, {y}));
  model.output(model.graph.value(ir::Slice{{0}, {1}, {20}}, {x}));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"x\"} : float32[20]\n"
            "%1 = slice(%0) {starts=[17], steps=[-6], extents=[3]} : float32[3]\n"
            "return \"y0\" = %1, \"y1\" = %0\n");
}

TEST(Simplify, ScalarConstantsMoveIntoExpressions) {
  ModelWriter model;
  Value* x = model.input("x", {4, 5});
  model.output(model.binary(ScalarOp::kMin, model.binary(ScalarOp::kMax, x, model.scalar(0)),
                            model.scalar(6)));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"x\"} : float32[4,5]\n"
            "%1 = elementwise(%0) {max(%0, 0)} : float32[4,5]\n"
            "%2 = elementwise(%1) {min(%0, 6)} : float32[4,5]\n"
            "return \"y0\" = %2\n");
}

TEST(Simplify, DropsWhatChangesNothingButKeepsTheSignOfZero) {
  ModelWriter model;
  Value* x = model.input("x", {3});
  model.output(model.binary(ScalarOp::kMul, model.scalar(1), x));
  model.output(model.binary(ScalarOp::kAdd, x, model.scalar(-0.0)));
  model.output(model.binary(ScalarOp::kSub, x, model.scalar(0)));
  model.output(model.binary(ScalarOp::kAdd, x, model.scalar(0)));
  model.output(model.binary(ScalarOp::kDiv, x, model.scalar(8)));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"x\"} : float32[3]\n"
            "%1 = elementwise(%0) {add(%0, 0)} : float32[3]\n"
            "%2 = elementwise(%0) {mul(%0, 0.125)} : float32[3]\n"
            "return \"y0\" = %0, \"y1\" = %0, \"y2\" = %0, \"y3\" = %1, \"y4\" = %2\n");
}

TEST(Simplify, EqualNodesAndOperandsBecomeOne) {
  ModelWriter model;
  Value* x = model.input("x", {3});
  Value* a = model.unary(ScalarOp::kExp, x);
  Value* b = model.unary(ScalarOp::kExp, x);
  model.output(model.binary(ScalarOp::kMul, a, b));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"x\"} : float32[3]\n"
            "%1 = elementwise(%0) {exp(%0)} : float32[3]\n"
            "%2 = elementwise(%1) {mul(%0, %0)} : float32[3]\n"
            "return \"y0\" = %2\n");
}

TEST(Simplify, FoldsConstantsButNotParams) {
  ModelWriter model;
  Value* two = model.graph.constant(ir::TensorData::of(DType::kF32, {2}, std::vector<float>{2, 3}));
  model.output(model.binary(ScalarOp::kMul, two, two));
  model.output(model.unary(ScalarOp::kNeg, model.param("w", {2})));
  EXPECT_EQ(simplified(model),
            "%0 = constant() {4, 9} : float32[2]\n"
            "%1 = param() {\"w\"} : float32[2]\n"
            "%2 = elementwise(%1) {neg(%0)} : float32[2]\n"
            "return \"y0\" = %0, \"y1\" = %2\n");
}

TEST(Simplify, KnownContentsOfLoadableParamsStay) {
  ModelWriter model;
  const auto ints = [](int64_t a, int64_t b) {
    return ir::TensorData::of(DType::kI64, {2}, std::vector<int64_t>{a, b});
  };
  for (const char* name : {"loadable", "frozen"}) {
    Value* param = model.graph.param(name, ints(1, 2));
    param->elements = std::vector<Dim>{1, 2};
    model.output(model.binary(ScalarOp::kAdd, param, param));
  }
  model.graph.frozen["frozen"] = ints(1, 2);
  const std::string text = simplified(model);
  EXPECT_NE(text.find("constant() {2, 4}"), std::string::npos) << text;
  EXPECT_NE(text.find("param() {\"loadable\"}"), std::string::npos) << text;
  EXPECT_EQ(text.find("param() {\"frozen\"}"), std::string::npos) << text;
}

TEST(Simplify, FlattensConcatsAndSlicesOfThem) {
  ModelWriter model;
  Value* a = model.input("a", {2, 3});
  Value* b = model.input("b", {2, 4});
  Value* c = model.input("c", {2, 5});
  Value* whole = model.concat({model.concat({a, b}, 1), c}, 1);
  model.output(whole);
  model.output(model.graph.value(ir::Slice{{0, 3}, {1, 1}, {2, 4}}, {whole}));
  EXPECT_EQ(simplified(model),
            "%0 = input() {\"a\"} : float32[2,3]\n"
            "%1 = input() {\"b\"} : float32[2,4]\n"
            "%2 = input() {\"c\"} : float32[2,5]\n"
            "%3 = concat(%0, %1, %2) {axis=1} : float32[2,12]\n"
            "return \"y0\" = %3, \"y1\" = %1\n");
}

TEST(Simplify, GathersOfRangesBecomeSlices) {
  ModelWriter model;
  Value* x = model.input("x", {Dim::symbol("n"), 6});
  Value* odd = model.graph.constant_ints({1, 3, 5});
  Value* last = model.graph.constant(ir::TensorData::of(DType::kI64, {}, std::vector<int64_t>{-1}));
  model.output(model.graph.value(ir::Gather{1}, {x, odd}));
  model.output(model.graph.value(ir::Gather{1}, {x, last}));
  EXPECT_EQ(simplified(model, {{"n", 2}}),
            "%0 = input() {\"x\"} : float32[n,6]\n"
            "%1 = slice(%0) {starts=[0, 1], steps=[1, 2], extents=[n, 3]} : float32[n,3]\n"
            "%2 = slice(%0) {starts=[0, 5], steps=[1, 1], extents=[n, 1]} : float32[n,1]\n"
            "%3 = reshape(%2) {[n]} : float32[n]\n"
            "return \"y0\" = %1, \"y1\" = %3\n");
}

TEST(Simplify, ZeroBordersBelongToTheWindow) {
  ModelWriter model;
  Value* x = model.input("x", {1, 5, 6, 3});
  Value* padded = model.graph.value(ir::Pad{{0, 1, 0, 0}, {0, 2, 1, 0}, 0}, {x});
  ir::Contract op;
  op.window = {{3, 3}, {1, 1}, {1, 1}, {0, 1}, {0, 1}};
  model.output(model.graph.value(op, {padded, model.param("w", {3, 3, 3, 4})}));
  const std::string text = simplified(model);
  EXPECT_NE(text.find("pad_lo=[1, 1], pad_hi=[2, 2]"), std::string::npos) << text;
  EXPECT_EQ(text.find("= pad("), std::string::npos) << text;
}

TEST(Simplify, KeepsOriginsOfEqualNodes) {
  ModelWriter model;
  Value* x = model.input("x", {3});
  model.graph.set_origin("first");
  Value* a = model.unary(ScalarOp::kExp, x);
  model.graph.set_origin("second");
  Value* b = model.unary(ScalarOp::kExp, x);
  model.output(a);
  model.output(b);
  simplify(model.graph);
  EXPECT_EQ(model.graph.outputs[0], model.graph.outputs[1]);
  EXPECT_EQ(model.graph.outputs[0]->node->origins, (std::vector<std::string>{"first", "second"}));
}

}  // namespace
}  // namespace dovetail::passes
