#include "passes/winograd.h"

#include <gtest/gtest.h>

#include "passes/channels_last.h"
#include "passes/pack.h"
#include "passes/simplify.h"
#include "unit/passes/model_writer.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Value;

void with_large_tiles(ir::Graph& graph) { winograd(graph, 4); }

// The tile of the only convolution of `columns` output channels, given x (N,C,H,W).
int tile_of(ir::Shape x, const ModelWriter::Conv& conv, int largest_tile = 4) {
  ModelWriter model;
  model.output(model.conv(model.input("x", std::move(x)), conv));
  channels_last(model.graph);
  simplify(model.graph);
  winograd(model.graph, largest_tile);
  verify(model.graph);
  int tile = -1;
  for (const auto& node : model.graph.nodes()) {
    const auto* contract = node->as<ir::Contract>();
    if (contract && contract->window.rank() == 2) tile = contract->winograd;
  }
  return tile;
}

TEST(Winograd, LargeTilesOfLargeImages) {
  EXPECT_EQ(tile_of({1, 64, 56, 56}, {.name = "c", .channels = 64, .kernel = 3, .pad = 1}), 4);
  EXPECT_EQ(tile_of({1, 256, 28, 28}, {.name = "c", .channels = 256, .kernel = 3, .pad = 1}), 4);
  EXPECT_EQ(tile_of({2, 16, 18, 18}, {.name = "c", .channels = 32, .kernel = 3}), 4);
}

TEST(Winograd, SmallImagesAreBoundByTheirWeights) {
  EXPECT_EQ(tile_of({1, 64, 7, 7}, {.name = "c", .channels = 64, .kernel = 3, .pad = 1}), 4);
  EXPECT_EQ(tile_of({1, 512, 14, 14}, {.name = "c", .channels = 512, .kernel = 3, .pad = 1}), 2);
  EXPECT_EQ(tile_of({1, 512, 7, 7}, {.name = "c", .channels = 512, .kernel = 3, .pad = 1}), 0);
  EXPECT_EQ(tile_of({8, 512, 7, 7}, {.name = "c", .channels = 512, .kernel = 3, .pad = 1}), 4);
}

TEST(Winograd, OptionsBoundTheTile) {
  const ModelWriter::Conv conv{.name = "c", .channels = 64, .kernel = 3, .pad = 1};
  EXPECT_EQ(tile_of({1, 64, 56, 56}, conv, 2), 2);
  EXPECT_EQ(tile_of({1, 64, 56, 56}, conv, 0), 0);
}

TEST(Winograd, SymbolicImagesCountAsLarge) {
  const ir::Shape x{Dim::symbol("n"), 32, Dim::symbol("h"), Dim::symbol("w")};
  EXPECT_EQ(tile_of(x, {.name = "c", .channels = 32, .kernel = 3, .pad = 1}), 4);
}

TEST(Winograd, WindowsWithFewProductsToSaveStayDirect) {
  EXPECT_EQ(tile_of({1, 64, 28, 28}, {.name = "c", .channels = 64, .kernel = 5, .pad = 2}), 0);
  EXPECT_EQ(tile_of({1, 64, 28, 28}, {.name = "c", .channels = 64, .kernel = 1}), 0);
  EXPECT_EQ(
      tile_of({1, 64, 28, 28}, {.name = "c", .channels = 64, .kernel = 3, .stride = 2, .pad = 1}),
      0);
  EXPECT_EQ(
      tile_of({1, 64, 28, 28}, {.name = "c", .channels = 64, .kernel = 3, .pad = 1, .groups = 2}),
      0);
  EXPECT_EQ(tile_of({1, 3, 224, 224}, {.name = "c", .channels = 64, .kernel = 3, .pad = 1}), 0);
  EXPECT_EQ(tile_of({1, 64, 28, 28}, {.name = "c", .channels = 4, .kernel = 3, .pad = 1}), 0);
  EXPECT_EQ(tile_of({1, 64, 2, 2}, {.name = "c", .channels = 64, .kernel = 3, .pad = 1}), 0);
  EXPECT_EQ(tile_of({1, 64, 3, 3}, {.name = "c", .channels = 64, .kernel = 3}), 0);
}

TEST(Winograd, DilatedWindowsAreSplitIntoPhases) {
  const ModelWriter::Conv conv{.name = "c", .channels = 64, .kernel = 3, .pad = 2, .dilation = 2};
  EXPECT_EQ(tile_of({1, 64, 56, 56}, conv), 4);
  EXPECT_EQ(tile_of({1, 64, 6, 1}, conv), 0);
  ModelWriter model;
  model.output(model.conv(model.input("x", {1, 16, 29, 21}), conv));
  channels_last(model.graph);
  simplify(model.graph);
  EXPECT_EQ(count_kinds(*expect_same(model.graph, with_large_tiles, 1e-6)).at("concat"), 1);
}

TEST(Winograd, ComputesTheSame) {
  ModelWriter model;
  Value* x = model.input("x", {2, 16, 11, 9});
  Value* y = model.conv(x, {.name = "a", .channels = 32, .kernel = 3, .pad = 1});
  model.output(model.conv(y, {.name = "b", .channels = 20, .kernel = 3}));
  channels_last(model.graph);
  simplify(model.graph);
  expect_same(model.graph, with_large_tiles, 1e-6);
}

TEST(Winograd, TransformedWeightsArePacked) {
  ModelWriter model;
  Value* x = model.input("x", {1, 16, 34, 34});
  model.output(model.conv(x, {.name = "c", .channels = 40, .kernel = 3, .bias = false}));
  channels_last(model.graph);
  simplify(model.graph);
  winograd(model.graph, 4);
  pack(model.graph, 32);
  for (const auto& node : model.graph.nodes()) {
    const auto* contract = node->as<ir::Contract>();
    if (!contract || contract->winograd == 0) continue;
    EXPECT_EQ(ir::to_string(node->operands[1]->type), "float32[2,6,6,16,32]");
    return;
  }
  FAIL() << "no convolution by Winograd tiles";
}

}  // namespace
}  // namespace dovetail::passes
