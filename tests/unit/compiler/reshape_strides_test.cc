#include <gtest/gtest.h>

#include "compiler/place.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Shape;
using Strides = std::vector<Dim>;

TEST(ReshapeStrides, CompactTensorsCanBeReshapedAtWill) {
  EXPECT_EQ(reshape_strides({2, 3, 4}, {12, 4, 1}, {6, 4}), (Strides{4, 1}));
  EXPECT_EQ(reshape_strides({6, 4}, {4, 1}, {2, 3, 4}), (Strides{12, 4, 1}));
  EXPECT_EQ(reshape_strides({4, 6}, {6, 1}, {3, 8}), (Strides{8, 1}));
}

TEST(ReshapeStrides, PaddedRowsMergeOutsideOfTheRowOnly) {
  EXPECT_EQ(reshape_strides({2, 5, 7, 64}, {2800, 560, 80, 1}, {70, 64}), (Strides{80, 1}));
  EXPECT_EQ(reshape_strides({2, 5, 64}, {400, 80, 1}, {2, 320}), std::nullopt);
}

TEST(ReshapeStrides, ExtentsOfOneDoNotMatter) {
  EXPECT_EQ(reshape_strides({2, 1, 3}, {3, 99, 1}, {6}), (Strides{1}));
  EXPECT_EQ(reshape_strides({5, 1}, {1, 7}, {1, 5, 1, 1}), (Strides{1, 1, 1, 1}));
  EXPECT_TRUE(reshape_strides({1, 1}, {4, 4}, {}).has_value());
}

TEST(ReshapeStrides, SymbolicExtentsSplitWhereTheyStand) {
  const Dim batch = Dim::symbol("batch");
  EXPECT_EQ(reshape_strides({batch, 7, 7, 32}, {1568, 224, 32, 1}, {batch * 49, 32}),
            (Strides{32, 1}));
  EXPECT_EQ(reshape_strides({batch * 49, 32}, {32, 1}, {batch, 7, 7, 32}),
            (Strides{1568, 224, 32, 1}));
}

TEST(ReshapeStrides, PermutedTensorsAreNoView) {
  EXPECT_EQ(reshape_strides({3, 4}, {1, 3}, {12}), std::nullopt);
}

}  // namespace
}  // namespace dovetail::compiler
