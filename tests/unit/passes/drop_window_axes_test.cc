#include "passes/drop_window_axes.h"

#include <gtest/gtest.h>

#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Value;

ir::Contract contract(std::vector<int64_t> kernel) {
  const std::vector<int64_t> ones(kernel.size(), 1);
  const std::vector<Dim> none(kernel.size(), Dim(0));
  ir::Contract op;
  op.window = {std::move(kernel), ones, ones, none, none};
  return op;
}

TEST(DropWindowAxes, OfOnePixelAndOneTap) {
  ModelWriter model;
  Value* x = model.input("x", {2, 9, 1, 3});
  model.output(model.graph.value(contract({5, 1}), {x, model.param("w", {5, 1, 3, 4})}));
  EXPECT_EQ(text_of(*expect_same(model.graph, drop_window_axes)),
            "%0 = input() {\"x\"} : float32[2,9,1,3]\n"
            "%1 = param() {\"w\"} : float32[5,1,3,4]\n"
            "%2 = reshape(%0) {[2,9,3]} : float32[2,9,3]\n"
            "%3 = reshape(%1) {[5,3,4]} : float32[5,3,4]\n"
            "%4 = contract(%2, %3) {batch=0, groups=1, kernel=[5], strides=[1], dilations=[1], "
            "pad_lo=[0], pad_hi=[0]} : float32[2,5,4]\n"
            "%5 = reshape(%4) {[2,5,1,4]} : float32[2,5,1,4]\n"
            "return \"y0\" = %5\n");
}

TEST(DropWindowAxes, KeepsAxesOfSeveralPixelsAndTheLastOne) {
  ModelWriter model;
  Value* wide = model.input("wide", {2, 9, 2, 3});
  Value* single = model.input("single", {2, 1, 1, 3});
  model.output(model.graph.value(contract({5, 1}), {wide, model.param("w", {5, 1, 3, 4})}));
  model.output(model.graph.value(contract({1, 1}), {single, model.param("v", {1, 1, 3, 4})}));
  EXPECT_EQ(text_of(*expect_same(model.graph, drop_window_axes)), text_of(model.graph));
}

}  // namespace
}  // namespace dovetail::passes
