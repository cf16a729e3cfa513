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

}  // namespace
}  // namespace dovetail::passes
