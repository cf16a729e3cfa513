#include "passes/fuse.h"

#include <gtest/gtest.h>

#include "passes/channels_last.h"
#include "passes/fold_weights.h"
#include "passes/simplify.h"
#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::ScalarOp;
using ir::Value;

// Blocks of a residual network: the first one's shortcut is a convolution of stride 2, a window;
// the others are plain matrix products. Every sum goes into one of its contractions.
TEST(Fuse, SumsOfWindowsAndMatrixProductsAreEpilogues) {
  ModelWriter model;
  Value* x = model.input("x", {1, 16, 8, 6});
  Value* small = model.max_pool(x, 2, 2);
  Value* y = model.conv(small, {.name = "a", .channels = 32});
  Value* shortcut = model.conv(x, {.name = "shortcut", .channels = 32, .stride = 2});
  y = model.relu(model.binary(ScalarOp::kAdd, y, shortcut));
  for (const char* name : {"b", "c"}) {
    Value* next = model.conv(y, {.name = name, .channels = 32});
    y = model.relu(model.binary(ScalarOp::kAdd, next, y));
  }
  model.output(y);
  channels_last(model.graph);
  simplify(model.graph);
  fold_weights(model.graph);
  simplify(model.graph);
  const auto kinds = count_kinds(*expect_same(model.graph, fuse, 1e-6));
  EXPECT_EQ(kinds.at("contract"), 4);
  EXPECT_EQ(kinds.count("elementwise"), 0);
}

// Squeeze and excitation with a shortcut: y + y * gate, where the contraction y is read twice. The
// gate of a batch of any size broadcasts over images, not over the rows of a matrix, so that the
// product stays outside the contraction's view, and the sum with it.
TEST(Fuse, ASumStaysWithAProductOutsideOfAViewThatOthersRead) {
  const ir::Dim n = ir::Dim::symbol("n");
  ModelWriter model;
  Value* x = model.input("x", {n * ir::Dim(48), 16});
  Value* gate = model.input("gate", {n, 1, 1, 32});
  Value* more = model.input("more", {n, 8, 6, 32});
  Value* y = model.reshape(model.linear(x, "y", 32), {n, 8, 6, 32});
  Value* sum = model.binary(ScalarOp::kAdd, y, model.binary(ScalarOp::kMul, y, gate));
  model.output(model.binary(ScalarOp::kAdd, sum, more));
  const auto kinds = count_kinds(*expect_same(model.graph, fuse, 1e-6, {{"n", 3}}));
  EXPECT_EQ(kinds.at("contract"), 1);
  EXPECT_EQ(kinds.at("elementwise"), 1);
}

}  // namespace
}  // namespace dovetail::passes
